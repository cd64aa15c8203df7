"""Let conversations come from channels: each message once by its id, the newest word, and what was asked for."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import profiles.tenancy
from profiles.tenancy import InEachOrganization, Secure

# What programs told so far, in the new columns.
KNOWN = """
UPDATE attribution_conversation
   SET labels = tags, status = CASE WHEN ended_at IS NULL THEN 'open' ELSE 'closed' END
 WHERE tags <> '{}' OR ended_at IS NOT NULL
"""


class Migration(migrations.Migration):
    dependencies = [
        ("attribution", "0004_intents_and_store_alerts"),
        ("orders", "0019_sources_of_conversations"),
        ("profiles", "0014_settle_payouts"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="conversation",
            name="conversation_unique",
        ),
        migrations.RemoveConstraint(
            model_name="message",
            name="message_unique",
        ),
        migrations.AddField(
            model_name="conversation",
            name="channel",
            field=profiles.tenancy.TenantForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                help_text="None where a program tells of it.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="conversations",
                to="orders.channel",
            ),
        ),
        migrations.AddField(
            model_name="conversation",
            name="enquiries",
            field=models.JSONField(
                blank=True, db_default=[], default=list, help_text="What was asked for, and how it is known."
            ),
        ),
        migrations.AddField(
            model_name="conversation",
            name="labels",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(),
                blank=True,
                db_default=[],
                default=list,
                help_text="As the source tags it.",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="conversation",
            name="status",
            field=models.CharField(
                choices=[("open", "Open"), ("snoozed", "Snoozed"), ("closed", "Closed")],
                db_default="open",
                default="open",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="conversation",
            name="words",
            field=models.JSONField(
                blank=True, db_default={}, default=dict, help_text="The newest word for each thing, see words.py."
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="enquiries",
            field=models.JSONField(blank=True, db_default=[], default=list, help_text="What it asks for."),
        ),
        migrations.AddField(
            model_name="message",
            name="external_id",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="The source's own id.", max_length=255
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="version",
            field=models.DateTimeField(help_text="Of two words about one message the newer stands.", null=True),
        ),
        migrations.AlterField(
            model_name="conversation",
            name="tags",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(), blank=True, default=list, help_text="What was asked for.", size=None
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(fields=["organization", "external_id"], name="conversation_named"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["organization", "conversation", "at"], name="message_of_conversation"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("text", ""), _negated=True), fields=["organization", "at"], name="message_with_text"
            ),
        ),
        migrations.AddConstraint(
            model_name="conversation",
            constraint=models.UniqueConstraint(
                fields=("organization", "channel", "external_id"), name="conversation_unique", nulls_distinct=False
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(
                condition=models.Q(("external_id", "")),
                fields=("organization", "conversation", "at", "by", "text_hash"),
                name="message_unique",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(
                condition=models.Q(("external_id", ""), _negated=True),
                fields=("organization", "conversation", "external_id"),
                name="message_unique_by_id",
            ),
        ),
        InEachOrganization(KNOWN),
        Secure("Conversation"),
    ]

"""Keep what mail services report of messages, who may not be written to, and which buyers were not reached."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import profiles.tenancy
from profiles.tenancy import InEachOrganization, Secure

# What was known to have come back before there were reports is one of them now; recent mail is looked after.
_BOUNCES = """
INSERT INTO fulfillment_emailevent (organization_id, email_id, provider, kind, at, key, words, settled_at)
SELECT organization_id, id, 'staff', 'bounced', bounced_at, 'staff:' || id, left(bounce, 2000), now()
  FROM fulfillment_email WHERE bounced_at IS NOT NULL
"""
_LOOK = """
INSERT INTO fulfillment_reach (organization_id, order_id, due_at, why, words, address, suggestion)
SELECT DISTINCT organization_id, order_id, now(), '', '', '', '' FROM fulfillment_email
 WHERE order_id IS NOT NULL AND template IN ('receipt', 'delivery') AND NOT never_send
   AND created_at > now() - interval '30 days'
"""


class Migration(migrations.Migration):
    dependencies = [
        ("fulfillment", "0005_workers_that_died"),
        ("orders", "0009_address_as_sent"),
        ("profiles", "0012_policies_of_an_organization"),
    ]

    operations = [
        migrations.CreateModel(
            name="EmailEcho",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.BinaryField(max_length=32)),
                ("provider", models.CharField(max_length=20)),
                ("kind", models.CharField(max_length=12)),
                ("at", models.DateTimeField()),
                ("key", models.CharField(max_length=64)),
                ("words", models.CharField(blank=True, default="", max_length=500)),
                (
                    "received_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), db_index=True),
                ),
            ],
        ),
        migrations.CreateModel(
            name="EmailEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "provider",
                    models.CharField(help_text="Who reported it; 'staff' for a person's word.", max_length=20),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("taken", "Taken over"),
                            ("delivered", "Delivered"),
                            ("opened", "Opened"),
                            ("clicked", "Clicked"),
                            ("deferred", "Put off"),
                            ("soft_bounced", "Not taken for now"),
                            ("bounced", "Bounced"),
                            ("rejected", "Not sent by the service"),
                            ("complained", "Complained about"),
                            ("unsubscribed", "Unsubscribed"),
                        ],
                        max_length=12,
                    ),
                ),
                ("at", models.DateTimeField(help_text="By the service's own time.")),
                ("key", models.CharField(help_text="The same for the same report.", max_length=64)),
                (
                    "words",
                    models.CharField(blank=True, default="", help_text="Addresses are left out.", max_length=2000),
                ),
                ("received_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("settled_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="EmailRoute",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("organization_id", models.BigIntegerField()),
                ("email_id", models.BigIntegerField(null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), db_index=True),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Reach",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_at", models.DateTimeField(null=True)),
                (
                    "why",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("bounced", "Came back"),
                            ("refused", "Refused"),
                            ("unknown", "No answer"),
                            ("waiting", "Not gone out"),
                            ("soft_bounced", "Not taken for now"),
                            ("silent", "No sign"),
                            ("not_fetched", "Not downloaded"),
                        ],
                        default="",
                        max_length=14,
                    ),
                ),
                ("words", models.TextField(blank=True, default="", help_text="What the mail server said.")),
                ("since", models.DateTimeField(null=True)),
                ("address", models.CharField(blank=True, default="", max_length=320)),
                (
                    "suggestion",
                    models.CharField(blank=True, default="", help_text="The address likely meant.", max_length=320),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "verbose_name": "buyer not reached",
                "verbose_name_plural": "buyers not reached",
            },
        ),
        migrations.CreateModel(
            name="Suppression",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address", models.CharField(help_text="Normalised.", max_length=320)),
                (
                    "reason",
                    models.CharField(
                        choices=[("complained", "Complained"), ("unsubscribed", "Unsubscribed"), ("staff", "Asked us")],
                        max_length=12,
                    ),
                ),
                ("since", models.DateTimeField()),
                ("lifted_at", models.DateTimeField(blank=True, null=True)),
                ("lifted_by", models.CharField(blank=True, default="", max_length=200)),
                ("lifted_because", models.TextField(blank=True, default="")),
            ],
        ),
        migrations.AddField(
            model_name="circuit",
            name="last_error_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="circuit",
            name="rested_because",
            field=models.TextField(blank=True, default=""),
        ),
        migrations.AddField(
            model_name="circuit",
            name="rested_by",
            field=models.CharField(blank=True, default="", max_length=200),
        ),
        migrations.AddField(
            model_name="circuit",
            name="rested_until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="circuit",
            name="strangers",
            field=models.BigIntegerField(
                db_default=0, default=0, help_text="Reports about messages that are not ours."
            ),
        ),
        migrations.AddField(
            model_name="email",
            name="complained_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="email",
            name="deferred_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="email",
            name="delivered_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="email",
            name="opened_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="email",
            name="soft_bounced_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="email",
            name="taken_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="email",
            name="unsubscribed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="email",
            name="bounced_at",
            field=models.DateTimeField(help_text="Came back, or was not sent by the service.", null=True),
        ),
        migrations.AddIndex(
            model_name="email",
            index=models.Index(
                condition=models.Q(("provider", ""), _negated=True),
                fields=["organization", "provider", "-done_at"],
                name="email_of_provider",
            ),
        ),
        migrations.AddIndex(
            model_name="email",
            index=models.Index(
                condition=models.Q(("bounced_at__isnull", False)), fields=["organization", "to"], name="email_came_back"
            ),
        ),
        migrations.AddConstraint(
            model_name="emailecho",
            constraint=models.UniqueConstraint(fields=("digest", "key"), name="emailecho_unique"),
        ),
        migrations.AddField(
            model_name="emailevent",
            name="email",
            field=profiles.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="events",
                to="fulfillment.email",
            ),
        ),
        migrations.AddField(
            model_name="emailevent",
            name="organization",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="profiles.organization",
            ),
        ),
        migrations.AddField(
            model_name="reach",
            name="email",
            field=profiles.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="fulfillment.email",
            ),
        ),
        migrations.AddField(
            model_name="reach",
            name="order",
            field=profiles.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="reaches",
                to="orders.order",
            ),
        ),
        migrations.AddField(
            model_name="reach",
            name="organization",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="profiles.organization",
            ),
        ),
        migrations.AddField(
            model_name="suppression",
            name="email",
            field=profiles.tenancy.TenantForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="fulfillment.email",
            ),
        ),
        migrations.AddField(
            model_name="suppression",
            name="organization",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="profiles.organization",
            ),
        ),
        migrations.AddIndex(
            model_name="emailevent",
            index=models.Index(fields=["organization", "email", "at"], name="emailevent_of_email"),
        ),
        migrations.AddIndex(
            model_name="emailevent",
            index=models.Index(
                condition=models.Q(("settled_at__isnull", True)),
                fields=["organization", "received_at"],
                name="emailevent_unsettled",
            ),
        ),
        migrations.AddConstraint(
            model_name="emailevent",
            constraint=models.UniqueConstraint(fields=("organization", "provider", "key"), name="emailevent_unique"),
        ),
        migrations.AddIndex(
            model_name="reach",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)), fields=["organization", "due_at"], name="reach_due"
            ),
        ),
        migrations.AddIndex(
            model_name="reach",
            index=models.Index(
                condition=models.Q(("why", ""), _negated=True),
                fields=["organization", "-since", "-id"],
                name="reach_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="reach",
            constraint=models.UniqueConstraint(fields=("organization", "order"), name="reach_unique"),
        ),
        migrations.AddIndex(
            model_name="suppression",
            index=models.Index(fields=["organization", "-since", "-id"], name="suppression_newest"),
        ),
        migrations.AddConstraint(
            model_name="suppression",
            constraint=models.UniqueConstraint(
                condition=models.Q(("lifted_at__isnull", True)),
                fields=("organization", "address", "reason"),
                name="suppression_unique",
            ),
        ),
        Secure("EmailEvent", "Suppression", "Reach"),
        InEachOrganization(_BOUNCES),
        InEachOrganization(_LOOK),
    ]

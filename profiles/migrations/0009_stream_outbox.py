"""The outbox of the event streams, the endpoints of outgoing webhooks, and what was sent to each."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import profiles.secrets
import profiles.tenancy


class Migration(migrations.Migration):
    dependencies = [
        ("profiles", "0008_customer_events"),
    ]

    operations = [
        migrations.CreateModel(
            name="StreamBacklog",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("organization_id", models.BigIntegerField(unique=True)),
                ("since", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="StreamCircuit",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("failures", models.IntegerField(default=0)),
                ("failing_since", models.DateTimeField(null=True)),
                ("retry_at", models.DateTimeField(null=True)),
                ("last_error", models.TextField(blank=True, default="")),
            ],
        ),
        migrations.CreateModel(
            name="WebhookRoute",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("organization_id", models.BigIntegerField(unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="StreamEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("topic", models.CharField(max_length=30)),
                ("type", models.CharField(max_length=60)),
                (
                    "subject",
                    models.CharField(help_text="What it is about, unique in its organization.", max_length=600),
                ),
                ("revision", models.IntegerField(help_text="How often this subject was told, beginning with 1.")),
                ("profile_id", models.BigIntegerField(null=True)),
                ("occurred_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("payload", models.TextField(help_text="JSON, as it is sent; empty once its time is over.")),
                ("digest", models.UUIDField(help_text="Of type, customer and payload: what is told is told once.")),
                ("published_at", models.DateTimeField(null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="profiles.organization",
                    ),
                ),
            ],
            options={
                "verbose_name": "event",
            },
        ),
        migrations.CreateModel(
            name="WebhookEndpoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("url", models.CharField(max_length=500)),
                (
                    "topics",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=30), size=None),
                ),
                ("secret", profiles.secrets.SecretField(editable=False)),
                ("former_secret", profiles.secrets.SecretField(blank=True, default="", editable=False)),
                ("former_secret_until", models.DateTimeField(editable=False, null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[("enabled", "Sending"), ("disabled", "Switched off")], default="enabled", max_length=8
                    ),
                ),
                ("disabled_at", models.DateTimeField(null=True)),
                (
                    "by_itself",
                    models.BooleanField(default=False, help_text="Switched off by us rather than by a person."),
                ),
                ("why", models.CharField(blank=True, default="", max_length=500)),
                ("failing_since", models.DateTimeField(help_text="Since when every try failed.", null=True)),
                ("rests_until", models.DateTimeField(help_text="It gave no answer: left alone until then.", null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="profiles.organization",
                    ),
                ),
            ],
            options={
                "verbose_name": "webhook endpoint",
            },
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Waiting"),
                            ("claimed", "Being sent"),
                            ("delivered", "Delivered"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("due_at", models.DateTimeField()),
                ("lease_until", models.DateTimeField(null=True)),
                ("attempts", models.SmallIntegerField(default=0)),
                ("tries", models.JSONField(default=list, help_text="Each attempt: at, status, ms, error, answer.")),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("done_at", models.DateTimeField(null=True)),
                (
                    "entry",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="profiles.streamentry",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="profiles.organization",
                    ),
                ),
                (
                    "endpoint",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="profiles.webhookendpoint",
                    ),
                ),
            ],
            options={
                "verbose_name": "webhook delivery",
                "verbose_name_plural": "webhook deliveries",
            },
        ),
        migrations.CreateModel(
            name="WebhookEndpointEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("name", models.CharField(max_length=100)),
                ("url", models.CharField(max_length=500)),
                (
                    "topics",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=30), size=None),
                ),
                ("former_secret_until", models.DateTimeField(editable=False, null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[("enabled", "Sending"), ("disabled", "Switched off")], default="enabled", max_length=8
                    ),
                ),
                ("disabled_at", models.DateTimeField(null=True)),
                (
                    "by_itself",
                    models.BooleanField(default=False, help_text="Switched off by us rather than by a person."),
                ),
                ("why", models.CharField(blank=True, default="", max_length=500)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        editable=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="profiles.organization",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="history",
                        to="profiles.webhookendpoint",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddIndex(
            model_name="streamentry",
            index=models.Index(
                condition=models.Q(("published_at__isnull", True)),
                fields=["organization", "id"],
                name="streamentry_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="streamentry",
            index=models.Index(
                condition=models.Q(("published_at__isnull", False), models.Q(("payload", ""), _negated=True)),
                fields=["organization", "published_at"],
                name="streamentry_kept",
            ),
        ),
        migrations.AddConstraint(
            model_name="streamentry",
            constraint=models.UniqueConstraint(
                fields=("organization", "topic", "subject", "revision"), name="streamentry_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.UniqueConstraint(fields=("organization", "url"), name="webhookendpoint_unique"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="webhookendpoint",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."by_itself" IS DISTINCT FROM (NEW."by_itself") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."disabled_at" IS DISTINCT FROM (NEW."disabled_at") OR OLD."former_secret_until" IS DISTINCT FROM (NEW."former_secret_until") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."state" IS DISTINCT FROM (NEW."state") OR OLD."topics" IS DISTINCT FROM (NEW."topics") OR OLD."url" IS DISTINCT FROM (NEW."url") OR OLD."why" IS DISTINCT FROM (NEW."why"))',
                    func='INSERT INTO "profiles_webhookendpointevent" ("by_itself", "created_at", "disabled_at", "former_secret_until", "id", "name", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "state", "topics", "url", "why") VALUES (NEW."by_itself", NEW."created_at", NEW."disabled_at", NEW."former_secret_until", NEW."id", NEW."name", NEW."organization_id", NOW(), \'update\', NEW."id", NEW."state", NEW."topics", NEW."url", NEW."why"); RETURN NULL;',
                    hash="44d200f4904e8f6671699daa571683821ba21244",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_9c19d",
                    table="profiles_webhookendpoint",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="webhookendpoint",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "profiles_webhookendpointevent" ("by_itself", "created_at", "disabled_at", "former_secret_until", "id", "name", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "state", "topics", "url", "why") VALUES (OLD."by_itself", OLD."created_at", OLD."disabled_at", OLD."former_secret_until", OLD."id", OLD."name", OLD."organization_id", NOW(), \'delete\', OLD."id", OLD."state", OLD."topics", OLD."url", OLD."why"); RETURN NULL;',
                    hash="81944ff741f4ce00b8fc3017a0200498e0460b50",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_bb610",
                    table="profiles_webhookendpoint",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(("state__in", ["queued", "claimed"])),
                fields=["organization", "endpoint", "state", "due_at"],
                name="webhookdelivery_due",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["organization", "-created_at", "-id"], name="webhookdelivery_newest"),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["organization", "state", "-created_at"], name="webhookdelivery_state"),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["organization", "entry"], name="webhookdelivery_of_entry"),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(("done_at__isnull", False)),
                fields=["organization", "done_at"],
                name="webhookdelivery_done",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.UniqueConstraint(
                fields=("organization", "endpoint", "entry"), name="webhookdelivery_unique"
            ),
        ),
        migrations.AddIndex(
            model_name="webhookendpointevent",
            index=models.Index(
                fields=["organization", "pgh_obj", "pgh_created_at"], name="webhookendpointevent_of_row"
            ),
        ),
        profiles.tenancy.Secure("StreamEntry", "WebhookEndpoint", "WebhookDelivery"),
        profiles.tenancy.Secure("WebhookEndpointEvent", references=False),
    ]

"""Keep what providers only named until their API has told it, and the code by which one asks whose address it is."""

import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import profiles.tenancy
from profiles.tenancy import Secure


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0013_payouts_and_the_ledger"),
        ("profiles", "0013_proofs_of_addresses"),
    ]

    operations = [
        migrations.CreateModel(
            name="Lookup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("thing", models.CharField(max_length=20)),
                ("external_id", models.CharField(max_length=255)),
                ("account", models.CharField(blank=True, default="", max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Waiting"),
                            ("claimed", "Being read"),
                            ("done", "Read"),
                            ("failed", "Could not be read"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("revision", models.IntegerField(default=1)),
                ("attempts", models.SmallIntegerField(default=0)),
                ("due_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("lease_until", models.DateTimeField(null=True)),
                ("last_error", models.TextField(blank=True, default="")),
                ("named_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("done_at", models.DateTimeField(null=True)),
            ],
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="channel",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="channel",
            name="delete_delete",
        ),
        migrations.AddField(
            model_name="channel",
            name="handshake_code",
            field=models.CharField(
                blank=True,
                default="",
                editable=False,
                help_text="What the provider asked to be told again.",
                max_length=64,
            ),
        ),
        migrations.AddField(
            model_name="channelevent",
            name="handshake_code",
            field=models.CharField(
                blank=True,
                default="",
                editable=False,
                help_text="What the provider asked to be told again.",
                max_length=64,
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="channel",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."built_in" IS DISTINCT FROM (NEW."built_in") OR OLD."calls_provider" IS DISTINCT FROM (NEW."calls_provider") OR OLD."connected_at" IS DISTINCT FROM (NEW."connected_at") OR OLD."currency" IS DISTINCT FROM (NEW."currency") OR OLD."domain" IS DISTINCT FROM (NEW."domain") OR OLD."domain_verified" IS DISTINCT FROM (NEW."domain_verified") OR OLD."former_secret_until" IS DISTINCT FROM (NEW."former_secret_until") OR OLD."handshake_code" IS DISTINCT FROM (NEW."handshake_code") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."key" IS DISTINCT FROM (NEW."key") OR OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."made_up" IS DISTINCT FROM (NEW."made_up") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."region" IS DISTINCT FROM (NEW."region") OR OLD."test" IS DISTINCT FROM (NEW."test"))',
                    func='INSERT INTO "orders_channelevent" ("built_in", "calls_provider", "connected_at", "currency", "domain", "domain_verified", "former_secret_until", "handshake_code", "id", "key", "kind", "made_up", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "region", "test") VALUES (NEW."built_in", NEW."calls_provider", NEW."connected_at", NEW."currency", NEW."domain", NEW."domain_verified", NEW."former_secret_until", NEW."handshake_code", NEW."id", NEW."key", NEW."kind", NEW."made_up", NEW."organization_id", NOW(), \'update\', NEW."id", NEW."region", NEW."test"); RETURN NULL;',
                    hash="a20a83b21013b9ebc6e001750b3e491563a9806a",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_36f3d",
                    table="orders_channel",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="channel",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "orders_channelevent" ("built_in", "calls_provider", "connected_at", "currency", "domain", "domain_verified", "former_secret_until", "handshake_code", "id", "key", "kind", "made_up", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "region", "test") VALUES (OLD."built_in", OLD."calls_provider", OLD."connected_at", OLD."currency", OLD."domain", OLD."domain_verified", OLD."former_secret_until", OLD."handshake_code", OLD."id", OLD."key", OLD."kind", OLD."made_up", OLD."organization_id", NOW(), \'delete\', OLD."id", OLD."region", OLD."test"); RETURN NULL;',
                    hash="14b0887f7720adadb0043b62d3a6832c8918a728",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_a9005",
                    table="orders_channel",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddField(
            model_name="lookup",
            name="channel",
            field=profiles.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="lookups",
                to="orders.channel",
            ),
        ),
        migrations.AddField(
            model_name="lookup",
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
            model_name="lookup",
            index=models.Index(
                condition=models.Q(("state__in", ["queued", "claimed"])),
                fields=["organization", "due_at"],
                name="lookup_due",
            ),
        ),
        migrations.AddIndex(
            model_name="lookup",
            index=models.Index(fields=["organization", "-named_at", "-id"], name="lookup_newest"),
        ),
        migrations.AddIndex(
            model_name="lookup",
            index=models.Index(
                condition=models.Q(("state", "failed")), fields=["organization", "named_at"], name="lookup_failed"
            ),
        ),
        migrations.AddConstraint(
            model_name="lookup",
            constraint=models.UniqueConstraint(
                fields=("organization", "channel", "thing", "external_id"), name="lookup_unique"
            ),
        ),
        Secure("Lookup"),
    ]

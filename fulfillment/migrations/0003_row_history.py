"""Keep what rows were before they changed, by triggers, behind the wall like every tenant's row."""

import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import profiles.tenancy


class Migration(migrations.Migration):
    dependencies = [
        ("fulfillment", "0002_wall_between_organizations"),
        ("orders", "0005_row_history"),
        ("profiles", "0005_row_history"),
    ]

    operations = [
        migrations.CreateModel(
            name="EntitlementEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("order", "Order"),
                            ("manual", "Granted by hand"),
                            ("coupon", "Coupon"),
                            ("reward", "Mission reward"),
                            ("bundle", "Bundle"),
                        ],
                        default="order",
                        max_length=8,
                    ),
                ),
                ("source_key", models.CharField(help_text="What grants it; each source grants once.", max_length=80)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending_claim", "Waiting to be claimed"),
                            ("active", "Active"),
                            ("suspended", "Suspended"),
                            ("revoked", "Revoked"),
                            ("expired", "Expired"),
                        ],
                        max_length=14,
                    ),
                ),
                (
                    "because",
                    models.CharField(blank=True, default="", help_text="Why the status is what it is.", max_length=300),
                ),
                (
                    "decision",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "By the facts"),
                            ("revoked", "Revoked by a person"),
                            ("granted", "Kept by a person"),
                        ],
                        default="",
                        max_length=8,
                    ),
                ),
                ("decision_reason", models.TextField(blank=True, default="")),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "abstract": False,
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="entitlement",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "fulfillment_entitlementevent" ("because", "created_at", "decision", "decision_reason", "expires_at", "id", "line_id", "order_id", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "product_id", "profile_id", "source", "source_key", "status") VALUES (NEW."because", NEW."created_at", NEW."decision", NEW."decision_reason", NEW."expires_at", NEW."id", NEW."line_id", NEW."order_id", NEW."organization_id", NOW(), \'update\', NEW."id", NEW."product_id", NEW."profile_id", NEW."source", NEW."source_key", NEW."status"); RETURN NULL;',
                    hash="d46f5008946ca56414d894d45aa0b1e8bef01fd7",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_80c68",
                    table="fulfillment_entitlement",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="entitlement",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "fulfillment_entitlementevent" ("because", "created_at", "decision", "decision_reason", "expires_at", "id", "line_id", "order_id", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "product_id", "profile_id", "source", "source_key", "status") VALUES (OLD."because", OLD."created_at", OLD."decision", OLD."decision_reason", OLD."expires_at", OLD."id", OLD."line_id", OLD."order_id", OLD."organization_id", NOW(), \'delete\', OLD."id", OLD."product_id", OLD."profile_id", OLD."source", OLD."source_key", OLD."status"); RETURN NULL;',
                    hash="0154110288d80986d5b67ffb8b8b954d3d5f1eec",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_d8582",
                    table="fulfillment_entitlement",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddField(
            model_name="entitlementevent",
            name="line",
            field=profiles.tenancy.TenantForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="orders.line",
            ),
        ),
        migrations.AddField(
            model_name="entitlementevent",
            name="order",
            field=profiles.tenancy.TenantForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="orders.order",
            ),
        ),
        migrations.AddField(
            model_name="entitlementevent",
            name="organization",
            field=models.ForeignKey(
                db_constraint=False,
                editable=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="profiles.organization",
            ),
        ),
        migrations.AddField(
            model_name="entitlementevent",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="history",
                to="fulfillment.entitlement",
            ),
        ),
        migrations.AddField(
            model_name="entitlementevent",
            name="product",
            field=profiles.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="orders.product",
            ),
        ),
        migrations.AddField(
            model_name="entitlementevent",
            name="profile",
            field=profiles.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="profiles.profile",
            ),
        ),
        migrations.AddIndex(
            model_name="entitlementevent",
            index=models.Index(fields=["organization", "pgh_obj", "pgh_created_at"], name="entitlementevent_of_row"),
        ),
        profiles.tenancy.Secure("EntitlementEvent", references=False),
    ]

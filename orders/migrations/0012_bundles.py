"""Say what bundles are made of."""

import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import profiles.tenancy
from profiles.tenancy import Secure


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0011_locale_of_an_order"),
        ("profiles", "0013_proofs_of_addresses"),
    ]

    operations = [
        migrations.CreateModel(
            name="BundleItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "bundle",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="orders.product",
                    ),
                ),
                (
                    "component",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="part_of",
                        to="orders.product",
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
            ],
        ),
        migrations.CreateModel(
            name="BundleItemEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "bundle",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="orders.product",
                    ),
                ),
                (
                    "component",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="orders.product",
                    ),
                ),
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
                        to="orders.bundleitem",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddIndex(
            model_name="bundleitem",
            index=models.Index(fields=["organization", "component"], name="bundleitem_of_component"),
        ),
        migrations.AddConstraint(
            model_name="bundleitem",
            constraint=models.UniqueConstraint(
                fields=("organization", "bundle", "component"), name="bundleitem_unique"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="bundleitem",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "orders_bundleitemevent" ("bundle_id", "component_id", "created_at", "id", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."bundle_id", NEW."component_id", NEW."created_at", NEW."id", NEW."organization_id", NOW(), \'update\', NEW."id"); RETURN NULL;',
                    hash="8d38d0847ee453b1895a7470f399afbcd85efe38",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_3d7a3",
                    table="orders_bundleitem",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="bundleitem",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "orders_bundleitemevent" ("bundle_id", "component_id", "created_at", "id", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (OLD."bundle_id", OLD."component_id", OLD."created_at", OLD."id", OLD."organization_id", NOW(), \'delete\', OLD."id"); RETURN NULL;',
                    hash="1e4d140a8fece602ccc7e8e4c43dffe06430da5e",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_73735",
                    table="orders_bundleitem",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="bundleitemevent",
            index=models.Index(fields=["organization", "pgh_obj", "pgh_created_at"], name="bundleitemevent_of_row"),
        ),
        Secure("BundleItem"),
        Secure("BundleItemEvent", references=False),
    ]

"""Keep what rows were before they changed, by triggers, behind the wall like every tenant's row."""

import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import profiles.tenancy


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0004_search_by_fragment"),
        ("profiles", "0005_row_history"),
    ]

    operations = [
        migrations.CreateModel(
            name="ChannelEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("stripe", "Stripe"),
                            ("shopify", "Shopify"),
                            ("woocommerce", "WooCommerce"),
                            ("pos", "Point of sale"),
                            ("api", "API"),
                        ],
                        max_length=12,
                    ),
                ),
                ("domain", models.CharField(max_length=253)),
                (
                    "key",
                    models.CharField(editable=False, help_text="Public part of the webhook address.", max_length=43),
                ),
                ("former_secret_until", models.DateTimeField(editable=False, null=True)),
                ("test", models.BooleanField(default=False, help_text="Test mode: its facts never count.")),
                ("domain_verified", models.BooleanField(default=False)),
                (
                    "calls_provider",
                    models.BooleanField(default=True, help_text="Off: no call to the provider, now or on a schedule."),
                ),
                ("currency", models.CharField(blank=True, default="", max_length=3)),
                ("region", models.CharField(blank=True, default="", max_length=2)),
                ("connected_at", models.DateTimeField()),
                ("built_in", models.BooleanField(default=False)),
                (
                    "made_up",
                    models.BooleanField(
                        default=False, help_text="Made-up data: its customers' mail is kept, never sent."
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ListingEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("kind", models.CharField(max_length=12)),
                ("external_id", models.CharField(max_length=255)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ProductEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("sku", models.CharField(max_length=100, verbose_name="SKU")),
                ("title", models.CharField(max_length=300)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("ebook", "E-book"),
                            ("digital", "Digital product"),
                            ("service", "Service"),
                            ("training", "Training"),
                            ("image", "Image"),
                            ("bundle", "Bundle"),
                        ],
                        max_length=10,
                    ),
                ),
                ("price_minor", models.BigIntegerField(blank=True, null=True)),
                ("currency", models.CharField(blank=True, default="", max_length=3)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="channel",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."built_in" IS DISTINCT FROM (NEW."built_in") OR OLD."calls_provider" IS DISTINCT FROM (NEW."calls_provider") OR OLD."connected_at" IS DISTINCT FROM (NEW."connected_at") OR OLD."currency" IS DISTINCT FROM (NEW."currency") OR OLD."domain" IS DISTINCT FROM (NEW."domain") OR OLD."domain_verified" IS DISTINCT FROM (NEW."domain_verified") OR OLD."former_secret_until" IS DISTINCT FROM (NEW."former_secret_until") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."key" IS DISTINCT FROM (NEW."key") OR OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."made_up" IS DISTINCT FROM (NEW."made_up") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."region" IS DISTINCT FROM (NEW."region") OR OLD."test" IS DISTINCT FROM (NEW."test"))',
                    func='INSERT INTO "orders_channelevent" ("built_in", "calls_provider", "connected_at", "currency", "domain", "domain_verified", "former_secret_until", "id", "key", "kind", "made_up", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "region", "test") VALUES (NEW."built_in", NEW."calls_provider", NEW."connected_at", NEW."currency", NEW."domain", NEW."domain_verified", NEW."former_secret_until", NEW."id", NEW."key", NEW."kind", NEW."made_up", NEW."organization_id", NOW(), \'update\', NEW."id", NEW."region", NEW."test"); RETURN NULL;',
                    hash="0a7d80d56e734ab67622087ba0d7547666b8e78f",
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
                    func='INSERT INTO "orders_channelevent" ("built_in", "calls_provider", "connected_at", "currency", "domain", "domain_verified", "former_secret_until", "id", "key", "kind", "made_up", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "region", "test") VALUES (OLD."built_in", OLD."calls_provider", OLD."connected_at", OLD."currency", OLD."domain", OLD."domain_verified", OLD."former_secret_until", OLD."id", OLD."key", OLD."kind", OLD."made_up", OLD."organization_id", NOW(), \'delete\', OLD."id", OLD."region", OLD."test"); RETURN NULL;',
                    hash="62ae653709493a31c1792d066cc34f6e2fc27be5",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_a9005",
                    table="orders_channel",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="listing",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "orders_listingevent" ("external_id", "id", "kind", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "product_id") VALUES (NEW."external_id", NEW."id", NEW."kind", NEW."organization_id", NOW(), \'update\', NEW."id", NEW."product_id"); RETURN NULL;',
                    hash="ea9e80686b9038d57954232f91309bad80b53f4f",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_a00c5",
                    table="orders_listing",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="listing",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "orders_listingevent" ("external_id", "id", "kind", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "product_id") VALUES (OLD."external_id", OLD."id", OLD."kind", OLD."organization_id", NOW(), \'delete\', OLD."id", OLD."product_id"); RETURN NULL;',
                    hash="8d7d0c28ede3dfa4ced35c5c0bfa39907f9b5835",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_1c49f",
                    table="orders_listing",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="product",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "orders_productevent" ("created_at", "currency", "id", "kind", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price_minor", "sku", "title") VALUES (NEW."created_at", NEW."currency", NEW."id", NEW."kind", NEW."organization_id", NOW(), \'update\', NEW."id", NEW."price_minor", NEW."sku", NEW."title"); RETURN NULL;',
                    hash="2d7d6f8ce0a4ae7b3fef9a870137b566727f9eb8",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_9c46d",
                    table="orders_product",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="product",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "orders_productevent" ("created_at", "currency", "id", "kind", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price_minor", "sku", "title") VALUES (OLD."created_at", OLD."currency", OLD."id", OLD."kind", OLD."organization_id", NOW(), \'delete\', OLD."id", OLD."price_minor", OLD."sku", OLD."title"); RETURN NULL;',
                    hash="12f17524b4082aee4196d3ac0efa6933835eac91",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_e7ea3",
                    table="orders_product",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddField(
            model_name="channelevent",
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
            model_name="channelevent",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="history",
                to="orders.channel",
            ),
        ),
        migrations.AddField(
            model_name="listingevent",
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
            model_name="listingevent",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="history",
                to="orders.listing",
            ),
        ),
        migrations.AddField(
            model_name="listingevent",
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
            model_name="productevent",
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
            model_name="productevent",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="history",
                to="orders.product",
            ),
        ),
        migrations.AddIndex(
            model_name="channelevent",
            index=models.Index(fields=["organization", "pgh_obj", "pgh_created_at"], name="channelevent_of_row"),
        ),
        migrations.AddIndex(
            model_name="listingevent",
            index=models.Index(fields=["organization", "pgh_obj", "pgh_created_at"], name="listingevent_of_row"),
        ),
        migrations.AddIndex(
            model_name="productevent",
            index=models.Index(fields=["organization", "pgh_obj", "pgh_created_at"], name="productevent_of_row"),
        ),
        profiles.tenancy.Secure("ChannelEvent", "ListingEvent", "ProductEvent", references=False),
    ]

"""Keep coupons and their uses; missions, their rewards, who completed them and each mission's log."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import profiles.tenancy
from profiles.tenancy import Secure


class Migration(migrations.Migration):
    dependencies = [
        ("fulfillment", "0009_follow_ups_and_services"),
        ("orders", "0012_bundles"),
        ("profiles", "0013_proofs_of_addresses"),
    ]

    operations = [
        migrations.CreateModel(
            name="Coupon",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(help_text="As it was typed.", max_length=60)),
                ("normalised", models.CharField(editable=False, max_length=60)),
                (
                    "kind",
                    models.CharField(
                        choices=[("full", "Free of charge"), ("percent", "Percent off"), ("amount", "Amount off")],
                        max_length=8,
                    ),
                ),
                ("percent", models.PositiveSmallIntegerField(default=0)),
                ("amount_minor", models.BigIntegerField(default=0)),
                ("currency", models.CharField(blank=True, default="", max_length=3)),
                (
                    "skus",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        blank=True,
                        default=list,
                        help_text="Empty: every product.",
                        size=None,
                    ),
                ),
                ("starts_at", models.DateTimeField(blank=True, null=True)),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                (
                    "limit",
                    models.PositiveIntegerField(blank=True, help_text="Uses in all; empty: any number.", null=True),
                ),
                ("limit_each", models.PositiveSmallIntegerField(default=1, help_text="Uses of one customer.")),
                ("minimum_minor", models.BigIntegerField(default=0)),
                ("active", models.BooleanField(default=True)),
                ("campaign", models.CharField(blank=True, default="", max_length=200)),
                ("used", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
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
                    "parent",
                    profiles.tenancy.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="personal",
                        to="fulfillment.coupon",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CouponEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("code", models.CharField(help_text="As it was typed.", max_length=60)),
                ("normalised", models.CharField(editable=False, max_length=60)),
                (
                    "kind",
                    models.CharField(
                        choices=[("full", "Free of charge"), ("percent", "Percent off"), ("amount", "Amount off")],
                        max_length=8,
                    ),
                ),
                ("percent", models.PositiveSmallIntegerField(default=0)),
                ("amount_minor", models.BigIntegerField(default=0)),
                ("currency", models.CharField(blank=True, default="", max_length=3)),
                (
                    "skus",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        blank=True,
                        default=list,
                        help_text="Empty: every product.",
                        size=None,
                    ),
                ),
                ("starts_at", models.DateTimeField(blank=True, null=True)),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                (
                    "limit",
                    models.PositiveIntegerField(blank=True, help_text="Uses in all; empty: any number.", null=True),
                ),
                ("limit_each", models.PositiveSmallIntegerField(default=1, help_text="Uses of one customer.")),
                ("minimum_minor", models.BigIntegerField(default=0)),
                ("active", models.BooleanField(default=True)),
                ("campaign", models.CharField(blank=True, default="", max_length=200)),
                ("used", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
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
                    "parent",
                    profiles.tenancy.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="fulfillment.coupon",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="history",
                        to="fulfillment.coupon",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Mission",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(db_index=False, max_length=60)),
                ("title", models.CharField(max_length=200)),
                (
                    "rule",
                    models.CharField(
                        choices=[
                            ("events", "Does something so many times"),
                            ("purchases", "Buys so many times"),
                            ("reported", "Another system reports it"),
                        ],
                        max_length=10,
                    ),
                ),
                ("event_type", models.CharField(blank=True, default="", max_length=60)),
                ("times", models.PositiveSmallIntegerField(default=1)),
                (
                    "skus",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        blank=True,
                        default=list,
                        help_text="Purchases of these; empty: of anything.",
                        size=None,
                    ),
                ),
                (
                    "period",
                    models.CharField(
                        choices=[("once", "Once"), ("month", "Once a month"), ("year", "Once a year")],
                        default="once",
                        max_length=5,
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                (
                    "keeps",
                    models.BooleanField(default=False, help_text="The reward stays when what earned it is taken back."),
                ),
                ("active", models.BooleanField(default=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
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
            name="MissionCompletion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("holder", models.BigIntegerField(editable=False)),
                (
                    "period",
                    models.CharField(blank=True, default="", help_text="2026-11, 2026, or empty.", max_length=7),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("completed", "Completed"),
                            ("doubled", "Completed by both of two merged customers"),
                            ("withdrawn", "Taken back"),
                            ("kept", "Taken back, reward kept"),
                        ],
                        default="completed",
                        max_length=9,
                    ),
                ),
                ("fact", models.CharField(help_text="What completed it: event:12 or order:7.", max_length=60)),
                ("completed_at", models.DateTimeField()),
                (
                    "issue",
                    models.PositiveSmallIntegerField(
                        default=1, editable=False, help_text="Which issue of the reward is good."
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "mission",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="completions",
                        to="fulfillment.mission",
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
                    "profile",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="mission_completions",
                        to="profiles.profile",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="MissionCompletionEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("holder", models.BigIntegerField(editable=False)),
                (
                    "period",
                    models.CharField(blank=True, default="", help_text="2026-11, 2026, or empty.", max_length=7),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("completed", "Completed"),
                            ("doubled", "Completed by both of two merged customers"),
                            ("withdrawn", "Taken back"),
                            ("kept", "Taken back, reward kept"),
                        ],
                        default="completed",
                        max_length=9,
                    ),
                ),
                ("fact", models.CharField(help_text="What completed it: event:12 or order:7.", max_length=60)),
                ("completed_at", models.DateTimeField()),
                (
                    "issue",
                    models.PositiveSmallIntegerField(
                        default=1, editable=False, help_text="Which issue of the reward is good."
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "mission",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="fulfillment.mission",
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
                        to="fulfillment.missioncompletion",
                    ),
                ),
                (
                    "profile",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="profiles.profile",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="MissionEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("completed", "Completed"),
                            ("granted", "Reward granted"),
                            ("ungrantable", "Reward cannot be granted"),
                            ("revoked", "Reward revoked"),
                            ("restored", "Reward restored"),
                            ("reissued", "Reward issued again"),
                            ("kept", "Reward kept"),
                        ],
                        max_length=11,
                    ),
                ),
                ("who", models.CharField(max_length=200)),
                ("because", models.CharField(blank=True, default="", max_length=500)),
                ("act", models.UUIDField(null=True)),
                ("at", models.DateTimeField()),
                (
                    "completion",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="fulfillment.missioncompletion",
                    ),
                ),
                (
                    "mission",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="fulfillment.mission",
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
                    "product",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="orders.product",
                    ),
                ),
                (
                    "profile",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="mission_entries",
                        to="profiles.profile",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="MissionEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("slug", models.SlugField(db_index=False, max_length=60)),
                ("title", models.CharField(max_length=200)),
                (
                    "rule",
                    models.CharField(
                        choices=[
                            ("events", "Does something so many times"),
                            ("purchases", "Buys so many times"),
                            ("reported", "Another system reports it"),
                        ],
                        max_length=10,
                    ),
                ),
                ("event_type", models.CharField(blank=True, default="", max_length=60)),
                ("times", models.PositiveSmallIntegerField(default=1)),
                (
                    "skus",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        blank=True,
                        default=list,
                        help_text="Purchases of these; empty: of anything.",
                        size=None,
                    ),
                ),
                (
                    "period",
                    models.CharField(
                        choices=[("once", "Once"), ("month", "Once a month"), ("year", "Once a year")],
                        default="once",
                        max_length=5,
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                (
                    "keeps",
                    models.BooleanField(default=False, help_text="The reward stays when what earned it is taken back."),
                ),
                ("active", models.BooleanField(default=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
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
                        to="fulfillment.mission",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="MissionReward",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sku", models.CharField(max_length=100)),
                (
                    "mission",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rewards",
                        to="fulfillment.mission",
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
            name="Redemption",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("holder", models.BigIntegerField(editable=False)),
                (
                    "slot",
                    models.PositiveSmallIntegerField(
                        default=1, editable=False, help_text="Which use of this customer it is."
                    ),
                ),
                ("key", models.CharField(help_text="What makes a repeated call the same redemption.", max_length=300)),
                (
                    "email",
                    models.CharField(blank=True, default="", help_text="As it was typed, normalised.", max_length=320),
                ),
                (
                    "source_keys",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        blank=True,
                        default=list,
                        help_text="The entitlements it granted.",
                        size=None,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("reserved", "Reserved"),
                            ("redeemed", "Redeemed"),
                            ("released", "Not used in time"),
                            ("revoked", "Revoked"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "reference",
                    models.CharField(
                        blank=True, default="", help_text="The checkout's own name for it.", max_length=200
                    ),
                ),
                ("amount_minor", models.BigIntegerField(null=True)),
                ("discount_minor", models.BigIntegerField(null=True)),
                ("currency", models.CharField(blank=True, default="", max_length=3)),
                ("redeemed_at", models.DateTimeField()),
                ("reserved_until", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("because", models.CharField(blank=True, default="", max_length=500)),
                (
                    "coupon",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="redemptions",
                        to="fulfillment.coupon",
                    ),
                ),
                (
                    "event",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="redemptions",
                        to="profiles.event",
                    ),
                ),
                (
                    "order",
                    profiles.tenancy.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="redemptions",
                        to="orders.order",
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
                    "product",
                    profiles.tenancy.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="redemptions",
                        to="orders.product",
                    ),
                ),
                (
                    "profile",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="redemptions",
                        to="profiles.profile",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RedemptionEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("holder", models.BigIntegerField(editable=False)),
                (
                    "slot",
                    models.PositiveSmallIntegerField(
                        default=1, editable=False, help_text="Which use of this customer it is."
                    ),
                ),
                ("key", models.CharField(help_text="What makes a repeated call the same redemption.", max_length=300)),
                (
                    "source_keys",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        blank=True,
                        default=list,
                        help_text="The entitlements it granted.",
                        size=None,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("reserved", "Reserved"),
                            ("redeemed", "Redeemed"),
                            ("released", "Not used in time"),
                            ("revoked", "Revoked"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "reference",
                    models.CharField(
                        blank=True, default="", help_text="The checkout's own name for it.", max_length=200
                    ),
                ),
                ("amount_minor", models.BigIntegerField(null=True)),
                ("discount_minor", models.BigIntegerField(null=True)),
                ("currency", models.CharField(blank=True, default="", max_length=3)),
                ("redeemed_at", models.DateTimeField()),
                ("reserved_until", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("because", models.CharField(blank=True, default="", max_length=500)),
                (
                    "coupon",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="fulfillment.coupon",
                    ),
                ),
                (
                    "event",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="profiles.event",
                    ),
                ),
                (
                    "order",
                    profiles.tenancy.TenantForeignKey(
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
                        to="fulfillment.redemption",
                    ),
                ),
                (
                    "product",
                    profiles.tenancy.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="orders.product",
                    ),
                ),
                (
                    "profile",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="profiles.profile",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddIndex(
            model_name="coupon",
            index=models.Index(fields=["organization", "-created_at", "-id"], name="coupon_newest"),
        ),
        migrations.AddConstraint(
            model_name="coupon",
            constraint=models.UniqueConstraint(fields=("organization", "normalised"), name="coupon_unique"),
        ),
        migrations.AddConstraint(
            model_name="coupon",
            constraint=models.CheckConstraint(condition=models.Q(("percent__lte", 100)), name="coupon_percent"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="coupon",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "fulfillment_couponevent" ("active", "amount_minor", "campaign", "code", "created_at", "currency", "ends_at", "id", "kind", "limit", "limit_each", "minimum_minor", "normalised", "organization_id", "parent_id", "percent", "pgh_created_at", "pgh_label", "pgh_obj_id", "skus", "starts_at", "used") VALUES (NEW."active", NEW."amount_minor", NEW."campaign", NEW."code", NEW."created_at", NEW."currency", NEW."ends_at", NEW."id", NEW."kind", NEW."limit", NEW."limit_each", NEW."minimum_minor", NEW."normalised", NEW."organization_id", NEW."parent_id", NEW."percent", NOW(), \'update\', NEW."id", NEW."skus", NEW."starts_at", NEW."used"); RETURN NULL;',
                    hash="24d0ece98cca2652eb217fd256f46e760e07bf22",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_fb52b",
                    table="fulfillment_coupon",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="coupon",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "fulfillment_couponevent" ("active", "amount_minor", "campaign", "code", "created_at", "currency", "ends_at", "id", "kind", "limit", "limit_each", "minimum_minor", "normalised", "organization_id", "parent_id", "percent", "pgh_created_at", "pgh_label", "pgh_obj_id", "skus", "starts_at", "used") VALUES (OLD."active", OLD."amount_minor", OLD."campaign", OLD."code", OLD."created_at", OLD."currency", OLD."ends_at", OLD."id", OLD."kind", OLD."limit", OLD."limit_each", OLD."minimum_minor", OLD."normalised", OLD."organization_id", OLD."parent_id", OLD."percent", NOW(), \'delete\', OLD."id", OLD."skus", OLD."starts_at", OLD."used"); RETURN NULL;',
                    hash="4fa2f786f63935b7f7ffda9e9728b5e00f2d9ebf",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_f1abf",
                    table="fulfillment_coupon",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="couponevent",
            index=models.Index(fields=["organization", "pgh_obj", "pgh_created_at"], name="couponevent_of_row"),
        ),
        migrations.AddIndex(
            model_name="mission",
            index=models.Index(fields=["organization", "-created_at", "-id"], name="mission_newest"),
        ),
        migrations.AddConstraint(
            model_name="mission",
            constraint=models.UniqueConstraint(fields=("organization", "slug"), name="mission_unique"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="mission",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "fulfillment_missionevent" ("active", "created_at", "ends_at", "event_type", "id", "keeps", "organization_id", "period", "pgh_created_at", "pgh_label", "pgh_obj_id", "rule", "skus", "slug", "starts_at", "times", "title") VALUES (NEW."active", NEW."created_at", NEW."ends_at", NEW."event_type", NEW."id", NEW."keeps", NEW."organization_id", NEW."period", NOW(), \'update\', NEW."id", NEW."rule", NEW."skus", NEW."slug", NEW."starts_at", NEW."times", NEW."title"); RETURN NULL;',
                    hash="dad0967d639b431286e505a2e1c00cfc3b3c0fb3",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_5255e",
                    table="fulfillment_mission",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="mission",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "fulfillment_missionevent" ("active", "created_at", "ends_at", "event_type", "id", "keeps", "organization_id", "period", "pgh_created_at", "pgh_label", "pgh_obj_id", "rule", "skus", "slug", "starts_at", "times", "title") VALUES (OLD."active", OLD."created_at", OLD."ends_at", OLD."event_type", OLD."id", OLD."keeps", OLD."organization_id", OLD."period", NOW(), \'delete\', OLD."id", OLD."rule", OLD."skus", OLD."slug", OLD."starts_at", OLD."times", OLD."title"); RETURN NULL;',
                    hash="6f792e48aaab317719019850b7a799bfb08a5b85",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_2ef6a",
                    table="fulfillment_mission",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="missioncompletion",
            index=models.Index(fields=["organization", "profile", "mission"], name="missioncompletion_of_profile"),
        ),
        migrations.AddIndex(
            model_name="missioncompletion",
            index=models.Index(fields=["organization", "mission", "-completed_at"], name="missioncompletion_newest"),
        ),
        migrations.AddConstraint(
            model_name="missioncompletion",
            constraint=models.UniqueConstraint(
                fields=("organization", "mission", "holder", "period"), name="missioncompletion_unique"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="missioncompletion",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "fulfillment_missioncompletionevent" ("completed_at", "created_at", "fact", "holder", "id", "issue", "mission_id", "organization_id", "period", "pgh_created_at", "pgh_label", "pgh_obj_id", "profile_id", "state") VALUES (NEW."completed_at", NEW."created_at", NEW."fact", NEW."holder", NEW."id", NEW."issue", NEW."mission_id", NEW."organization_id", NEW."period", NOW(), \'update\', NEW."id", NEW."profile_id", NEW."state"); RETURN NULL;',
                    hash="e8e359d16c081b16a04957fc652ee0f7f2f268f4",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_6c67f",
                    table="fulfillment_missioncompletion",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="missioncompletion",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "fulfillment_missioncompletionevent" ("completed_at", "created_at", "fact", "holder", "id", "issue", "mission_id", "organization_id", "period", "pgh_created_at", "pgh_label", "pgh_obj_id", "profile_id", "state") VALUES (OLD."completed_at", OLD."created_at", OLD."fact", OLD."holder", OLD."id", OLD."issue", OLD."mission_id", OLD."organization_id", OLD."period", NOW(), \'delete\', OLD."id", OLD."profile_id", OLD."state"); RETURN NULL;',
                    hash="8d0256111771db5c8cf3c17de360c65ce82e6b01",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_bcb6e",
                    table="fulfillment_missioncompletion",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="missioncompletionevent",
            index=models.Index(
                fields=["organization", "pgh_obj", "pgh_created_at"], name="missioncompletionevent_of_row"
            ),
        ),
        migrations.AddIndex(
            model_name="missionentry",
            index=models.Index(fields=["organization", "mission", "-at", "-id"], name="missionentry_of_mission"),
        ),
        migrations.AddIndex(
            model_name="missionentry",
            index=models.Index(fields=["organization", "profile", "-at"], name="missionentry_of_profile"),
        ),
        migrations.AddIndex(
            model_name="missionentry",
            index=models.Index(fields=["organization", "completion"], name="missionentry_of_completion"),
        ),
        migrations.AddIndex(
            model_name="missionevent",
            index=models.Index(fields=["organization", "pgh_obj", "pgh_created_at"], name="missionevent_of_row"),
        ),
        migrations.AddConstraint(
            model_name="missionreward",
            constraint=models.UniqueConstraint(fields=("organization", "mission", "sku"), name="missionreward_unique"),
        ),
        migrations.AddIndex(
            model_name="redemption",
            index=models.Index(fields=["organization", "-redeemed_at", "-id"], name="redemption_newest"),
        ),
        migrations.AddIndex(
            model_name="redemption",
            index=models.Index(fields=["organization", "coupon", "-redeemed_at"], name="redemption_of_coupon"),
        ),
        migrations.AddIndex(
            model_name="redemption",
            index=models.Index(fields=["organization", "profile", "-redeemed_at"], name="redemption_of_profile"),
        ),
        migrations.AddIndex(
            model_name="redemption",
            index=models.Index(
                condition=models.Q(("state", "reserved")),
                fields=["organization", "reserved_until"],
                name="redemption_reserved",
            ),
        ),
        migrations.AddConstraint(
            model_name="redemption",
            constraint=models.UniqueConstraint(fields=("organization", "key"), name="redemption_unique"),
        ),
        migrations.AddConstraint(
            model_name="redemption",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["reserved", "redeemed"])),
                fields=("organization", "coupon", "holder", "slot"),
                name="redemption_once",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="redemption",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."amount_minor" IS DISTINCT FROM (NEW."amount_minor") OR OLD."because" IS DISTINCT FROM (NEW."because") OR OLD."coupon_id" IS DISTINCT FROM (NEW."coupon_id") OR OLD."currency" IS DISTINCT FROM (NEW."currency") OR OLD."discount_minor" IS DISTINCT FROM (NEW."discount_minor") OR OLD."event_id" IS DISTINCT FROM (NEW."event_id") OR OLD."holder" IS DISTINCT FROM (NEW."holder") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."key" IS DISTINCT FROM (NEW."key") OR OLD."order_id" IS DISTINCT FROM (NEW."order_id") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."product_id" IS DISTINCT FROM (NEW."product_id") OR OLD."profile_id" IS DISTINCT FROM (NEW."profile_id") OR OLD."redeemed_at" IS DISTINCT FROM (NEW."redeemed_at") OR OLD."reference" IS DISTINCT FROM (NEW."reference") OR OLD."reserved_until" IS DISTINCT FROM (NEW."reserved_until") OR OLD."revoked_at" IS DISTINCT FROM (NEW."revoked_at") OR OLD."slot" IS DISTINCT FROM (NEW."slot") OR OLD."source_keys" IS DISTINCT FROM (NEW."source_keys") OR OLD."state" IS DISTINCT FROM (NEW."state"))',
                    func='INSERT INTO "fulfillment_redemptionevent" ("amount_minor", "because", "coupon_id", "currency", "discount_minor", "event_id", "holder", "id", "key", "order_id", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "product_id", "profile_id", "redeemed_at", "reference", "reserved_until", "revoked_at", "slot", "source_keys", "state") VALUES (NEW."amount_minor", NEW."because", NEW."coupon_id", NEW."currency", NEW."discount_minor", NEW."event_id", NEW."holder", NEW."id", NEW."key", NEW."order_id", NEW."organization_id", NOW(), \'update\', NEW."id", NEW."product_id", NEW."profile_id", NEW."redeemed_at", NEW."reference", NEW."reserved_until", NEW."revoked_at", NEW."slot", NEW."source_keys", NEW."state"); RETURN NULL;',
                    hash="9e6a2a4e5c06094a4ac68e25304b278adb3d2f17",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_4722e",
                    table="fulfillment_redemption",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="redemption",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "fulfillment_redemptionevent" ("amount_minor", "because", "coupon_id", "currency", "discount_minor", "event_id", "holder", "id", "key", "order_id", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "product_id", "profile_id", "redeemed_at", "reference", "reserved_until", "revoked_at", "slot", "source_keys", "state") VALUES (OLD."amount_minor", OLD."because", OLD."coupon_id", OLD."currency", OLD."discount_minor", OLD."event_id", OLD."holder", OLD."id", OLD."key", OLD."order_id", OLD."organization_id", NOW(), \'delete\', OLD."id", OLD."product_id", OLD."profile_id", OLD."redeemed_at", OLD."reference", OLD."reserved_until", OLD."revoked_at", OLD."slot", OLD."source_keys", OLD."state"); RETURN NULL;',
                    hash="97698a946fd55e50299580bdf8ecf6dededc9141",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_9e425",
                    table="fulfillment_redemption",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="redemptionevent",
            index=models.Index(fields=["organization", "pgh_obj", "pgh_created_at"], name="redemptionevent_of_row"),
        ),
        Secure("Coupon", "Redemption", "Mission", "MissionReward", "MissionCompletion", "MissionEntry"),
        Secure("CouponEvent", "RedemptionEvent", "MissionEvent", "MissionCompletionEvent", references=False),
    ]

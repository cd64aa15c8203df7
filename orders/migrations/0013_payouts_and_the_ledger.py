"""Keep payouts line by line, and an append-only ledger with months that can be closed."""

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.db import migrations, models

import profiles.tenancy
from profiles.tenancy import Secure

APPEND_ONLY = """
CREATE FUNCTION orders_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'The ledger is append-only.' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON orders_ledgerentry
  FOR EACH ROW EXECUTE FUNCTION orders_refuse_change();
"""
UNDO_APPEND_ONLY = "DROP TRIGGER append_only ON orders_ledgerentry; DROP FUNCTION orders_refuse_change();"


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0012_bundles"),
        ("profiles", "0013_proofs_of_addresses"),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="from_file",
            field=models.BooleanField(db_default=False, default=False, help_text="First known from a file."),
        ),
        migrations.AddField(
            model_name="order",
            name="quiet",
            field=models.BooleanField(
                db_default=False, default=False, help_text="No mail goes out by itself: the buyer had theirs long ago."
            ),
        ),
        migrations.AlterField(
            model_name="channel",
            name="kind",
            field=models.CharField(
                choices=[
                    ("stripe", "Stripe"),
                    ("shopify", "Shopify"),
                    ("woocommerce", "WooCommerce"),
                    ("shopier", "Shopier"),
                    ("etsy", "Etsy"),
                    ("square", "Square"),
                    ("clover", "Clover"),
                    ("pos", "Point of sale"),
                    ("api", "API"),
                    ("csv", "Files"),
                ],
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="channelevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("stripe", "Stripe"),
                    ("shopify", "Shopify"),
                    ("woocommerce", "WooCommerce"),
                    ("shopier", "Shopier"),
                    ("etsy", "Etsy"),
                    ("square", "Square"),
                    ("clover", "Clover"),
                    ("pos", "Point of sale"),
                    ("api", "API"),
                    ("csv", "Files"),
                ],
                max_length=12,
            ),
        ),
        migrations.CreateModel(
            name="Payout",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(max_length=255)),
                (
                    "status",
                    models.CharField(
                        choices=[("pending", "On its way"), ("paid", "Paid"), ("failed", "Failed")], max_length=10
                    ),
                ),
                ("amount_minor", models.BigIntegerField()),
                ("gross_minor", models.BigIntegerField(blank=True, null=True)),
                ("fee_minor", models.BigIntegerField(blank=True, null=True)),
                ("currency", models.CharField(max_length=3)),
                ("at", models.DateTimeField(help_text="When it was made, by the provider's clock.")),
                ("arrives_on", models.DateField(blank=True, null=True)),
                (
                    "destination",
                    models.CharField(blank=True, default="", help_text="Tail of the bank account.", max_length=100),
                ),
                ("complete", models.BooleanField(default=False)),
                ("from_file", models.BooleanField(default=False)),
                ("test", models.BooleanField(default=False)),
                ("version", models.DateTimeField()),
                ("rank", models.SmallIntegerField(default=0)),
                ("digest", models.CharField(max_length=64)),
                ("arrived_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("bank_minor", models.BigIntegerField(blank=True, null=True)),
                ("bank_on", models.DateField(blank=True, null=True)),
                (
                    "channel",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payouts",
                        to="orders.channel",
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
            name="LedgerEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("captured", "Payment"),
                            ("fee", "Fee"),
                            ("refund", "Refund"),
                            ("dispute", "Dispute"),
                            ("dispute_reversed", "Dispute won back"),
                            ("payout", "Payout"),
                            ("adjustment", "Adjustment"),
                        ],
                        max_length=20,
                    ),
                ),
                ("source", models.CharField(help_text="The fact it is derived from, as sort:id.", max_length=300)),
                (
                    "amount_minor",
                    models.BigIntegerField(help_text="Above zero is the seller's; below zero left the seller."),
                ),
                ("currency", models.CharField(max_length=3)),
                ("test", models.BooleanField(default=False)),
                ("happened_at", models.DateTimeField()),
                ("booked_at", models.DateTimeField()),
                (
                    "month",
                    models.DateField(help_text="First day of the month it counts in, in the organization's time zone."),
                ),
                ("late", models.BooleanField(default=False)),
                ("because", models.TextField(blank=True, default="", help_text="For adjustments by a person: why.")),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "channel",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ledger_entries",
                        to="orders.channel",
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
                        related_name="ledger_entries",
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
                    "payout",
                    profiles.tenancy.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ledger_entries",
                        to="orders.payout",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PayoutLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(max_length=255)),
                ("payout_external_id", models.CharField(blank=True, default="", max_length=255)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("captured", "Payment"),
                            ("refund", "Refund"),
                            ("refund_failed", "Failed refund"),
                            ("dispute", "Dispute"),
                            ("dispute_reversed", "Dispute won back"),
                            ("fee", "Fee"),
                            ("adjustment", "Adjustment"),
                            ("carried", "Carried balance"),
                            ("conversion", "Conversion"),
                            ("unknown", "Unknown"),
                        ],
                        max_length=20,
                    ),
                ),
                ("amount_minor", models.BigIntegerField()),
                ("fee_minor", models.BigIntegerField(default=0)),
                ("net_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("at", models.DateTimeField(help_text="When it happened, by the provider's clock.")),
                (
                    "source_reference",
                    models.CharField(blank=True, default="", help_text="The provider's own thing.", max_length=255),
                ),
                ("payment_reference", models.CharField(blank=True, default="", max_length=255)),
                ("order_external_id", models.CharField(blank=True, default="", max_length=255)),
                ("described", models.CharField(blank=True, default="", max_length=300)),
                ("test", models.BooleanField(default=False)),
                ("version", models.DateTimeField()),
                ("rank", models.SmallIntegerField(default=0)),
                ("digest", models.CharField(max_length=64)),
                ("arrived_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "channel",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payout_lines",
                        to="orders.channel",
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
                        related_name="payout_lines",
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
                    "payout",
                    profiles.tenancy.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="orders.payout",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Period",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month", models.DateField(help_text="First day of the month.")),
                ("closed_at", models.DateTimeField()),
                ("closed_by", models.CharField(max_length=200)),
                ("because", models.TextField(blank=True, default="")),
                ("totals", models.JSONField(default=dict)),
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
        migrations.AddIndex(
            model_name="payout",
            index=models.Index(fields=["organization", "-at", "-id"], name="payout_newest"),
        ),
        migrations.AddIndex(
            model_name="payout",
            index=models.Index(fields=["organization", "external_id"], name="payout_external_id"),
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.UniqueConstraint(fields=("organization", "channel", "external_id"), name="payout_unique"),
        ),
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(fields=["organization", "order"], name="ledgerentry_of_order"),
        ),
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(fields=["organization", "payout"], name="ledgerentry_of_payout"),
        ),
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(fields=["organization", "month", "channel"], name="ledgerentry_of_month"),
        ),
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(fields=["organization", "-happened_at", "-id"], name="ledgerentry_newest"),
        ),
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor", 0), _negated=True), name="ledgerentry_not_nothing"
            ),
        ),
        migrations.AddIndex(
            model_name="payoutline",
            index=models.Index(fields=["organization", "payout"], name="payoutline_of_payout"),
        ),
        migrations.AddIndex(
            model_name="payoutline",
            index=models.Index(fields=["organization", "order"], name="payoutline_of_order"),
        ),
        migrations.AddIndex(
            model_name="payoutline",
            index=models.Index(
                condition=models.Q(("order__isnull", True)),
                fields=["organization", "channel"],
                name="payoutline_parked",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutline",
            constraint=models.UniqueConstraint(
                fields=("organization", "channel", "external_id"), name="payoutline_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "net_minor",
                        django.db.models.expressions.CombinedExpression(
                            models.F("amount_minor"), "-", models.F("fee_minor")
                        ),
                    )
                ),
                name="payoutline_net",
            ),
        ),
        migrations.AddIndex(
            model_name="period",
            index=models.Index(fields=["organization", "-month"], name="period_newest"),
        ),
        migrations.AddConstraint(
            model_name="period",
            constraint=models.UniqueConstraint(fields=("organization", "month"), name="period_unique"),
        ),
        Secure("Payout", "PayoutLine", "LedgerEntry", "Period"),
        migrations.RunSQL(APPEND_ONLY, UNDO_APPEND_ONLY),
    ]

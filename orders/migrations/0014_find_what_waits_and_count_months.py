"""Find payout lines by what they wait for, count months from an index alone, remember how far a provider was asked."""

import django.db.models.deletion
from django.db import migrations, models

import profiles.tenancy
from profiles.tenancy import Secure


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0013_payouts_and_the_ledger"),
        ("profiles", "0014_settle_payouts"),
    ]

    operations = [
        migrations.CreateModel(
            name="Backfill",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("good_until", models.DateTimeField()),
                ("cursor", models.JSONField(blank=True, default=dict)),
                (
                    "due_at",
                    models.DateTimeField(
                        blank=True, help_text="When a worker asks next; empty while none has to.", null=True
                    ),
                ),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("ran_at", models.DateTimeField(blank=True, null=True)),
                ("error", models.CharField(blank=True, default="", max_length=300)),
                ("told", models.IntegerField(default=0, help_text="Facts read in the last run.")),
                (
                    "missed",
                    models.IntegerField(default=0, help_text="Orders of the last run that nobody had told us of."),
                ),
            ],
        ),
        migrations.RemoveIndex(
            model_name="ledgerentry",
            name="ledgerentry_of_month",
        ),
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(
                condition=models.Q(("order__isnull", True)),
                fields=["organization", "source"],
                name="ledgerentry_of_source",
            ),
        ),
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(
                fields=["organization", "month", "channel", "kind", "currency"],
                include=("test", "amount_minor", "happened_at", "late"),
                name="ledgerentry_of_month",
            ),
        ),
        migrations.AddIndex(
            model_name="payoutline",
            index=models.Index(
                condition=models.Q(("payout__isnull", True), models.Q(("payout_external_id", ""), _negated=True)),
                fields=["organization", "payout_external_id"],
                name="payoutline_awaits_payout",
            ),
        ),
        migrations.AddIndex(
            model_name="payoutline",
            index=models.Index(
                condition=models.Q(("order__isnull", True), models.Q(("order_external_id", ""), _negated=True)),
                fields=["organization", "order_external_id"],
                name="payoutline_awaits_order",
            ),
        ),
        migrations.AddIndex(
            model_name="payoutline",
            index=models.Index(
                condition=models.Q(("order__isnull", True), models.Q(("payment_reference", ""), _negated=True)),
                fields=["organization", "payment_reference"],
                name="payoutline_awaits_payment",
            ),
        ),
        migrations.AddIndex(
            model_name="payoutline",
            index=models.Index(
                condition=models.Q(("order__isnull", True), models.Q(("source_reference", ""), _negated=True)),
                fields=["organization", "source_reference"],
                name="payoutline_awaits_source",
            ),
        ),
        migrations.AddIndex(
            model_name="payoutline",
            index=models.Index(
                condition=models.Q(("payout__isnull", True)),
                fields=["organization", "currency"],
                name="payoutline_in_transit",
            ),
        ),
        migrations.AddField(
            model_name="backfill",
            name="channel",
            field=profiles.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="backfills",
                to="orders.channel",
            ),
        ),
        migrations.AddField(
            model_name="backfill",
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
        migrations.AddConstraint(
            model_name="backfill",
            constraint=models.UniqueConstraint(fields=("organization", "channel"), name="backfill_unique"),
        ),
        migrations.AddIndex(
            model_name="backfill",
            index=models.Index(fields=["organization", "due_at"], name="backfill_due"),
        ),
        Secure("Backfill"),
    ]

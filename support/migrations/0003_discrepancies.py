"""Keep what two records say differently, and the runs that compare them."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import profiles.tenancy
from profiles.tenancy import Secure


class Migration(migrations.Migration):
    dependencies = [
        ("fulfillment", "0011_what_a_comparison_reads"),
        ("orders", "0017_what_a_comparison_reads"),
        ("profiles", "0013_proofs_of_addresses"),
        ("support", "0002_approvals"),
    ]

    operations = [
        migrations.CreateModel(
            name="Discrepancy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("paid_without_order", "Paid without order"),
                            ("paid_without_entitlement", "Paid without access"),
                            ("entitlement_without_payment", "Access without payment"),
                            ("amount_differs", "Amount or currency differs"),
                            ("refund_without_revocation", "Refund without revocation"),
                            ("missing_receipt", "Missing receipt"),
                            ("duplicate", "Duplicate"),
                            ("payout_differs", "Payout differs"),
                            ("fee_differs", "Fee differs"),
                            ("unknown_payout_line", "Unknown payout line"),
                        ],
                        max_length=30,
                    ),
                ),
                (
                    "subject",
                    models.CharField(
                        help_text="What it is about, as sort:id; with the kind its own name.", max_length=300
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Open"), ("closed", "Closed"), ("written_off", "Written off")],
                        default="open",
                        max_length=11,
                    ),
                ),
                (
                    "amount_minor",
                    models.BigIntegerField(help_text="The unsigned difference; the whole sum if a side is absent."),
                ),
                ("currency", models.CharField(max_length=3)),
                ("test", models.BooleanField(default=False)),
                ("at", models.DateTimeField(help_text="When it happened, by the provider's clock.")),
                ("found_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(null=True)),
                ("closed_because", models.TextField(blank=True, default="")),
                ("closed_by", models.CharField(blank=True, default="", max_length=200)),
                (
                    "external_id",
                    models.CharField(blank=True, default="", help_text="The provider's name for it.", max_length=255),
                ),
                ("ours", models.JSONField(default=list)),
                ("theirs", models.JSONField(default=list)),
                ("repair", models.CharField(help_text="Code of the suggested repair.", max_length=10)),
                ("repaired_at", models.DateTimeField(help_text="When a repair was last tried.", null=True)),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "channel",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="discrepancies",
                        to="orders.channel",
                    ),
                ),
                (
                    "entitlement",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="discrepancies",
                        to="fulfillment.entitlement",
                    ),
                ),
                (
                    "order",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="discrepancies",
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
                    "other_order",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="discrepancies_as_other",
                        to="orders.order",
                    ),
                ),
                (
                    "payment",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="discrepancies",
                        to="orders.payment",
                    ),
                ),
                (
                    "payout",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="discrepancies",
                        to="orders.payout",
                    ),
                ),
                (
                    "payout_line",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="discrepancies",
                        to="orders.payoutline",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "discrepancies",
            },
        ),
        migrations.CreateModel(
            name="DiscrepancyEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("by", models.CharField(max_length=200)),
                ("words", models.CharField(max_length=300)),
                ("because", models.TextField(blank=True, default="")),
                (
                    "discrepancy",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="entries",
                        to="support.discrepancy",
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
            name="ReconcileRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("repair", models.BooleanField(default=False)),
                (
                    "by_hand",
                    models.BooleanField(default=False, help_text="Asked for by a person: every provider is asked."),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Waiting"),
                            ("claimed", "Under way"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=7,
                    ),
                ),
                ("position", models.SmallIntegerField(default=0)),
                ("counts", models.JSONField(default=dict)),
                (
                    "unreachable",
                    models.JSONField(
                        default=list, help_text="Channels whose provider did not answer, with its reason."
                    ),
                ),
                ("asked_by", models.CharField(max_length=200)),
                ("because", models.TextField(blank=True, default="")),
                ("attempts", models.SmallIntegerField(default=0)),
                ("due_at", models.DateTimeField()),
                ("lease_until", models.DateTimeField(null=True)),
                ("last_error", models.TextField(blank=True, default="")),
                ("asked_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
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
                "verbose_name": "reconciliation",
            },
        ),
        migrations.AddIndex(
            model_name="discrepancy",
            index=models.Index(fields=["organization", "-found_at", "-id"], name="discrepancy_newest"),
        ),
        migrations.AddIndex(
            model_name="discrepancy",
            index=models.Index(
                condition=models.Q(("status", "open")), fields=["organization", "at"], name="discrepancy_happened"
            ),
        ),
        migrations.AddIndex(
            model_name="discrepancy",
            index=models.Index(fields=["organization", "status", "due_at", "id"], name="discrepancy_due"),
        ),
        migrations.AddIndex(
            model_name="discrepancy",
            index=models.Index(fields=["organization", "kind", "status", "due_at", "id"], name="discrepancy_of_kind"),
        ),
        migrations.AddIndex(
            model_name="discrepancy",
            index=models.Index(
                condition=models.Q(("order__isnull", False), ("status", "open")),
                fields=["organization", "order"],
                name="discrepancy_of_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="discrepancy",
            constraint=models.UniqueConstraint(fields=("organization", "kind", "subject"), name="discrepancy_unique"),
        ),
        migrations.AddConstraint(
            model_name="discrepancy",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor__gte", 0)), name="discrepancy_unsigned"
            ),
        ),
        migrations.AddIndex(
            model_name="discrepancyentry",
            index=models.Index(fields=["organization", "discrepancy", "at"], name="discrepancyentry_of"),
        ),
        migrations.AddIndex(
            model_name="reconcilerun",
            index=models.Index(fields=["organization", "-asked_at", "-id"], name="reconcilerun_newest"),
        ),
        migrations.AddIndex(
            model_name="reconcilerun",
            index=models.Index(
                condition=models.Q(("state__in", ["queued", "claimed"])),
                fields=["organization", "due_at"],
                name="reconcilerun_due",
            ),
        ),
        Secure("ReconcileRun"),
        # A million comparisons may find thousands at once: each reference would be looked up again when they commit.
        Secure("Discrepancy", "DiscrepancyEntry", references=False),
    ]

"""Let a service come from a bundle or from a person's hand, and a follow-up be about one that no order gave."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now

import profiles.tenancy
from profiles.tenancy import Secure


class Migration(migrations.Migration):
    dependencies = [
        ("fulfillment", "0016_uses_and_acceptances_in_one_statement"),
        ("orders", "0020_mark_stale_days"),
        ("profiles", "0016_quicker_trigrams"),
    ]

    operations = [
        migrations.AddField(
            model_name="service",
            name="because",
            field=models.CharField(
                blank=True, default="", help_text="Why a person gave or withdrew it.", max_length=300
            ),
        ),
        migrations.AddField(
            model_name="service",
            name="source",
            field=models.CharField(
                choices=[("order", "Order"), ("bundle", "Bundle"), ("manual", "Given by hand")],
                default="order",
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="service",
            name="created_at",
            field=models.DateTimeField(db_default=Now()),
        ),
        migrations.AlterField(
            model_name="service",
            name="order",
            field=profiles.tenancy.TenantForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="services",
                to="orders.order",
            ),
        ),
        migrations.AlterField(
            model_name="service",
            name="source_key",
            field=models.CharField(help_text="What gives it; each source gives once.", max_length=80),
        ),
        migrations.AlterField(
            model_name="service",
            name="state",
            field=models.CharField(
                choices=[
                    ("intake", "Waiting for the intake form"),
                    ("ready", "Ready to start"),
                    ("started", "Started"),
                    ("done", "Done"),
                    ("ended", "Refunded, cancelled or withdrawn"),
                ],
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="followup",
            name="service",
            field=profiles.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="followups",
                to="fulfillment.service",
            ),
        ),
        migrations.AddIndex(
            model_name="followup",
            index=models.Index(
                condition=models.Q(("service__isnull", False)),
                fields=["organization", "service"],
                name="followup_of_service",
            ),
        ),
        migrations.RemoveConstraint(model_name="followup", name="followup_of_one"),
        migrations.AddConstraint(
            model_name="followup",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("entitlement__isnull", True), ("order__isnull", False)),
                    models.Q(("entitlement__isnull", False), ("order__isnull", True), ("service__isnull", True)),
                    models.Q(("entitlement__isnull", True), ("order__isnull", True), ("service__isnull", False)),
                    _connector="OR",
                ),
                name="followup_of_one",
            ),
        ),
        Secure("Followup", "Service"),
    ]

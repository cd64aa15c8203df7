"""Let a follow-up be about what was given without an order, and find what was given to a customer."""

import django.db.models.deletion
from django.db import migrations, models

import profiles.tenancy
from profiles.tenancy import Secure


class Migration(migrations.Migration):
    dependencies = [
        ("fulfillment", "0014_words_that_cannot_be_used"),
        ("orders", "0020_mark_stale_days"),
    ]

    operations = [
        migrations.AddField(
            model_name="followup",
            name="entitlement",
            field=profiles.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="followups",
                to="fulfillment.entitlement",
            ),
        ),
        migrations.AlterField(
            model_name="followup",
            name="order",
            field=profiles.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="followups",
                to="orders.order",
            ),
        ),
        migrations.AddIndex(
            model_name="entitlement",
            index=models.Index(
                condition=models.Q(("line__isnull", True)),
                fields=["organization", "profile"],
                name="entitlement_given",
            ),
        ),
        migrations.AddIndex(
            model_name="followup",
            index=models.Index(
                condition=models.Q(("entitlement__isnull", False)),
                fields=["organization", "entitlement"],
                name="followup_of_gift",
            ),
        ),
        migrations.AddConstraint(
            model_name="followup",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("entitlement__isnull", True), ("order__isnull", False)),
                    models.Q(("entitlement__isnull", False), ("order__isnull", True)),
                    _connector="OR",
                ),
                name="followup_of_one",
            ),
        ),
        Secure("Followup"),
    ]

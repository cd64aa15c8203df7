"""Find out at once whether an order has a receipt that was accepted."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fulfillment", "0010_coupons_and_missions"),
        ("orders", "0017_dates_of_refunds_disputes_and_payout_lines"),
        ("profiles", "0013_proofs_of_addresses"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="email",
            index=models.Index(
                condition=models.Q(("state__in", ["sent", "kept"]), ("template", "receipt")),
                fields=["organization", "order"],
                name="email_receipted",
            ),
        ),
    ]

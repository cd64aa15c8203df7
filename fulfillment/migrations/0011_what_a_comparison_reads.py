"""Let a comparison of everything read the indexes of entitlements and of accepted receipts alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fulfillment", "0010_coupons_and_missions"),
        ("orders", "0017_what_a_comparison_reads"),
        ("profiles", "0013_proofs_of_addresses"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="entitlement",
            name="entitlement_of_order",
        ),
        migrations.AddIndex(
            model_name="email",
            index=models.Index(
                condition=models.Q(("state__in", ["sent", "kept"]), ("template", "receipt")),
                fields=["organization", "order"],
                name="email_receipted",
            ),
        ),
        migrations.AddIndex(
            model_name="entitlement",
            index=models.Index(
                fields=["organization", "order"],
                include=("line", "status", "decision", "source"),
                name="entitlement_of_order",
            ),
        ),
    ]

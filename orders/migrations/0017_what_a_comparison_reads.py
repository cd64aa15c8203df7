"""Let a comparison of everything read indexes alone, and find refunds, disputes and payout lines by their day."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0016_find_what_waits_and_count_months"),
        ("profiles", "0013_proofs_of_addresses"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="payment",
            name="payment_of_order",
        ),
        migrations.AddIndex(
            model_name="dispute",
            index=models.Index(fields=["organization", "at"], name="dispute_at"),
        ),
        migrations.AddIndex(
            model_name="line",
            index=models.Index(
                fields=["organization", "order"], include=("id", "product", "removed"), name="line_of_order"
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                fields=["organization", "id"],
                include=("placed_at", "profile", "total_minor", "currency", "payment_status", "cancelled", "from_file"),
                name="order_compared",
            ),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(
                fields=["organization", "order"],
                include=("amount_minor", "currency", "status"),
                name="payment_of_order",
            ),
        ),
        migrations.AddIndex(
            model_name="payoutline",
            index=models.Index(fields=["organization", "at"], name="payoutline_at"),
        ),
        migrations.AddIndex(
            model_name="payoutline",
            index=models.Index(
                condition=models.Q(("payment_reference", ""), _negated=True),
                fields=["organization", "payment_reference"],
                name="payoutline_of_payment",
            ),
        ),
        migrations.AddIndex(
            model_name="refund",
            index=models.Index(fields=["organization", "at"], name="refund_at"),
        ),
    ]

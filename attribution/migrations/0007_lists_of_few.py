"""Find the conversations in which somebody asked for a product or a price among these alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("attribution", "0006_mark_stale_days"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("tags__contains", ["product_inquiry"])),
                fields=["organization", "-started_at", "-id"],
                name="conversation_asked_product",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("tags__contains", ["price_check"])),
                fields=["organization", "-started_at", "-id"],
                name="conversation_asked_price",
            ),
        ),
    ]

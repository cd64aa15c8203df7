"""Keep the address that a customer gave with an order, as it was sent."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0008_store_visits")]

    operations = [
        migrations.AddField(
            "order",
            "address",
            models.JSONField(
                blank=True, db_default={}, default=dict, help_text="Street, more, postcode and city as they were sent."
            ),
        ),
    ]

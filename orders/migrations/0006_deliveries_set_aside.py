"""Find the few deliveries that were ignored or dismissed among the many that were recorded."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0005_row_history")]

    operations = [
        migrations.AddIndex(
            "delivery",
            models.Index(
                fields=["organization", "state", "-received_at"],
                name="delivery_set_aside",
                condition=models.Q(state__in=["ignored", "dismissed"]),
            ),
        ),
    ]

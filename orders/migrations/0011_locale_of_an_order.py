"""Keep the language in which a customer shopped."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0010_refund_requests")]

    operations = [
        migrations.AddField("order", "locale", models.CharField(blank=True, db_default="", default="", max_length=40)),
    ]

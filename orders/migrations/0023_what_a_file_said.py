"""Keep what the rows of each order say together, so that the same file need not be read again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0022_estimate_what_a_file_fills")]

    operations = [
        migrations.AddField(
            "importrow", "digest", models.CharField(blank=True, db_default="", default="", max_length=64)
        ),
        migrations.AddField(
            "importrow", "currency", models.CharField(blank=True, db_default="", default="", max_length=3)
        ),
        migrations.AddField("importrow", "total_minor", models.BigIntegerField(null=True)),
    ]

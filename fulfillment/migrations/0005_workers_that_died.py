"""How many workers died while they had a job."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fulfillment", "0004_claims_and_libraries"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="deaths",
            field=models.SmallIntegerField(
                db_default=0, default=0, help_text="How many workers died while they had it."
            ),
        ),
    ]

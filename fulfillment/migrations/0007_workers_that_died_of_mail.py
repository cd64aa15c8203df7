"""How many workers died while they had a mail."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fulfillment", "0006_reports_of_mail_and_buyers_not_reached"),
    ]

    operations = [
        migrations.AddField(
            model_name="email",
            name="deaths",
            field=models.SmallIntegerField(
                db_default=0, default=0, help_text="How many workers died while they had it."
            ),
        ),
    ]

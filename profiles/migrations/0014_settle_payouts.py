"""Payouts and the movements of a provider's balance are settled too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("profiles", "0013_proofs_of_addresses")]

    operations = [
        migrations.AlterField(
            model_name="settlementrequest",
            name="subject",
            field=models.CharField(
                choices=[
                    ("order", "Order"),
                    ("profile", "Profile"),
                    ("event", "Event"),
                    ("payout", "Payout"),
                    ("movement", "Movement"),
                ],
                max_length=8,
            ),
        ),
    ]

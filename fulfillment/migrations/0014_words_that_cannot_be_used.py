"""Keep since when an organization's own words cannot be used, and which mails went out in the built-in ones."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fulfillment", "0013_former_terms_of_missions"),
    ]

    operations = [
        migrations.AddField(
            model_name="email",
            name="instead",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Why it is not in the seller's own words.",
                max_length=300,
            ),
        ),
        migrations.AddField(
            model_name="mailtemplate",
            name="unusable_at",
            field=models.DateTimeField(
                help_text="When a mail first went out in the built-in words instead.", null=True
            ),
        ),
    ]

"""Let Chatwoot, Intercom and WhatsApp be channels."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0018_imports_of_files"),
    ]

    operations = [
        migrations.AlterField(
            model_name="channel",
            name="kind",
            field=models.CharField(
                choices=[
                    ("stripe", "Stripe"),
                    ("shopify", "Shopify"),
                    ("woocommerce", "WooCommerce"),
                    ("shopier", "Shopier"),
                    ("etsy", "Etsy"),
                    ("square", "Square"),
                    ("clover", "Clover"),
                    ("pos", "Point of sale"),
                    ("chatwoot", "Chatwoot"),
                    ("intercom", "Intercom"),
                    ("whatsapp", "WhatsApp"),
                    ("api", "API"),
                    ("csv", "Files"),
                ],
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="channelevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("stripe", "Stripe"),
                    ("shopify", "Shopify"),
                    ("woocommerce", "WooCommerce"),
                    ("shopier", "Shopier"),
                    ("etsy", "Etsy"),
                    ("square", "Square"),
                    ("clover", "Clover"),
                    ("pos", "Point of sale"),
                    ("chatwoot", "Chatwoot"),
                    ("intercom", "Intercom"),
                    ("whatsapp", "WhatsApp"),
                    ("api", "API"),
                    ("csv", "Files"),
                ],
                max_length=12,
            ),
        ),
    ]

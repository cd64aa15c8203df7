"""Put every table of what behind row-level security."""

from django.db import migrations

from profiles.tenancy import Secure


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial"), ("profiles", "0002_wall_between_organizations")]

    operations = [
        Secure(
            "Channel",
            "ChannelDay",
            "Delivery",
            "Product",
            "Listing",
            "Order",
            "Line",
            "StatusChange",
            "Payment",
            "Refund",
            "Dispute",
            "ProfileTotal",
            "Rate",
        ),
    ]

"""Put every table of how behind row-level security."""

from django.db import migrations

from profiles.tenancy import Secure


class Migration(migrations.Migration):
    dependencies = [("fulfillment", "0001_initial"), ("orders", "0002_wall_between_organizations")]

    operations = [Secure("Asset", "Entitlement", "Job", "DownloadLink", "DownloadSession", "Email")]

"""Put every table of why behind row-level security."""

from django.db import migrations

from profiles.tenancy import Secure


class Migration(migrations.Migration):
    dependencies = [("attribution", "0001_initial"), ("orders", "0002_wall_between_organizations")]

    operations = [Secure("Conversation", "Message", "Attribution")]

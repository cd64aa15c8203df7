"""When each schedule is due again, for all machines together, and how its last run ended."""

from django.db import migrations

SCHEDULES = """
CREATE TABLE config_schedule (
  name text PRIMARY KEY,
  due_at timestamptz NOT NULL,
  began_at timestamptz,
  finished_at timestamptz,
  error text NOT NULL DEFAULT ''
);
"""


class Migration(migrations.Migration):
    dependencies = [("config", "0001_canary")]

    operations = [migrations.RunSQL(SCHEDULES, "DROP TABLE config_schedule")]

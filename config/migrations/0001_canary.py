"""One row that says when a task last ran: the only proof of life of the workers that is believed."""

from django.db import migrations

CANARY = """
CREATE TABLE config_canary (one boolean PRIMARY KEY DEFAULT true CHECK (one), sang_at timestamptz NOT NULL);
INSERT INTO config_canary (sang_at) VALUES (now());
"""


class Migration(migrations.Migration):
    dependencies = []  # type: ignore[var-annotated]

    operations = [migrations.RunSQL(CANARY, "DROP TABLE config_canary")]

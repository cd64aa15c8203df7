"""Filter the audit log by what was done and by whom without reading all of it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("profiles", "0005_row_history")]

    operations = [
        migrations.AddIndex(
            "auditentry", models.Index(fields=["organization", "action", "-at", "-id"], name="audit_of_action")
        ),
        migrations.AddIndex(
            "auditentry", models.Index(fields=["organization", "actor", "-at", "-id"], name="audit_of_actor")
        ),
    ]

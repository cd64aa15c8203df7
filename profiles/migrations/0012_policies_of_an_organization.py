"""An organization's own terms of work, by policy."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("profiles", "0011_cuts"),
    ]

    operations = [
        migrations.AddField(
            model_name="organization",
            name="policies",
            field=models.JSONField(blank=True, default=dict, help_text="What differs from the usual terms, by policy."),
        ),
    ]

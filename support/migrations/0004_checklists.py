"""Keep who dealt with which item of the daily, weekly and monthly lists."""

import django.db.models.deletion
from django.db import migrations, models

from profiles.tenancy import Secure


class Migration(migrations.Migration):
    dependencies = [
        ("profiles", "0014_settle_payouts"),
        ("support", "0003_discrepancies"),
    ]

    operations = [
        migrations.CreateModel(
            name="ChecklistTick",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("item", models.CharField(max_length=30)),
                ("period_on", models.DateField(help_text="First day of the day, week or month.")),
                ("done_at", models.DateTimeField()),
                ("done_by", models.CharField(max_length=200)),
                ("by_person", models.BooleanField(default=True)),
                ("note", models.TextField(blank=True, default="")),
                ("told", models.TextField(blank=True, default="")),
                ("failed", models.BooleanField(default=False, help_text="It was tried, and did not come out well.")),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="profiles.organization",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["organization", "-done_at"], name="checklisttick_newest")],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "item", "period_on"), name="checklisttick_unique")
                ],
            },
        ),
        Secure("ChecklistTick"),
    ]

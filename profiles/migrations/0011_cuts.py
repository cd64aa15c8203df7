"""Keep which identifiers a person took off matching, and whom that separated."""

import django.db.models.deletion
from django.db import migrations, models

import profiles.tenancy


class Migration(migrations.Migration):
    dependencies = [("profiles", "0010_suggestions")]

    operations = [
        migrations.CreateModel(
            name="Cut",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("actor_label", models.CharField(max_length=200)),
                ("reason", models.TextField()),
                ("merges", models.JSONField(default=list, help_text="Ids of the merges it took back.")),
                ("apart", models.JSONField(default=list, help_text="Ids of the customers that left.")),
                ("undone_at", models.DateTimeField(blank=True, null=True)),
                ("undone_by", models.CharField(blank=True, default="", max_length=200)),
                ("undo_reason", models.TextField(blank=True, default="")),
                (
                    "identifier",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="cuts",
                        to="profiles.identifier",
                    ),
                ),
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
                (
                    "profile",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cuts",
                        to="profiles.profile",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["organization", "profile"], name="cut_of_profile")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("undone_at__isnull", True)),
                        fields=("organization", "identifier"),
                        name="cut_stands_once",
                    )
                ],
            },
        ),
        profiles.tenancy.Secure("Cut"),
    ]

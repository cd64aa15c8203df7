"""Keep customer events, and have them settled like orders."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import profiles.tenancy
from profiles.tenancy import Secure


class Migration(migrations.Migration):
    dependencies = [
        ("profiles", "0007_shared_values"),
    ]

    operations = [
        migrations.AlterField(
            model_name="settlementrequest",
            name="subject",
            field=models.CharField(
                choices=[("order", "Order"), ("profile", "Profile"), ("event", "Event")], max_length=8
            ),
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "identifiers",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, default=list, editable=False, size=None
                    ),
                ),
                (
                    "settled_identifiers",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), editable=False, null=True, size=None
                    ),
                ),
                ("provisional", models.BooleanField(default=False, editable=False)),
                ("linked_by_staff", models.BooleanField(default=False)),
                ("event_id", models.CharField(max_length=255)),
                ("source", models.CharField(help_text="Which channel told it, as kind:domain.", max_length=300)),
                ("type", models.CharField(max_length=60)),
                ("occurred_at", models.DateTimeField()),
                (
                    "recorded_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("given", models.JSONField(default=dict)),
                ("payload", models.JSONField(default=dict)),
                (
                    "products",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, default=list, size=None
                    ),
                ),
                ("customer_name", models.CharField(blank=True, default="", max_length=300)),
                (
                    "digest",
                    models.CharField(
                        help_text="SHA-256 of what was sent: tells a repeat from another body.", max_length=64
                    ),
                ),
                (
                    "told_as",
                    models.CharField(
                        blank=True, default="", help_text="What it became besides: an order or a refund.", max_length=20
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
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="%(class)ss",
                        to="profiles.profile",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "profile", "-occurred_at"], name="event_of_profile"),
                    models.Index(
                        condition=models.Q(("profile__isnull", True), ("told_as", "")),
                        fields=["organization", "-occurred_at", "-id"],
                        name="event_unattached",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "source", "event_id"), name="event_unique")
                ],
            },
        ),
        Secure("Event"),
    ]

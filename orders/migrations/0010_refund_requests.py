"""Keep refunds asked for here until their provider has made them."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import profiles.tenancy
from profiles.tenancy import Secure


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0009_address_as_sent"),
        ("profiles", "0012_policies_of_an_organization"),
    ]

    operations = [
        migrations.CreateModel(
            name="RefundRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(help_text="What makes a repeated press the same request.", max_length=300)),
                ("reference", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                (
                    "covered_lines",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        blank=True,
                        default=list,
                        help_text="line external id × quantity",
                        size=None,
                    ),
                ),
                ("reason", models.TextField()),
                ("by", models.CharField(max_length=200)),
                ("by_user_id", models.BigIntegerField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("awaiting", "Waits for a second person"),
                            ("queued", "Waiting to be sent"),
                            ("claimed", "Being sent"),
                            ("unknown", "No answer yet"),
                            ("done", "Made"),
                            ("failed", "Refused"),
                            ("cancelled", "Given up"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("doubtful", models.BooleanField(default=False)),
                ("attempts", models.IntegerField(default=0)),
                ("due_at", models.DateTimeField()),
                ("lease_until", models.DateTimeField(null=True)),
                ("provider_refund_id", models.CharField(blank=True, default="", max_length=255)),
                ("last_error", models.TextField(blank=True, default="")),
                ("created_at", models.DateTimeField()),
                ("done_at", models.DateTimeField(null=True)),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "order",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refund_requests",
                        to="orders.order",
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
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["queued", "claimed", "unknown"])),
                        fields=["organization", "due_at"],
                        name="refundrequest_due",
                    ),
                    models.Index(fields=["organization", "order", "created_at"], name="refundrequest_of_order"),
                    models.Index(fields=["organization", "-created_at", "-id"], name="refundrequest_newest"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "key"), name="refundrequest_unique"),
                    models.UniqueConstraint(fields=("organization", "reference"), name="refundrequest_reference"),
                    models.CheckConstraint(condition=models.Q(("amount_minor__gt", 0)), name="refundrequest_positive"),
                ],
            },
        ),
        Secure("RefundRequest"),
    ]

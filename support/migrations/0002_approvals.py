"""Keep acts over a limit until a second person decided."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import profiles.secrets
import profiles.tenancy
from profiles.tenancy import Secure


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0010_refund_requests"),
        ("support", "0001_alerts_and_incidents"),
    ]

    operations = [
        migrations.CreateModel(
            name="Approval",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("refund", "Refund"),
                            ("bulk", "Act on many rows"),
                            ("merge", "Merge of two customers"),
                            ("email_change", "Change of an e-mail address"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("approved", "Approved"),
                            ("declined", "Declined"),
                            ("expired", "Expired"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("key", models.CharField(help_text="What makes a repeated press the same question.", max_length=300)),
                ("title", models.CharField(max_length=300)),
                (
                    "will",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, default=list, size=None
                    ),
                ),
                ("arguments", models.JSONField(default=dict)),
                (
                    "held",
                    profiles.secrets.SecretField(
                        blank=True, default="", help_text="Personal data the act needs, until it is decided."
                    ),
                ),
                ("asked_by", models.CharField(max_length=200)),
                ("asked_by_id", models.BigIntegerField(null=True)),
                ("because", models.TextField()),
                ("asked_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("decided_by", models.CharField(blank=True, default="", max_length=200)),
                ("decided_by_id", models.BigIntegerField(null=True)),
                ("decided_at", models.DateTimeField(null=True)),
                ("decision_reason", models.TextField(blank=True, default="")),
                ("result", models.TextField(blank=True, default="")),
                (
                    "order",
                    profiles.tenancy.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="approvals",
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
                        condition=models.Q(("state", "waiting")),
                        fields=["organization", "asked_at"],
                        name="approval_waiting",
                    ),
                    models.Index(fields=["organization", "-asked_at", "-id"], name="approval_newest"),
                    models.Index(fields=["organization", "order"], name="approval_of_order"),
                ],
                "constraints": [models.UniqueConstraint(fields=("organization", "key"), name="approval_unique")],
            },
        ),
        Secure("Approval"),
    ]

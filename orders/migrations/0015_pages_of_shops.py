"""Look at pages of shops: where a product is shown, or its checkout begins."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import profiles.tenancy
from profiles.tenancy import Secure


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0014_things_only_named"),
        ("profiles", "0013_proofs_of_addresses"),
    ]

    operations = [
        migrations.CreateModel(
            name="StorefrontPage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "purpose",
                    models.CharField(
                        choices=[("product", "Product page"), ("checkout", "Checkout")],
                        default="product",
                        max_length=10,
                    ),
                ),
                ("url", models.URLField(max_length=1000)),
                ("derived", models.BooleanField(default=False, help_text="Made from a listing; nobody typed it.")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("new", "Not looked at yet"),
                            ("well", "Agrees"),
                            ("differs", "Differs"),
                            ("away", "Does not answer"),
                        ],
                        default="new",
                        max_length=10,
                    ),
                ),
                ("trouble", models.TextField(blank=True, default="")),
                ("status_code", models.SmallIntegerField(default=0)),
                ("title_seen", models.CharField(blank=True, default="", max_length=300)),
                (
                    "price_seen",
                    models.CharField(blank=True, default="", help_text="As it is written there.", max_length=300),
                ),
                ("checked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "due_at",
                    models.DateTimeField(editable=False, help_text="When it is to be looked at; real time.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "channel",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="storefront_pages",
                        to="orders.channel",
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
                    "product",
                    profiles.tenancy.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="storefront_pages",
                        to="orders.product",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "state"], name="storefrontpage_state"),
                    models.Index(fields=["organization", "product"], name="storefrontpage_of_product"),
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["organization", "due_at"],
                        name="storefrontpage_due",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "channel", "url"), name="storefrontpage_unique")
                ],
            },
        ),
        Secure("StorefrontPage"),
    ]

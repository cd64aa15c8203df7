"""Have orders and their lines mark the days whose figures they change."""

import django.db.models.deletion
from django.db import migrations, models

from orders import marks
from profiles.tenancy import InEachOrganization, Secure

# Who bought first may be another one now: all that this customer bought from then on.
ORDERS = f"""
SELECT c.organization_id, c.placed_at AS at FROM changed c
UNION ALL
SELECT c.organization_id, o.placed_at FROM changed c
  {marks.each("SELECT o.placed_at FROM orders_order o WHERE o.profile_id = c.profile_id AND o.placed_at >= c.placed_at")} o
"""
LINES = f"""
SELECT c.organization_id, o.placed_at AS at FROM (SELECT DISTINCT organization_id, order_id FROM changed) c
  {marks.each("SELECT o.placed_at FROM orders_order o WHERE o.id = c.order_id")} o
"""


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0019_sources_of_conversations"),
        ("profiles", "0014_settle_payouts"),
    ]

    operations = [
        migrations.CreateModel(
            name="StaleDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(help_text="By the organization's calendar.")),
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
            options={"indexes": [models.Index(fields=["organization", "day"], name="staleday_day")]},
        ),
        Secure("StaleDay"),
        marks.by(
            "orders_order",
            watching=[
                "placed_at",
                "profile_id",
                "channel_id",
                "currency",
                "test",
                "status",
                "payment_status",
                "captured_minor",
                "refunded_minor",
                "disputed_minor",
            ],
            moments=ORDERS,
        ),
        marks.by(
            "orders_line",
            watching=["order_id", "product_id", "sku", "title", "quantity", "total_minor", "removed"],
            moments=LINES,
        ),
        marks.by_zone("orders_order", moment="placed_at"),
        InEachOrganization(marks.all_days("orders_order", moment="placed_at")),
    ]

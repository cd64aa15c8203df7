"""Have jobs mark the days of their orders, whose share delivered they change."""

from django.db import migrations

from orders import marks

ORDERS = """
SELECT c.organization_id, o.placed_at AS at FROM changed c
  JOIN fulfillment_entitlement e ON e.id = c.entitlement_id JOIN orders_order o ON o.id = e.order_id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("fulfillment", "0011_what_a_comparison_reads"),
        ("orders", "0020_mark_stale_days"),
    ]

    operations = [marks.by("fulfillment_job", watching=["entitlement_id", "state"], moments=ORDERS)]

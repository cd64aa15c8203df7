"""Have jobs mark the days of their orders, whose share delivered they change."""

from django.db import migrations

from orders import marks

ORDERS = f"""
SELECT c.organization_id, o.placed_at AS at FROM (SELECT DISTINCT organization_id, entitlement_id FROM changed) c
  {marks.each("SELECT e.order_id FROM fulfillment_entitlement e WHERE e.id = c.entitlement_id")} e
  {marks.each("SELECT o.placed_at FROM orders_order o WHERE o.id = e.order_id")} o
"""


class Migration(migrations.Migration):
    dependencies = [
        ("fulfillment", "0011_what_a_comparison_reads"),
        ("orders", "0020_mark_stale_days"),
    ]

    operations = [marks.by("fulfillment_job", watching=["entitlement_id", "state"], moments=ORDERS)]

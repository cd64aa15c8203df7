"""Have conversations, and what they led to, mark the days whose figures they change."""

from django.db import migrations

from orders import marks
from profiles.tenancy import InEachOrganization

LED = f"""
SELECT c.organization_id, o.placed_at AS at FROM changed c
  {marks.each("SELECT o.placed_at FROM orders_order o WHERE o.id = c.order_id")} o
 WHERE c.current AND c.conversation_id IS NOT NULL
UNION ALL
SELECT c.organization_id, k.started_at FROM changed c
  {marks.each("SELECT k.started_at FROM attribution_conversation k WHERE k.id = c.conversation_id")} k
 WHERE c.current
"""
# Whether a conversation led to an order that counts, of which currency and channel.
ORDERS = f"""
SELECT c.organization_id, k.started_at AS at FROM (SELECT DISTINCT organization_id, id FROM changed) c
  {marks.each("SELECT a.conversation_id FROM attribution_attribution a WHERE a.order_id = c.id AND a.current")} a
  {marks.each("SELECT k.started_at FROM attribution_conversation k WHERE k.id = a.conversation_id")} k
"""


class Migration(migrations.Migration):
    dependencies = [
        ("attribution", "0005_sources_and_enquiries"),
        ("orders", "0020_mark_stale_days"),
    ]

    operations = [
        marks.by(
            "attribution_conversation",
            watching=["started_at", "source", "channel_id"],
            moments="SELECT c.organization_id, c.started_at AS at FROM changed c",
        ),
        marks.by(
            "attribution_attribution",
            watching=["order_id", "conversation_id", "method", "confidence_cents", "current"],
            moments=LED,
        ),
        marks.by(
            "orders_order",
            watching=["channel_id", "currency", "test", "status", "payment_status"],
            moments=ORDERS,
            as_name="led",
        ),
        marks.by_zone("attribution_conversation", moment="started_at"),
        InEachOrganization(marks.all_days("attribution_conversation", moment="started_at")),
    ]

"""Have conversations, and what they led to, mark the days whose figures they change."""

from django.db import migrations

from orders import marks
from profiles.tenancy import InEachOrganization

LED = """
SELECT c.organization_id, o.placed_at AS at FROM changed c JOIN orders_order o ON o.id = c.order_id
 WHERE c.current AND c.conversation_id IS NOT NULL
UNION ALL
SELECT c.organization_id, k.started_at FROM changed c JOIN attribution_conversation k ON k.id = c.conversation_id
 WHERE c.current
"""
# Whether a conversation led to an order that counts, of which currency and channel.
ORDERS = """
SELECT c.organization_id, k.started_at AS at FROM changed c
  JOIN attribution_attribution a ON a.order_id = c.id AND a.current
  JOIN attribution_conversation k ON k.id = a.conversation_id
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

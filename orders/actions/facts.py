"""Recording what deliveries say: the newest version of each fact, whatever the order and number of deliveries.

A batch of any size costs a fixed number of statements. Nothing is decided here; `settle` makes everything agree.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import connection

from orders.actions import money_facts, order_facts, payout_facts
from orders.actions.statements import Said
from orders.messages import DisputeMessage, Message, OrderMessage, PaymentMessage, RefundMessage
from orders.models import Dispute, Payment, Refund
from profiles.actions import settlement
from profiles.models import Organization

LOCK_SPACE, LOCK_BUCKETS = 0xFAC7, 4096
_LOCK = "SELECT pg_advisory_xact_lock(%s, b) FROM unnest(%s::int[]) AS b"


@dataclass
class Recorded:
    """Which orders have to be settled because of what was said."""

    orders: set[int] = field(default_factory=set)


def record(said: Sequence[Said], *, organization: Organization) -> Recorded:
    """Write the facts of these messages; returns the orders they concern. Safe any number of times, in any order.

    Payouts and movements of a balance have settling of their own, which is asked for here.
    """
    if not said:
        return Recorded()
    lock(said)
    orders, voided, accepted = order_facts.record(
        [s for s in said if isinstance(s.message, OrderMessage)], organization
    )
    nested = [
        Said(s.channel, refund)
        for s in said
        if isinstance(s.message, OrderMessage) and (not s.message.refunds_complete or id(s.message) in accepted)
        for refund in s.message.refunds
    ]
    touched = {order.pk for order in orders} | voided
    for model, kind in ((Payment, PaymentMessage), (Refund, RefundMessage), (Dispute, DisputeMessage)):
        rows = [s for s in [*said, *nested] if isinstance(s.message, kind)]
        touched |= money_facts.record(model, rows, organization)
    touched |= _link(organization)
    payouts = payout_facts.record_payouts(said, organization)
    lines = payout_facts.record_lines(said, organization)
    payouts, lines, touched = payout_facts.link(payouts, lines, touched)
    if payouts or lines:
        settlement.request(organization.pk, payouts=payouts, movements=lines, wake_worker=False)
    return Recorded(orders=touched)


def lock(said: Iterable[Said]) -> None:
    """Two workers with word of one order go one after the other, in an order that cannot deadlock."""
    names = set()
    for s in said:
        for name in _names(s.message):
            names.add(zlib.crc32(f"{s.channel.pk}/{name}".encode()) % LOCK_BUCKETS)
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [LOCK_SPACE, sorted(names)])


_NAMED_BY = (
    "external_id",
    "payment_reference",
    "charge_reference",
    "order_external_id",
    "source_reference",
    "payout_external_id",
)


def _names(message: Message) -> list[str]:
    return [name for name in (getattr(message, name, "") for name in _NAMED_BY) if name]


# Facts that waited for their order

_LINK = """
UPDATE {table} f SET order_id = found.order_id FROM (
  SELECT p.id, o.id AS order_id FROM {table} p
    JOIN orders_order o ON o.external_id = p.order_external_id AND o.channel_id = p.channel_id
   WHERE p.order_id IS NULL AND p.order_external_id <> ''
  UNION
  SELECT p.id, o.id FROM {table} p
    JOIN orders_order o ON o.payment_reference = p.payment_reference AND o.channel_id = p.channel_id
                       AND o.payment_reference <> ''
   WHERE p.order_id IS NULL AND p.payment_reference <> ''
  UNION
  SELECT p.id, o.id FROM {table} p
    JOIN orders_order o ON o.charge_reference = p.charge_reference AND o.channel_id = p.channel_id
                       AND o.charge_reference <> ''
   WHERE p.order_id IS NULL AND p.charge_reference <> ''
  UNION
  SELECT p.id, pay.order_id FROM {table} p
    JOIN orders_payment pay ON pay.charge_reference = p.charge_reference AND pay.channel_id = p.channel_id
                           AND pay.charge_reference <> '' AND pay.order_id IS NOT NULL
   WHERE p.order_id IS NULL AND p.charge_reference <> ''
) found WHERE f.id = found.id RETURNING f.order_id
"""


def _link(organization: Organization) -> set[int]:
    """Give parked payments, refunds and disputes the order that has come, and tell which orders those are."""
    touched: set[int] = set()
    with connection.cursor() as cursor:
        for model in (Payment, Refund, Dispute):
            cursor.execute(_LINK.format(table=model._meta.db_table))
            touched |= {order_id for (order_id,) in cursor.fetchall()}
    return touched

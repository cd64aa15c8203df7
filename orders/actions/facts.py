"""Recording what deliveries say: the newest version of each fact, whatever the order and number of deliveries.

A batch of any size costs a fixed number of statements. Nothing is decided here; `settle` makes everything agree.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import connection

from orders.actions import money_facts, order_facts, payout_facts
from orders.actions.statements import Said
from orders.messages import DisputeMessage, Message, OrderMessage, PaymentMessage, RefundMessage
from orders.models import Dispute, MoneyFact, Payment, Refund
from profiles import locks, prepared
from profiles.actions import settlement
from profiles.models import Organization

LOCK_SPACE = 0xFAC7


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
    come = {order.pk for order in orders}
    touched = come | voided
    written: dict[type[MoneyFact], set[int]] = {}
    for model, kind in ((Payment, PaymentMessage), (Refund, RefundMessage), (Dispute, DisputeMessage)):
        rows = [s for s in [*said, *nested] if isinstance(s.message, kind)]
        written[model], changed = money_facts.record(model, rows, organization)
        touched |= changed
    touched |= link(written, come, {s.channel.pk for s in said})
    payouts = payout_facts.record_payouts(said, organization)
    lines = payout_facts.record_lines(said, organization)
    payouts, lines, touched = payout_facts.link(payouts, lines, touched)
    if payouts or lines:
        settlement.request(organization.pk, payouts=payouts, movements=lines, wake_worker=False)
    return Recorded(orders=touched)


def lock(said: Iterable[Said]) -> None:
    """Two workers with word of one order go one after the other, in an order that cannot deadlock."""
    lock_names((s.channel.pk, name) for s in said for name in _names(s.message))


def lock_names(names: Iterable[tuple[int, str]]) -> None:
    """The same for things that are named by channel and id."""
    locks.named(LOCK_SPACE, (f"{channel}/{name}" for channel, name in names))


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

# Each look-up stands by itself (LATERAL, OFFSET 0), so that it goes by its index although nothing is known yet of how
# many orders there are: while a file fills an empty table, the planner believes it empty.
_LINK = """
WITH said AS MATERIALIZED (
  SELECT id, channel_id, order_external_id, payment_reference, charge_reference
    FROM {table} WHERE id = ANY(%(facts)s) AND order_id IS NULL
), come AS MATERIALIZED (
  SELECT id, channel_id, external_id, payment_reference, charge_reference FROM orders_order WHERE id = ANY(%(orders)s)
), paid AS MATERIALIZED (
  SELECT order_id, channel_id, charge_reference FROM orders_payment
   WHERE id = ANY(%(payments)s) AND order_id IS NOT NULL AND charge_reference <> ''
), waiting AS MATERIALIZED (
  SELECT id, channel_id, order_external_id, payment_reference, charge_reference
    FROM {table} WHERE order_id IS NULL AND channel_id = ANY(%(channels)s) AND id <> ALL(%(facts)s)
), found AS MATERIALIZED (
  SELECT s.id, o.id AS order_id FROM said s, LATERAL (
    SELECT id FROM orders_order WHERE channel_id = s.channel_id AND external_id = s.order_external_id OFFSET 0) o
   WHERE s.order_external_id <> ''
  UNION
  SELECT s.id, o.id FROM said s, LATERAL (
    SELECT id FROM orders_order WHERE channel_id = s.channel_id AND payment_reference = s.payment_reference
       AND payment_reference <> '' OFFSET 0) o
   WHERE s.payment_reference <> ''
  UNION
  SELECT s.id, o.id FROM said s, LATERAL (
    SELECT id FROM orders_order WHERE channel_id = s.channel_id AND charge_reference = s.charge_reference
       AND charge_reference <> '' OFFSET 0) o
   WHERE s.charge_reference <> ''
  UNION
  SELECT s.id, o.order_id FROM said s, LATERAL (
    SELECT order_id FROM orders_payment WHERE channel_id = s.channel_id AND charge_reference = s.charge_reference
       AND charge_reference <> '' AND order_id IS NOT NULL OFFSET 0) o
   WHERE s.charge_reference <> ''
  UNION
  SELECT w.id, o.id FROM waiting w JOIN come o ON o.channel_id = w.channel_id AND o.external_id = w.order_external_id
  UNION
  SELECT w.id, o.id FROM waiting w
    JOIN come o ON o.payment_reference = w.payment_reference AND o.channel_id = w.channel_id
   WHERE w.payment_reference <> ''
  UNION
  SELECT w.id, o.id FROM waiting w
    JOIN come o ON o.charge_reference = w.charge_reference AND o.channel_id = w.channel_id
   WHERE w.charge_reference <> ''
  UNION
  SELECT w.id, p.order_id FROM waiting w
    JOIN paid p ON p.charge_reference = w.charge_reference AND p.channel_id = w.channel_id
)
UPDATE {table} f SET order_id = found.order_id FROM found WHERE f.id = found.id AND f.order_id IS NULL
RETURNING f.id, f.order_id
"""
_LINKED: tuple[type[Payment] | type[Refund] | type[Dispute], ...] = (Payment, Refund, Dispute)
_WAITS = "EXISTS (SELECT FROM {table} WHERE order_id IS NULL AND channel_id = ANY(%(channels)s))"
_ANY_WAITS = f"SELECT {', '.join(_WAITS.format(table=model._meta.db_table) for model in _LINKED)}"


def link(written: Mapping[type[MoneyFact], set[int]], orders: Iterable[int], channels: Iterable[int]) -> set[int]:
    """Give facts the order that is known now, and tell which orders those are.

    Looked at are the facts written just now, and those of these channels that waited for an order, or for a payment of
    it, that has come just now. Two that could find each other are never recorded side by side: `lock` sees to that.
    """
    touched: set[int] = set()
    payments = set(written.get(Payment, ()))
    values = {"orders": sorted(orders), "channels": sorted(set(channels))}
    (waiting,) = prepared.fetch(_ANY_WAITS, {"channels": values["channels"]})
    with connection.cursor() as cursor:
        for model, waits in zip(_LINKED, waiting, strict=True):
            if not waits and not written.get(model):
                continue  # an order alone, as most come: there is nothing to find, and to look takes longer than to ask
            ids = {"facts": sorted(written.get(model, ())), "payments": sorted(payments)}
            cursor.execute(_LINK.format(table=model._meta.db_table), values | ids)
            found = cursor.fetchall()
            touched |= {order_id for _, order_id in found}
            if model is Payment:
                payments |= {fact_id for fact_id, _ in found}
    return touched

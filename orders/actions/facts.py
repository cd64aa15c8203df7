"""Recording what deliveries say: the newest version of each fact, whatever the order and number of deliveries.

A batch of any size costs a fixed number of statements. Nothing is decided here; `settle` makes everything agree.
"""

import hashlib
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import connection
from django.db.models import Q

from orders.messages import Authority, DisputeMessage, Message, OrderMessage, PaymentMessage, RefundMessage
from orders.models import Channel, Dispute, Line, Order, Payment, Refund
from orders.models.money import MoneyFact
from profiles import bulk
from profiles.actions import resolution
from profiles.models import Organization

LOCK_SPACE, LOCK_BUCKETS = 0xFAC7, 4096
_LOCK = "SELECT pg_advisory_xact_lock(%s, b) FROM unnest(%s::int[]) AS b"

ORDER_FIELDS = [
    "external_id",
    "number",
    "currency",
    "total_minor",
    "discount_minor",
    "tax_minor",
    "shipping_minor",
    "presentment_currency",
    "presentment_total_minor",
    "placed_at",
    "paid_at",
    "test",
    "channel_status",
    "channel_paid",
    "channel_failed",
    "cancelled",
    "payment_reference",
    "charge_reference",
    "customer_name",
    "email_raw",
    "phone_raw",
    "email",
    "phone",
    "region",
    "verified_account",
    "conversation_hint",
    "flags",
    "extra",
    "authority",
    "version",
    "rank",
    "digest",
    "identifiers",
]
LINE_FIELDS = ["position", "sku", "title", "quantity", "total_minor", "listing_ids", "removed"]
MONEY_FIELDS = [
    "order_external_id",
    "payment_reference",
    "charge_reference",
    "amount_minor",
    "currency",
    "at",
    "test",
    "version",
    "rank",
    "digest",
    "status",
]
OWN_FIELDS: Mapping[type[MoneyFact], list[str]] = {
    Payment: ["method", "last4", "fee_minor"],
    Refund: ["shop_amount_minor", "shop_currency", "reason", "covered_lines"],
    Dispute: ["reason", "evidence_due_at"],
}


@dataclass(frozen=True, slots=True)
class Said:
    """One message and the channel it came through."""

    channel: Channel
    message: Message


@dataclass
class Recorded:
    """Which orders have to be settled because of what was said."""

    orders: set[int] = field(default_factory=set)


def record(said: Sequence[Said], *, organization: Organization) -> Recorded:
    """Write the facts of these messages; returns the orders they concern. Safe any number of times, in any order."""
    if not said:
        return Recorded()
    _lock(said)
    orders, voided, accepted = _record_orders([s for s in said if isinstance(s.message, OrderMessage)], organization)
    nested = [
        Said(s.channel, refund)
        for s in said
        if isinstance(s.message, OrderMessage) and (not s.message.refunds_complete or id(s.message) in accepted)
        for refund in s.message.refunds
    ]
    touched = {order.pk for order in orders} | voided
    for model, kind in ((Payment, PaymentMessage), (Refund, RefundMessage), (Dispute, DisputeMessage)):
        rows = [s for s in [*said, *nested] if isinstance(s.message, kind)]
        touched |= _record_money(model, rows, organization)
    touched |= _link(organization)
    return Recorded(orders=touched)


def _lock(said: Iterable[Said]) -> None:
    """Two workers with word of one order go one after the other, in an order that cannot deadlock."""
    names = set()
    for s in said:
        for name in _names(s.message):
            names.add(zlib.crc32(f"{s.channel.pk}/{name}".encode()) % LOCK_BUCKETS)
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [LOCK_SPACE, sorted(names)])


def _names(message: Message) -> list[str]:
    own = [message.external_id, message.payment_reference if not isinstance(message, PaymentMessage) else ""]
    if not isinstance(message, OrderMessage):
        own.append(message.order_external_id)
    return [name for name in own if name]


def digest(message: Message) -> str:
    """Tells two messages of one version apart, the same way whichever came first."""
    return hashlib.sha256(repr(message).encode()).hexdigest()


# Orders ---------------------------------------------------------------------------------------------------------


def _record_orders(said: Sequence[Said], organization: Organization) -> tuple[list[Order], set[int], set[int]]:
    """The orders written, those that lost a refund, and which messages (by identity) were the newest word."""
    newest = _newest_orders(said)
    if not newest:
        return [], set(), set()
    known = _known_orders(newest)
    fresh: list[Order] = []
    changed: list[Order] = []
    messages: dict[int, OrderMessage] = {}
    for s in newest:
        assert isinstance(s.message, OrderMessage)
        order = _find(s, known)
        if order is not None and _version(order) >= _said_version(s.message):
            continue
        row = order or Order(organization=organization, channel=s.channel)
        _describe(row, s.message, organization)
        (changed if order else fresh).append(row)
        messages[id(row)] = s.message
    bulk.insert(Order, fresh)
    bulk.update(Order, changed, ORDER_FIELDS)
    _record_lines([(row, messages[id(row)]) for row in fresh], [(row, messages[id(row)]) for row in changed])
    voided = _void_unlisted([(row, messages[id(row)]) for row in changed])
    return [*fresh, *changed], voided, {id(message) for message in messages.values()}


def _newest_orders(said: Sequence[Said]) -> list[Said]:
    """The newest message about each order of the batch; a payment's word gives way to its checkout's."""
    newest: dict[tuple[int, str], Said] = {}
    for s in said:
        assert isinstance(s.message, OrderMessage)
        key = (s.channel.pk, s.message.external_id)
        if key not in newest or _said_version(newest[key].message) < _said_version(s.message):  # type: ignore[arg-type]
            newest[key] = s
    spoken_for = {
        (channel_id, s.message.payment_reference)
        for (channel_id, _), s in newest.items()
        if isinstance(s.message, OrderMessage) and s.message.authority == Authority.ORDER
    }
    return [
        s
        for key, s in newest.items()
        if not (isinstance(s.message, OrderMessage) and s.message.authority == Authority.PAYMENT and key in spoken_for)
    ]


def _said_version(message: OrderMessage) -> tuple[str, object, int, str]:
    return (message.authority.value, message.version, message.rank, digest(message))


def _version(order: Order) -> tuple[str, object, int, str]:
    return (order.authority, order.version, order.rank, order.digest)


def _known_orders(newest: Sequence[Said]) -> dict[tuple[int, str], Order]:
    channels = {s.channel.pk for s in newest}
    ids = {s.message.external_id for s in newest}
    payments = {s.message.payment_reference for s in newest if s.message.payment_reference}  # type: ignore[union-attr]
    payments |= {s.message.external_id for s in newest if s.message.authority == Authority.PAYMENT}  # type: ignore[union-attr]
    wanted = Q(external_id__in=ids)
    if payments:
        wanted |= Q(payment_reference__in=payments)
    rows = Order.objects.select_for_update().filter(wanted, channel_id__in=channels).order_by("pk")
    known: dict[tuple[int, str], Order] = {}
    for order in rows:
        if order.payment_reference:
            known.setdefault((order.channel_id, order.payment_reference), order)
    for order in rows:
        known[order.channel_id, order.external_id] = order
    return known


def _find(s: Said, known: Mapping[tuple[int, str], Order]) -> Order | None:
    message = s.message
    assert isinstance(message, OrderMessage)
    if order := known.get((s.channel.pk, message.external_id)):
        return order
    # A payment that came before its checkout was an order of its own until now: the checkout gives it its name.
    return known.get((s.channel.pk, message.payment_reference)) if message.payment_reference else None


def _describe(row: Order, message: OrderMessage, organization: Organization) -> None:
    customer = message.customer
    region = customer.region or row.channel.region or organization.region
    fields = {
        "email": customer.email,
        "phone": customer.phone,
        "loyalty_id": customer.loyalty_id,
        "device_id": customer.device_id,
        "cookie_id": customer.cookie_id,
    }
    row.identifiers, row.email, row.phone = resolution.keys_of(fields, region=region, source=row.channel.label)
    row.external_id = message.external_id
    row.number = message.number[:100]
    row.currency = message.currency
    row.total_minor = message.total_minor
    row.discount_minor, row.tax_minor = message.discount_minor, message.tax_minor
    row.shipping_minor = message.shipping_minor
    row.presentment_currency = message.presentment_currency
    row.presentment_total_minor = message.presentment_total_minor
    row.placed_at, row.paid_at = message.placed_at, message.paid_at
    row.test = message.test or row.channel.test
    row.channel_status = message.status.value
    row.channel_paid, row.channel_failed = message.paid, message.payment_failed
    row.cancelled = message.cancelled
    row.payment_reference, row.charge_reference = message.payment_reference, message.charge_reference
    if message.authority == Authority.PAYMENT:
        row.payment_reference = message.external_id
    row.customer_name = customer.name[:300]
    row.email_raw, row.phone_raw = customer.email[:400], customer.phone[:200]
    row.region = customer.region[:2]
    row.verified_account = customer.verified_account
    row.conversation_hint = message.conversation_hint[:255]
    row.flags = list(message.flags)
    row.extra = dict(message.extra_facts)
    row.authority, row.version, row.rank = message.authority.value, message.version, message.rank
    row.digest = digest(message)


def _record_lines(fresh: Sequence[tuple[Order, OrderMessage]], changed: Sequence[tuple[Order, OrderMessage]]) -> None:
    new: list[Line] = [line for order, message in fresh for line in _lines(order, message)]
    kept: list[Line] = []
    if changed:
        by_order: dict[int, dict[str, Line]] = {order.pk: {} for order, _ in changed}
        for line in Line.objects.filter(order__in=list(by_order)):
            by_order[line.order_id][line.external_id] = line
        for order, message in changed:
            former = by_order[order.pk]
            for line in _lines(order, message):
                if old := former.pop(line.external_id, None):
                    line.pk, line.product_id = old.pk, old.product_id
                    kept.append(line)
                else:
                    new.append(line)
            for line in former.values():
                line.removed = True
                kept.append(line)
    bulk.insert(Line, new)
    bulk.update(Line, kept, LINE_FIELDS)


def _lines(order: Order, message: OrderMessage) -> list[Line]:
    return [
        Line(
            organization_id=order.organization_id,
            order=order,
            external_id=line.external_id,
            position=position,
            sku=line.sku[:200],
            title=line.title[:500],
            quantity=line.quantity,
            total_minor=line.total_minor,
            listing_ids=list(line.listing_ids),
        )
        for position, line in enumerate(message.lines)
    ]


def _void_unlisted(changed: Sequence[tuple[Order, OrderMessage]]) -> set[int]:
    """A refund that the newest version of its order no longer lists did not happen."""
    complete = {
        order.pk: {r.external_id for r in message.refunds} for order, message in changed if message.refunds_complete
    }
    if not complete:
        return set()
    voided: set[int] = set()
    for refund in Refund.objects.filter(order__in=list(complete)).exclude(status=Refund.Status.FAILED):
        if refund.order_id and refund.external_id not in complete[refund.order_id]:
            Refund.objects.filter(pk=refund.pk).update(status=Refund.Status.FAILED)
            voided.add(refund.order_id)
    return voided


# Payments, refunds, disputes ------------------------------------------------------------------------------------


def _record_money(model: type[MoneyFact], said: Sequence[Said], organization: Organization) -> set[int]:
    if not said:
        return set()
    newest: dict[tuple[int, str], MoneyFact] = {}
    for s in said:
        row = _money(model, s, organization)
        key = (s.channel.pk, row.external_id)
        other = newest.get(key, row)
        newer, older = (other, row) if _money_version(row) <= _money_version(other) else (row, other)
        _fill(newer, older)
        newest[key] = newer
    known = {
        (row.channel_id, row.external_id): row
        for row in model._base_manager.select_for_update()
        .filter(channel_id__in={c for c, _ in newest}, external_id__in={e for _, e in newest})
        .order_by("pk")
    }
    fresh: list[MoneyFact] = []
    changed: list[MoneyFact] = []
    for key, row in newest.items():
        former = known.get(key)
        if former is None:
            fresh.append(row)
        elif _money_version(former) < _money_version(row):
            row.pk, row.order_id = former.pk, former.order_id
            _fill(row, former)
            changed.append(row)
        elif _fill(former, row):
            changed.append(former)
    bulk.insert(model, fresh)
    bulk.update(model, changed, [*MONEY_FIELDS, *OWN_FIELDS[model]])
    return {row.order_id for row in changed if row.order_id}


def _money_version(row: MoneyFact) -> tuple[object, int, str]:
    return (row.version, row.rank, row.digest)


def _fill(newer: MoneyFact, older: MoneyFact) -> bool:
    """What only the older word tells is kept beside the newer, whichever came first; true if anything was."""
    names = ["order_external_id", "payment_reference", "charge_reference"]
    if isinstance(newer, Payment):
        names += ["method", "last4", "fee_minor"]
    filled = [name for name in names if getattr(newer, name) in ("", None) and getattr(older, name) not in ("", None)]
    for name in filled:
        setattr(newer, name, getattr(older, name))
    return bool(filled)


def _money(model: type[MoneyFact], s: Said, organization: Organization) -> MoneyFact:
    message = s.message
    assert not isinstance(message, OrderMessage)
    row = model(
        organization=organization,
        channel=s.channel,
        external_id=message.external_id,
        order_external_id=message.order_external_id,
        charge_reference=message.charge_reference,
        amount_minor=message.amount_minor,
        currency=message.currency,
        test=message.test or s.channel.test,
        version=message.version,
        rank=message.rank,
        digest=digest(message),
    )
    row.status = message.status.value  # type: ignore[attr-defined]
    if isinstance(message, PaymentMessage):
        assert isinstance(row, Payment)
        row.payment_reference, row.at = message.external_id, message.paid_at
        row.method, row.last4, row.fee_minor = message.method[:60], message.last4[:4], message.fee_minor
    elif isinstance(message, RefundMessage):
        assert isinstance(row, Refund)
        row.payment_reference, row.at = message.payment_reference, message.refunded_at
        row.shop_amount_minor, row.shop_currency = message.shop_amount_minor, message.shop_currency
        row.reason = message.reason
        row.covered_lines = [f"{line.line_external_id}×{line.quantity}" for line in message.lines]
    else:
        assert isinstance(row, Dispute)
        row.payment_reference, row.at = message.payment_reference, message.opened_at
        row.reason, row.evidence_due_at = message.reason[:100], message.evidence_due_at
    return row


# Facts that waited for their order ------------------------------------------------------------------------------

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

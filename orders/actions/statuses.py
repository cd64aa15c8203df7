"""What became of each order: status and payment status derived from the facts, odd ones flagged, never refused."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from orders import money
from orders.messages import OrderStatus
from orders.models import Dispute, Order, Payment, Rate, Refund, StatusChange
from profiles import bulk, clock
from profiles.actions import resolution
from profiles.models import Organization
from profiles.prepared_queries import PreparedQuery

FIELDS = [
    "status",
    "payment_status",
    "captured_minor",
    "refunded_minor",
    "disputed_minor",
    "needs_person",
    "base_rate",
    "settled_at",
]

_PAYMENTS = PreparedQuery(lambda orders: Payment.objects.filter(order__in=orders).order_by("at", "external_id"))
_REFUNDS = PreparedQuery(lambda orders: Refund.objects.filter(order__in=orders).order_by("at", "external_id"))
_DISPUTES = PreparedQuery(lambda orders: Dispute.objects.filter(order__in=orders).order_by("at", "external_id"))


@dataclass
class Money:
    """The money facts of one order."""

    payments: list[Payment] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)


def settle(orders: Sequence[Order], *, organization: Organization) -> dict[int, Money]:
    """Derive both statuses of each order and keep every change with its cause; returns the money facts read.

    Writes the orders once, with what `resolution.settle` decided about them before.
    """
    facts = read_money(orders)
    rates = _rates(orders, organization)
    now = clock.now()
    changes: list[StatusChange] = []
    refunds: list[Refund] = []
    for order in orders:
        known = facts[order.pk]
        former = {"status": order.status, "payment_status": order.payment_status}
        refunds += convert(order, known.refunds)
        _derive(order, known)
        order.base_rate = _rate(order, rates, organization)
        order.settled_at = now
        for name, was in former.items():
            is_now = getattr(order, name)
            # An order begins pending and unpaid: only what differs from that is a change worth a line.
            if is_now != was:
                cause = _cause(order, known, name)
                changes.append(_change(order, name, was, is_now, cause, now))
    bulk.update(Refund, refunds, ["order_minor"])
    bulk.update(Order, orders, [*FIELDS, *resolution.FIELDS])
    bulk.insert(StatusChange, changes)
    return facts


def read_money(orders: Sequence[Order]) -> dict[int, Money]:
    """Payments, refunds and disputes of these orders, in three queries."""
    facts: dict[int, Money] = defaultdict(Money)
    ids = [order.pk for order in orders]
    for payment in _PAYMENTS(ids):
        facts[payment.order_id or 0].payments.append(payment)
    for refund in _REFUNDS(ids):
        facts[refund.order_id or 0].refunds.append(refund)
    for dispute in _DISPUTES(ids):
        facts[dispute.order_id or 0].disputes.append(dispute)
    return facts


def convert(order: Order, refunds: Sequence[Refund]) -> list[Refund]:
    """Each refund in the order's currency: as the payload says, else by the order's own rate, else unknown.

    Sets `order_minor` and returns those in which it changed; the caller saves.
    """
    changed = []
    for refund in refunds:
        if refund.currency == order.currency:
            amount: int | None = refund.amount_minor
        elif refund.shop_amount_minor is not None and refund.shop_currency == order.currency:
            amount = refund.shop_amount_minor
        elif refund.currency == order.presentment_currency and order.presentment_total_minor:
            amount = money.convert(refund.amount_minor, of=order.presentment_total_minor, into=order.total_minor)
        else:
            amount = None
        if amount != refund.order_minor:
            refund.order_minor = amount
            changed.append(refund)
    return changed


def _derive(order: Order, known: Money) -> None:
    order.captured_minor = captured(order, known)
    paid = order.channel_paid or (order.captured_minor > 0 and order.captured_minor >= order.total_minor)
    done = [r for r in known.refunds if r.status == Refund.Status.SUCCEEDED]
    order.refunded_minor = sum(r.order_minor or 0 for r in done)
    lost = [d for d in known.disputes if d.status == Dispute.Status.LOST]
    order.disputed_minor = sum(d.amount_minor for d in lost if d.currency == order.currency)
    order.payment_status = _payment_status(order, known, paid)
    fully_refunded = order.payment_status == Order.PaymentStatus.REFUNDED
    if fully_refunded or (order.channel_status == OrderStatus.REFUNDED and not order.cancelled):
        order.status = Order.Status.REFUNDED
    elif order.cancelled:
        order.status = Order.Status.CANCELLED
    else:
        order.status = order.channel_status
    order.needs_person = "; ".join(_oddities(order, known, done))[:200]


def captured(order: Order, known: Money) -> int:
    """What was taken for the order, in its own currency: all of it where the channel says that it is paid."""
    if order.channel_paid:
        return order.total_minor
    return sum(p.amount_minor for p in known.payments if p.status == "captured" and p.currency == order.currency)


def _payment_status(order: Order, known: Money, paid: bool) -> str:
    if not paid:
        return Order.PaymentStatus.FAILED if order.channel_failed else Order.PaymentStatus.UNPAID
    if any(d.status in (Dispute.Status.OPENED, Dispute.Status.LOST) for d in known.disputes):
        return Order.PaymentStatus.DISPUTED
    if order.refunded_minor and order.refunded_minor >= order.captured_minor:
        return Order.PaymentStatus.REFUNDED
    if order.refunded_minor:
        return Order.PaymentStatus.PARTIALLY_REFUNDED
    return Order.PaymentStatus.PAID


def _oddities(order: Order, known: Money, done: Sequence[Refund]) -> list[str]:
    found = []
    if any(r.order_minor is None for r in done):
        found.append("A refund is in a currency that cannot be converted")
    if order.refunded_minor > order.captured_minor and done:
        found.append("More was refunded than paid")
    elif order.refunded_minor and any(not r.covered_lines for r in done) and not fully(order):
        found.append("A partial refund names no lines: decide what it covers")
    if any(d.status == Dispute.Status.OPENED for d in known.disputes):
        found.append("A dispute is open")
    if order.channel_paid and any(p.currency != order.currency for p in known.payments):
        found.append("A payment is in another currency")
    return found


def fully(order: Order) -> bool:
    """Whether all the money that was captured went back."""
    return bool(order.refunded_minor) and order.refunded_minor >= order.captured_minor


def _cause(order: Order, known: Money, name: str) -> str:
    if name == "payment_status" and order.payment_status == Order.PaymentStatus.DISPUTED:
        dispute = known.disputes[-1]
        return f"Dispute {dispute.external_id} {dispute.get_status_display().lower()}"
    if order.refunded_minor and order.payment_status != Order.PaymentStatus.PAID:
        refund = [r for r in known.refunds if r.status == Refund.Status.SUCCEEDED][-1]
        return f"Refund {refund.external_id} of {money.to_text(refund.amount_minor, refund.currency)} {refund.currency}"
    return f"{order.channel.get_kind_display()} said so at {order.version:%Y-%m-%d %H:%M:%S} UTC"


def _change(order: Order, name: str, was: str, is_now: str, cause: str, at: datetime) -> StatusChange:
    return StatusChange(
        organization_id=order.organization_id, order=order, field=name, former=was, now=is_now, cause=cause[:300], at=at
    )


def _rates(orders: Sequence[Order], organization: Organization) -> Mapping[str, list[Rate]]:
    foreign = {order.currency for order in orders} - {organization.currency}
    found: dict[str, list[Rate]] = defaultdict(list)
    if foreign:
        for rate in Rate.objects.filter(currency__in=foreign).order_by("currency", "-on"):
            found[rate.currency].append(rate)
    return found


def _rate(order: Order, rates: Mapping[str, list[Rate]], organization: Organization) -> Decimal | None:
    """The rate of the order's day, kept with the order: once known it does not change."""
    if order.currency == organization.currency:
        return Decimal(1)
    if order.base_rate is not None:
        return order.base_rate
    for rate in rates.get(order.currency, ()):
        if rate.on <= order.placed_at.date():
            shift = money.exponent(organization.currency) - money.exponent(order.currency)
            return rate.rate.scaleb(shift)
    return None

"""What a refund request says to its provider: the channel's credentials, the payment, the lines, what is not ours."""

import json
from collections.abc import Sequence

from django.conf import settings

from orders import money
from orders.messages import RefundedLine, RefundStatus
from orders.models import Channel, Line, Order, Payment, Refund, RefundRequest
from orders.providers.refunding import Shop, Wanted


def credentials(channel: Channel) -> dict[str, str]:
    """The provider's credentials by name; empty where there are none."""
    known: dict[str, str] = json.loads(channel.credentials) if channel.credentials else {}
    return known


def shop(channel: Channel) -> Shop:
    """How the channel's provider is called."""
    return Shop(
        domain=channel.domain,
        credentials=credentials(channel),
        test=channel.test,
        stripe_base=settings.STRIPE_API_BASE,
        inside=not settings.PRODUCTION,
    )


def lines(covered: Sequence[str]) -> list[RefundedLine]:
    """Covered lines as they are kept ("line external id × quantity"), as messages say them."""
    found = []
    for one in covered:
        external_id, _, quantity = one.rpartition("×")
        found.append(RefundedLine(line_external_id=external_id, quantity=int(quantity)))
    return found


def wanted(rows: Sequence[RefundRequest]) -> list[Wanted]:
    """What is to be made at the providers; the rows come with their order and its channel. Four queries."""
    orders = {row.order_id for row in rows}
    known = list(Refund.objects.filter(order__in=orders))
    asked = list(RefundRequest.objects.filter(order__in=orders).exclude(provider_refund_id=""))
    payments: dict[int | None, Payment] = {}
    for payment in Payment.objects.filter(order__in=orders, status=Payment.Status.CAPTURED).order_by("at", "pk"):
        payments.setdefault(payment.order_id, payment)
    sold = list(Line.objects.filter(order__in=orders, removed=False).order_by("position", "pk"))
    return [
        _wanted(
            row,
            refunds=[refund for refund in known if refund.order_id == row.order_id],
            asked=[one for one in asked if one.order_id == row.order_id and one.pk != row.pk],
            payment=payments.get(row.order_id),
            sold=[line for line in sold if line.order_id == row.order_id],
        )
        for row in rows
    ]


def _wanted(
    row: RefundRequest,
    *,
    refunds: Sequence[Refund],
    asked: Sequence[RefundRequest],
    payment: Payment | None,
    sold: Sequence[Line],
) -> Wanted:
    order = row.order
    # Before the request was written nothing can have been made for it.
    older = {refund.external_id for refund in refunds if row.pk and refund.arrived_at < row.recorded_at}
    paid_minor, paid_currency = _paid(row, order, refunds)
    return Wanted(
        reference=str(row.reference),
        order_external_id=order.external_id,
        amount_minor=row.amount_minor,
        currency=row.currency,
        paid_minor=paid_minor,
        paid_currency=paid_currency,
        payment_reference=order.payment_reference or (payment.payment_reference if payment else ""),
        charge_reference=order.charge_reference or (payment.charge_reference if payment else ""),
        lines=tuple(lines(row.covered_lines)) or _all_of(row, order, sold),
        reason=row.reason[:200],
        tried=row.doubtful,
        others=frozenset(older | {one.provider_refund_id for one in asked}),
    )


def _paid(row: RefundRequest, order: Order, refunds: Sequence[Refund]) -> tuple[int, str]:
    """The amount in the currency the buyer was charged in, by the order's own rate; the last one takes what is left."""
    total = order.presentment_total_minor
    if order.presentment_currency in ("", order.currency) or not total or not order.total_minor:
        return row.amount_minor, row.currency
    share = money.convert(row.amount_minor, of=order.total_minor, into=total)
    gone = [
        (refund.order_minor or 0, refund.amount_minor)
        for refund in refunds
        if refund.currency == order.presentment_currency
        and refund.status in (RefundStatus.SUCCEEDED, RefundStatus.PENDING)
    ]
    if sum(ours for ours, _ in gone) + row.amount_minor == order.total_minor:
        share = total - sum(theirs for _, theirs in gone)
    return share, order.presentment_currency


def _all_of(row: RefundRequest, order: Order, sold: Sequence[Line]) -> tuple[RefundedLine, ...]:
    """A refund of the whole order covers all its lines, so that the shop counts them back."""
    if row.amount_minor < order.total_minor:
        return ()
    return tuple(RefundedLine(line_external_id=line.external_id, quantity=line.quantity) for line in sold)

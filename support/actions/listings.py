"""What a provider's own list has and we lack: payments and paid orders no delivery told of (RELIABILITY F13)."""

from collections.abc import Iterable, Sequence

from django.db.models import Q

from orders.messages import Message, OrderMessage, PaymentMessage, PaymentStatus
from orders.models import Channel, Order, Payment
from profiles import bulk, clock
from support import differences
from support.actions.comparisons import BY, FOUND_AGAIN
from support.models import Discrepancy, DiscrepancyEntry

Kind, Status = Discrepancy.Kind, Discrepancy.Status
AT_ONCE = 5_000


def compare(channel: Channel, listed: Iterable[Message], *, organization_id: int) -> dict[str, int]:
    """Keep each payment or paid order of this list that is not known here as *paid without order*.

    Returns how many were listed, how many are missing, and how many of those were not known to be missing.
    """
    told = [message for message in listed if _is_money(message)]
    missing = new = 0
    for start in range(0, len(told), AT_ONCE):
        unknown = _unknown(channel, told[start : start + AT_ONCE])
        missing += len(unknown)
        new += _keep(channel, unknown, organization_id)
    return {"listed": len(told), "missing": missing, "new": new}


def _is_money(message: Message) -> bool:
    if isinstance(message, PaymentMessage):
        return message.status == PaymentStatus.CAPTURED
    return isinstance(message, OrderMessage) and message.paid


def _unknown(channel: Channel, told: Sequence[Message]) -> list[OrderMessage | PaymentMessage]:
    """Those of which we have neither the order nor the payment; a payment and its order are one thing."""
    names = {message.external_id for message in told}
    names |= {message.payment_reference for message in told if isinstance(message, OrderMessage)} - {""}
    orders = Order.objects.filter(Q(external_id__in=names) | Q(payment_reference__in=names), channel=channel)
    known = {name for pair in orders.values_list("external_id", "payment_reference") for name in pair}
    known |= set(Payment.objects.filter(channel=channel, external_id__in=names).values_list("external_id", flat=True))
    found: dict[str, OrderMessage | PaymentMessage] = {}
    named_by_orders = {m.payment_reference for m in told if isinstance(m, OrderMessage)}
    for message in told:
        assert isinstance(message, OrderMessage | PaymentMessage)
        its_order = message.order_external_id if isinstance(message, PaymentMessage) else message.payment_reference
        if message.external_id in known or (its_order and its_order in known):
            continue
        if isinstance(message, PaymentMessage) and message.external_id in named_by_orders:
            continue
        found.setdefault(message.external_id, message)
    return list(found.values())


def _keep(channel: Channel, unknown: Sequence[OrderMessage | PaymentMessage], organization_id: int) -> int:
    if not unknown:
        return 0
    now = clock.now()
    rows = [_row(channel, message, organization_id) for message in unknown]
    for row in rows:
        row.found_at, row.due_at = now, now + differences.DUE_AFTER
    subjects = [row.subject for row in rows]
    standing = {
        row.subject: row
        for row in Discrepancy.objects.select_for_update(no_key=True).filter(
            kind=Kind.PAID_WITHOUT_ORDER, subject__in=subjects
        )
    }
    fresh = [row for row in rows if row.subject not in standing]
    again = [row for row in standing.values() if row.status == Status.CLOSED]
    for row in again:
        row.status, row.found_at, row.due_at = Status.OPEN, now, now + differences.DUE_AFTER
        row.closed_at, row.closed_because, row.closed_by = None, "", ""
    bulk.insert(Discrepancy, fresh)
    bulk.update(Discrepancy, again, ["status", "found_at", "due_at", "closed_at", "closed_because", "closed_by"])
    entries = [
        DiscrepancyEntry(organization_id=organization_id, discrepancy=row, at=now, by=BY, words=FOUND_AGAIN)
        for row in again
    ]
    bulk.insert(DiscrepancyEntry, entries)
    return len(fresh) + len(again)


def _row(channel: Channel, message: OrderMessage | PaymentMessage, organization_id: int) -> Discrepancy:
    is_order = isinstance(message, OrderMessage)
    at = message.placed_at if isinstance(message, OrderMessage) else message.paid_at
    minor = message.total_minor if isinstance(message, OrderMessage) else message.amount_minor
    return Discrepancy(
        organization_id=organization_id,
        kind=Kind.PAID_WITHOUT_ORDER,
        subject=f"{channel.pk}/{message.external_id}"[:300],
        amount_minor=minor,
        currency=message.currency,
        test=message.test or channel.test,
        at=at,
        channel=channel,
        external_id=message.external_id,
        ours=[["Order", "none"], ["Told by", "no delivery"]],
        theirs=[
            ["Order" if is_order else "Payment", message.external_id],
            ["Taken", {"minor": minor, "currency": message.currency}],
            ["Paid", {"at": at.isoformat()}],
            ["Known from", "the provider's own list"],
        ],
        repair=differences.FETCH,
    )

"""What the ledger should hold of an order, of a payout and of a movement without an order: pure rules over the facts.

Above zero is the seller's, below zero left the seller; minor units of the currency beside it. The sum of an order's
payments, refunds and disputes here is what was captured, less what was refunded, less what disputes hold or took.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

CAPTURED: Final = "captured"
FEE: Final = "fee"
REFUND: Final = "refund"
DISPUTE: Final = "dispute"
DISPUTE_REVERSED: Final = "dispute_reversed"
PAYOUT: Final = "payout"
ADJUSTMENT: Final = "adjustment"

OF_THE_SALE: Final = (CAPTURED, REFUND, DISPUTE, DISPUTE_REVERSED)
"""The kinds whose sum is an order's net amount."""
TAKEN_BACK: Final = "import_undone"
"""The flag of an order whose import was undone: nothing of it is booked."""

# What a balance's movement is booked as where no fact of an order says it already.
_OWN_KINDS: Final = {
    "fee": FEE,
    "adjustment": ADJUSTMENT,
    "conversion": ADJUSTMENT,
    "unknown": ADJUSTMENT,
}


@dataclass(frozen=True, slots=True)
class Item:
    """One source's sum as the facts have it now.

    `at` is when it happened, `changed_at` when it became what it is: the time of a further entry.
    """

    kind: str
    source: str
    amount_minor: int
    currency: str
    at: datetime
    changed_at: datetime
    payout_id: int | None = None


@dataclass(slots=True)
class Sale:
    """The facts of one order, given as rows or anything with the same names."""

    order: Any
    payments: Sequence[Any] = ()
    refunds: Sequence[Any] = ()
    disputes: Sequence[Any] = ()
    lines: Sequence[Any] = ()


def of_order(sale: Sale) -> list[Item]:
    """What should stand in the ledger for this order; nothing where its money is told elsewhere."""
    order = sale.order
    if not getattr(order, "booked", True) or TAKEN_BACK in order.flags:
        return []
    return [*_captured(sale), *_refunds(sale), *_disputes(sale), *_fees(sale)]


def _captured(sale: Sale) -> Iterator[Item]:
    """Payment by payment; what the channel holds paid beyond them is the order's own. Never more than was captured."""
    order = sale.order
    left = order.captured_minor
    for payment in sale.payments:
        taken = min(payment.amount_minor, left) if _counts(payment, order) else 0
        left -= taken
        source = f"payment:{payment.external_id}"
        yield Item(CAPTURED, source, taken, order.currency, payment.at, payment.version)
    at = order.paid_at or order.placed_at
    yield Item(CAPTURED, f"order:{order.pk}", left, order.currency, at, max(at, order.version))


def _counts(payment: Any, order: Any) -> bool:
    return payment.status == "captured" and bool(payment.currency == order.currency)


def _refunds(sale: Sale) -> Iterator[Item]:
    """In the order's own currency; one that failed stands at zero from the moment that was known."""
    for refund in sale.refunds:
        amount = (refund.order_minor or 0) if refund.status == "succeeded" else 0
        source = f"refund:{refund.external_id}"
        yield Item(REFUND, source, -amount, sale.order.currency, refund.at, max(refund.at, refund.version))


def _disputes(sale: Sale) -> Iterator[Item]:
    """Held from the day it was opened, given back when it is won; only in the order's currency, as on the order."""
    for dispute in sale.disputes:
        if dispute.currency != sale.order.currency:
            continue
        source, closed_at = f"dispute:{dispute.external_id}", max(dispute.at, dispute.version)
        won = dispute.amount_minor if dispute.status == "won" else 0
        yield Item(DISPUTE, source, -dispute.amount_minor, dispute.currency, dispute.at, closed_at)
        yield Item(DISPUTE_REVERSED, source, won, dispute.currency, closed_at, closed_at)


def _fees(sale: Sale) -> Iterator[Item]:
    """What the provider's own account says, else what came with the payment; each fee once."""
    told: dict[tuple[str, str], int] = defaultdict(int)
    payments = {payment.external_id: payment for payment in sale.payments}
    charges = {payment.charge_reference: payment for payment in sale.payments if payment.charge_reference}
    paid_out: dict[tuple[str, str], int | None] = {}
    for line in sale.lines:
        payment = payments.get(line.payment_reference) or charges.get(line.source_reference)
        if line.kind == CAPTURED and payment is not None:
            key = (payment.external_id, line.currency)
            told[key] += line.fee_minor
            paid_out[key] = line.payout_id
        else:
            yield from _of_line(line, own=line.kind in _OWN_KINDS)
    for payment in sale.payments:
        source, captured = f"payment:{payment.external_id}", payment.status == "captured"
        known = {currency: fee for (reference, currency), fee in told.items() if reference == payment.external_id}
        if not known and payment.fee_minor is not None:
            known = {payment.currency: payment.fee_minor if captured else 0}
        for currency, fee in known.items():
            payout_id = paid_out.get((payment.external_id, currency))
            yield Item(FEE, source, -fee, currency, payment.at, max(payment.at, payment.version), payout_id)


def learnt(payment: Any, lines: Iterable[Any]) -> int | None:
    """The fee of a payment that came without one, by the balance's movements of its order; None where none tells."""
    if payment.fee_minor is not None:
        return None
    fees = [
        line.fee_minor
        for line in lines
        if line.kind == CAPTURED
        and line.currency == payment.currency
        and (
            line.payment_reference == payment.external_id
            or (payment.charge_reference and line.source_reference == payment.charge_reference)
        )
    ]
    return sum(fees) if fees else None


def of_movement(line: Any) -> list[Item]:
    """A balance's movement that belongs to no order: fees and adjustments are booked by themselves.

    A payment, refund or dispute of an order that is not known yet is not: its order will say it.
    """
    return list(_of_line(line, own=True)) if line.order_id is None and line.kind in _OWN_KINDS else []


def _of_line(line: Any, *, own: bool) -> Iterator[Item]:
    source = f"line:{line.external_id}"
    if own:
        kind = _OWN_KINDS[line.kind]
        yield Item(kind, source, line.amount_minor, line.currency, line.at, line.version, line.payout_id)
    yield Item(FEE, f"{source}:fee", -line.fee_minor, line.currency, line.at, line.version, line.payout_id)


def of_payout(payout: Any, *, fees_told_minor: int = 0) -> list[Item]:
    """What left the provider's balance for the bank. A file's fee of the whole is booked as far as no line tells it."""
    paid = 0 if payout.status == "failed" else payout.amount_minor
    source, changed_at = f"payout:{payout.external_id}", max(payout.at, payout.version)
    items = [Item(PAYOUT, source, -paid, payout.currency, payout.at, changed_at, payout.pk)]
    if payout.from_file and payout.fee_minor is not None:
        rest = 0 if payout.status == "failed" else payout.fee_minor - fees_told_minor
        items.append(Item(FEE, source, -rest, payout.currency, payout.at, changed_at, payout.pk))
    return items


def month_of(at: datetime, zone: ZoneInfo) -> date:
    """The first day of the month in which an instant lies in this zone."""
    return at.astimezone(zone).date().replace(day=1)


def after(month: date) -> date:
    """The first day of the following month."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def booked_in(at: datetime, zone: ZoneInfo, closed: date | None) -> tuple[date, bool]:
    """The month an entry counts in, and whether it is late: `closed` is the last month that was closed."""
    own = month_of(at, zone)
    if closed is not None and own <= closed:
        return after(closed), True
    return own, False

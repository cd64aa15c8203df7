"""What the rows of one order say together: a word to compare and keep, and the messages every other source speaks in.

Of two files with equal words each says the same: a word knows nothing of when and how it was imported.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from orders.files import cells
from orders.files.dialects import Record, Standing
from orders.files.sales import Sale
from orders.messages import (
    FROM_FILE,
    Authority,
    Customer,
    Line,
    OrderMessage,
    OrderStatus,
    PaymentMessage,
    PaymentStatus,
    RefundedLine,
    RefundMessage,
    RefundStatus,
)

UNDONE = "import_undone"
UNKNOWN_STATUS = "unknown_status"
ALL_MOST = 1000
RANK_MOST = 30_000
Part = tuple[str, str, str, int, int]
"""A line: its id, SKU, title, quantity and what was paid for it."""


class Disagrees(ValueError):
    """Rows of one order that cannot all be true; the message is a sentence."""


class Word(NamedTuple):
    """What a file says of one order. What stands before `booked`, and that, is compared with what is known."""

    external_id: str
    number: str
    currency: str
    total_minor: int
    placed_at: datetime
    status: str
    paid: bool
    failed: bool
    cancelled: bool
    email: str
    phone: str
    name: str
    lines: tuple[Part, ...]
    flags: tuple[str, ...]
    extra: tuple[tuple[str, str], ...]
    booked: bool
    fee_minor: int | None
    returned: tuple[Part, ...]
    rows: int

    @property
    def digest(self) -> str:
        return _hash(self[:_COMPARED])

    @property
    def pays(self) -> bool:
        """Whether a payment is booked by it."""
        return self.paid and self.booked and self.total_minor > 0

    @property
    def payment_id(self) -> str:
        return f"{FROM_FILE}{self.external_id}"[:255]

    @property
    def payment_digest(self) -> str:
        captured = PaymentStatus.CAPTURED.value
        return _hash((self.payment_id, self.total_minor, self.currency, captured, self.placed_at, self.fee_minor))

    @property
    def rank(self) -> int:
        """Of two words of one import the one that more rows stand behind is the later."""
        return min(self.rows, RANK_MOST)


_COMPARED = Word._fields.index("booked") + 1


def gather(sales: Sequence[Sale], *, record: Record) -> Word:
    """The word of one order's rows, in whatever order they stand; raises `Disagrees`."""
    first = sales[0]
    if len(sales) > 1:
        _agree(sales)
        # In whatever order a file lists them, it says the same.
        sales = sorted(sales, key=_by_line)
    lines = tuple([(one.line_id, one.sku, one.title, one.quantity, one.gross_minor) for one in sales])
    returned = tuple([line for line, sale in zip(lines, sales, strict=True) if sale.standing == Standing.REFUNDED])
    fees = [sale.fee_minor for sale in sales]
    standing = first.standing
    unknown = next((sale.said for sale in sales if not sale.standing), "")
    extra = {**first.extra, "status in the file": unknown} if unknown else first.extra
    status = OrderStatus.CANCELLED if standing == Standing.CANCELLED else OrderStatus.PENDING
    return Word(
        first.order_id,
        first.number,
        first.currency,
        sum([sale.gross_minor for sale in sales]),
        first.placed_at,
        OrderStatus.REFUNDED.value if len(returned) == len(lines) else status.value,
        bool(returned) or standing == Standing.PAID,
        standing == Standing.FAILED,
        standing == Standing.CANCELLED,
        first.email,
        first.phone,
        first.name,
        lines,
        () if all(sale.standing for sale in sales) else (UNKNOWN_STATUS,),
        tuple(sorted(extra.items())) if extra else (),
        record is not Record.NONE,
        sum([fee or 0 for fee in fees]) if record is Record.NET and None not in fees else None,
        returned,
        len(sales),
    )


Spoken = OrderMessage | PaymentMessage | RefundMessage


@dataclass(frozen=True, slots=True)
class Told:
    """A word as messages."""

    order: OrderMessage
    payment: PaymentMessage | None
    refund: RefundMessage | None

    @property
    def messages(self) -> list[Spoken]:
        return [message for message in (self.order, self.payment, self.refund) if message is not None]


def tell(word: Word, *, version: datetime, quiet: bool) -> Told:
    """The messages of this word, as an import of that time says it."""
    order = OrderMessage(
        external_id=word.external_id,
        number=word.number,
        currency=word.currency,
        total_minor=word.total_minor,
        placed_at=word.placed_at,
        paid_at=word.placed_at if word.paid else None,
        version=version,
        rank=word.rank,
        authority=Authority.FILE,
        status=OrderStatus(word.status),
        paid=word.paid,
        payment_failed=word.failed,
        cancelled=word.cancelled,
        customer=Customer(email=word.email, phone=word.phone, name=word.name),
        lines=tuple(_line(*part) for part in word.lines),
        flags=word.flags,
        extra_facts=dict(word.extra),
        booked=word.booked,
        quiet=quiet,
    )
    payment = None
    if word.pays:
        payment = PaymentMessage(
            external_id=word.payment_id,
            order_external_id=word.external_id,
            amount_minor=word.total_minor,
            currency=word.currency,
            status=PaymentStatus.CAPTURED,
            paid_at=word.placed_at,
            version=version,
            rank=word.rank,
            fee_minor=word.fee_minor,
        )
    # What is not booked here has its money facts from elsewhere; that it went back is a fact all the same.
    return Told(order, payment, _refund(word, version) if word.total_minor else None)


def digest(message: OrderMessage | PaymentMessage) -> str:
    """The digest of a word as it is found in the message that was made of it; its time does not count."""
    if isinstance(message, PaymentMessage):
        money = (message.external_id, message.amount_minor, message.currency, message.status.value)
        return _hash((*money, message.paid_at, message.fee_minor))
    customer, lines = message.customer, message.lines
    return _hash(
        (
            message.external_id,
            message.number,
            message.currency,
            message.total_minor,
            message.placed_at,
            message.status.value,
            message.paid,
            message.payment_failed,
            message.cancelled,
            customer.email,
            customer.phone,
            customer.name,
            tuple((one.external_id, one.sku, one.title, one.quantity, one.total_minor) for one in lines),
            message.flags,
            tuple(sorted(message.extra_facts.items())),
            message.booked,
        )
    )


def listing_ids(sku: str, title: str) -> tuple[str, ...]:
    """A file without SKUs maps by the titles it gives."""
    return (title[:255],) if title and not sku else ()


def withdraw(told: Told, version: datetime) -> Told:
    """The word that takes an order of an undone import back: cancelled, unpaid, nothing booked."""
    order = replace(
        told.order,
        version=version,
        status=OrderStatus.CANCELLED,
        paid=False,
        paid_at=None,
        payment_failed=False,
        cancelled=True,
        booked=False,
        flags=(UNDONE,),
    )
    payment = told.payment and replace(told.payment, version=version, status=PaymentStatus.FAILED)
    refund = told.refund and replace(told.refund, version=version, status=RefundStatus.FAILED)
    return Told(order, payment, refund)


def restore(former: Told, *, instead_of: Told, version: datetime) -> Told:
    """The former word as the newest one; money that only the later word told of is taken back."""
    order = replace(former.order, version=version)
    payment, refund = former.payment, former.refund
    if payment is None and instead_of.payment is not None:
        payment = replace(instead_of.payment, status=PaymentStatus.FAILED)
    if refund is None and instead_of.refund is not None:
        refund = replace(instead_of.refund, status=RefundStatus.FAILED)
    return Told(
        order,
        payment and replace(payment, version=version),
        refund and replace(refund, version=version),
    )


def unpaid(order: OrderMessage) -> PaymentMessage:
    """The word that the payment an earlier file told of does not count, by what a later one says."""
    return PaymentMessage(
        external_id=f"{FROM_FILE}{order.external_id}"[:255],
        order_external_id=order.external_id,
        amount_minor=order.total_minor,
        currency=order.currency,
        status=PaymentStatus.FAILED,
        paid_at=order.placed_at,
        version=order.version,
    )


def _agree(sales: Sequence[Sale]) -> None:
    first, lines = sales[0], {sales[0].line_id}
    for sale in sales[1:]:
        if sale.currency != first.currency:
            raise Disagrees(f"Rows of one order say {first.currency} and {sale.currency}.")
        if sale.standing != first.standing and {sale.standing, first.standing} - {Standing.PAID, Standing.REFUNDED}:
            raise Disagrees("Rows of one order say different statuses.")
        if sale.placed_at != first.placed_at:
            raise Disagrees("Rows of one order say different dates.")
        if sale.email != first.email and cells.fold(sale.email) != cells.fold(first.email):
            raise Disagrees("Rows of one order say different e-mail addresses.")
        if sale.line_id in lines:
            raise Disagrees(f"Two rows of this order are about {sale.line_id[:60]} and say different things.")
        lines.add(sale.line_id)
    if len(sales) > ALL_MOST:
        raise Disagrees(f"One order of more than {ALL_MOST} rows is taken for a mistake.")


def _by_line(sale: Sale) -> str:
    return sale.line_id


def _line(external_id: str, sku: str, title: str, quantity: int, total_minor: int) -> Line:
    return Line(
        external_id=external_id,
        title=title,
        quantity=quantity,
        total_minor=total_minor,
        sku=sku,
        listing_ids=listing_ids(sku, title),
    )


def _refund(word: Word, version: datetime) -> RefundMessage | None:
    if not word.returned:
        return None
    part = len(word.returned) < len(word.lines)
    return RefundMessage(
        external_id=word.payment_id,
        order_external_id=word.external_id,
        amount_minor=sum(total for *_, total in word.returned),
        currency=word.currency,
        status=RefundStatus.SUCCEEDED,
        # A file tells that the money went back, not when: the day of the order is all that is known.
        refunded_at=word.placed_at,
        version=version,
        rank=word.rank,
        lines=tuple(RefundedLine(line_external_id=line, quantity=n) for line, _, _, n, _ in word.returned if part),
    )


def _hash(content: tuple[object, ...]) -> str:
    return hashlib.sha256(repr(content).encode("utf-8", "surrogatepass")).hexdigest()

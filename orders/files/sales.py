"""Rows of an orders file as sales, and the sales of one order as the messages every other source speaks in.

Each row is one line of an order; rows of one order id are one order. A row that does not add up is refused.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import TypeVar
from zoneinfo import ZoneInfo

from orders import money
from orders.files import cells
from orders.files.dialects import Recipe, Record, Standing
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
from orders.parsing import Unreadable

T = TypeVar("T")
UNDONE = "import_undone"
UNKNOWN_STATUS = "unknown_status"
EXTRA_COLUMNS, EXTRA_LONG = 12, 200
ALL_MOST = 1000


class Disagrees(ValueError):
    """Rows of one order that cannot all be true; the message is a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """One row, read. Amounts are minor units; `fee_minor` is None where the file does not tell it."""

    order_id: str
    placed_at: datetime
    currency: str
    gross_minor: int
    standing: str
    fee_minor: int | None = None
    email: str = ""
    phone: str = ""
    name: str = ""
    number: str = ""
    sku: str = ""
    title: str = ""
    quantity: int = 1
    said: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def line_id(self) -> str:
        return (self.sku or self.title or "1")[:255]


class Reader:
    """Reads rows by one recipe."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self._at = recipe.columns
        self._zone = zone(recipe.zone)
        self._sheet = recipe.encoding == "xlsx"
        known = set(recipe.columns.values())
        others = [(n, heading) for n, heading in enumerate(recipe.headings) if n not in known and heading.strip()]
        self._others = [(n, cells.text(heading, 60)) for n, heading in others[:EXTRA_COLUMNS]]

    def read(self, row: Sequence[str]) -> Sale:
        """One row; raises `Unreadable` with a sentence that names the column."""
        recipe, told = self.recipe, self._told
        currency = self._in("currency", cells.currency, row) if "currency" in self._at else recipe.currency
        gross = self._amount("gross", row, currency)
        if gross is None or gross < 0:
            raise Unreadable("Gross amount: it must not be empty or below zero.")
        said, standing = cells.text(told("status", row), 60), recipe.silent
        if "status" in self._at:
            standing = cells.word(said, recipe.statuses)
        return Sale(
            order_id=self._in("order_id", cells.order_id, row),
            placed_at=self._moment("order_date", row),
            currency=currency,
            gross_minor=gross,
            fee_minor=self._fee(row, currency, gross),
            standing=standing,
            said="" if standing else said,
            email=cells.text(told("email", row), 400),
            phone=cells.text(told("phone", row), 200),
            name=cells.text(told("name", row), 300),
            number=cells.text(told("number", row), 100),
            sku=cells.text(told("sku", row), 200),
            title=cells.text(told("title", row), 500),
            quantity=self._in("quantity", cells.quantity, row) if "quantity" in self._at else 1,
            extra=self._extra(row, currency),
        )

    def _told(self, name: str, row: Sequence[str]) -> str:
        place = self._at.get(name)
        return row[place] if place is not None else ""

    def _in(self, name: str, read: Callable[[str], T], row: Sequence[str]) -> T:
        try:
            return read(row[self._at[name]])
        except Unreadable as unreadable:
            raise Unreadable(f"{self.recipe.headings[self._at[name]].strip()}: {unreadable}") from None

    def _moment(self, name: str, row: Sequence[str]) -> datetime:
        return self._in(name, lambda text: cells.moment(text, self.recipe.dates, self._zone, self._sheet), row)

    def _amount(self, name: str, row: Sequence[str], currency: str) -> int | None:
        """None where there is no such column or nothing in it."""
        if name not in self._at or not cells.trim(row[self._at[name]]):
            return None
        return self._in(name, lambda text: cells.amount(text, currency, self.recipe.decimals), row)

    def _fee(self, row: Sequence[str], currency: str, gross: int) -> int | None:
        """All that was kept back, in the currency of the order; checked against the net amount."""
        settled_in = self._settled_in(row, currency)
        whole = self._amount("settled", row, settled_in) if settled_in != currency else gross
        if whole is None:
            return None
        parts = [self._amount(name, row, settled_in) for name in ("fee", "fee_tax", "shipping")]
        net = self._amount("net", row, settled_in)
        if parts[0] is None:
            if net is not None and net > whole:
                raise Unreadable("Net amount: it is more than the gross amount.")
            fee = None if net is None else whole - net
        else:
            fee = sum(part or 0 for part in parts)
            if net is not None and whole - fee != net:
                shown = [money.to_text(minor, settled_in) for minor in (whole, fee, whole - fee, net)]
                raise Unreadable("It does not add up: {} less {} is {}, and its net amount says {}.".format(*shown))
        if fee is not None and fee < 0:
            raise Unreadable("Fee: it must not be below zero.")
        if fee is None or settled_in == currency:
            return fee
        # The row's own two sums of one sale are its rate.
        return money.convert(fee, of=whole, into=gross) if whole > 0 else None

    def _settled_in(self, row: Sequence[str], currency: str) -> str:
        """The currency of fee and net: Shopier settles in its own, whatever the buyer paid in."""
        return self.recipe.currency if "settled" in self._at and currency != self.recipe.currency else currency

    def _extra(self, row: Sequence[str], currency: str) -> dict[str, str]:
        found = {heading: cells.text(row[n], EXTRA_LONG) for n, heading in self._others if row[n]}
        if (settled_in := self._settled_in(row, currency)) != currency:
            for name in ("settled", "fee", "fee_tax", "net"):
                if (minor := self._amount(name, row, settled_in)) is not None:
                    found[f"{name} {settled_in}"] = money.to_text(minor, settled_in)
        return found


@cache
def zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


Spoken = OrderMessage | PaymentMessage | RefundMessage


@dataclass(frozen=True, slots=True)
class Told:
    """What a file says of one order."""

    order: OrderMessage
    payment: PaymentMessage | None
    refund: RefundMessage | None

    @property
    def messages(self) -> list[Spoken]:
        return [message for message in (self.order, self.payment, self.refund) if message is not None]


def tell(sales: Sequence[Sale], *, record: Record, version: datetime, quiet: bool, rank: int = 0) -> Told:
    """The messages of one order's rows; raises `Disagrees`."""
    first = sales[0]
    if len(sales) > 1:
        _agree(sales)
    total = sum(sale.gross_minor for sale in sales)
    fees = [sale.fee_minor for sale in sales]
    returned = [sale for sale in sales if sale.standing == Standing.REFUNDED]
    paid = bool(returned) or first.standing == Standing.PAID
    said = next((sale.said for sale in sales if not sale.standing), None)
    order = OrderMessage(
        external_id=first.order_id,
        number=first.number,
        currency=first.currency,
        total_minor=total,
        placed_at=first.placed_at,
        paid_at=first.placed_at if paid else None,
        version=version,
        rank=rank,
        authority=Authority.FILE,
        status=_status(first, len(returned) == len(sales)),
        paid=paid,
        payment_failed=first.standing == Standing.FAILED,
        cancelled=first.standing == Standing.CANCELLED,
        customer=Customer(email=first.email, phone=first.phone, name=first.name),
        # In whatever order a file lists them, it says the same.
        lines=tuple(_line(sale) for sale in sorted(sales, key=lambda sale: sale.line_id)),
        flags=(UNKNOWN_STATUS,) if said is not None else (),
        extra_facts={**first.extra, "status in the file": said} if said else first.extra,
        booked=record is not Record.NONE,
        quiet=quiet,
    )
    if not paid or not total:
        return Told(order, None, None)
    payment = PaymentMessage(
        external_id=f"{FROM_FILE}{first.order_id}"[:255],
        order_external_id=first.order_id,
        amount_minor=total,
        currency=first.currency,
        status=PaymentStatus.CAPTURED,
        paid_at=first.placed_at,
        version=version,
        fee_minor=sum(fee or 0 for fee in fees) if record is Record.NET and None not in fees else None,
    )
    refund = _refund(returned, sales, version)
    # What is not booked here has its money facts from elsewhere; that it went back is a fact all the same.
    return Told(order, payment if record is not Record.NONE else None, refund)


def shown(sale: Sale) -> list[tuple[str, str]]:
    """A sale in words by name, for whoever wants to see how a row is read."""
    fee = money.to_text(sale.fee_minor, sale.currency) if sale.fee_minor is not None else ""
    return [
        ("Order", sale.order_id),
        ("Date", f"{sale.placed_at:%Y-%m-%d %H:%M} UTC"),
        ("E-mail", sale.email),
        ("What", sale.sku or sale.title),
        ("Quantity", str(sale.quantity)),
        ("Gross", f"{money.to_text(sale.gross_minor, sale.currency)} {sale.currency}"),
        ("Fee", fee),
        ("Status", sale.standing.capitalize() if sale.standing else f"Not known: {sale.said}"),
    ]


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
        if {sale.standing, first.standing} - {Standing.PAID, Standing.REFUNDED} and sale.standing != first.standing:
            raise Disagrees("Rows of one order say different statuses.")
        if sale.placed_at != first.placed_at:
            raise Disagrees("Rows of one order say different dates.")
        if cells.fold(sale.email) != cells.fold(first.email):
            raise Disagrees("Rows of one order say different e-mail addresses.")
        if sale.line_id in lines:
            raise Disagrees(f"Two rows of this order are about {sale.line_id[:60]} and say different things.")
        lines.add(sale.line_id)
    if len(sales) > ALL_MOST:
        raise Disagrees(f"One order of more than {ALL_MOST} rows is taken for a mistake.")


def _line(sale: Sale) -> Line:
    return Line(
        external_id=sale.line_id,
        title=sale.title,
        quantity=sale.quantity,
        total_minor=sale.gross_minor,
        sku=sale.sku,
        # A file without SKUs maps by the titles it gives.
        listing_ids=(sale.title[:255],) if sale.title and not sale.sku else (),
    )


def _status(sale: Sale, all_returned: bool) -> OrderStatus:
    if all_returned:
        return OrderStatus.REFUNDED
    return OrderStatus.CANCELLED if sale.standing == Standing.CANCELLED else OrderStatus.PENDING


def _refund(returned: Sequence[Sale], sales: Sequence[Sale], version: datetime) -> RefundMessage | None:
    if not returned:
        return None
    first, part = returned[0], len(returned) < len(sales)
    return RefundMessage(
        external_id=f"{FROM_FILE}{first.order_id}"[:255],
        order_external_id=first.order_id,
        amount_minor=sum(sale.gross_minor for sale in returned),
        currency=first.currency,
        status=RefundStatus.SUCCEEDED,
        # A file tells that the money went back, not when: the day of the order is all that is known.
        refunded_at=first.placed_at,
        version=version,
        lines=tuple(RefundedLine(line_external_id=s.line_id, quantity=s.quantity) for s in returned if part),
    )

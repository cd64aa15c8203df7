"""Rows of an orders file as sales: each row is one line of an order, and one that does not add up is refused."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from orders import money
from orders.files import cells
from orders.files.dialects import Recipe
from orders.parsing import Unreadable

T = TypeVar("T")
EXTRA_COLUMNS, EXTRA_LONG = 12, 200
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Sale(NamedTuple):
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
    extra: Mapping[str, str] = _NOTHING

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
        recipe, text = self.recipe, self._text
        currency = self._in("currency", cells.currency, row) if "currency" in self._at else recipe.currency
        gross = self._amount("gross", row, currency)
        if gross is None or gross < 0:
            raise Unreadable("Gross amount: it must not be empty or below zero.")
        said, standing = text("status", row, 60), recipe.silent
        if "status" in self._at:
            standing = cells.word(said, recipe.statuses)
        return Sale(
            self._in("order_id", cells.order_id, row),
            self._moment("order_date", row),
            currency,
            gross,
            standing,
            self._fee(row, currency, gross),
            text("email", row, 400),
            text("phone", row, 200),
            text("name", row, 300),
            text("number", row, 100),
            text("sku", row, 200),
            text("title", row, 500),
            self._in("quantity", cells.quantity, row) if "quantity" in self._at else 1,
            "" if standing else said,
            self._extra(row, currency),
        )

    def _text(self, name: str, row: Sequence[str], at_most: int) -> str:
        place = self._at.get(name)
        return cells.text(row[place], at_most) if place is not None else ""

    def _told(self, name: str, row: Sequence[str]) -> str:
        place = self._at.get(name)
        return row[place] if place is not None else ""

    def _in(self, name: str, read: Callable[[str], T], row: Sequence[str]) -> T:
        try:
            return read(row[self._at[name]])
        except Unreadable as unreadable:
            raise self._named(name, unreadable) from None

    def _named(self, name: str, unreadable: Unreadable) -> Unreadable:
        return Unreadable(f"{self.recipe.headings[self._at[name]].strip()}: {unreadable}")

    def _moment(self, name: str, row: Sequence[str]) -> datetime:
        try:
            return cells.moment(row[self._at[name]], self.recipe.dates, self._zone, self._sheet)
        except Unreadable as unreadable:
            raise self._named(name, unreadable) from None

    def _amount(self, name: str, row: Sequence[str], currency: str) -> int | None:
        """None where there is no such column or nothing in it."""
        place = self._at.get(name)
        if place is None or not (text := cells.trim(row[place])):
            return None
        try:
            return cells.amount(text, currency, self.recipe.decimals)
        except Unreadable as unreadable:
            raise self._named(name, unreadable) from None

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

    def _extra(self, row: Sequence[str], currency: str) -> Mapping[str, str]:
        if not self._others and "settled" not in self._at:
            return _NOTHING
        found = {heading: cells.text(row[n], EXTRA_LONG) for n, heading in self._others if row[n]}
        if (settled_in := self._settled_in(row, currency)) != currency:
            for name in ("settled", "fee", "fee_tax", "net"):
                if (minor := self._amount(name, row, settled_in)) is not None:
                    found[f"{name} {settled_in}"] = money.to_text(minor, settled_in)
        return found


@cache
def zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


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

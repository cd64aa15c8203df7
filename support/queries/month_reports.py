"""One month as finance looks at it: revenue beside access, refunds and chargebacks, payouts beside the bank (FIN-4).

Everything is of one currency and leaves tests out. Orders count in the month in which they were placed, by the
organization's own calendar; what was booked counts in the ledger's month. A report costs a fixed number of queries.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count, F, Q, Sum

from orders import money
from orders.actions.statistics import COUNTED
from orders.bookings import CAPTURED, DISPUTE, DISPUTE_REVERSED, FEE, PAYOUT, REFUND, after
from orders.models import Channel, Payout
from orders.queries import earnings
from profiles.models import Organization

MONTHS = 13
SUMMED = (
    *("orders", "gross_minor", "refunded_minor", "disputed_minor"),
    *("refunded_orders", "disputes", "lines", "granted"),
)
PRODUCTS = 200

_MONEY = f"""
SELECT o.channel_id, count(*), coalesce(sum(o.captured_minor), 0)::bigint, coalesce(sum(o.refunded_minor), 0)::bigint,
       coalesce(sum(o.disputed_minor), 0)::bigint, count(*) FILTER (WHERE o.refunded_minor > 0)
  FROM orders_order o
 WHERE o.placed_at >= %(start)s AND o.placed_at < %(end)s AND o.currency = %(currency)s AND {COUNTED} {{channel}}
 GROUP BY o.channel_id
"""
_DISPUTES = """
SELECT o.channel_id, count(*) FROM orders_dispute d JOIN orders_order o ON o.id = d.order_id
 WHERE d.at >= %(start)s AND d.at < %(end)s AND d.currency = %(currency)s AND NOT d.test {channel}
 GROUP BY o.channel_id
"""
_PRODUCTS = f"""
WITH sold AS MATERIALIZED (
  SELECT l.id, l.product_id, l.quantity, l.total_minor, o.channel_id, o.refunded_minor > 0 AS refunded
    FROM orders_order o JOIN orders_line l ON l.order_id = o.id AND NOT l.removed
   WHERE o.placed_at >= %(start)s AND o.placed_at < %(end)s AND o.currency = %(currency)s AND {COUNTED} {{channel}}
), granted AS (
  SELECT DISTINCT e.line_id FROM fulfillment_entitlement e
   WHERE e.line_id IS NOT NULL AND e.created_at >= %(start)s
)
SELECT s.channel_id, p.id, p.sku, p.title, coalesce(p.kind = ANY(%(digital)s), false), count(*),
       sum(s.quantity)::bigint, sum(s.total_minor)::bigint, count(g.line_id), count(*) FILTER (WHERE s.refunded)
  FROM sold s LEFT JOIN orders_product p ON p.id = s.product_id LEFT JOIN granted g ON g.line_id = s.id
 GROUP BY s.channel_id, p.id, p.sku, p.title, p.kind
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is about; `channel_id` None for all of them."""

    organization: Organization
    month: date
    currency: str
    channel_id: int | None = None

    @property
    def span(self) -> tuple[datetime, datetime]:
        zone, end = ZoneInfo(self.organization.timezone), after(self.month)
        return (
            datetime(self.month.year, self.month.month, 1, tzinfo=zone),
            datetime(end.year, end.month, 1, tzinfo=zone),
        )


@dataclass(slots=True)
class Row:
    """The orders of one channel, or of all: money in minor units, and what they gave access to."""

    label: str
    channel_id: int | None = None
    orders: int = 0
    gross_minor: int = 0
    refunded_minor: int = 0
    disputed_minor: int = 0
    refunded_orders: int = 0
    disputes: int = 0
    lines: int = 0
    granted: int = 0

    @property
    def net_minor(self) -> int:
        return self.gross_minor - self.refunded_minor - self.disputed_minor

    @property
    def refund_permille(self) -> int:
        """Of the gross, what went back."""
        return self.refunded_minor * 1000 // self.gross_minor if self.gross_minor else 0

    @property
    def dispute_permille(self) -> int:
        """Disputes opened in the month, of a thousand of its orders."""
        return self.disputes * 1000 // self.orders if self.orders else 0

    @property
    def ungranted(self) -> int:
        """Digital lines that nothing was granted for."""
        return self.lines - self.granted

    def add(self, other: "Row") -> None:
        for name in SUMMED:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class Sold:
    """One product in the month; '' as its SKU for lines that no product is mapped to."""

    product_id: int | None
    sku: str
    title: str
    digital: bool
    lines: int = 0
    quantity: int = 0
    revenue_minor: int = 0
    granted: int = 0
    refunded: int = 0


@dataclass(frozen=True, slots=True)
class Point:
    """One month of the trend, as booked."""

    month: date
    closed: bool
    captured_minor: int
    refunded_minor: int
    disputed_minor: int
    fee_minor: int
    paid_out_minor: int = 0

    @property
    def refund_permille(self) -> int:
        return self.refunded_minor * 1000 // self.captured_minor if self.captured_minor else 0

    @property
    def dispute_permille(self) -> int:
        """By amount: what disputes took of what was captured."""
        return self.disputed_minor * 1000 // self.captured_minor if self.captured_minor else 0

    @property
    def net_minor(self) -> int:
        return self.captured_minor - self.refunded_minor - self.disputed_minor - self.fee_minor


@dataclass(frozen=True, slots=True)
class Bank:
    """The payouts made in the month beside what the bank shows of them."""

    payouts: int = 0
    amount_minor: int = 0
    confirmed: int = 0
    confirmed_minor: int = 0
    bank_minor: int = 0

    @property
    def waiting(self) -> int:
        return self.payouts - self.confirmed

    @property
    def difference_minor(self) -> int:
        """What the bank shows, less what should have come, of those that are confirmed."""
        return self.bank_minor - self.confirmed_minor


@dataclass(slots=True)
class Report:
    asked: Asked
    total: Row
    channels: list[Row] = field(default_factory=list)
    products: list[Sold] = field(default_factory=list)
    trend: list[Point] = field(default_factory=list)
    booked: dict[str, int] = field(default_factory=dict)
    bank: Bank = field(default_factory=Bank)
    closed: bool = False

    def text(self, minor: int) -> str:
        return money.to_text(minor, self.asked.currency)


def of(asked: Asked, *, digital: Sequence[str]) -> Report:
    """The report of one month; `digital` are the kinds of product that give access to something."""
    labels = {channel.pk: channel.label for channel in Channel.objects.only("kind", "domain")}
    rows: dict[int, Row] = {}

    def row(channel_id: int) -> Row:
        return rows.setdefault(channel_id, Row(labels.get(channel_id, "–"), channel_id))

    for channel_id, orders, gross, refunded, disputed, refunded_orders in _read(_MONEY, asked):
        one = row(channel_id)
        one.orders, one.gross_minor, one.refunded_minor = orders, gross, refunded
        one.disputed_minor, one.refunded_orders = disputed, refunded_orders
    for channel_id, count in _read(_DISPUTES, asked):
        row(channel_id).disputes = count
    products: dict[int | None, Sold] = {}
    for channel_id, pk, sku, title, gives, lines, quantity, revenue, granted, refunded in _read(
        _PRODUCTS, asked, digital=list(digital)
    ):
        sold = products.setdefault(pk, Sold(pk, sku or "", title or "Not mapped to a product", gives))
        sold.lines, sold.quantity, sold.revenue_minor = (
            sold.lines + lines,
            sold.quantity + quantity,
            sold.revenue_minor + revenue,
        )
        sold.granted, sold.refunded = sold.granted + granted, sold.refunded + refunded
        if gives:
            one = row(channel_id)
            one.lines, one.granted = one.lines + lines, one.granted + granted
    total = Row("All channels", asked.channel_id)
    for one in rows.values():
        total.add(one)
    trend = _trend(asked, labels)
    here = next((point for point in trend if point.month == asked.month), None)
    return Report(
        asked=asked,
        total=total,
        channels=sorted(rows.values(), key=lambda one: (-one.net_minor, one.label)),
        products=sorted(products.values(), key=lambda sold: (-sold.revenue_minor, sold.sku))[:PRODUCTS],
        trend=trend,
        booked=_booked(asked, labels),
        bank=_bank(asked),
        closed=bool(here and here.closed),
    )


def currencies(organization: Organization) -> list[str]:
    """The currencies that anything was booked in, the base currency first."""
    with connection.cursor() as cursor:
        cursor.execute(_CURRENCIES)
        found = {row[0] for row in cursor.fetchall()}
    return [organization.currency, *sorted(found - {organization.currency})]


# One step down an index for each currency there is.
_CURRENCIES = """
WITH RECURSIVE steps AS (
  (SELECT min(currency) AS currency FROM orders_profiletotal)
  UNION ALL
  SELECT (SELECT min(t.currency) FROM orders_profiletotal t WHERE t.currency > s.currency)
    FROM steps s WHERE s.currency IS NOT NULL
)
SELECT currency FROM steps WHERE currency IS NOT NULL
"""


def _read(sql: str, asked: Asked, **more: Any) -> list[tuple[Any, ...]]:
    start, end = asked.span
    chosen = "AND o.channel_id = %(channel)s" if asked.channel_id else ""
    values = {"start": start, "end": end, "currency": asked.currency, "channel": asked.channel_id, **more}
    with connection.cursor() as cursor:
        cursor.execute(sql.format(channel=chosen), values)
        return list(cursor.fetchall())


def _trend(asked: Asked, labels: dict[int, str]) -> list[Point]:
    """The months until this one, oldest first, as the ledger has them."""
    label = labels.get(asked.channel_id or 0, "")
    months = earnings.months(asked.organization)
    return trend(months, asked.currency, until=asked.month, channel=label if asked.channel_id else None)


def trend(
    months: Iterable[earnings.Month], currency: str, *, until: date = date.max, channel: str | None = None
) -> list[Point]:
    """The last months until then, each there, oldest first; of one channel by its label, or of all of them."""
    known = {month.month: month for month in months if month.month <= until}
    found: list[Point] = []
    month = min(known, default=date.max)
    while known and month <= max(known):
        # In a month of which the ledger has nothing there was nothing; closed it is with those after it.
        closed = next(row.closed for at, row in sorted(known.items()) if at >= month)
        sums = known[month].sums if month in known else ()
        found.append(_point(month, closed, _kinds(sums, currency, channel)))
        month = after(month)
    return found[-MONTHS:]


def _point(month: date, closed: bool, kinds: Mapping[str, int]) -> Point:
    return Point(
        month=month,
        closed=closed,
        captured_minor=kinds.get(CAPTURED, 0),
        refunded_minor=-kinds.get(REFUND, 0),
        disputed_minor=-kinds.get(DISPUTE, 0) - kinds.get(DISPUTE_REVERSED, 0),
        fee_minor=-kinds.get(FEE, 0),
        paid_out_minor=-kinds.get(PAYOUT, 0),
    )


def _booked(asked: Asked, labels: dict[int, str]) -> dict[str, int]:
    label = labels.get(asked.channel_id or 0, "")
    return _kinds(earnings.of_month(asked.month), asked.currency, label if asked.channel_id else None)


def _kinds(sums: Iterable[earnings.Sum], currency: str, channel: str | None) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in sums:
        if one.currency == currency and channel in (None, one.channel):
            found[one.kind] = found.get(one.kind, 0) + one.amount_minor
    return found


def _bank(asked: Asked) -> Bank:
    start, end = asked.span
    rows = Payout.objects.filter(at__gte=start, at__lt=end, currency=asked.currency, test=False)
    rows = rows.exclude(status=Payout.Status.FAILED)
    if asked.channel_id:
        rows = rows.filter(channel=asked.channel_id)
    known = Q(bank_minor__isnull=False)
    found = rows.aggregate(
        payouts=Count("pk"),
        amount=Sum("amount_minor"),
        confirmed=Count("pk", filter=known),
        confirmed_minor=Sum(F("amount_minor"), filter=known),
        bank=Sum("bank_minor"),
    )
    return Bank(
        payouts=found["payouts"],
        amount_minor=found["amount"] or 0,
        confirmed=found["confirmed"],
        confirmed_minor=found["confirmed_minor"] or 0,
        bank_minor=found["bank"] or 0,
    )

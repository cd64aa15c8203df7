"""What the figures of attribution and growth are: their names, their sums, their ranges (SPEC ATT-4 to ATT-8).

An order counts if it was paid, is no test and was not cancelled, on the day on which it was placed by the asked zone.
All figures of one answer are of one currency. Money is in minor units; rates are exact until somebody shows them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from zoneinfo import ZoneInfo

from attribution import tiers

BANDS: Mapping[str, int] = MappingProxyType({name: int(least * 100) for name, least in tiers.BANDS})
"""From which confidence in hundredths each band begins, the highest first."""
TOP = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """Days from `start` to before `end`, by the calendar of an IANA zone; `channels` None for all of them."""

    organization_id: int
    zone: str
    start: date
    end: date
    currency: str
    channels: tuple[int, ...] | None = None

    @property
    def span(self) -> tuple[datetime, datetime]:
        """The same as instants; a day of a clock change has 23 or 25 hours."""
        zone = ZoneInfo(self.zone)
        first, last = (datetime(day.year, day.month, day.day, tzinfo=zone) for day in (self.start, self.end))
        return first, last

    @property
    def before(self) -> "Asked":
        """As many days, right before these."""
        return replace(self, start=self.start - (self.end - self.start), end=self.start)


@dataclass(slots=True)
class Sum:
    """Orders and their money. What went back went by refund or by a dispute that was lost."""

    orders: int = 0
    gross_minor: int = 0
    refunded_minor: int = 0

    @property
    def net_minor(self) -> int:
        return self.gross_minor - self.refunded_minor

    def add(self, other: "Sum") -> None:
        self.orders += other.orders
        self.gross_minor += other.gross_minor
        self.refunded_minor += other.refunded_minor


@dataclass(frozen=True, slots=True)
class Product:
    """One product: its share of what its orders brought after refunds, and how many were sold, refunded ones too.

    `product_id` is None for lines no product is mapped to; they stand under the words they were sold with.
    """

    product_id: int | None
    sku: str
    title: str
    net_minor: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Day:
    """What was bought on one day, and how much of it came of a conversation."""

    day: date
    total: Sum
    attributed: Sum


@dataclass(slots=True)
class Figures:
    """All that ATT-5 and the first board tell of one range, channels and currency."""

    total: Sum = field(default_factory=Sum)
    attributed: Sum = field(default_factory=Sum)
    conversations: int = 0
    converted: int = 0
    by_platform: dict[str, Sum] = field(default_factory=dict)
    by_channel: dict[int, Sum] = field(default_factory=dict)
    attributed_by_channel: dict[int, Sum] = field(default_factory=dict)
    by_band: dict[str, Sum] = field(default_factory=dict)
    by_method: dict[str, Sum] = field(default_factory=dict)
    by_day: list[Day] = field(default_factory=list)
    products: Sequence[Product] = ()

    @property
    def conversion_rate(self) -> Decimal:
        """Attributed orders of a hundred conversations."""
        return percent(self.attributed.orders, self.conversations)

    @property
    def converted_rate(self) -> Decimal:
        """Of a hundred conversations, those that led to an order."""
        return percent(self.converted, self.conversations)


@dataclass(frozen=True, slots=True)
class Cell:
    """What the customers of one cohort did in one month, `months` after their first purchase."""

    months: int
    customers: int
    orders: int
    net_minor: int


@dataclass(frozen=True, slots=True)
class Cohort:
    """Customers by the month of their first purchase in this currency; `cells[0]` is that month itself."""

    month: date
    cells: Sequence[Cell]

    @property
    def customers(self) -> int:
        return self.cells[0].customers if self.cells else 0


@dataclass(slots=True)
class Growth:
    """The counts behind the rates of ATT-8, of one week (from its Monday) or of a channel or of all."""

    clicks: int = 0
    checkouts: int = 0
    conversions: int = 0
    orders: int = 0
    with_customer: int = 0
    refunded: int = 0
    repeated: int = 0
    jobs: int = 0
    delivered: int = 0
    reviews: int = 0
    net_minor: int = 0

    @property
    def rates(self) -> dict[str, Decimal | None]:
        """In percent; None where there is nothing to divide by."""
        pairs = {
            "checkout_start": (self.checkouts, self.clicks),
            "paid_conversion": (self.conversions, self.checkouts),
            "refund": (self.refunded, self.orders),
            "delivery_success": (self.delivered, self.jobs),
            "review": (self.reviews, self.orders),
            "repeat_purchase": (self.repeated, self.with_customer),
        }
        return {name: percent(part, whole) if whole else None for name, (part, whole) in pairs.items()}


def percent(part: int, whole: int) -> Decimal:
    """Two decimals, half up; 0 of nothing."""
    share = Decimal(part * 100) / whole if whole else Decimal(0)
    return share.quantize(Decimal("0.01"), ROUND_HALF_UP)


def number(rate: Decimal) -> float:
    """A rate as JSON writes a number; never an amount of money."""
    return float(rate)

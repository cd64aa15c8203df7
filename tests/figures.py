"""A shop with a history, and its figures counted once more: naively, in Python, from the rows as Django reads them."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from attribution.models import Attribution, Conversation
from fulfillment.models import Job
from orders import messages
from orders.actions import products
from orders.models import Channel, Line, Order
from support.analytics import BANDS, Asked, Cell, Cohort, Day, Figures, Growth, Product, Sum
from support.queries import analytics
from tests import money
from tests.stage import BY

BERLIN = "Europe/Berlin"
PAID = ("paid", "partially_refunded", "refunded", "disputed")
TWIN = {BERLIN: "Arctic/Longyearbyen", "Asia/Tokyo": "Japan"}
"""The same clock by another name, for which nothing is kept."""


@dataclass
class Shop(money.Books):
    """Two channels, a book on sale, and the newest word on each order."""

    words: dict[str, Any] = field(default_factory=dict)
    said: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        with self.inside():
            self.book = products.add(
                organization=self.organization, sku="EBOOK-TIDE-EN", title="Tide Atlas", kind="ebook", price="31.20",
                currency="EUR", by=BY,
            )  # fmt: skip

    def asked(self, start: date = date(2026, 1, 1), end: date = date(2027, 1, 1), **more: Any) -> Asked:
        usual: dict[str, Any] = {"zone": BERLIN, "currency": "EUR"}
        return Asked(self.organization.pk, start=start, end=end, **{**usual, **more})

    def say(self, name: str, **more: Any) -> None:
        """A newer word on this order, which keeps what it does not mention."""
        self.said += 1
        known = self.words.setdefault(name, {"currency": "USD" if name == "o-5" else "EUR"})
        known.update(more)
        message = money.order(name, **{**known, "version": money.at(minutes=self.said)})
        money.tell(self, message, kind=self.kind(name), settle=False)

    @staticmethod
    def kind(name: str) -> str:
        return "api" if name in ("o-2", "o-4") else "stripe"

    def row(self, name: str) -> Order | None:
        return Order.objects.filter(external_id=name).first()


def lines(*totals: int) -> tuple[messages.Line, ...]:
    names = (("EBOOK-TIDE-EN", "Tide Atlas"), ("", "A map"), ("", "A map"))
    return tuple(
        messages.Line(external_id=str(number), title=title, quantity=number + 1, total_minor=total, sku=sku)
        for number, (total, (sku, title)) in enumerate(zip(totals, names, strict=False))
    )


def day_of(moment: datetime, zone: str) -> date:
    return moment.astimezone(ZoneInfo(zone)).date()


def counted() -> list[Order]:
    """Every order that counts, in the order of time."""
    rows = Order.objects.select_related("channel").order_by("placed_at", "pk")
    return [o for o in rows if o.payment_status in PAID and not o.test and o.status != "cancelled"]


def asked_of(asked: Asked) -> list[Order]:
    return [
        order
        for order in counted()
        if order.currency == asked.currency
        and asked.start <= day_of(order.placed_at, asked.zone) < asked.end
        and (asked.channels is None or order.channel_id in asked.channels)
    ]


def conversation_of(order: Order) -> Attribution | None:
    return Attribution.objects.filter(order=order, current=True, conversation__isnull=False).first()


def daily(asked: Asked) -> dict[date, tuple[int, int]]:
    """All of `analytics.daily`."""
    found: dict[date, tuple[int, int]] = {}
    for order in counted():
        day = day_of(order.placed_at, asked.zone)
        if not asked.start <= day < asked.end or (
            asked.channels is not None and order.channel_id not in asked.channels
        ):
            continue
        net = order.captured_minor - order.refunded_minor - order.disputed_minor
        orders, net_minor = found.get(day, (0, 0))
        found[day] = (orders + 1, net_minor + (net if order.currency == asked.currency else 0))
    return found


def figures(asked: Asked) -> Figures:
    """All of `analytics.figures`."""
    found = Figures()
    days: dict[date, tuple[Sum, Sum]] = defaultdict(lambda: (Sum(), Sum()))
    shares: dict[tuple[Any, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for order in asked_of(asked):
        back = order.refunded_minor + order.disputed_minor
        one = Sum(1, order.captured_minor, back)
        sums = [found.total, days[day_of(order.placed_at, asked.zone)][0]]
        sums.append(found.by_channel.setdefault(order.channel_id, Sum()))
        sums.append(found.by_platform.setdefault(order.channel.kind, Sum()))
        if attribution := conversation_of(order):
            band = next(name for name, least in BANDS.items() if attribution.confidence_cents >= least)
            sums += [found.attributed, days[day_of(order.placed_at, asked.zone)][1]]
            sums.append(found.by_band.setdefault(band, Sum()))
            sums.append(found.by_method.setdefault(attribution.method, Sum()))
            sums.append(found.attributed_by_channel.setdefault(order.channel_id, Sum()))
        for each in sums:
            each.add(one)
        _share(order, shares)
    found.by_day = [Day(day, *days[day]) for day in sorted(days)]
    rows = [Product(*key, net_minor=net, quantity=quantity) for key, (net, quantity) in shares.items()]
    found.products = sorted(rows, key=lambda row: (-row.net_minor, row.sku, row.title, row.product_id or 0))
    talks = list(_conversations(asked))
    found.conversations, found.converted = len(talks), sum(_converted(talk, asked) for talk in talks)
    return found


def _share(order: Order, found: dict[tuple[Any, str, str], list[int]]) -> None:
    lines = list(Line.objects.filter(order=order, removed=False).select_related("product").order_by("pk"))
    weights = [line.total_minor for line in lines]
    if not sum(weights):
        weights = [1] * len(lines)
    upto = taken = 0
    for line, weight in zip(lines, weights, strict=True):
        upto += weight
        share = order.net_minor * upto // sum(weights) - taken
        taken += share
        product = line.product
        entry = found[(product.pk, product.sku, product.title) if product else (None, line.sku, line.title)]
        entry[0] += share
        entry[1] += line.quantity


def _conversations(asked: Asked) -> Iterator[Conversation]:
    others = [] if asked.channels is None else list(Channel.objects.exclude(pk__in=asked.channels))
    for talk in Conversation.objects.select_related("channel"):
        own = talk.channel.domain if talk.channel else ""
        named = talk.source in {one.domain for one in others} or own in {
            one.domain for one in others if one.kind not in ("chatwoot", "intercom", "whatsapp")
        }
        if asked.start <= day_of(talk.started_at, asked.zone) < asked.end and not named:
            yield talk


def _converted(talk: Conversation, asked: Asked) -> bool:
    led = set(Attribution.objects.filter(conversation=talk, current=True).values_list("order_id", flat=True))
    return any(
        order.pk in led
        and order.currency == asked.currency
        and (asked.channels is None or order.channel_id in asked.channels)
        for order in counted()
    )


def _firsts(asked: Asked) -> dict[int, Order]:
    firsts: dict[int, Order] = {}
    for order in counted():
        if order.currency == asked.currency and order.profile_id:
            firsts.setdefault(order.profile_id, order)
    return firsts


def growth(asked: Asked, by: str) -> dict[Any, Growth]:
    """`analytics.growth_by_week` or `growth_by_channel`, as a dict."""
    firsts = _firsts(asked)
    found: dict[Any, Growth] = defaultdict(Growth)
    for order in asked_of(asked):
        day = day_of(order.placed_at, asked.zone)
        one = found[order.channel_id if by == "channel" else day - timedelta(days=day.weekday())]
        states = list(Job.objects.filter(entitlement__order=order).values_list("state", flat=True))
        one.orders += 1
        one.refunded += order.refunded_minor > 0
        one.with_customer += order.profile_id is not None
        one.repeated += order.profile_id is not None and firsts[order.profile_id].pk != order.pk
        one.jobs += len([state for state in states if state != "cancelled"])
        one.delivered += states.count("completed")
        one.net_minor += order.net_minor
    return dict(found)


def cohorts(asked: Asked) -> list[Cohort]:
    """`analytics.cohorts`."""
    first, last = asked.start.replace(day=1), (asked.end - timedelta(days=1)).replace(day=1)
    whole = replace(asked, start=first, end=(last + timedelta(days=31)).replace(day=1), channels=None)
    firsts, seen = _firsts(asked), set()
    cells: dict[date, dict[int, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0, 0]))
    for order in asked_of(whole):
        if order.profile_id is None:
            continue
        month = day_of(order.placed_at, asked.zone).replace(day=1)
        cohort = day_of(firsts[order.profile_id].placed_at, asked.zone).replace(day=1)
        fresh = (order.profile_id, month) not in seen
        seen.add((order.profile_id, month))
        if cohort < first or (asked.channels is not None and order.channel_id not in asked.channels):
            continue
        cell = cells[cohort][_months(cohort, month)]
        for place, value in enumerate((fresh, 1, order.net_minor)):
            cell[place] += value
    return [
        Cohort(month, [Cell(n, *cells[month][n]) for n in range(_months(month, last) + 1)]) for month in sorted(cells)
    ]


def _months(since: date, until: date) -> int:
    return (until.year - since.year) * 12 + until.month - since.month


def told(asked: Asked) -> list[Any]:
    """All that is answered, from what is kept where it can be."""
    return [
        analytics.figures(asked),
        analytics.daily(asked),
        analytics.cohorts(asked),
        dict(analytics.growth_by_week(asked)),
        analytics.growth_by_channel(asked),
    ]


def naive(asked: Asked) -> list[Any]:
    """The same, counted here."""
    return [figures(asked), daily(asked), cohorts(asked), growth(asked, "week"), growth(asked, "channel")]


def agree(stage: money.Books, *ranges: Asked) -> None:
    """What is kept, what is counted from the rows, and what we count are the same."""
    with stage.inside():
        for asked in ranges:
            ours, expected = told(asked), naive(asked)
            assert ours == expected
            assert told(replace(asked, zone=TWIN[asked.zone])) == expected

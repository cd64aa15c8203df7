"""The one door of whoever reads figures: each group of them in one statement, so that it is of one moment."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from django.db import connection

from orders.models import Channel
from support.analytics import Asked, Cell, Cohort, Day, Figures, Growth, Product, Sum
from support.queries.day_counts import COHORTS, CONVERSATIONS, CONVERTED, GROWTH, PRODUCTS, REVENUE, Count

_ORDERS = "r.currency = %(currency)s AND (%(channels)s::bigint[] IS NULL OR r.channel_id = ANY(%(channels)s))"
_TALKS = """r.source <> ALL(%(elsewhere)s::text[])
   AND (r.channel_id IS NULL OR r.channel_id <> ALL(%(elsewhere_ids)s::bigint[]))"""
_LED = "r.currency = %(currency)s AND (%(channels)s::bigint[] IS NULL OR r.order_channels && %(channels)s)"

_REVENUE = """
SELECT day, channel_id, method, band, method <> '', sum(orders)::bigint, sum(gross_minor)::bigint,
       sum(refunded_minor)::bigint
  FROM ({revenue}) r GROUP BY GROUPING SETS ((day, method <> ''), (channel_id, method <> ''), (method), (band))
"""
_PRODUCTS = """
SELECT r.product_id, coalesce(p.sku, r.sku) AS sku, coalesce(p.title, r.title) AS title,
       sum(r.net_minor)::bigint AS net_minor, sum(r.quantity)::bigint
  FROM ({products}) r LEFT JOIN orders_product p ON p.id = r.product_id
 GROUP BY 1, 2, 3 ORDER BY net_minor DESC, sku, title, 1
"""
_TALKED = """
SELECT (SELECT coalesce(sum(conversations), 0)::bigint FROM ({conversations}) c),
       (SELECT coalesce(sum(conversations), 0)::bigint FROM ({converted}) c)
"""
_COHORTS = """
SELECT cohort, date_trunc('month', day)::date AS month, sum(customers)::bigint, sum(orders)::bigint,
       sum(net_minor)::bigint
  FROM ({cohorts}) r WHERE cohort >= %(start)s GROUP BY 1, 2
"""
_GROWTH = """
SELECT {by}, sum(orders)::bigint, sum(refunded)::bigint, sum(with_customer)::bigint, sum(repeated)::bigint,
       sum(jobs)::bigint, sum(delivered)::bigint, sum(net_minor)::bigint FROM ({growth}) r GROUP BY 1 ORDER BY 1
"""


def figures(asked: Asked) -> Figures:
    """All that ATT-5 and the first board tell of this range; four statements, whatever the range."""
    channels = _Channels.read(asked)
    found = Figures()
    days: dict[date, tuple[Sum, Sum]] = defaultdict(lambda: (Sum(), Sum()))
    revenue = _REVENUE.format(revenue=_rows(REVENUE, _ORDERS))
    for day, channel_id, method, band, attributed, *sums in _asked(revenue, asked):
        one = Sum(*sums)
        if day is not None:
            days[day][0].add(one)
            found.total.add(one)
            if attributed:
                days[day][1].add(one)
                found.attributed.add(one)
        elif channel_id is not None:
            found.by_channel.setdefault(channel_id, Sum()).add(one)
            found.by_platform.setdefault(channels.kinds[channel_id], Sum()).add(one)
            if attributed:
                found.attributed_by_channel[channel_id] = one
        elif method:
            found.by_method[method] = one
        elif band:
            found.by_band[band] = one
    found.by_day = [Day(day, *days[day]) for day in sorted(days)]
    found.products = [Product(*row) for row in _asked(_PRODUCTS.format(products=_rows(PRODUCTS, _ORDERS)), asked)]
    conversations, converted = _rows(CONVERSATIONS, _TALKS), _rows(CONVERTED, f"{_LED} AND {_TALKS}")
    talked = _TALKED.format(conversations=conversations, converted=converted)
    ((found.conversations, found.converted),) = _asked(talked, asked, channels.elsewhere)
    return found


def cohorts(asked: Asked) -> list[Cohort]:
    """The customers of each month that the range touches, and what they did up to its last month; months are whole.

    Each cohort has a cell for every month up to there, and those in which nobody bought are empty.
    """
    first, last = asked.start.replace(day=1), (asked.end - timedelta(days=1)).replace(day=1)
    whole = replace(asked, start=first, end=(last + timedelta(days=31)).replace(day=1))
    cells: dict[date, dict[int, Cell]] = defaultdict(dict)
    for cohort, month, customers, orders, net_minor in _asked(_COHORTS.format(cohorts=_rows(COHORTS, _ORDERS)), whole):
        months = _months(cohort, month)
        cells[cohort][months] = Cell(months, customers, orders, net_minor)
    return [
        Cohort(month, [cells[month].get(n, Cell(n, 0, 0, 0)) for n in range(_months(month, last) + 1)])
        for month in sorted(cells)
    ]


def growth_by_week(asked: Asked) -> list[tuple[date, Growth]]:
    """What orders say of growth, by their week's Monday; weeks with no order are left out. Events: see funnels."""
    return [(week, growth) for week, growth in _growth("date_trunc('week', day)::date", asked)]


def growth_by_channel(asked: Asked) -> dict[int, Growth]:
    """The same by channel."""
    return dict(_growth("channel_id", asked))


def _growth(by: str, asked: Asked) -> list[tuple[Any, Growth]]:
    names = ("orders", "refunded", "with_customer", "repeated", "jobs", "delivered", "net_minor")
    rows = _asked(_GROWTH.format(by=by, growth=_rows(GROWTH, _ORDERS)), asked)
    return [(key, Growth(**dict(zip(names, sums, strict=True)))) for key, *sums in rows]


def _months(since: date, until: date) -> int:
    return (until.year - since.year) * 12 + until.month - since.month


@dataclass(frozen=True, slots=True)
class _Channels:
    """The kind of each channel, and what names a shop that was not asked for."""

    kinds: Mapping[int, str]
    elsewhere: Mapping[str, list[Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, asked: Asked) -> "_Channels":
        rows = list(Channel.objects.values_list("pk", "kind", "domain"))
        wanted = {pk for pk, _, _ in rows if asked.channels is None or pk in asked.channels}
        here = {domain for pk, _, domain in rows if pk in wanted}
        others = [(kind, domain) for pk, kind, domain in rows if pk not in wanted and domain not in here]
        shops = {domain for kind, domain in others if kind not in Channel.TALKS}
        elsewhere = {
            "elsewhere": sorted({domain for _, domain in others}),
            "elsewhere_ids": [pk for pk, _, domain in rows if domain in shops],
        }
        return cls({pk: kind for pk, kind, _ in rows}, elsewhere)


def _rows(count: Count, where: str) -> str:
    return f"SELECT r.* FROM ({count.of_range()}) r WHERE {where}"


def _asked(sql: str, asked: Asked, more: Mapping[str, Any] | None = None) -> list[Any]:
    values = {
        "zone": asked.zone,
        "start": asked.start,
        "end": asked.end,
        "currency": asked.currency,
        "channels": None if asked.channels is None else list(asked.channels),
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, {**values, **(more or {})})
        return cursor.fetchall()

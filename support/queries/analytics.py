"""The one door of whoever reads figures: each group of them in one statement, so that it is of one moment."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from django.db import connection

from orders.models import Channel
from profiles import prepared
from profiles.models import Organization
from support.analytics import Asked, Cell, Cohort, Day, Figures, Growth, Product, Sum
from support.queries import elsewhere, tallies
from support.queries.day_counts import COHORTS, CONVERSATIONS, CONVERTED, GROWTH, PRODUCTS, REVENUE, Count

_CHANNELS = "(%(channels)s::bigint[] IS NULL OR r.channel_id = ANY(%(channels)s))"
_ORDERS = f"r.currency = %(currency)s AND {_CHANNELS}"
_TALKS = """r.source <> ALL(%(elsewhere)s::text[])
   AND (r.channel_id IS NULL OR r.channel_id <> ALL(%(elsewhere_ids)s::bigint[]))"""
_LED = "r.currency = %(currency)s AND (%(channels)s::bigint[] IS NULL OR r.order_channels && %(channels)s::bigint[])"

_REVENUE = """
SELECT day, channel_id, method, band, method <> '', sum(orders)::bigint, sum(gross_minor)::bigint,
       sum(refunded_minor)::bigint
  FROM ({revenue}) r GROUP BY GROUPING SETS ((day, method <> ''), (channel_id, method <> ''), (method), (band))
"""
_DAILY = """
SELECT day, sum(orders)::bigint,
       coalesce(sum(gross_minor - refunded_minor) FILTER (WHERE currency = %(currency)s), 0)::bigint
  FROM ({revenue}) r GROUP BY 1
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
    """All that ATT-5 and the first board tell of this range; five statements, whatever the range."""
    reader, channels = _Reader.of(asked), list(Channel.objects.only("kind", "domain"))
    kinds = {channel.pk: channel.kind for channel in channels}
    found = Figures()
    days: dict[date, tuple[Sum, Sum]] = defaultdict(lambda: (Sum(), Sum()))
    revenue = _REVENUE.format(revenue=reader.rows(REVENUE, _ORDERS))
    for day, channel_id, method, band, attributed, *sums in reader.answer(revenue):
        one = Sum(*sums)
        if day is not None:
            days[day][0].add(one)
            found.total.add(one)
            if attributed:
                days[day][1].add(one)
                found.attributed.add(one)
        elif channel_id is not None:
            found.by_channel.setdefault(channel_id, Sum()).add(one)
            found.by_platform.setdefault(kinds[channel_id], Sum()).add(one)
            if attributed:
                found.attributed_by_channel[channel_id] = one
        elif method:
            found.by_method[method] = one
        elif band:
            found.by_band[band] = one
    found.by_day = [Day(day, *days[day]) for day in sorted(days)]
    products = _PRODUCTS.format(products=reader.rows(PRODUCTS, _ORDERS))
    found.products = [Product(*row) for row in reader.answer(products)]
    talked = _TALKED.format(
        conversations=reader.rows(CONVERSATIONS, _TALKS), converted=reader.rows(CONVERTED, f"{_LED} AND {_TALKS}")
    )
    others = elsewhere.than(asked.channels, channels)
    named = {"elsewhere": others.sources, "elsewhere_ids": others.channel_ids}
    ((found.conversations, found.converted),) = reader.answer(talked, named)
    return found


def daily(asked: Asked) -> dict[date, tuple[int, int]]:
    """Of each day that had any: its orders of all currencies, and what those in the asked one brought after refunds."""
    reader = _Reader.of(asked)
    rows = reader.answer(_DAILY.format(revenue=reader.rows(REVENUE, _CHANNELS)))
    return {day: (orders, net_minor) for day, orders, net_minor in rows}


def cohorts(asked: Asked) -> list[Cohort]:
    """The customers of each month that the range touches, and what they did up to its last month; months are whole.

    Each cohort has a cell for every month up to there, and those in which nobody bought are empty.
    """
    first, last = asked.start.replace(day=1), (asked.end - timedelta(days=1)).replace(day=1)
    reader = _Reader.of(replace(asked, start=first, end=(last + timedelta(days=31)).replace(day=1)))
    cells: dict[date, dict[int, Cell]] = defaultdict(dict)
    sql = _COHORTS.format(cohorts=reader.rows(COHORTS, _ORDERS))
    for cohort, month, customers, orders, net_minor in reader.answer(sql):
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
    reader = _Reader.of(asked)
    rows = reader.answer(_GROWTH.format(by=by, growth=reader.rows(GROWTH, _ORDERS)))
    return [(key, Growth(**dict(zip(names, sums, strict=True)))) for key, *sums in rows]


def _months(since: date, until: date) -> int:
    return (until.year - since.year) * 12 + until.month - since.month


@dataclass(frozen=True, slots=True)
class _Reader:
    """How one question is answered: from tallies, or from the rows where the days of another zone are asked for."""

    asked: Asked
    own_zone: bool

    @classmethod
    def of(cls, asked: Asked) -> "_Reader":
        zone = Organization.objects.values_list("timezone", flat=True).get(pk=asked.organization_id)
        return cls(asked, own_zone=zone == asked.zone)

    def rows(self, count: Count, where: str) -> str:
        return tallies.rows(count, where) if self.own_zone else tallies.recounted(count, where)

    def answer(self, sql: str, more: Mapping[str, Any] | None = None) -> list[Any]:
        asked = self.asked
        values: dict[str, Any] = {
            "zone": asked.zone,
            "start": asked.start,
            "end": asked.end,
            "currency": asked.currency,
            "channels": None if asked.channels is None else list(asked.channels),
        }
        values |= more or {}
        if self.own_zone:
            # Tallies are few, and planning takes longer than adding up those of a week.
            return prepared.fetch(tallies.CONTEXT + sql, values)
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall()

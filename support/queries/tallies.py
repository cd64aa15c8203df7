"""Reading what was counted before: the tallies of days that are not stale, and the stale ones counted on the spot.

Both in one statement and so of one moment: what it answers is what a recount would answer (decision 0022).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from support.models import (
    CohortMonth,
    CohortTally,
    ConversationTally,
    ConvertedTally,
    GrowthTally,
    ProductMonth,
    ProductTally,
    RevenueTally,
)
from support.models.tallies import Tally
from support.queries import day_counts
from support.queries.day_counts import Count

# Of days that began before the first order, or never come, nobody asks.
FIRST, LAST = date(1, 1, 2), date(9999, 12, 30)


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the answers to a count are kept: by day, and where there are many by month too."""

    count: Count
    by_day: type[Tally]
    by_month: type[Tally] | None = None

    @property
    def columns(self) -> str:
        return ", ".join(("day", *self.count.keys, *self.count.sums))


KEPT = (
    Kept(day_counts.REVENUE, RevenueTally),
    Kept(day_counts.GROWTH, GrowthTally),
    Kept(day_counts.PRODUCTS, ProductTally, ProductMonth),
    Kept(day_counts.COHORTS, CohortTally, CohortMonth),
    Kept(day_counts.CONVERSATIONS, ConversationTally),
    Kept(day_counts.CONVERTED, ConvertedTally),
)
_KEPT: Mapping[str, Kept] = {kept.count.name: kept for kept in KEPT}

_STALE = "SELECT DISTINCT day FROM orders_staleday WHERE day >= %(start)s AND day < %(end)s"
_MONTHS_OF = """
SELECT m.day, m.day >= %(start)s AND m.day + interval '1 month' <= %(end)s
         AND NOT EXISTS (SELECT FROM days d WHERE d.day >= m.day AND d.day < m.day + interval '1 month') AS whole
  FROM (SELECT m::date AS day
          FROM generate_series(date_trunc('month', %(start)s::timestamp), %(end)s, interval '1 month') m) m
"""
_DAYS = """
SELECT {columns} FROM {table} r
 WHERE day >= %(start)s AND day < %(end)s AND NOT EXISTS (SELECT FROM days d WHERE d.day = r.day) AND {where}
"""
# Only the days of months that cannot be read as one: by the index, however long the range.
_MONTHS = """
SELECT {columns} FROM {months} r WHERE day IN (SELECT day FROM months WHERE whole) AND {where}
UNION ALL
SELECT {columns} FROM (
  SELECT r.* FROM months m CROSS JOIN LATERAL (
    SELECT * FROM {table} r
     WHERE r.day >= greatest(m.day, %(start)s)
       AND r.day < least((m.day + interval '1 month')::date, %(end)s) OFFSET 0) r
   WHERE NOT m.whole) r
 WHERE NOT EXISTS (SELECT FROM days d WHERE d.day = r.day) AND {where}
"""


def rows(count: Count, where: str) -> str:
    """SQL for what is counted of the days from `start` to before `end`; `where` narrows `r`, the rows of an answer.

    Days may come together as the first day of their month. Wants `context` before the statement.
    """
    kept = _KEPT[count.name]
    names = {"columns": kept.columns, "table": kept.by_day._meta.db_table, "where": where}
    if kept.by_month is None:
        stored = _DAYS.format(**names)
    else:
        stored = _MONTHS.format(**names, months=kept.by_month._meta.db_table)
    return f"{stored} UNION ALL SELECT {kept.columns} FROM ({count.of_days()}) r WHERE {where}"


def recounted(count: Count, where: str) -> str:
    """The same counted from the rows alone."""
    return f"SELECT r.* FROM ({count.of_range()}) r WHERE {where}"


CONTEXT = f"WITH days AS MATERIALIZED ({_STALE}), months AS MATERIALIZED ({_MONTHS_OF}) "
"""Which days are counted on the spot, and which months can be read as one."""

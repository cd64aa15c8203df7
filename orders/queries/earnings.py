"""What was earned, by month and by day: sums of the ledger within one currency, never with facts of the test mode.

The sums are read from an index alone. Those of a closed month stand with the month and do not change any more.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from orders.bookings import PAYOUT, after, month_of
from orders.models import Channel, Period
from profiles import clock
from profiles.models import Organization

_BY_MONTH = """
SELECT month, channel_id, kind, currency, sum(amount_minor)::bigint, count(*), count(*) FILTER (WHERE late)
  FROM orders_ledgerentry WHERE month >= %s AND month < %s AND NOT test
 GROUP BY month, channel_id, kind, currency ORDER BY month DESC, channel_id, kind, currency
"""
# One step down the index for each month there is, not one for each entry.
_MONTHS = """
WITH RECURSIVE steps AS (
  (SELECT month FROM orders_ledgerentry ORDER BY month DESC LIMIT 1)
  UNION ALL
  SELECT (SELECT e.month FROM orders_ledgerentry e WHERE e.month < s.month ORDER BY e.month DESC LIMIT 1)
    FROM steps s WHERE s.month IS NOT NULL
)
SELECT month FROM steps WHERE month IS NOT NULL LIMIT %s
"""


@dataclass(frozen=True, slots=True, order=True)
class Sum:
    """One sum: of a channel, of a kind, in a currency's minor units."""

    channel: str
    kind: str
    currency: str
    amount_minor: int
    entries: int
    late: int = 0


@dataclass(slots=True)
class Month:
    """One month of the ledger; `period` where it is closed by itself, `closed` also where a later one is."""

    month: date
    closed: bool = False
    period: Period | None = None
    sums: list[Sum] = field(default_factory=list)

    def kinds(self) -> dict[str, dict[str, int]]:
        """Currency → kind → amount."""
        found: dict[str, dict[str, int]] = defaultdict(dict)
        for one in self.sums:
            found[one.currency][one.kind] = found[one.currency].get(one.kind, 0) + one.amount_minor
        return dict(found)

    def earned(self) -> dict[str, int]:
        """What was earned by currency: everything but what went on to the bank."""
        found: dict[str, int] = defaultdict(int)
        for one in self.sums:
            found[one.currency] += 0 if one.kind == PAYOUT else one.amount_minor
        return dict(found)

    @property
    def late(self) -> int:
        return sum(one.late for one in self.sums)

    @property
    def entries(self) -> int:
        return sum(one.entries for one in self.sums)


def of_month(month: date) -> list[Sum]:
    """The sums of one month as the ledger has them now."""
    return [one for _, one in _summed(_BY_MONTH, [month, after(month)])]


def known(*, at_most: int = 36) -> list[date]:
    """The newest months in which something counts, the newest first."""
    with connection.cursor() as cursor:
        cursor.execute(_MONTHS, [at_most])
        return [row[0] for row in cursor.fetchall()]


def months(organization: Organization, *, at_most: int = 36) -> list[Month]:
    """The newest months with entries, the running one always; sums of open months counted now."""
    found = set(known(at_most=at_most))
    found.add(month_of(clock.now(), ZoneInfo(organization.timezone)))
    periods = {period.month: period for period in Period.objects.order_by("-month")}
    closed = max(periods, default=date.min)
    rows = {month: Month(month, month <= closed, periods.get(month)) for month in found | set(periods)}
    uncounted = [month for month, row in rows.items() if row.period is None]
    if uncounted:
        for month, one in _summed(_BY_MONTH, [min(uncounted), after(max(uncounted))]):
            if rows[month].period is None:
                rows[month].sums.append(one)
    for row in rows.values():
        if row.period is not None:
            row.sums = [Sum(**kept) for kept in row.period.totals["sums"]]
    return sorted(rows.values(), key=lambda row: row.month, reverse=True)[:at_most]


def kept(sums: Iterable[Sum]) -> dict[str, Any]:
    """The sums as a closed month keeps them."""
    return {"sums": [asdict(one) for one in sorted(sums)]}


def _summed(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, Sum]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows = cursor.fetchall()
    labels = {channel.pk: channel.label for channel in Channel.objects.only("kind", "domain")} if rows else {}
    return [(when, Sum(labels[channel], *rest)) for when, channel, *rest in rows]

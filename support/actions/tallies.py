"""Counting stale days anew, so that nobody who reads figures has to (decision 0022)."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import connection

from orders.actions import stale_days
from profiles.models import Organization
from support.queries.tallies import KEPT, Kept

AT_ONCE = 40
_LOCK_SPACE = 0x7A11
_LOCK = "SELECT pg_advisory_xact_lock(%s, hashint8(%s))"

_FORGET = "DELETE FROM {table} WHERE day = ANY(%(days)s)"
_COUNT = """
WITH days AS MATERIALIZED (SELECT unnest(%(days)s::date[]) AS day)
INSERT INTO {table} (organization_id, {columns}) SELECT %(organization)s, {columns} FROM ({counted}) r
"""
_SUM = """
INSERT INTO {months} (organization_id, day, {keys}, {sums})
SELECT %(organization)s, m.day, {keys}, {summed}
  FROM unnest(%(days)s::date[]) m(day) JOIN {table} r ON r.day >= m.day AND r.day < m.day + interval '1 month'
 GROUP BY m.day, {keys}
"""


def settle(organization: Organization, *, limit: int = AT_ONCE) -> int:
    """Count up to `limit` stale days anew, the newest first; returns how many. In the context's transaction.

    One worker at a time in an organization: each writes the rows of its days wholly.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [_LOCK_SPACE, organization.pk])
    days = stale_days.take(limit)
    if days:
        count(organization, days)
    return len(days)


def count(organization: Organization, days: Sequence[date]) -> None:
    """Write the tallies of these days, and of the months they lie in, from the rows as they are now."""
    values = {"organization": organization.pk, "zone": organization.timezone}
    months = sorted({day.replace(day=1) for day in days})
    with connection.cursor() as cursor:
        for kept in KEPT:
            _write(cursor, kept, {**values, "days": list(days)}, {**values, "days": months})


def _write(cursor: Any, kept: Kept, days: dict[str, Any], months: dict[str, Any]) -> None:
    table = kept.by_day._meta.db_table
    cursor.execute(_FORGET.format(table=table), days)
    cursor.execute(_COUNT.format(table=table, columns=kept.columns, counted=kept.count.of_days()), days)
    if kept.by_month is None:
        return
    monthly = kept.by_month._meta.db_table
    keys, sums = kept.count.keys, kept.count.sums
    cursor.execute(_FORGET.format(table=monthly), months)
    cursor.execute(
        _SUM.format(
            months=monthly,
            table=table,
            keys=", ".join(keys),
            sums=", ".join(sums),
            summed=", ".join(f"sum({name})::bigint" for name in sums),
        ),
        months,
    )

"""The tallies of every day compared with a recount in one pass; a difference is a fault of ours (decision 0022)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from django.db import connection

from profiles.models import Organization
from support.queries.tallies import FIRST, KEPT, LAST, Kept

# Every sum once as it is kept and once as it is counted: keys without a value are equal here, which a join would deny.
_DAYS = """
WITH stale AS MATERIALIZED (SELECT DISTINCT day FROM orders_staleday)
SELECT day, {keys}, {ours}, {counted}
  FROM (SELECT day, {keys}, {sums}, {noughts} FROM {table}
         UNION ALL SELECT day, {keys}, {noughts}, {sums} FROM ({recount}) c) b({columns})
 WHERE day NOT IN (SELECT day FROM stale)
 GROUP BY day, {keys} HAVING ({ours}) IS DISTINCT FROM ({counted}) ORDER BY day, {keys}
"""
_MONTHS = """
WITH stale AS MATERIALIZED (SELECT DISTINCT date_trunc('month', day)::date AS day FROM orders_staleday)
SELECT day, {keys}, {ours}, {counted}
  FROM (SELECT day, {keys}, {sums}, {noughts} FROM {months}
         UNION ALL SELECT date_trunc('month', day)::date, {keys}, {noughts}, {sums} FROM {table}) b({columns})
 WHERE day NOT IN (SELECT day FROM stale)
 GROUP BY day, {keys} HAVING ({ours}) IS DISTINCT FROM ({counted}) ORDER BY day, {keys}
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """Sums of one day (or of a month, by its first day) that are not what the rows say."""

    table: str
    day: date
    keys: dict[str, Any]
    ours: dict[str, int]
    recount: dict[str, int]

    def document(self) -> dict[str, Any]:
        return {**asdict(self), "day": self.day.isoformat(), "keys": {k: _plain(v) for k, v in self.keys.items()}}

    def __str__(self) -> str:
        keys = ", ".join(f"{name} {value}" for name, value in self.keys.items() if value not in (None, ""))
        sums = ", ".join(
            f"{name} {ours}, counted {self.recount[name]}"
            for name, ours in self.ours.items()
            if ours != self.recount[name]
        )
        return f"{self.day} {self.table} ({keys}): {sums}"


def differences(organization: Organization) -> list[Difference]:
    """What differs on days that are not stale; one statement for each table, which is of one moment."""
    found: list[Difference] = []
    for kept in KEPT:
        found += _compare(_DAYS, kept, kept.by_day._meta.db_table, organization)
        if kept.by_month is not None:
            found += _compare(_MONTHS, kept, kept.by_month._meta.db_table, organization)
    return found


def days(found: Sequence[Difference]) -> list[date]:
    """Which days have to be counted anew for these to go; a month is put right with any of its days."""
    return sorted({difference.day for difference in found})


def _compare(sql: str, kept: Kept, table: str, organization: Organization) -> list[Difference]:
    keys, sums = kept.count.keys, kept.count.sums
    statement = sql.format(
        keys=", ".join(keys),
        sums=", ".join(sums),
        noughts=", ".join("0" for _ in sums),
        ours=", ".join(f"sum(ours_{name})::bigint" for name in sums),
        counted=", ".join(f"sum(counted_{name})::bigint" for name in sums),
        columns=", ".join(("day", *keys, *(f"ours_{name}" for name in sums), *(f"counted_{name}" for name in sums))),
        table=kept.by_day._meta.db_table,
        months=table,
        recount=kept.count.of_range(),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, {"zone": organization.timezone, "start": FIRST, "end": LAST})
        rows = cursor.fetchall()
    return [
        Difference(
            table,
            day,
            dict(zip(keys, rest, strict=False)),
            dict(zip(sums, rest[len(keys) :], strict=False)),
            dict(zip(sums, rest[len(keys) + len(sums) :], strict=True)),
        )
        for day, *rest in rows
    ]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value

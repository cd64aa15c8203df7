"""Days whose figures have to be counted anew: triggers mark them (`orders.marks`), whoever counts takes them away."""

from collections.abc import Iterable
from datetime import date

from django.db import connection

from orders.models import StaleDay
from profiles import bulk

# What is marked after this statement began has its own row, which stays.
_TAKE = """
DELETE FROM orders_staleday
 WHERE day IN (SELECT day FROM orders_staleday GROUP BY day ORDER BY day DESC LIMIT %s) RETURNING day
"""


def mark(organization_id: int, days: Iterable[date]) -> None:
    """Have these days counted anew, though no fact of them changed."""
    bulk.insert(StaleDay, [StaleDay(organization_id=organization_id, day=day) for day in sorted(set(days))])


def take(limit: int) -> list[date]:
    """Take away the marks of up to `limit` days, the newest first; in the same transaction their figures are counted.

    Take before counting: a fact that commits in between has a mark of its own, and its day stays stale.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [limit])
        return sorted({day for (day,) in cursor.fetchall()})

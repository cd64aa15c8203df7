"""The audit log as it is read: what there is to filter by, and all of it in portions for an export."""

from collections.abc import Iterator
from datetime import timedelta

from django.db import connection
from django.db.models import Q, QuerySet

from profiles import tenancy
from profiles.models import AuditEntry

PORTION = 5_000
ONE_PRESS = timedelta(minutes=1)
LOOKS = ("profile.viewed", "delivery.viewed", "email.revealed")

# Jumps along the index from each action to the next, however many rows each has.
_ACTIONS = """
WITH RECURSIVE found AS (
  (SELECT action FROM profiles_auditentry ORDER BY action LIMIT 1)
  UNION ALL
  SELECT (SELECT a.action FROM profiles_auditentry a WHERE a.action > f.action ORDER BY a.action LIMIT 1)
    FROM found f WHERE f.action IS NOT NULL)
SELECT action FROM found WHERE action IS NOT NULL
"""


def actions() -> list[str]:
    """Every action on record."""
    with connection.cursor() as cursor:
        cursor.execute(_ACTIONS)
        return [row[0] for row in cursor.fetchall()]


def of_one_press(entry: AuditEntry) -> list[AuditEntry]:
    """All that the same press of a button did, this entry too."""
    near = Q(at__gte=entry.at - ONE_PRESS, at__lte=entry.at + ONE_PRESS)
    return list(AuditEntry.objects.filter(near, act=entry.act).order_by("at", "pk")[:200])


def portions(entries: QuerySet[AuditEntry], *, organization_id: int) -> Iterator[list[AuditEntry]]:
    """Newest first; each portion in a transaction of its own, so that a long export holds none open."""
    last: AuditEntry | None = None
    while True:
        rows = entries.order_by("-at", "-pk")
        if last is not None:
            rows = rows.filter(at__lte=last.at).filter(Q(at__lt=last.at) | Q(pk__lt=last.pk))
        with tenancy.organization(organization_id):
            portion = list(rows[:PORTION])
        if not portion:
            return
        yield portion
        last = portion[-1]

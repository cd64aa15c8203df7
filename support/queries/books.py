"""How the books stand: open discrepancies by kind with their sums, what is late, and when all was last compared."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q, QuerySet, Sum

from support import differences
from support.models import Discrepancy, ReconcileRun


@dataclass(frozen=True, slots=True)
class Standing:
    """Open discrepancies of one kind in one currency; test facts left out."""

    kind: differences.Kind
    currency: str
    count: int
    late: int
    amount_minor: int
    due_at: datetime


def open_ones() -> QuerySet[Discrepancy]:
    """What waits to be put right; test facts are in no total and no alarm."""
    return Discrepancy.objects.filter(status=Discrepancy.Status.OPEN, test=False)


def standing(now: datetime) -> list[Standing]:
    """By kind and currency, next due first; one query."""
    rows = (
        open_ones()
        .order_by()
        .values_list("kind", "currency")
        .annotate(
            count=Count("pk"), late=Count("pk", filter=Q(due_at__lt=now)), sum=Sum("amount_minor"), due=Min("due_at")
        )
    )
    found = [Standing(differences.KINDS[kind], *figures) for kind, *figures in rows]
    return sorted(found, key=lambda one: (one.due_at, one.kind.title, one.currency))


def late(now: datetime) -> tuple[int, datetime | None]:
    """How many are past their due time, and since when the first was found."""
    found = open_ones().filter(due_at__lt=now).aggregate(count=Count("pk"), oldest=Min("found_at"))
    return found["count"], found["oldest"]


def last_run() -> ReconcileRun | None:
    """The newest comparison that was finished."""
    return ReconcileRun.objects.filter(state=ReconcileRun.State.DONE).order_by("-asked_at", "-pk").first()

"""What is written after purchases and the services opened for them, as pages show both: with all they name."""

from django.db.models import QuerySet

from fulfillment.models import Followup, Service

AT_MOST = 50


def written(rows: QuerySet[Followup]) -> QuerySet[Followup]:
    """The newest of these follow-ups."""
    rows = rows.select_related("organization", "order", "entitlement__product", "service__product")
    return rows.order_by("-due_at", "-pk")[:AT_MOST]


def opened(rows: QuerySet[Service]) -> QuerySet[Service]:
    """The newest of these services."""
    rows = rows.select_related("organization", "product", "line__product")
    return rows.order_by("-created_at", "-pk")[:AT_MOST]

"""What watches this installation from outside: is the process alive, can it work, how far behind is it."""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config import metrics
from profiles.actions import outbox


@require_safe
@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """The database is there with this program's schema; 503 otherwise. Says also how old the oldest due work is."""
    try:
        found = state()
    except DatabaseError:
        return JsonResponse({"status": "unavailable", "database": "unreachable"}, status=503)
    return JsonResponse(found, status=200 if found["status"] == "ok" else 503)


@require_safe
@never_cache
def measured(request: HttpRequest) -> HttpResponse:
    """The figures in Prometheus' own format."""
    figures = {}
    try:
        for name, (meaning, find_out) in FIGURES.items():
            figures[name] = (meaning, float(find_out() or 0))
        reachable = 1.0
    except DatabaseError:
        reachable = 0.0
    figures["aftersale_database_up"] = ("Whether the database answers.", reachable)
    return HttpResponse(metrics.exposition(figures), content_type=metrics.CONTENT_TYPE)


def state() -> dict[str, Any]:
    """What /readyz answers."""
    missing = len(_expected_migrations() - _applied_migrations())
    return {
        "status": "unavailable" if missing else "ok",
        "database": "ok",
        "unapplied_migrations": missing,
        "oldest_due_seconds": None if missing else oldest_due_seconds(),
    }


def oldest_due_seconds() -> float | None:
    """How long the oldest due work has been waiting; None when nothing is due or there are no tables yet."""
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass('profiles_duework') is not null")
        if not cursor.fetchone()[0]:
            return None
        cursor.execute("select extract(epoch from clock_timestamp() - min(due_at)) from profiles_duework")
        age = cursor.fetchone()[0]
    return None if age is None else round(max(0.0, float(age)), 3)


def _applied_migrations() -> set[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass('django_migrations') is not null")
        if not cursor.fetchone()[0]:
            return set()
        cursor.execute("select app, name from django_migrations")
        return {(app, name) for app, name in cursor.fetchall()}


FIGURES: dict[str, tuple[str, Callable[[], float | None]]] = {
    "aftersale_oldest_due_seconds": ("How long the oldest due work has been waiting.", oldest_due_seconds),
    "aftersale_stream_backlog_seconds": (
        "How long the oldest event has been waiting for Redis.",
        lambda: outbox.backlog_seconds() if settings.REDIS_URL else None,
    ),
}
"""What /metrics finds out in the database when it is asked: one cheap query each, never about one tenant."""


@cache
def _expected_migrations() -> set[tuple[str, str]]:
    return set(MigrationLoader(None).disk_migrations)

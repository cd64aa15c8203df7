"""How what happened leaves the house: the streams' backlog, and how each webhook endpoint does; few queries each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Max, Min, Q, QuerySet

from profiles import clock
from profiles.models import StreamCircuit, StreamEntry, WebhookDelivery, WebhookEndpoint

LATELY = timedelta(hours=24)
COUNTED_AT_MOST = 10_000
LATE_AFTER = timedelta(minutes=5)
State = WebhookDelivery.State


@dataclass(frozen=True, slots=True)
class Flow:
    """The streams of one organization. Counts stop at 10,000."""

    connected: bool
    waiting: int
    oldest: datetime | None
    published: int
    last: datetime | None
    failing_since: datetime | None = None
    retry_at: datetime | None = None
    error: str = ""

    def state(self) -> tuple[str, str]:
        """(words, tone)."""
        if not self.connected:
            return "No Redis: events wait", "over"
        if self.failing_since is not None:
            return "Redis does not answer", "bad"
        return ("Publishing", "waiting") if self.waiting else ("Everything is published", "well")


def of_streams() -> Flow:
    """What waits and what went out in the last day. Real time, as the queue's own bookkeeping."""
    waiting = StreamEntry.objects.filter(published_at__isnull=True)
    sent = StreamEntry.objects.exclude(payload="").filter(published_at__gte=clock.real() - LATELY)
    circuit = StreamCircuit.objects.filter(failures__gt=0).first() if published() else None
    return Flow(
        connected=published(),
        waiting=_counted(waiting),
        oldest=waiting.order_by("pk").values_list("recorded_at", flat=True).first(),
        published=_counted(sent),
        last=sent.aggregate(last=Max("published_at"))["last"],
        failing_since=circuit.failing_since if circuit else None,
        retry_at=circuit.retry_at if circuit else None,
        error=circuit.last_error if circuit else "",
    )


def _counted(rows: QuerySet[StreamEntry]) -> int:
    return rows.order_by().values("pk")[: COUNTED_AT_MOST + 1].count()


def published() -> bool:
    """Whether events go to a Redis."""
    return bool(settings.REDIS_URL)


def late_before(now: datetime) -> datetime:
    """Events recorded before that are late: Redis should have taken them. Real time, as they are recorded in."""
    return now - clock.offset() - LATE_AFTER


def unpublished(before: datetime) -> QuerySet[StreamEntry]:
    """Events recorded before that which are not in Redis yet."""
    return StreamEntry.objects.filter(published_at__isnull=True, recorded_at__lt=before)


def given_up() -> QuerySet[WebhookEndpoint]:
    """Endpoints that were switched off by no person."""
    return WebhookEndpoint.objects.filter(state=WebhookEndpoint.State.DISABLED, by_itself=True)


@dataclass(frozen=True, slots=True)
class Standing:
    """One endpoint and its deliveries: those that wait, and the last day's ends."""

    endpoint: WebhookEndpoint
    waiting: int = 0
    oldest: datetime | None = None
    delivered: int = 0
    failed: int = 0

    def state(self) -> tuple[str, str]:
        """(words, tone), the worst first."""
        if self.endpoint.state == WebhookEndpoint.State.DISABLED:
            return ("Given up", "bad") if self.endpoint.by_itself else ("Switched off", "over")
        if self.endpoint.failing_since is not None:
            return "Failing", "bad"
        if self.failed:
            return f"{self.failed} failed", "look"
        return ("Sending", "waiting") if self.waiting else ("Well", "well")


def of_endpoints(now: datetime) -> list[Standing]:
    """Every endpoint, in three queries."""
    endpoints: Sequence[WebhookEndpoint] = list(
        WebhookEndpoint.objects.defer("secret", "former_secret").order_by("name", "pk")
    )
    open_rows = WebhookDelivery.objects.filter(state__in=[State.QUEUED, State.CLAIMED]).order_by().values("endpoint_id")
    waiting = {
        row["endpoint_id"]: (row["count"], row["oldest"])
        for row in open_rows.annotate(count=Count("id"), oldest=Min("created_at"))
    }
    ended = WebhookDelivery.objects.filter(done_at__gte=now - LATELY).order_by().values("endpoint_id")
    ends = {
        row["endpoint_id"]: (row["delivered"], row["failed"])
        for row in ended.annotate(
            delivered=Count("id", filter=Q(state=State.DELIVERED)), failed=Count("id", filter=Q(state=State.FAILED))
        )
    }
    return [Standing(row, *waiting.get(row.pk, (0, None)), *ends.get(row.pk, (0, 0))) for row in endpoints]

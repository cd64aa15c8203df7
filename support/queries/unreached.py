"""Buyers who paid and were not reached: the rows, and which slips of the hand stand behind them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from fulfillment.actions import chains
from fulfillment.models import Circuit, Email, Entitlement, Reach

DAY, MONTH = timedelta(hours=24), timedelta(days=30)
BOUNCES_AT_MOST = 1
"""Percent of a month's mail that may come back before mail services begin to refuse all of it (SPEC FUL-5)."""


def rows() -> QuerySet[Reach]:
    """Orders whose buyer was not reached, as long as there is something for them to have."""
    downloadable = Entitlement.objects.filter(order=OuterRef("order"), status__in=Entitlement.DOWNLOADABLE)
    return Reach.objects.filter(~Q(why=""), Exists(downloadable))


def suggested() -> QuerySet[Reach]:
    """Those with an address that was likely meant."""
    return rows().exclude(suggestion="")


def slips(found: Iterable[Reach]) -> list[tuple[str, str, int]]:
    """(domain as typed, domain likely meant, orders), the most frequent first."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in found:
        counts[row.address.rpartition("@")[2], row.suggestion.rpartition("@")[2]] += 1
    return [(typed, meant, number) for (typed, meant), number in counts.most_common()]


@dataclass(frozen=True, slots=True)
class Flow:
    """What one provider did with this organization's mail in a span of time."""

    sent: int = 0
    failed: int = 0
    bounced: int = 0

    @property
    def percent(self) -> str:
        """The share that came back, in percent with one digit; '' where nothing was sent."""
        if not self.sent:
            return ""
        tenths = (2000 * self.bounced + self.sent) // (2 * self.sent)
        return f"{tenths // 10}.{tenths % 10}"

    @property
    def too_many(self) -> bool:
        return 100 * self.bounced > BOUNCES_AT_MOST * self.sent


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider of the chain: its place, its breaker, and its mail of a day and of a month."""

    place: int
    circuit: Circuit
    day: Flow
    month: Flow


def providers(now: datetime) -> list[Provider]:
    """The chain in its order; two queries."""
    done = Email.objects.filter(done_at__gte=now - MONTH).exclude(provider="").order_by()
    lately, lost = Q(done_at__gte=now - DAY), Q(bounced_at__isnull=False)
    gone, kept = Q(state=Email.State.FAILED), Q(state=Email.State.SENT)
    found: dict[str, Any] = {
        row["provider"]: row
        for row in done.values("provider").annotate(
            sent=Count("pk", filter=kept),
            failed=Count("pk", filter=gone),
            bounced=Count("pk", filter=lost),
            sent_day=Count("pk", filter=kept & lately),
            failed_day=Count("pk", filter=gone & lately),
            bounced_day=Count("pk", filter=lost & lately),
        )
    }
    listed = []
    for place, circuit in enumerate(chains.listed(), 1):
        row = found.get(circuit.provider, {})
        month = Flow(row.get("sent", 0), row.get("failed", 0), row.get("bounced", 0))
        day = Flow(row.get("sent_day", 0), row.get("failed_day", 0), row.get("bounced_day", 0))
        listed.append(Provider(place, circuit, day, month))
    return listed

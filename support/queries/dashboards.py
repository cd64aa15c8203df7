"""Today's figures, the days before, and the demo's stories: each in a fixed number of bounded queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count, F, Q, Sum

from fulfillment.models import Job
from orders import money
from orders.models import Order
from profiles.models import Organization
from support.analytics import Asked
from support.queries import analytics

CHART_DAYS = 30


@dataclass(frozen=True, slots=True)
class Figures:
    """Today, in the organization's own day; tests left out."""

    orders: int
    revenue: list[tuple[str, int]]
    delivered: int
    within_a_minute: int

    @property
    def share(self) -> int | None:
        """Percent of today's deliveries that took at most a minute."""
        return round(100 * self.within_a_minute / self.delivered) if self.delivered else None


@dataclass(frozen=True, slots=True)
class Day:
    on: date
    orders: int
    net_minor: int

    def text(self, currency: str) -> str:
        return money.to_text(self.net_minor, currency)


class Told(Protocol):
    """A story as whoever made the demo tells it."""

    @property
    def title(self) -> str: ...
    @property
    def sentence(self) -> str: ...
    @property
    def search(self) -> str: ...
    @property
    def page(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Story:
    """One trouble of the demo and where it stands: `model` is "app_model", '' where a search has to find it."""

    title: str
    sentence: str
    search: str
    model: str
    id: int
    page: str = ""
    """The name of a page of the desk, where the story stands on none of its own."""


# Today -------------------------------------------------------------------------------------------------------


def today(organization: Organization, now: datetime) -> Figures:
    """Orders and revenue of the organization's day, and how fast its deliveries were."""
    start = now.astimezone(ZoneInfo(organization.timezone)).replace(hour=0, minute=0, second=0, microsecond=0)
    orders = Order.objects.filter(placed_at__gte=start, test=False)
    paid = orders.exclude(status=Order.Status.CANCELLED).filter(payment_status__in=PAID)
    sums = paid.order_by().values("currency").annotate(
        net=Sum(F("captured_minor") - F("refunded_minor") - F("disputed_minor"))
    )  # fmt: skip
    done = Job.objects.filter(state=Job.State.COMPLETED, changed_at__gte=start).aggregate(
        all=Count("pk"),
        fast=Count("pk", filter=Q(completed_at__lte=F("created_at") + timedelta(minutes=1))),
    )
    return Figures(
        orders=orders.count(),
        revenue=sorted(((row["currency"], row["net"]) for row in sums), key=lambda pair: -pair[1]),
        delivered=done["all"],
        within_a_minute=done["fast"],
    )


PAID = (
    Order.PaymentStatus.PAID,
    Order.PaymentStatus.PARTIALLY_REFUNDED,
    Order.PaymentStatus.REFUNDED,
    Order.PaymentStatus.DISPUTED,
)


def days(organization: Organization, now: datetime) -> list[Day]:
    """Orders and revenue in the base currency of each of the last thirty days; days without any stand as nought."""
    end = now.astimezone(ZoneInfo(organization.timezone)).date() + timedelta(days=1)
    first = end - timedelta(days=CHART_DAYS)
    found = analytics.daily(Asked(organization.pk, organization.timezone, first, end, organization.currency))
    return [Day(on, *found.get(on, (0, 0))) for on in (first + timedelta(days=n) for n in range(CHART_DAYS))]


# The demo's stories ------------------------------------------------------------------------------------------

_FOUND = """
SELECT s.n, (SELECT array_agg(f.id ORDER BY f.id) FROM orders_search(s.text, 3) AS f(id)),
       (SELECT array_agg(f.id ORDER BY f.id) FROM profiles_search(s.text, 3) AS f(id))
  FROM unnest(%s::text[]) WITH ORDINALITY AS s(text, n) ORDER BY s.n
"""


def stories(told: Sequence[Told]) -> list[Story]:
    """The pages of the demo's stories, found by what each says to search for; one query for all of them."""
    if not told:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_FOUND, [[story.search for story in told]])
        found = {row[0] - 1: (row[1] or [], row[2] or []) for row in cursor.fetchall()}
    located = []
    for number, story in enumerate(told):
        orders, people = found[number]
        model, pk = "", 0
        if len(orders) == 1:
            model, pk = "orders_order", orders[0]
        elif len(people) == 2 or (people and not orders):
            model, pk = "profiles_profile", people[0]
        elif not orders:
            model = "orders_delivery"  # it became no order: its delivery is set aside
        located.append(Story(story.title, story.sentence, story.search, model, pk, story.page))
    return located

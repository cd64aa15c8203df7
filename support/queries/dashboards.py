"""What needs a person now, today's figures, and the demo's stories: each in a fixed number of bounded queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count, F, Min, Q, QuerySet, Sum, Value

from fulfillment.models import Email, Entitlement, Job
from orders import money
from orders.models import Delivery, Dispute, Line, Lookup, Order, Refund, RefundRequest, StorefrontPage
from profiles.actors import Actor
from profiles.models import Organization, Review, StreamEntry, Suggestion
from profiles.prepared_queries import PreparedQuery
from support import limits
from support.analytics import Asked
from support.models import Approval
from support.queries import analytics, books, outflow, unreached

STUCK_AFTER = timedelta(minutes=5)
PARKED_FOR = timedelta(hours=24)
MAILS_LOOKED_AT = timedelta(days=30)
CHART_DAYS = 30
OPEN = (
    Job.State.PENDING_PAYMENT,
    Job.State.PENDING_PROCESSING,
    Job.State.PENDING_STORAGE,
    Job.State.PENDING_EMAIL,
)


@dataclass(frozen=True, slots=True)
class Need:
    """One sort of trouble: how much of it, since when, and which list shows it ("app_model", filter)."""

    key: str
    title: str
    advice: str
    count: int
    oldest: datetime | None
    model: str
    query: str


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


SHOWN: Mapping[str, tuple[str, str, str, str]] = {
    "approvals": (
        "Waiting for your yes or no",
        "Look at what it would do, then approve or decline",
        "support_approval",
        "state__exact=waiting",
    ),
    "refused": (
        "Refunds that were refused",
        "Read what the provider said, try again or give up",
        "orders_refundrequest",
        "state__exact=failed",
    ),
    "silent": (
        "Refunds without an answer",
        "Look at the provider, or wait: it is asked again",
        "orders_refundrequest",
        "state__exact=unknown",
    ),
    "stuck": ("Stuck jobs", "Retry, or put the cause right", "fulfillment_job", "needs=stuck"),
    "quarantined": (
        "Quarantined deliveries",
        "Read the reason, fix it, replay",
        "orders_delivery",
        "state__exact=quarantined",
    ),
    "unread": (
        "Named and not read",
        "Give the channel access, or read them again",
        "orders_lookup",
        "state__exact=failed",
    ),
    "undelivered": ("Paid but undelivered", "See what holds the delivery up", "orders_order", "needs=delivery"),
    "unmapped": ("Orders with an unmapped product", "Say which product it is", "orders_line", ""),
    "unreached": ("Buyers not reached", "Correct the address and resend", "fulfillment_reach", ""),
    "bounced": (
        "Other mail that did not arrive",
        "See what the mail server said",
        "fulfillment_email",
        "state__exact=bounced",
    ),
    "disputes": ("Open disputes", "Answer before the evidence is due", "orders_order", "needs=dispute"),
    "money": ("Orders whose money is odd", "Decide what a refund covers", "orders_order", "needs=person"),
    "differences": (
        "Records that do not agree",
        "Compare both sides, then repair or write off",
        "support_discrepancy",
        "",
    ),
    "parked": ("Refunds without their order", "Look for the order at the shop", "orders_delivery", ""),
    "reviews": ("Open reviews", "Decide who is who", "profiles_review", ""),
    "alike": ("Likely the same people", "Compare, then merge or part them", "profiles_suggestion", ""),
    "pages": (
        "Shop pages that differ or do not answer",
        "Open the page, put the shop or the catalogue right",
        "orders_storefrontpage",
        "",
    ),
    "unattached": ("Orders without a customer", "Link each to a customer", "orders_order", "needs=customer"),
    "webhooks": ("Webhooks given up", "Mend the endpoint, then switch it on", "profiles_webhookendpoint", ""),
    "streams": ("Events not published", "See what Redis says", "profiles_streamentry", "state=waiting"),
}
"""Every sort of trouble, worst first: its title, what to do, and the list that shows it with its filter."""


# What needs me now -------------------------------------------------------------------------------------------


def overdue(now: datetime) -> datetime:
    """What began before that and is not done is stuck."""
    return now - STUCK_AFTER


def lately(now: datetime) -> datetime:
    """Mails written since then are looked at."""
    return now - MAILS_LOOKED_AT


def stuck(before: datetime) -> QuerySet[Job]:
    """Jobs that failed, or are under way since before that."""
    return Job.objects.filter(Q(state=Job.State.FAILED) | Q(state__in=OPEN, changed_at__lt=before))


def undelivered(before: datetime) -> QuerySet[Entitlement]:
    """What was paid for before that and is not delivered."""
    return Entitlement.objects.filter(
        status__in=Entitlement.DOWNLOADABLE,
        order__isnull=False,
        created_at__lt=before,
        jobs__state__in=[*OPEN, Job.State.FAILED],
    )


def unmapped() -> QuerySet[Line]:
    return Line.objects.filter(product__isnull=True, removed=False)


def undelivered_mail(since: datetime) -> QuerySet[Email]:
    """Mails written since then that bounced or were refused."""
    recent = Email.objects.filter(created_at__gte=since)
    return recent.filter(Q(bounced_at__isnull=False) | Q(state=Email.State.FAILED))


def other_mail(since: datetime) -> QuerySet[Email]:
    """The same without what was bought: that is on the list of buyers not reached."""
    return undelivered_mail(since).exclude(template__in=Email.CARRYING, order__isnull=False)


@dataclass(frozen=True, slots=True)
class Counted:
    """What is counted for one sort of trouble: rows, and since when each."""

    key: str
    rows: Any
    at: str
    what: str = "pk"

    def figures(self) -> Any:
        """One row of (key, count, oldest), which those of the others can be joined to."""
        keyed = self.rows.order_by().annotate(need=Value(self.key)).values("need")
        counted = keyed.annotate(rows_of_it=Count(self.what, distinct=self.what != "pk"), oldest=Min(self.at))
        return counted.values_list("need", "rows_of_it", "oldest")


def needs(now: datetime, by: Actor | None = None) -> list[Need]:
    """Every sort of trouble, worst first; what is well has count 0. What waits for one person is counted for `by`.

    One query for all of them.
    """
    person = (by.user_id or 0) if by else 0
    decides = [kind for kind, permission in limits.PERMISSIONS.items() if by and person and by.may(permission)]
    told = (
        overdue(now),
        lately(now),
        now - PARKED_FOR,
        outflow.late_before(now),
        person,
        decides or [""],
    )
    found = {key: (count, oldest) for key, count, oldest in _NEEDS[outflow.published()](*told)}
    return [
        Need(key, title, advice, *found.get(key, (0, None)), model, query)
        for key, (title, advice, model, query) in SHOWN.items()
    ]


def _wanted(
    before: datetime, since: datetime, parked_before: datetime, late: datetime, person: int, decides: Sequence[str],
    *, streamed: bool,
) -> list[Counted]:  # fmt: skip
    """What is counted: approvals for a person who decides these kinds of acts over a limit, but not their own."""
    waiting = Approval.objects.filter(state=Approval.State.WAITING, kind__in=decides).exclude(asked_by_id=person)
    quarantined = Delivery.objects.filter(state=Delivery.State.QUARANTINED)
    odd_pages = StorefrontPage.objects.filter(state__in=[StorefrontPage.State.DIFFERS, StorefrontPage.State.AWAY])
    unread = Lookup.objects.filter(state=Lookup.State.FAILED)
    disputes = Dispute.objects.filter(status=Dispute.Status.OPENED, order__isnull=False)
    reviews = Review.objects.filter(decided_at__isnull=True)
    pairs = Suggestion.objects.filter(state=Suggestion.State.OPEN)
    nobody = Order.objects.filter(profile__isnull=True)
    odd = Order.objects.exclude(needs_person="").exclude(payment_status=Order.PaymentStatus.DISPUTED)
    parked = Refund.objects.filter(order__isnull=True, arrived_at__lt=parked_before)
    refused = RefundRequest.objects.filter(state=RefundRequest.State.FAILED)
    silent = RefundRequest.objects.filter(state=RefundRequest.State.UNKNOWN)
    events = outflow.unpublished(late) if streamed else StreamEntry.objects.none()
    return [
        Counted("approvals", waiting, "asked_at"),
        Counted("refused", refused, "created_at"),
        Counted("silent", silent, "created_at"),
        Counted("stuck", stuck(before), "changed_at"),
        Counted("quarantined", quarantined, "received_at"),
        Counted("unread", unread, "named_at"),
        Counted("undelivered", undelivered(before), "created_at", "order"),
        Counted("unmapped", unmapped(), "order__placed_at", "order"),
        Counted("unreached", unreached.rows(), "since"),
        Counted("bounced", other_mail(since), "created_at"),
        Counted("disputes", disputes, "at"),
        Counted("money", odd, "placed_at"),
        Counted("differences", books.open_ones(), "found_at"),
        Counted("parked", parked, "arrived_at"),
        Counted("reviews", reviews, "created_at"),
        Counted("alike", pairs, "found_at"),
        Counted("pages", odd_pages, "checked_at"),
        Counted("unattached", nobody, "placed_at"),
        Counted("webhooks", outflow.given_up(), "disabled_at"),
        Counted("streams", events, "recorded_at"),
    ]


def _together(wanted: Sequence[Counted]) -> QuerySet[Any, tuple[str, int, datetime | None]]:
    first, *others = (one.figures() for one in wanted)
    together: QuerySet[Any, tuple[str, int, datetime | None]] = first.union(*others, all=True)
    return together


def _prepared(*, streamed: bool) -> PreparedQuery[tuple[str, int, datetime | None]]:
    return PreparedQuery(
        lambda before, since, parked_before, late, person, decides: _together(
            _wanted(before, since, parked_before, late, person, decides, streamed=streamed)
        )
    )


# By whether events are published. Planning twenty questions takes longer than answering them.
_NEEDS = {streamed: _prepared(streamed=streamed) for streamed in (True, False)}


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

"""What needs a person now, today's figures, and the demo's stories: each in a fixed number of bounded queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count, F, Min, Q, QuerySet, Sum, Value

from fulfillment.models import Email, Entitlement, Job
from orders import money
from orders.actions.statistics import COUNTED
from orders.models import Delivery, Dispute, Line, Lookup, Order, Refund, RefundRequest, StorefrontPage
from profiles import clock
from profiles.actors import Actor
from profiles.models import Organization, Review, Suggestion
from support import limits
from support.models import Approval
from support.queries import books, outflow, unreached

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


WORDS = {
    "approvals": ("Waiting for your yes or no", "Look at what it would do, then approve or decline"),
    "refused": ("Refunds that were refused", "Read what the provider said, try again or give up"),
    "silent": ("Refunds without an answer", "Look at the provider, or wait: it is asked again"),
    "stuck": ("Stuck jobs", "Retry, or put the cause right"),
    "quarantined": ("Quarantined deliveries", "Read the reason, fix it, replay"),
    "unread": ("Named and not read", "Give the channel access, or read them again"),
    "pages": ("Shop pages that differ or do not answer", "Open the page, put the shop or the catalogue right"),
    "undelivered": ("Paid but undelivered", "See what holds the delivery up"),
    "unmapped": ("Orders with an unmapped product", "Say which product it is"),
    "unreached": ("Buyers not reached", "Correct the address and resend"),
    "bounced": ("Other mail that did not arrive", "See what the mail server said"),
    "disputes": ("Open disputes", "Answer before the evidence is due"),
    "money": ("Orders whose money is odd", "Decide what a refund covers"),
    "differences": ("Records that do not agree", "Compare both sides, then repair or write off"),
    "parked": ("Refunds without their order", "Look for the order at the shop"),
    "reviews": ("Open reviews", "Decide who is who"),
    "alike": ("Likely the same people", "Compare, then merge or part them"),
    "unattached": ("Orders without a customer", "Link each to a customer"),
    "webhooks": ("Webhooks given up", "Mend the endpoint, then switch it on"),
    "streams": ("Events not published", "See what Redis says"),
}


# What needs me now -------------------------------------------------------------------------------------------


def stuck(now: datetime) -> QuerySet[Job]:
    """Jobs that failed, or are under way for more than five minutes."""
    return Job.objects.filter(Q(state=Job.State.FAILED) | Q(state__in=OPEN, changed_at__lt=now - STUCK_AFTER))


def undelivered(now: datetime | None = None) -> QuerySet[Entitlement]:
    """What was paid for more than five minutes ago and is not delivered."""
    before = (now or clock.now()) - STUCK_AFTER
    return Entitlement.objects.filter(
        status__in=Entitlement.DOWNLOADABLE,
        order__isnull=False,
        created_at__lt=before,
        jobs__state__in=[*OPEN, Job.State.FAILED],
    )


def unmapped() -> QuerySet[Line]:
    return Line.objects.filter(product__isnull=True, removed=False)


def undelivered_mail(now: datetime) -> QuerySet[Email]:
    """Mails of the last thirty days that bounced or were refused."""
    recent = Email.objects.filter(created_at__gte=now - MAILS_LOOKED_AT)
    return recent.filter(Q(bounced_at__isnull=False) | Q(state=Email.State.FAILED))


def waiting_for(by: Actor | None) -> QuerySet[Approval]:
    """Acts over a limit that this person may decide: not their own."""
    if by is None or by.user_id is None:
        return Approval.objects.none()
    kinds = [kind for kind, permission in limits.PERMISSIONS.items() if by.may(permission)]
    waiting = Approval.objects.filter(state=Approval.State.WAITING, kind__in=kinds)
    return waiting.exclude(asked_by_id=by.user_id)


def other_mail(now: datetime) -> QuerySet[Email]:
    """The same without what was bought: that is on the list of buyers not reached."""
    return undelivered_mail(now).exclude(template__in=Email.CARRYING, order__isnull=False)


@dataclass(frozen=True, slots=True)
class Counted:
    """What is counted for one sort of trouble: rows, since when each, and the list that shows them."""

    key: str
    rows: Any
    at: str
    model: str
    query: str = ""
    what: str = "pk"

    def figures(self) -> Any:
        """One row of (key, count, oldest), which those of the others can be joined to."""
        keyed = self.rows.order_by().annotate(need=Value(self.key)).values("need")
        return keyed.annotate(rows_of_it=Count(self.what, distinct=self.what != "pk"), oldest=Min(self.at))


def needs(now: datetime, by: Actor | None = None) -> list[Need]:
    """Every sort of trouble, worst first; what is well has count 0. What waits for one person is counted for `by`.

    One query for all of them.
    """
    quarantined = Delivery.objects.filter(state=Delivery.State.QUARANTINED)
    odd_pages = StorefrontPage.objects.filter(state__in=[StorefrontPage.State.DIFFERS, StorefrontPage.State.AWAY])
    unread = Lookup.objects.filter(state=Lookup.State.FAILED)
    disputes = Dispute.objects.filter(status=Dispute.Status.OPENED, order__isnull=False)
    reviews = Review.objects.filter(decided_at__isnull=True)
    pairs = Suggestion.objects.filter(state=Suggestion.State.OPEN)
    nobody = Order.objects.filter(profile__isnull=True)
    odd = Order.objects.exclude(needs_person="").exclude(payment_status=Order.PaymentStatus.DISPUTED)
    parked = Refund.objects.filter(order__isnull=True, arrived_at__lt=now - PARKED_FOR)
    refused = RefundRequest.objects.filter(state=RefundRequest.State.FAILED)
    silent = RefundRequest.objects.filter(state=RefundRequest.State.UNKNOWN)
    wanted = [
        Counted("approvals", waiting_for(by), "asked_at", "support_approval", "state__exact=waiting"),
        Counted("refused", refused, "created_at", "orders_refundrequest", "state__exact=failed"),
        Counted("silent", silent, "created_at", "orders_refundrequest", "state__exact=unknown"),
        Counted("stuck", stuck(now), "changed_at", "fulfillment_job", "needs=stuck"),
        Counted("quarantined", quarantined, "received_at", "orders_delivery", "state__exact=quarantined"),
        Counted("unread", unread, "named_at", "orders_lookup", "state__exact=failed"),
        Counted("undelivered", undelivered(now), "created_at", "orders_order", "needs=delivery", "order"),
        Counted("unmapped", unmapped(), "order__placed_at", "orders_line", "", "order"),
        Counted("unreached", unreached.rows(), "since", "fulfillment_reach"),
        Counted("bounced", other_mail(now), "created_at", "fulfillment_email", "state__exact=bounced"),
        Counted("disputes", disputes, "at", "orders_order", "needs=dispute"),
        Counted("money", odd, "placed_at", "orders_order", "needs=person"),
        Counted("differences", books.open_ones(), "found_at", "support_discrepancy"),
        Counted("parked", parked, "arrived_at", "orders_delivery"),
        Counted("reviews", reviews, "created_at", "profiles_review"),
        Counted("alike", pairs, "found_at", "profiles_suggestion"),
        Counted("pages", odd_pages, "checked_at", "orders_storefrontpage"),
        Counted("unattached", nobody, "placed_at", "orders_order", "needs=customer"),
        Counted("webhooks", outflow.given_up(), "disabled_at", "profiles_webhookendpoint"),
        Counted("streams", outflow.late(now), "recorded_at", "profiles_streamentry", "state=waiting"),
    ]
    first, *others = (one.figures() for one in wanted)
    found = {row["need"]: (row["rows_of_it"], row["oldest"]) for row in first.union(*others, all=True)}
    return [Need(one.key, *WORDS[one.key], *found.get(one.key, (0, None)), one.model, one.query) for one in wanted]


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

_DAYS = f"""
SELECT (o.placed_at AT TIME ZONE %s)::date AS day, count(*),
       coalesce(sum(o.captured_minor - o.refunded_minor - o.disputed_minor) FILTER (WHERE o.currency = %s), 0)::bigint
  FROM orders_order o WHERE o.placed_at >= %s AND {COUNTED} GROUP BY day
"""


def days(organization: Organization, now: datetime) -> list[Day]:
    """Orders and revenue in the base currency of each of the last thirty days; days without any stand as nought."""
    zone = ZoneInfo(organization.timezone)
    last = now.astimezone(zone).date()
    first = last - timedelta(days=CHART_DAYS - 1)
    since = datetime(first.year, first.month, first.day, tzinfo=zone)
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, [organization.timezone, organization.currency, since])
        found = {row[0]: (row[1], row[2]) for row in cursor.fetchall()}
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

"""What needs a person now, today's figures, and the demo's stories: each in a fixed number of bounded queries."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count, F, Min, Q, QuerySet, Sum

from fulfillment.models import DownloadLink, Email, Entitlement, Job
from orders import money
from orders.actions.statistics import COUNTED
from orders.models import Delivery, Dispute, Line, Order
from profiles import clock
from profiles.models import Organization, Profile, Review

STUCK_AFTER = timedelta(minutes=5)
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


@dataclass(frozen=True, slots=True)
class Story:
    """One trouble of the demo: what happened, what to try, and which page it is on."""

    title: str
    try_this: str
    model: str
    id: int
    query: str = ""


WORDS = {
    "stuck": ("Stuck jobs", "Retry, or put the cause right"),
    "quarantined": ("Quarantined deliveries", "Read the reason, fix it, replay"),
    "undelivered": ("Paid but undelivered", "See what holds the delivery up"),
    "unmapped": ("Orders with an unmapped product", "Say which product it is"),
    "bounced": ("Mail that did not arrive", "Correct the address and resend"),
    "disputes": ("Open disputes", "Answer before the evidence is due"),
    "reviews": ("Open reviews", "Decide who is who"),
    "unattached": ("Orders without a customer", "Link each to a customer"),
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


def needs(now: datetime) -> list[Need]:
    """Every sort of trouble, worst first; what is well has count 0."""

    def need(key: str, rows: Any, at: str, model: str, query: str, what: str = "pk") -> Need:
        found = rows.aggregate(count=Count(what, distinct=what != "pk"), oldest=Min(at))
        title, advice = WORDS[key]
        return Need(key, title, advice, found["count"], found["oldest"], model, query)

    quarantined = Delivery.objects.filter(state=Delivery.State.QUARANTINED)
    disputes = Dispute.objects.filter(status=Dispute.Status.OPENED, order__isnull=False)
    reviews = Review.objects.filter(decided_at__isnull=True)
    nobody = Order.objects.filter(profile__isnull=True)
    return [
        need("stuck", stuck(now), "changed_at", "fulfillment_job", "needs=stuck"),
        need("quarantined", quarantined, "received_at", "orders_delivery", "state__exact=quarantined"),
        need("undelivered", undelivered(now), "created_at", "orders_order", "needs=delivery", "order"),
        need("unmapped", unmapped(), "order__placed_at", "orders_order", "needs=mapping", "order"),
        need("bounced", undelivered_mail(now), "created_at", "orders_order", "needs=mail"),
        need("disputes", disputes, "at", "orders_order", "needs=dispute"),
        need("reviews", reviews, "created_at", "profiles_review", ""),
        need("unattached", nobody, "placed_at", "orders_order", "needs=customer"),
    ]


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


def stories(organization: Organization) -> list[Story]:
    """Each trouble the desk can put right, found by its data; what the demo does not hold is left out."""
    if not organization.is_demo:
        return []
    now = clock.now()
    finders: list[Callable[[datetime], Story | None]] = [
        _bounced,
        _quarantined,
        _unmapped,
        _disputed,
        _partly_refunded,
        _alike,
        _unclaimed,
        _expired,
    ]
    return [story for finder in finders if (story := finder(now)) is not None]


def _bounced(now: datetime) -> Story | None:
    mail = undelivered_mail(now).filter(order__isnull=False).order_by("created_at").only("order_id").first()
    return _of_order("A mail that bounced", "Correct the delivery e-mail and resend.", mail.order_id) if mail else None


def _quarantined(now: datetime) -> Story | None:
    row = Delivery.objects.filter(state="quarantined").only("pk").order_by("received_at").first()
    if row is None:
        return None
    return Story("A delivery nobody could read", "Read the reason and replay it.", "orders_delivery", row.pk)


def _unmapped(now: datetime) -> Story | None:
    line = unmapped().order_by("order__placed_at").only("order_id").first()
    return (
        _of_order(
            "A product the shop sold and we do not know", "Map the line; the order is then delivered.", line.order_id
        )
        if line
        else None
    )


def _disputed(now: datetime) -> Story | None:
    row = Dispute.objects.filter(status="opened", order__isnull=False).order_by("at").only("order_id").first()
    return (
        _of_order("A dispute", "See why access is suspended, and what brings it back.", row.order_id) if row else None
    )


def _partly_refunded(now: datetime) -> Story | None:
    rows = Order.objects.filter(payment_status=Order.PaymentStatus.PARTIALLY_REFUNDED)
    row = rows.order_by("needs_person", "-placed_at").only("pk").first()
    return _of_order("A partial refund", "See what it covers and what the customer keeps.", row.pk) if row else None


_SAME_NAME = """
SELECT min(p.id), max(p.id) FROM (SELECT id, lower(name) AS name FROM profiles_profile
 WHERE merged_into_id IS NULL AND name LIKE '%% %%' ORDER BY created_at DESC, id DESC LIMIT 5000) p
 WHERE NOT EXISTS (SELECT FROM profiles_separation s WHERE s.low_id = p.id OR s.high_id = p.id)
 GROUP BY p.name HAVING count(*) = 2 ORDER BY max(p.id) DESC LIMIT 1
"""


def _alike(now: datetime) -> Story | None:
    with connection.cursor() as cursor:
        cursor.execute(_SAME_NAME)
        found = cursor.fetchone()
    if found is None:
        return None
    name = Profile.objects.only("name").get(pk=found[0]).name
    return Story(f"Two customers called {name}", "Compare them, merge them, undo it.", "profiles_profile", found[0])


def _unclaimed(now: datetime) -> Story | None:
    rows = Entitlement.objects.filter(status=Entitlement.Status.PENDING_CLAIM).order_by("created_at")
    row = rows.only("profile_id").first()
    if row is None:
        return None
    return Story(
        "A purchase never claimed", "See the guest's page and resend the link.", "profiles_profile", row.profile_id
    )


def _expired(now: datetime) -> Story | None:
    live = DownloadLink.objects.filter(expires_at__gt=now, revoked_at__isnull=True).values("entitlement_id")
    rows = DownloadLink.objects.filter(
        expires_at__lte=now,
        revoked_at__isnull=True,
        uses=0,
        entitlement__status__in=Entitlement.DOWNLOADABLE,
        entitlement__order__isnull=False,
    ).exclude(entitlement__in=live)
    row = rows.order_by("-expires_at").select_related("entitlement").first()
    return _of_order("A link that expired unused", "Mail a new one.", row.entitlement.order_id) if row else None


def _of_order(title: str, try_this: str, order_id: int | None) -> Story | None:
    return Story(title, try_this, "orders_order", order_id) if order_id else None

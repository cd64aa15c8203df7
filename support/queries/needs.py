"""What needs a person now: every sort of trouble, counted in one statement that no amount of it makes slow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import Q, QuerySet

from fulfillment.models import Email, Entitlement, Job
from orders.models import Delivery, Dispute, Line, Lookup, Order, Refund, RefundRequest, StorefrontPage
from profiles import prepared
from profiles.actors import Actor
from profiles.in_arrays import Place
from profiles.models import Review, StreamEntry, Suggestion
from profiles.prepared_queries import spelled, written_out
from support import limits
from support.models import Approval
from support.queries import books, outflow, unreached

STUCK_AFTER = timedelta(minutes=5)
PARKED_FOR = timedelta(hours=24)
MAILS_LOOKED_AT = timedelta(days=30)
COUNTED_AT_MOST = 10_000
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
    more: bool
    """Whether there is more than was counted; then nobody looked for the oldest."""
    model: str
    query: str

    @property
    def amount(self) -> str:
        """The count in words."""
        return f"{self.count:,}{'+' if self.more else ''}"


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

    def figures(self) -> str:
        """SQL for one row of (key, count, oldest, whether there are more rows than are counted)."""
        few = written_out(self.rows.order_by().values_list(self.what, self.at)[: COUNTED_AT_MOST + 1])
        count = "*" if self.what == "pk" else "DISTINCT q.what"
        return (
            f"SELECT '{self.key}', least(count({count}), {COUNTED_AT_MOST}), min(q.at), count(*) > {COUNTED_AT_MOST}"
            f" FROM ({few}) q(what, at)"
        )


def counted(now: datetime, by: Actor | None = None) -> list[Need]:
    """Every sort of trouble, worst first; what is well has count 0. What waits for one person is counted for `by`.

    One query for all of them.
    """
    person = (by.user_id or 0) if by else 0
    decides = [kind for kind, permission in limits.PERMISSIONS.items() if by and person and by.may(permission)]
    told: dict[str, Any] = {
        "before": overdue(now),
        "since": lately(now),
        "parked_before": now - PARKED_FOR,
        "late": outflow.late_before(now),
        "person": person,
        "decides": decides or [""],
    }
    values = {name: spelled(value) for name, value in told.items()}
    found = {
        key: (count, None if more else oldest, more)
        for key, count, oldest, more in prepared.fetch_again(_statement(outflow.published()), values)
    }
    return [
        Need(key, title, advice, *found.get(key, (0, None, False)), model, query)
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


# Planning twenty questions takes longer than answering them.
@cache
def _statement(streamed: bool) -> str:
    """All of them, by whether events are published."""
    names = ("before", "since", "parked_before", "late", "person", "decides")
    places: Any = map(Place, names)
    parts = []
    for one in _wanted(*places, streamed=streamed):
        try:
            parts.append(one.figures())
        except EmptyResultSet:
            continue
    return " UNION ALL ".join(f"({part})" for part in parts)

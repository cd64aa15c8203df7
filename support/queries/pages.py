"""Everything the page of one order or one customer shows, read in a constant number of queries."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import OuterRef, Q, QuerySet
from django.db.models.functions import JSONObject

from attribution.models import Attribution, Conversation, ProductIntent, StoreAlert
from fulfillment.models import (
    DownloadLink,
    DownloadSession,
    Email,
    EmailChange,
    Entitlement,
    Followup,
    Job,
    MissionCompletion,
    Redemption,
    Service,
)
from orders.models import (
    Delivery,
    Dispute,
    Line,
    Order,
    Payment,
    ProfileTotal,
    Refund,
    RefundRequest,
    StatusChange,
    StoreVisit,
)
from orders.models.channels import sealed
from orders.queries import imports
from orders.queries.imports import Conflict
from profiles import clock, prepared
from profiles.models import AuditEntry, Event, Identifier, Merge, MergeMove, Profile, Review, Suggestion
from support.models import Discrepancy
from support.queries import alike as likely
from support.queries import followups, lifetimes, search, timelines, together, verdicts
from support.queries.lifetimes import Talked
from support.queries.timelines import Entry
from support.queries.verdicts import Known, Verdict

AT_MOST = 100
RAW_AT_MOST = 50
RAW_BEFORE_SECONDS, RAW_AFTER_SECONDS = 7200, 5


@dataclass(frozen=True, slots=True)
class OrderPage:
    """One order with all that belongs to it, oldest first in each list."""

    order: Order
    now: datetime
    lines: list[Line]
    payments: list[Payment]
    refunds: list[Refund]
    disputes: list[Dispute]
    refund_requests: list[RefundRequest]
    changes: list[StatusChange]
    entitlements: list[Entitlement]
    links: list[DownloadLink]
    downloads: list[DownloadSession]
    jobs: list[Job]
    emails: list[Email]
    attributions: list[Attribution]
    conversations: list[Conversation]
    merges: list[Merge]
    audit: list[AuditEntry]
    verdicts: list[Verdict] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    discrepancies: list[tuple[str, int]] = field(default_factory=list)
    """The kinds and ids of those that are open."""

    @property
    def attribution(self) -> Attribution | None:
        return next((row for row in self.attributions if row.current), None)

    def entries(self) -> Iterator[Entry]:
        products = timelines.products_of(self.entitlements)
        return chain(
            timelines.orders([self.order]),
            timelines.payments(self.payments),
            timelines.refunds(self.refunds),
            timelines.disputes(self.disputes),
            timelines.refund_requests(self.refund_requests),
            timelines.changes(self.changes),
            timelines.entitlements(self.entitlements),
            timelines.jobs(self.jobs, products),
            timelines.links(self.links, products),
            timelines.downloads(self.downloads),
            timelines.emails(self.emails),
            timelines.attributions(self.attributions),
            timelines.conversations(self.conversations),
            timelines.merges(self.merges),
            timelines.staff(self.audit),
        )


@dataclass(frozen=True, slots=True)
class ProfilePage:
    """One customer with all that belongs to them."""

    profile: Profile
    now: datetime
    identifiers: list[Identifier]
    totals: list[ProfileTotal]
    orders: list[Order]
    refunds: list[Refund]
    disputes: list[Dispute]
    entitlements: list[Entitlement]
    links: list[DownloadLink]
    downloads: list[DownloadSession]
    jobs: list[Job]
    emails: list[Email]
    conversations: list[Conversation]
    events: list[Event]
    visits: list[StoreVisit]
    intents: list[ProductIntent]
    alerts: list[StoreAlert]
    merges: list[Merge]
    reviews: list[Review]
    alike: list[Profile]
    suggestions: list[Suggestion]
    address_changes: list[EmailChange]
    audit: list[AuditEntry]
    talked: Talked
    followups: list[Followup]
    services: list[Service]
    redemptions: list[Redemption]
    missions: list[MissionCompletion]
    verdicts: list[Verdict] = field(default_factory=list)

    def entries(self) -> Iterator[Entry]:
        products = timelines.products_of(self.entitlements)
        return chain(
            timelines.orders(self.orders),
            timelines.refunds(self.refunds),
            timelines.disputes(self.disputes),
            timelines.entitlements(self.entitlements),
            timelines.jobs(self.jobs, products),
            timelines.links(self.links, products),
            timelines.downloads(self.downloads),
            timelines.emails(self.emails),
            timelines.conversations(self.conversations),
            timelines.events(self.events),
            timelines.visits(self.visits),
            timelines.intents(self.intents, self.now),
            timelines.alerts(self.alerts),
            timelines.merges(self.merges),
            timelines.staff(self.audit),
        )


def orders() -> QuerySet[Order]:
    """Orders as `of_order` wants them: with channel and profile, and what is open about them as `differing`."""
    open_ones = Discrepancy.objects.filter(order=OuterRef("pk"), status=Discrepancy.Status.OPEN)
    found = open_ones.order_by("due_at", "pk").values(found=JSONObject(kind="kind", id="id"))[:AT_MOST]
    return Order.objects.select_related("channel", "profile").annotate(differing=ArraySubquery(found))


def of_order(order: Order, *, now: datetime | None = None) -> OrderPage:
    """The page of one of `orders`; twelve queries whatever its size."""
    now = now or clock.now()
    lines = list(Line.objects.filter(order=order, removed=False).select_related("product").order_by("position", "pk"))
    entitled = list(Entitlement.objects.filter(order=order).select_related("product", "profile").order_by("pk"))
    for entitlement in entitled:
        entitlement.order = order
    ids = [entitlement.pk for entitlement in entitled]
    links = _links(ids)
    jobs = list(Job.objects.filter(entitlement__in=ids))
    emails = _emails(order=order)
    attributions = list(Attribution.objects.filter(order=order).select_related("conversation").order_by("at", "pk"))
    about = Q(order_id=order.pk)
    rest = together.read_often(
        payments=Payment.objects.filter(order=order).order_by("at", "pk")[:AT_MOST],
        refunds=Refund.objects.filter(order=order).order_by("at", "pk")[:AT_MOST],
        disputes=Dispute.objects.filter(order=order).order_by("at", "pk")[:AT_MOST],
        refund_requests=RefundRequest.objects.filter(order=order).order_by("created_at", "pk")[:AT_MOST],
        changes=StatusChange.objects.filter(order=order).order_by("at", "pk")[:AT_MOST],
        merges=_merges(order.profile_id or 0),
    )
    return OrderPage(
        order=order,
        now=now,
        lines=lines,
        entitlements=entitled,
        links=links,
        downloads=_downloads(ids),
        jobs=jobs,
        emails=emails,
        attributions=attributions,
        conversations=[row.conversation for row in attributions if row.current and row.conversation],
        audit=list(AuditEntry.objects.filter(about).order_by("-at", "-pk")[:AT_MOST]),
        verdicts=verdicts.judge(order, lines, entitled, Known.from_rows(entitled, links, jobs, emails, now=now)),
        conflicts=imports.conflicts(order),
        discrepancies=[(one["kind"], one["id"]) for one in getattr(order, "differing", ())],
        **rest,
    )


def of_profile(profile: Profile, *, now: datetime | None = None) -> ProfilePage:
    """The page of a customer; fourteen queries whatever they have, and the newest hundred of each sort."""
    now = now or clock.now()
    bought = Order.objects.filter(profile=profile).select_related("channel").defer(*sealed())
    orders = list(bought.order_by("-placed_at")[:AT_MOST])
    entitled = list(
        Entitlement.objects.filter(profile=profile)
        .select_related("product", "order__channel")
        .defer(*sealed("order__channel"))
        .order_by("-created_at", "-pk")[:AT_MOST]
    )
    for entitlement in entitled:
        entitlement.profile = profile
    ids = [entitlement.pk for entitlement in entitled]
    links = _links(ids)
    jobs = list(Job.objects.filter(entitlement__in=ids))
    emails = _emails(profile=profile)
    known = Known.from_rows(entitled, links, jobs, emails, now=now)
    return ProfilePage(
        profile=profile,
        now=now,
        orders=orders,
        entitlements=entitled,
        links=links,
        downloads=_downloads(ids),
        jobs=jobs,
        emails=emails,
        alike=alike(profile),
        talked=lifetimes.talked(profile.pk),
        audit=list(AuditEntry.objects.filter(profile_id=profile.pk).order_by("-at", "-pk")[:AT_MOST]),
        verdicts=[known.verdict(entitlement, entitlement.order) for entitlement in entitled],
        **_rest(profile),
    )


def _rest(profile: Profile) -> dict[str, list[Any]]:
    """What else they have; two queries: most have none of most sorts, and those are not even planned."""
    has = rare(profile.pk)
    read = together.read(**{name: rows for name, rows in _others(profile).items() if name in has or name not in _RARE})
    return {name: read.get(name, []) for name in (*_RARE, *read)}


def _others(profile: Profile) -> dict[str, QuerySet[Any]]:
    mine, of_orders = Q(profile=profile), Q(order__profile=profile)
    uses = Redemption.objects.filter(mine).select_related("coupon", "product", "profile")
    completions = MissionCompletion.objects.filter(mine).select_related("mission", "profile")
    return {
        "identifiers": Identifier.objects.filter(mine).order_by("kind", "value")[:AT_MOST],
        "totals": ProfileTotal.objects.filter(mine).order_by("-net_minor", "currency"),
        "refunds": Refund.objects.filter(of_orders).order_by("-at")[:AT_MOST],
        "disputes": Dispute.objects.filter(of_orders).order_by("-at")[:AT_MOST],
        "conversations": Conversation.objects.filter(mine).order_by("-last_activity_at")[:AT_MOST],
        "events": Event.objects.filter(mine).order_by("-occurred_at", "-pk")[:AT_MOST],
        "visits": _visits(profile),
        "intents": ProductIntent.objects.filter(mine).order_by("-last_at", "sku")[:AT_MOST],
        "alerts": StoreAlert.objects.filter(of_orders).order_by("-at", "sku")[:AT_MOST],
        "merges": _merges(profile.pk),
        "reviews": Review.objects.filter(mine, decided_at__isnull=True)[:AT_MOST],
        "suggestions": likely.about(profile),
        "address_changes": EmailChange.objects.filter(mine).order_by("-started_at", "-pk")[:1],
        "followups": followups.written(Followup.objects.filter(mine)),
        "services": followups.opened(Service.objects.filter(mine)),
        "redemptions": uses.order_by("-redeemed_at", "-pk")[:AT_MOST],
        "missions": completions.order_by("-completed_at", "-pk")[:AT_MOST],
    }


_OF_AN_ORDER = (
    "SELECT FROM {} x JOIN orders_order o ON o.organization_id = x.organization_id AND o.id = x.order_id"
    " WHERE o.profile_id = %(id)s"
)
_RARE = {
    "refunds": _OF_AN_ORDER.format("orders_refund"),
    "disputes": _OF_AN_ORDER.format("orders_dispute"),
    "conversations": "SELECT FROM attribution_conversation WHERE profile_id = %(id)s",
    "events": "SELECT FROM profiles_event WHERE profile_id = %(id)s",
    "visits": "SELECT FROM orders_storevisit WHERE profile_id = %(id)s",
    "intents": "SELECT FROM attribution_productintent WHERE profile_id = %(id)s",
    "alerts": _OF_AN_ORDER.format("attribution_storealert"),
    "merges": "SELECT FROM profiles_merge WHERE survivor_id = %(id)s OR absorbed_id = %(id)s",
    "reviews": "SELECT FROM profiles_review WHERE profile_id = %(id)s AND decided_at IS NULL",
    "suggestions": "SELECT FROM profiles_suggestion WHERE low_id = %(id)s OR high_id = %(id)s",
    "address_changes": "SELECT FROM fulfillment_emailchange WHERE profile_id = %(id)s",
    "followups": "SELECT FROM fulfillment_followup WHERE profile_id = %(id)s",
    "services": "SELECT FROM fulfillment_service WHERE profile_id = %(id)s",
    "redemptions": "SELECT FROM fulfillment_redemption WHERE profile_id = %(id)s",
    "missions": "SELECT FROM fulfillment_missioncompletion WHERE profile_id = %(id)s",
}


def rare(profile_id: int) -> frozenset[str]:
    """Which sorts of rows this customer has of those that many have none of."""
    wanted = ", ".join(f"EXISTS ({sql})" for sql in _RARE.values())
    (found,) = prepared.fetch(f"SELECT {wanted}", {"id": profile_id})
    return frozenset(name for name, there in zip(_RARE, found, strict=True) if there)


def _visits(profile: Profile) -> QuerySet[StoreVisit]:
    rows = StoreVisit.objects.filter(profile=profile).select_related("order__channel")
    return rows.defer(*sealed("order__channel")).order_by("-visited_at", "-pk")[:AT_MOST]


def alike(profile: Profile, at_most: int = 5) -> list[Profile]:
    """Other customers of exactly this name: perhaps the same person, unless a person said that they are not."""
    if len(profile.name.split()) < 2:
        return []
    found = set(search.fragment_ids("profiles_search", profile.name, 50)) - {profile.pk}
    if not found:
        return []
    rows = Profile.objects.filter(pk__in=found, merged_into__isnull=True)
    rows = rows.exclude(likely.told_apart(profile.pk))
    return [row for row in rows.order_by("pk") if row.name.casefold() == profile.name.casefold()][:at_most]


def _merges(profile_id: int) -> QuerySet[Merge]:
    either = Q(survivor_id=profile_id) | Q(absorbed_id=profile_id)
    return Merge.objects.filter(either).order_by("-at", "-pk")[:AT_MOST]


def _links(entitlement_ids: list[int]) -> list[DownloadLink]:
    """The newest links, oldest first."""
    rows = DownloadLink.objects.filter(entitlement__in=entitlement_ids).order_by("-created_at", "-pk")
    return list(rows[:AT_MOST])[::-1]


def _emails(**of: Order | Profile) -> list[Email]:
    """The newest messages, oldest first, without their text."""
    rows = Email.objects.filter(**of).defer("text", "html", "secrets").order_by("-created_at", "-pk")
    return list(rows[:AT_MOST])[::-1]


def _downloads(entitlement_ids: list[int]) -> list[DownloadSession]:
    rows = DownloadSession.objects.filter(link__entitlement__in=entitlement_ids).select_related("asset")
    return list(rows.order_by("-started_at", "-pk")[:AT_MOST])


# What a merge moves ------------------------------------------------------------------------------------------


def moved(merge: Merge) -> dict[str, int]:
    """What a merge moved, in numbers: {"Orders": 3}."""
    counts: dict[str, int] = {}
    for model in MergeMove.objects.filter(merge=merge, former_id=merge.absorbed_id).values_list("model", flat=True):
        counts[model] = counts.get(model, 0) + 1
    return counts


# Where an order's facts came from ----------------------------------------------------------------------------

_RAW = """
SELECT d.id FROM orders_delivery d JOIN unnest(%s::timestamptz[]) AS m(at)
    ON d.received_at BETWEEN m.at - make_interval(secs => %s) AND m.at + make_interval(secs => %s)
 WHERE d.channel_id = %s AND EXISTS (SELECT FROM unnest(%s::bytea[]) AS n(name) WHERE position(n.name IN d.body) > 0)
 GROUP BY d.id ORDER BY d.id LIMIT %s
"""


def deliveries_of(order: Order) -> list[Delivery]:
    """The raw deliveries that name this order and came shortly before one of its facts was written."""
    moments = {order.arrived_at, order.version}
    names = {order.external_id, order.payment_reference, order.number}
    for model in (Payment, Refund, Dispute):
        for row in model._base_manager.filter(order=order)[:AT_MOST]:
            moments |= {row.arrived_at, row.version}
            names.add(row.external_id)
    told = sorted(name for name in names if len(name) >= 4)
    with connection.cursor() as cursor:
        cursor.execute(
            _RAW,
            [
                sorted(moments),
                RAW_BEFORE_SECONDS,
                RAW_AFTER_SECONDS,
                order.channel_id,
                [name.encode() for name in told],
                RAW_AT_MOST,
            ],
        )
        ids = [row[0] for row in cursor.fetchall()]
    return list(Delivery.objects.filter(pk__in=ids).defer("body").order_by("received_at", "pk"))

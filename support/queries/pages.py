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
from profiles import clock
from profiles.in_arrays import Place
from profiles.models import AuditEntry, Event, Identifier, Merge, MergeMove, Profile, Review, Suggestion
from profiles.prepared_queries import PreparedQuery
from support.models import Discrepancy
from support.queries import alike as likely
from support.queries import followups, lifetimes, search, timelines, verdicts
from support.queries.lifetimes import Talked
from support.queries.timelines import Entry
from support.queries.together import Reading
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
    followups: list[Followup]
    services: list[Service]
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


def order(pk: int) -> Order | None:
    """An order as `of_order` wants it: with channel and profile, and what is open about it as `differing`."""
    found: Order | None = next(iter(_ORDER.read(order=pk)["found"]), None)
    return found


def _order() -> dict[str, QuerySet[Any]]:
    open_ones = Discrepancy.objects.filter(order=OuterRef("pk"), status=Discrepancy.Status.OPEN)
    differing = open_ones.order_by("due_at", "pk").values(found=JSONObject(kind="kind", id="id"))[:AT_MOST]
    rows = Order.objects.select_related("channel", "profile").annotate(differing=ArraySubquery(differing))
    return {"found": rows.filter(pk=Place("order"))}


_ORDER = Reading(_order)


def of_order(order: Order, *, now: datetime | None = None) -> OrderPage:
    """The page of an order as `order` gives it; one query whatever its size."""
    now = now or clock.now()
    read = _OF_ORDER.read(
        order=order.pk, profile=order.profile_id or 0, key=order.external_id, channel=order.channel_id
    )
    for name in OLDEST_FIRST:
        read[name].reverse()
    told = read.pop("told")
    entitled, attributions = read["entitlements"], read["attributions"]
    for entitlement in entitled:
        entitlement.order = order
    known = Known.from_rows(entitled, read["links"], read["jobs"], read["emails"], now=now)
    return OrderPage(
        order=order,
        now=now,
        conversations=[row.conversation for row in attributions if row.current and row.conversation],
        verdicts=verdicts.judge(order, read["lines"], entitled, known),
        conflicts=imports.conflicts(order, told),
        discrepancies=[(one["kind"], one["id"]) for one in getattr(order, "differing", ())],
        **read,
    )


def _of_order() -> dict[str, QuerySet[Any]]:
    order = Place("order")
    of_it = Q(order=order)
    services = Service.objects.filter(of_it)
    given = Entitlement.objects.filter(of_it, line__isnull=True)
    by_hand = services.filter(source=Service.Source.MANUAL)
    after = (Q(order=order), Q(entitlement__in=given.values("pk")), Q(service__in=by_hand.values("pk")))
    first, *others = (Followup.objects.filter(one).values("pk") for one in after)
    return {
        "lines": Line.objects.filter(of_it, removed=False).select_related("product").order_by("position", "pk"),
        "payments": Payment.objects.filter(of_it).order_by("at", "pk")[:AT_MOST],
        "refunds": Refund.objects.filter(of_it).order_by("at", "pk")[:AT_MOST],
        "disputes": Dispute.objects.filter(of_it).order_by("at", "pk")[:AT_MOST],
        "refund_requests": RefundRequest.objects.filter(of_it).order_by("created_at", "pk")[:AT_MOST],
        "changes": StatusChange.objects.filter(of_it).order_by("at", "pk")[:AT_MOST],
        "entitlements": Entitlement.objects.filter(of_it).select_related("product", "profile").order_by("pk"),
        "attributions": Attribution.objects.filter(of_it).select_related("conversation").order_by("at", "pk"),
        "merges": _merges(Place("profile")),
        "audit": AuditEntry.objects.filter(order_id=order).order_by("-at", "-pk")[:AT_MOST],
        "told": imports.told_of(Place("key"), Place("channel")),
        # One by one: with "or" between them all that were ever written would be read.
        "followups": followups.written(Followup.objects.filter(pk__in=first.union(*others))),
        "services": followups.opened(services),
        **_of_rights(Q(entitlement__order=order), Q(link__entitlement__order=order)),
        "emails": _emails(of_it),
    }


_OF_ORDER = Reading(_of_order)
# Of these the newest are read, and told from the oldest on.
OLDEST_FIRST = ("links", "emails")


def profile(pk: int) -> Profile | None:
    """A customer; one query."""
    return next(iter(_PROFILE(pk)), None)


_PROFILE = PreparedQuery(lambda profile: Profile.objects.filter(pk=profile))


def of_profile(profile: Profile, *, now: datetime | None = None) -> ProfilePage:
    """The page of a customer; at most five queries whatever they have, and the newest hundred of each sort."""
    now = now or clock.now()
    read = _OF_PROFILE.read(profile=profile.pk)
    for name in OLDEST_FIRST:
        read[name].reverse()
    entitled = read["entitlements"]
    for entitlement in entitled:
        entitlement.profile = profile
    known = Known.from_rows(entitled, read["links"], read["jobs"], read["emails"], now=now)
    return ProfilePage(
        profile=profile,
        now=now,
        alike=alike(profile),
        talked=lifetimes.talked(profile.pk),
        verdicts=[known.verdict(entitlement, entitlement.order) for entitlement in entitled],
        **read,
    )


def _of_profile() -> dict[str, QuerySet[Any]]:
    profile = Place("profile")
    mine, of_orders = Q(profile=profile), Q(order__profile=profile)
    entitled = Entitlement.objects.filter(mine).order_by("-created_at", "-pk")[:AT_MOST]
    shown = entitled.values("pk")
    uses = Redemption.objects.filter(mine).select_related("coupon", "product", "profile")
    completions = MissionCompletion.objects.filter(mine).select_related("mission", "profile")
    bought = Order.objects.filter(mine).select_related("channel").defer(*sealed())
    visits = StoreVisit.objects.filter(mine).select_related("order__channel").defer(*sealed("order__channel"))
    return {
        "orders": bought.order_by("-placed_at")[:AT_MOST],
        "entitlements": entitled.select_related("product", "order__channel").defer(*sealed("order__channel")),
        **_of_rights(Q(entitlement__in=shown), Q(link__entitlement__in=shown)),
        "emails": _emails(mine),
        "audit": AuditEntry.objects.filter(profile_id=profile).order_by("-at", "-pk")[:AT_MOST],
        "identifiers": Identifier.objects.filter(mine).order_by("kind", "value")[:AT_MOST],
        "totals": ProfileTotal.objects.filter(mine).order_by("-net_minor", "currency"),
        "refunds": Refund.objects.filter(of_orders).order_by("-at")[:AT_MOST],
        "disputes": Dispute.objects.filter(of_orders).order_by("-at")[:AT_MOST],
        "conversations": Conversation.objects.filter(mine).order_by("-last_activity_at")[:AT_MOST],
        "events": Event.objects.filter(mine).order_by("-occurred_at", "-pk")[:AT_MOST],
        "visits": visits.order_by("-visited_at", "-pk")[:AT_MOST],
        "intents": ProductIntent.objects.filter(mine).order_by("-last_at", "sku")[:AT_MOST],
        "alerts": StoreAlert.objects.filter(of_orders).order_by("-at", "sku")[:AT_MOST],
        "merges": _merges(profile),
        "reviews": Review.objects.filter(mine, decided_at__isnull=True)[:AT_MOST],
        "suggestions": likely.about(profile),
        "address_changes": EmailChange.objects.filter(mine).order_by("-started_at", "-pk")[:1],
        "followups": followups.written(Followup.objects.filter(mine)),
        "services": followups.opened(Service.objects.filter(mine)),
        "redemptions": uses.order_by("-redeemed_at", "-pk")[:AT_MOST],
        "missions": completions.order_by("-completed_at", "-pk")[:AT_MOST],
    }


_OF_PROFILE = Reading(_of_profile)


def _of_rights(rights: Q, of_links: Q) -> dict[str, QuerySet[Any]]:
    """What belongs to the rights that a page shows."""
    opened = DownloadSession.objects.filter(of_links).select_related("asset")
    return {
        "links": DownloadLink.objects.filter(rights).order_by("-created_at", "-pk")[:AT_MOST],
        "jobs": Job.objects.filter(rights),
        "downloads": opened.order_by("-started_at", "-pk")[:AT_MOST],
    }


def _emails(of: Q) -> QuerySet[Email]:
    """The newest messages, without their text."""
    return Email.objects.filter(of).defer("text", "html", "secrets").order_by("-created_at", "-pk")[:AT_MOST]


def alike(profile: Profile, at_most: int = 5) -> list[Profile]:
    """Other customers of exactly this name: perhaps the same person, unless a person said that they are not."""
    if len(profile.name.split()) < 2:
        return []
    found = {pk for _, pk in search.containing(profile.name, ["profile"], 50)} - {profile.pk}
    if not found:
        return []
    rows = Profile.objects.filter(pk__in=found, merged_into__isnull=True)
    rows = rows.exclude(likely.told_apart(profile.pk))
    return [row for row in rows.order_by("pk") if row.name.casefold() == profile.name.casefold()][:at_most]


def _merges(profile: Place) -> QuerySet[Merge]:
    either = Q(survivor_id=profile) | Q(absorbed_id=profile)
    return Merge.objects.filter(either).order_by("-at", "-pk")[:AT_MOST]


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

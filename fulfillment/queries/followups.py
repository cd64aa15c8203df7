"""What has to be known before a follow-up of an order, a gift or a service goes out, in a fixed number of queries."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Max, Min, QuerySet

from fulfillment import followups as rules
from fulfillment.followups import Kind
from fulfillment.models import DownloadSession, Email, Entitlement, Followup, Offer, Service
from orders.models import Line, Order
from profiles.models import Event

# What a customer does by writing to us, as other programs tell it (SPEC PRO-9).
REPLIES = ("message", "message_received", "email_replied", "reply")


@dataclass
class Known:
    """Everything about a batch of due follow-ups; rights and first downloads by `Followup.matter`."""

    rights: dict[str, list[Entitlement]] = field(default_factory=dict)
    downloaded: dict[str, datetime] = field(default_factory=dict)
    reminded: set[int] = field(default_factory=set)
    # Customers and addresses that were reminded of a gift lately, and gifts whose reminder did not go out yet.
    reminded_of_gifts: set[tuple[int, str]] = field(default_factory=set)
    unreminded: set[int] = field(default_factory=set)
    spoke: dict[int, datetime] = field(default_factory=dict)
    offers: dict[tuple[int, str], Offer] = field(default_factory=dict)
    owned: set[tuple[int, int]] = field(default_factory=set)
    services: dict[str, Service] = field(default_factory=dict)
    lines: dict[int, list[Line]] = field(default_factory=dict)


def gather(
    rows: Sequence[Followup],
    orders: Mapping[int, Order],
    gifts: Mapping[int, Sequence[Entitlement]],
    services: Collection[Service],
    *,
    now: datetime,
) -> Known:
    """What is known about these, their gifts (`occasions`) and the services given by hand; ten queries at most."""
    known = Known()
    people = {order.profile_id for order in orders.values() if order.profile_id}
    people |= {right.profile_id for group in gifts.values() for right in group}
    people |= {one.profile_id for one in services if one.profile_id}
    for right in (
        Entitlement.objects.filter(order__in=list(orders), status__in=Entitlement.DOWNLOADABLE)
        .select_related("product", "organization", "profile")
        .order_by("pk")
    ):
        known.rights.setdefault(f"order:{right.order_id}", []).append(right)
    first = (
        DownloadSession.objects.filter(link__entitlement__order__in=list(orders))
        .values_list("link__entitlement__order")
        .annotate(first=Min("started_at"))
    )
    known.downloaded = {f"order:{order_id}": at for order_id, at in first}
    for lead, group in gifts.items():
        known.rights[f"gift:{lead}"] = [right for right in group if right.downloadable]
    known.downloaded |= _downloaded(gifts)
    recent = Email.objects.filter(
        profile__in=people, template=Email.Template.REMINDER, created_at__gt=now - rules.APART
    ).exclude(state=Email.State.CANCELLED)
    for profile_id, entitlement_id, to in recent.values_list("profile_id", "entitlement_id", "to"):
        if entitlement_id:
            known.reminded_of_gifts.add((profile_id or 0, to))
        else:
            known.reminded.add(profile_id or 0)
    known.unreminded = _unreminded(list(gifts))
    spoke = Event.objects.filter(profile__in=people, type__in=REPLIES).values_list("profile")
    known.spoke = dict(spoke.annotate(last=Max("occurred_at")))
    for line in (
        Line.objects.filter(order__in=list(orders), removed=False).select_related("product").order_by("position", "pk")
    ):
        known.lines.setdefault(line.order_id, []).append(line)
    products = {line.product_id for lines in known.lines.values() for line in lines if line.product_id}
    known.offers = offers(products)
    offered = {one.offered_id for one in known.offers.values()}
    known.owned = set(
        Entitlement.objects.filter(
            profile__in=people, product__in=offered, status__in=Entitlement.DOWNLOADABLE
        ).values_list("profile_id", "product_id")
    )
    keys = {rules.about(row.source_key) for row in rows if Kind(row.kind).of_service and row.order_id}
    bought = Service.objects.filter(source_key__in=keys).select_related("product")
    known.services = {one.source_key: one for one in bought} | {one.given_key: one for one in services}
    return known


def gifts(profile_ids: Collection[int] | QuerySet[Any]) -> QuerySet[Entitlement]:
    """What was given to these customers without a line of an order, the first given first."""
    rows = Entitlement.objects.filter(profile__in=profile_ids, line__isnull=True)
    rows = rows.exclude(source__in=Entitlement.OF_LINES)
    return rows.select_related("product", "organization", "profile", "order__channel").order_by("pk")


def occasions(given: Iterable[Entitlement]) -> dict[int, list[Entitlement]]:
    """What was given at one occasion together, by the id of its first; `given` in the order of ids."""
    found: dict[str, list[Entitlement]] = {}
    for right in given:
        found.setdefault(rules.occasion(right.source_key), []).append(right)
    return {group[0].pk: group for group in found.values()}


def _unreminded(gifts: Collection[int]) -> set[int]:
    if not gifts:
        return set()
    rows = Followup.objects.filter(entitlement__in=gifts, kind=Kind.REMINDER, state=Followup.State.WAITING)
    return {pk for pk in rows.values_list("entitlement_id", flat=True) if pk}


def _downloaded(gifts: Mapping[int, Sequence[Entitlement]]) -> dict[str, datetime]:
    """When any of each gift was first downloaded."""
    lead_of = {right.pk: lead for lead, group in gifts.items() for right in group}
    if not lead_of:
        return {}
    rows = DownloadSession.objects.filter(link__entitlement__in=list(lead_of)).values_list("link__entitlement")
    found: dict[str, datetime] = {}
    for pk, at in rows.annotate(first=Min("started_at")):
        key = f"gift:{lead_of[pk]}"
        found[key] = min(at, found.get(key, at))
    return found


def offers(product_ids: Collection[int]) -> dict[tuple[int, str], Offer]:
    """What buyers of these products are offered, by product and kind."""
    rows = Offer.objects.filter(product__in=product_ids).select_related("offered")
    return {(row.product_id, row.kind): row for row in rows}

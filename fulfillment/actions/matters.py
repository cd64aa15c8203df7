"""What a due follow-up is about, an order, a gift or a service: held while it is judged, and where its mail goes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet

from fulfillment.actions import emails
from fulfillment.followups import Kind
from fulfillment.models import Entitlement, Followup, Service
from fulfillment.queries import followups as known_of
from orders.models import Order
from profiles import identifiers
from profiles.actions import proofs
from profiles.models import Organization

WHOLE = (Order.PaymentStatus.PAID,)
# Help with what is left of a purchase goes on after part of the money went back; anything else does not.
HELPS = (Kind.REMINDER, Kind.KICKOFF, Kind.INTAKE)


@dataclass(frozen=True, slots=True)
class Matter:
    """Whose it is and since when, where mail goes ('' if nowhere), under what it is kept.

    `gift`: its first right; `given`: whether it came without money, by a gift or as a service given by hand.
    """

    profile_id: int | None
    since: datetime
    to: str
    customer_name: str
    about: str
    organization: Organization
    order: Order | None = None
    gift: Entitlement | None = None
    given: bool = False
    made_up: bool = False

    def stands(self, kind: Kind) -> bool:
        """Whether the money for it stands; what was given has none, and its rights or its state say everything."""
        return self.given or self.order is None or stands(self.order, kind)


@dataclass(frozen=True, slots=True)
class Held:
    """What a batch of follow-ups is about, locked: orders, gifts by their first right, services given by hand."""

    orders: Mapping[int, Order] = field(default_factory=dict)
    gifts: Mapping[int, Sequence[Entitlement]] = field(default_factory=dict)
    services: Mapping[int, Service] = field(default_factory=dict)


def stands(order: Order, kind: Kind) -> bool:
    """Whether the money of an order still asks for mail of this kind."""
    partly = order.payment_status == Order.PaymentStatus.PARTIALLY_REFUNDED and kind in HELPS
    return (order.payment_status in WHOLE or partly) and not order.cancelled


def hold(wanted: QuerySet[Followup]) -> Held:
    """Lock the orders and given services these are about, and all gifts of the customers whose gifts they are about.

    Before what follows from them, as settling takes them: no right is revoked between its judgement and its mail.
    Three queries.
    """
    orders = (
        Order.objects.select_for_update(of=("self",), no_key=True)
        .select_related("channel", "organization")
        .filter(pk__in=wanted.values("order"))
        .order_by("pk")
    )
    held = {order.pk: order for order in orders}
    owners = Entitlement.objects.filter(pk__in=wanted.values("entitlement")).values("profile")
    given = known_of.gifts(owners).select_for_update(of=("self",), no_key=True)
    gifts = known_of.occasions(given)
    services = (
        Service.objects.select_for_update(of=("self",), no_key=True)
        .select_related("product", "organization", "profile", "order__channel")
        .filter(pk__in=wanted.filter(order__isnull=True).values("service"))
        .order_by("pk")
    )
    return Held(held, gifts, {row.pk: row for row in services})


def read(held: Held) -> dict[str, Matter]:
    """Each of these by `Followup.matter`. Two queries where anything was given, else none."""
    found = {f"order:{pk}": _of_order(order) for pk, order in held.orders.items()}
    given: dict[str, Entitlement | Service] = {f"gift:{pk}": group[0] for pk, group in held.gifts.items()}
    given |= {row.given_key: row for row in held.services.values()}
    if not given:
        return found
    known = proofs.mail_addresses({one.profile_id for one in given.values() if one.profile_id})
    unreal = emails.unreal(given.values())
    for key, one in given.items():
        order, owner = one.order, one.profile_id or 0
        own = next(iter(known.get(owner, ())), "")
        found[key] = Matter(
            profile_id=one.profile_id,
            since=one.created_at,
            to=own if order is None else identifiers.mailable(order.mail_to) or "",
            customer_name=(order.customer_name if order else "") or (one.profile.name if one.profile else ""),
            about=emails.about_of(one),
            organization=one.organization,
            order=order,
            gift=one if isinstance(one, Entitlement) else None,
            given=True,
            made_up=owner in unreal if order is None else order.channel.made_up,
        )
    return found


def _of_order(order: Order) -> Matter:
    return Matter(
        profile_id=order.profile_id,
        since=order.paid_at or order.placed_at,
        to=identifiers.mailable(order.mail_to) or "",
        customer_name=order.customer_name,
        about=f"{order.channel.label}/{order.external_id}",
        organization=order.organization,
        order=order,
        made_up=order.channel.made_up,
    )

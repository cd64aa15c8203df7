"""What a due follow-up is about, an order or a gift: held while it is judged, and where its mail goes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from fulfillment.actions import emails
from fulfillment.followups import Kind
from fulfillment.models import Entitlement, Followup
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
    """Whose it is and since when, where mail goes ('' if nowhere), under what it is kept; `gift`: its first right."""

    profile_id: int | None
    since: datetime
    to: str
    customer_name: str
    about: str
    organization: Organization
    order: Order | None = None
    gift: Entitlement | None = None
    made_up: bool = False

    def stands(self, kind: Kind) -> bool:
        """Whether the money for it stands; a gift has none, and its rights say everything."""
        return self.gift is not None or self.order is None or stands(self.order, kind)


def stands(order: Order, kind: Kind) -> bool:
    """Whether the money of an order still asks for mail of this kind."""
    partly = order.payment_status == Order.PaymentStatus.PARTIALLY_REFUNDED and kind in HELPS
    return (order.payment_status in WHOLE or partly) and not order.cancelled


def hold(wanted: QuerySet[Followup]) -> tuple[dict[int, Order], dict[int, list[Entitlement]]]:
    """Lock the orders these are about, and all gifts of the customers whose gifts they are about. Two queries.

    Before what follows from them, as settling takes them: no right is revoked between its judgement and its mail.
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
    return held, known_of.occasions(given)


def read(orders: Mapping[int, Order], gifts: Mapping[int, Sequence[Entitlement]]) -> dict[str, Matter]:
    """Each of these by `Followup.matter`. Two queries where there are gifts, else none."""
    found = {f"order:{pk}": _of_order(order) for pk, order in orders.items()}
    leads = [group[0] for group in gifts.values()]
    if not leads:
        return found
    known = proofs.mail_addresses({lead.profile_id for lead in leads})
    unreal = emails.unreal(leads)
    for lead in leads:
        order = lead.order
        own = next(iter(known.get(lead.profile_id, ())), "")
        found[f"gift:{lead.pk}"] = Matter(
            profile_id=lead.profile_id,
            since=lead.created_at,
            to=own if order is None else identifiers.mailable(order.mail_to) or "",
            customer_name=(order.customer_name if order else "") or lead.profile.name,
            about=emails.about_of(lead),
            organization=lead.organization,
            order=order,
            gift=lead,
            made_up=lead.profile_id in unreal if order is None else order.channel.made_up,
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

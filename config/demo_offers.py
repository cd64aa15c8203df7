"""The demo's gifts and second opinions: a coupon that was redeemed, a mission with its reward, two refunds."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from django.contrib.auth.models import User

from fulfillment.actions import coupons, mission_terms, redemptions
from fulfillment.models import Coupon, Mission
from orders.actions import customer_events
from orders.models import Channel, Order
from profiles import tenancy
from profiles.actors import Actor
from profiles.events import Told
from profiles.models import Membership, Organization
from support.actions import approvals, refunds
from support.limits import Limits

BY = Actor.system("demo")
CODE = "HARBOUR-GIFT"
MISSION = "reading-circle"
JOINED = "reading_circle_joined"
READERS = 2
"""So many of the first buyers at the shop joined."""
GIFTED = "ottilie.brandt@mail.example"
LIMIT = Decimal(50)
"""In euros: what the small press lets one person give back alone."""
WAITS, DONE = "7003", "7002"
"""The old shop's orders that are refunded: one above the limit, one below. Nobody is written to about either."""
ASKS = "finance@lantern.example"
REASONS: Mapping[str, str] = {
    WAITS: "Renzo cannot open either file on his reader, and we found no way to help.",
    DONE: "Ottilie had bought the book twice.",
}


def keep(organization_id: int) -> None:
    """All of it, once the old shop's orders are there; what is told already changes nothing."""
    with tenancy.organization(organization_id):
        organization = Organization.objects.get(pk=organization_id)
        _give(organization)
        _reward(organization)
        _refund(organization)


def _give(organization: Organization) -> None:
    if not Coupon.objects.filter(normalised=CODE).exists():
        coupons.add(
            organization=organization,
            code=CODE,
            kind=Coupon.Kind.FULL,
            skus=["EBOOK-STAR-EN"],
            limit=20,
            campaign="For readers who wrote to us",
            by=BY,
            because="The demo",
        )
    redemptions.redeem(
        CODE,
        organization=organization,
        identifiers={"email": GIFTED},
        by=Actor.customer(),
        key="demo",
        sku="EBOOK-STAR-EN",
    )


def _reward(organization: Organization) -> None:
    until = organization.created_at
    if not Mission.objects.filter(slug=MISSION).exists():
        mission_terms.add(
            organization=organization,
            slug=MISSION,
            title="Join the reading circle",
            rule=Mission.Rule.EVENTS,
            event_type=JOINED,
            rewards=["EBOOK-KNOT-EN"],
            starts_at=until - timedelta(days=30),
            by=BY,
            because="The demo",
        )
    joined = [
        Told(
            event_id=f"demo-circle-{number}",
            type=JOINED,
            occurred_at=until - timedelta(days=6 - number),
            source="",
            identifiers={"email": email},
        )
        for number, email in enumerate(_first_buyers())
    ]
    customer_events.record(joined, organization=organization)


def _first_buyers() -> list[str]:
    orders = Order.objects.filter(channel__kind=Channel.Kind.SHOPIFY, payment_status=Order.PaymentStatus.PAID)
    emails = orders.exclude(email="").order_by("placed_at", "pk").values_list("email", flat=True)
    return list(dict.fromkeys(emails[: READERS * 5]))[:READERS]


def _refund(organization: Organization) -> None:
    if approvals.limits_of(organization).refund != LIMIT:
        approvals.change_limits(organization, Limits(refund=LIMIT), by=BY, because="The demo")
    user = User.objects.get(username=ASKS)
    role = Membership.objects.get(user=user).role
    by = Actor(label=user.get_full_name(), role=role, user_id=user.pk)
    for number, because in REASONS.items():
        order = Order.objects.select_related("channel", "organization").get(external_id=number, channel__kind="csv")
        refunds.ask(order, amount_minor=None, by=by, because=because, key=f"demo:{number}")

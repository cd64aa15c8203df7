"""The demo organization: its staff, shops and catalogue, months of trade through signed webhooks, and its stories."""

import random
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User

from attribution.actions import conversations
from config import catalogue, demo_books, demo_growth, demo_offers, environment, progress, settling, stories
from config.couriers import Address, Courier
from fulfillment.actions import bounces
from fulfillment.models import Email
from orders import generated, imitation
from orders.actions import channels, customer_events
from orders.generated import Purchase
from orders.imitation import Parcel
from orders.messages import Customer, TalkBy, TalkLine, TalkMessage
from orders.models import Channel
from profiles import tenancy
from profiles.actions import audit, organizations
from profiles.actors import Actor, Invalid, NotFound
from profiles.models import AuditEntry, Organization, Role
from support.actions import ageing

SLUG = "demo"
SEED = 20261121
ORDERS, DAYS = 300, 90
FIRST_MARK = 1001
BY = Actor.system("demo")
TOLD = "demo.told"
NOTE = "demo.json"
SETTLE_SECONDS = 240
SHOPS = {
    "shopify": "lantern-press.myshopify.example",
    "woocommerce": "store.lantern.example",
    "stripe": "checkout.lantern.example",
}
STAFF = (
    ("owner@lantern.example", "Robin", "Lantern", Role.ENGINEER, "Owner, sees everything"),
    ("agent@lantern.example", "Alex", "Marsh", Role.AGENT, "Support agent"),
    ("lead@lantern.example", "Lou", "Brandt", Role.LEAD, "Support lead"),
    ("finance@lantern.example", "Fran", "Keller", Role.FINANCE, "Finance"),
    ("engineer@lantern.example", "Eli", "Moreau", Role.ENGINEER, "Platform engineer"),
    ("auditor@lantern.example", "Ada", "Nowak", Role.AUDITOR, "Auditor, reads only"),
)
"""Address, names, role, and what the table of logins says of it; the first is the owner."""


class NotSettled(Exception):
    """The worker did not get through the demo's deliveries in time."""


@dataclass(frozen=True, slots=True)
class Login:
    address: str
    password: str
    role: str


def prepare(data: Path) -> list[Login]:
    """The organization, and staff who can sign in; the same logins each time. Quick when all of it is there."""
    try:
        organization_id = organizations.find(SLUG)
    except NotFound:
        organization_id = organizations.create(
            SLUG,
            name="Lantern Press",
            currency="EUR",
            region="DE",
            timezone="Europe/Berlin",
            support_email="help@lantern.example",
            demo=True,
            by=BY,
        ).pk
    with tenancy.organization(organization_id):
        organization = Organization.objects.get(pk=organization_id)
        if not organization.is_demo:
            raise Invalid(
                f"There is an organization {SLUG} that is not the demo: it is left alone. Use serve and work."
            )
        return _staff(organization, data / NOTE)


def is_told() -> bool:
    """Whether the demo's trade was taken in to its end before."""
    organization_id = organizations.find(SLUG)
    with tenancy.organization(organization_id):
        return AuditEntry.objects.filter(action=TOLD).exists()


def tell(host: str, port: int, *, still: Callable[[], None] = lambda: None) -> int:
    """Take in the demo's trade through the web server at this address; returns how many deliveries that was.

    What a former, interrupted attempt took in is the same and changes nothing. Raises Refused and NotSettled.
    """
    organization_id = organizations.find(SLUG)
    with tenancy.organization(organization_id):
        organization = Organization.objects.get(pk=organization_id)
        shops = _shops(organization)
        shelf = catalogue.stock(organization, by=BY, entries=(*catalogue.CATALOGUE, catalogue.WITHOUT_FILE))
    trade, odd = _trade(organization, shelf)
    parcels = [parcel for purchase in trade for parcel in imitation.parcels(purchase)]
    random.Random(SEED).shuffle(parcels)
    courier = Courier(host, port, shops)
    talks = [purchase for purchase in trade if purchase.talk is not None]
    vain = demo_growth.in_vain(trade, until=organization.created_at, seed=SEED)
    with progress.bar("Making three months of trade", len(parcels) + len(talks) + len(vain) + 1) as done:
        _converse(organization, talks, done)
        _converse(organization, vain, done, named="asked")
        with tenancy.organization(organization_id):
            customer_events.record(stories.happened(organization.created_at), organization=organization)
            steps = demo_growth.steps(trade, SHOPS, until=organization.created_at, seed=SEED)
            customer_events.record(steps, organization=organization)
        courier.carry([parcel for parcel in parcels if not parcel.later], told=done)
        courier.carry([odd], told=done)
        _settled(organization_id, still)
        courier.carry([parcel for parcel in parcels if parcel.later], told=done)
        _settled(organization_id, still)
        demo_books.keep(organization_id)
        _settled(organization_id, still)
        demo_offers.keep(organization_id)
        _settled(organization_id, still)
        demo_books.conclude(organization_id)
    with tenancy.organization(organization_id):
        ageing.age(since=organization.created_at)
        _bounce(organization)
        audit.record(TOLD, by=BY, subject=organization, organization_id=organization_id)
    return len(parcels) + 1


def _trade(organization: Organization, shelf: Sequence[generated.Article]) -> tuple[list[Purchase], Parcel]:
    """Everything that was bought, counted from the organization's own beginning; and the delivery nobody can read."""
    until = organization.created_at
    by_sku = {article.sku: article for article in shelf}
    ordinary = [article for article in shelf if article.sku != catalogue.WITHOUT_FILE.sku]
    trade = generated.purchases(
        ORDERS,
        rng=random.Random(SEED),
        days=DAYS,
        until=until,
        articles=ordinary,
        currency=organization.currency,
        first_mark=FIRST_MARK,
    )
    trade += stories.purchases(until, by_sku, organization.currency)
    return trade, stories.unreadable(until, by_sku, organization.currency)


def _staff(organization: Organization, note: Path) -> list[Login]:
    kept = environment.read_kept(note)
    if kept is None:
        environment.make_folder(note.parent)
        kept = environment.write_once(note, {"password": f"{secrets.token_hex(3)}-{secrets.token_hex(3)}"})
        known: set[str] = set()
    else:
        known = set(User.objects.values_list("username", flat=True))
    password = str(kept["password"])
    for address, first, last, role, _ in STAFF:
        if address not in known:
            superuser = address == STAFF[0][0]
            _let_in(organization, role, address, password, first_name=first, last_name=last, is_superuser=superuser)
    return [Login(address, password, label) for address, _, _, _, label in STAFF]


def _let_in(organization: Organization, role: str, address: str, password: str, **more: Any) -> None:
    user, _ = User.objects.update_or_create(
        username=address,
        defaults={"email": address, "is_staff": True, "is_active": True, "password": make_password(password), **more},
    )
    organizations.add_member(organization, user, role, by=BY)


def _shops(organization: Organization) -> dict[str, Address]:
    """The three shops, connected; what they send is made up, and so is who gets mail."""
    found = {}
    for kind, domain in SHOPS.items():
        channel = Channel.objects.filter(kind=kind, domain=domain).first() or channels.connect(
            organization, kind=kind, domain=domain, calls_provider=False, made_up=True, by=BY
        )
        found[kind] = Address(channel.webhook_path, channel.secret, domain)
    return found


def _converse(
    organization: Organization, talks: Sequence[Purchase], done: progress.Step, *, named: str = "chat"
) -> None:
    for purchase in talks:
        with tenancy.organization(organization.pk):
            conversations.record(conversation(purchase, named=named), organization=organization)
        done(1)


def conversation(purchase: Purchase, *, named: str = "chat") -> TalkMessage:
    """The chat before this purchase, as its source would tell it."""
    talk, person = purchase.talk, purchase.person
    assert talk is not None and person is not None
    return TalkMessage(
        external_id=f"{named}-{purchase.mark}",
        started_at=talk.started_at,
        last_activity_at=talk.last_activity_at,
        ended_at=talk.ended_at,
        source="chat",
        customer=Customer(email=person.email, name=person.name, region=person.country),
        version=talk.last_activity_at,
        message_count=len(talk.said),
        labels=talk.tags,
        lines=tuple(TalkLine(external_id="", by=TalkBy(by), at=at, text=text) for at, by, text in talk.said),
    )


def _settled(organization_id: int, still: Callable[[], None]) -> None:
    if not settling.wait(organization_id, seconds=SETTLE_SECONDS, still=still):
        raise NotSettled("The worker did not finish the demo's deliveries; run it again to go on where it stopped.")


def _bounce(organization: Organization) -> None:
    for email in Email.objects.filter(to=stories.BOUNCED_ADDRESS, bounced_at__isnull=True):
        bounces.record(email, reason=stories.BOUNCE, at=email.created_at + timedelta(minutes=2), by=BY)

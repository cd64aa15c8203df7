"""manage.py generate_orders: realistic trade through the real pipeline, for trying out and measuring."""

import random
import time
from collections.abc import Sequence
from typing import Any

from django.core.management import CommandError

from attribution.actions import conversations
from config import catalogue, demo, progress, settling
from config.commands import OrganizationCommand
from fulfillment.models import Asset
from orders import generated, imitation
from orders.actions import channels, deliveries
from orders.generated import Article, Purchase
from orders.imitation import Parcel
from orders.models import Channel, Order, Product
from orders.providers import PROVIDERS
from profiles import clock, tenancy
from profiles.actions import organizations
from profiles.actors import Actor
from profiles.models import Organization
from support.actions import ageing

BATCH = 250
MOST = 1_000_000
CHATS = 0.08
BY = Actor.system("generate_orders")
DOMAINS = {
    "shopify": "generated.myshopify.example",
    "woocommerce": "generated.store.example",
    "stripe": "generated.checkout.example",
}


class Command(OrganizationCommand):
    help = (
        "Make realistic orders of made-up customers, through the real pipeline; their mail is kept, never sent."
        " Example: generate_orders --organization lantern --orders 500 --days 90"
    )

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument("--orders", type=int, default=500, help="how many (500)")
        parser.add_argument("--days", type=int, default=90, help="over how many days until now (90)")
        parser.add_argument("--seed", type=int, help="the same seed makes the same people and purchases")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be made")

    def run(self, **options: Any) -> None:
        count, days = options["orders"], options["days"]
        if not 1 <= count <= MOST:
            raise CommandError(f"--orders must be from 1 to {MOST}, and not {count}.")
        if not 1 <= days <= 3650:
            raise CommandError(f"--days must be from 1 to 3650, and not {days}.")
        organization_id = organizations.find(options["organization_slug"])
        seed = options["seed"] if options["seed"] is not None else random.SystemRandom().randrange(2**32)
        if options["dry_run"]:
            self.say(f"{count} orders would be made.", {"orders": count, "seed": seed, "dry_run": True})
            return
        began = time.monotonic()
        with tenancy.organization(organization_id):
            organization = Organization.objects.get(pk=organization_id)
            since = clock.now()
            shops = _shops(organization)
            articles = _articles(organization)
        rng = random.Random(seed)
        trade = generated.purchases(
            count, rng=rng, days=days, until=since, articles=articles, currency=organization.currency, chats=CHATS
        )
        stored, known = self._take_in(organization, trade, shops)
        with tenancy.organization(organization_id):
            ageing.age(since=since)
            made = Order.objects.filter(channel__in=shops.values(), arrived_at__gte=since).count()
        seconds = time.monotonic() - began
        document = {
            "orders": made,
            "deliveries": stored,
            "known": known,
            "conversations": sum(purchase.talk is not None for purchase in trade),
            "channels": sorted(channel.label for channel in shops.values()),
            "seed": seed,
            "seconds": round(seconds, 2),
        }
        self.say(f"{made} orders from {stored} deliveries in {seconds:.1f} s (--seed {seed}).", document)

    def _take_in(
        self, organization: Organization, trade: Sequence[Purchase], shops: dict[str, Channel]
    ) -> tuple[int, int]:
        """Store what the shops would have sent and work until all is settled; how many were new, and how many known."""
        stored = known = 0
        parcels = [parcel for purchase in trade for parcel in imitation.parcels(purchase)]
        # Consequences come second, as in life: an order's story then tells of a payment before its refund.
        parcels.sort(key=lambda parcel: parcel.later)
        talks = [purchase for purchase in trade if purchase.talk is not None]
        with progress.bar("Chats and deliveries", len(parcels) + len(talks)) as done:
            for part in _parts(talks):
                with tenancy.organization(organization.pk):
                    for purchase in part:
                        conversations.record(demo.conversation(purchase), organization=organization)
                done(len(part))
            for part in _parts(parcels):
                with tenancy.organization(organization.pk):
                    for parcel in part:
                        fresh = _store(organization, shops[parcel.kind], parcel)
                        stored, known = stored + fresh, known + (not fresh)
                done(len(part))
        with progress.bar("Settling", None) as done:
            settling.work(organization.pk, told=done)
        return stored, known


def _store(organization: Organization, channel: Channel, parcel: Parcel) -> bool:
    """The same intake as over HTTP: only what its provider's own check finds authentic is kept."""
    provider, now = PROVIDERS[parcel.kind], time.time()
    signed = parcel.headers(secret=channel.secret, domain=channel.domain, now=int(now))
    headers = {name.lower(): value for name, value in signed.items()} | {"content-type": "application/json"}
    if not provider.verify(parcel.body, headers, [channel.secret], now=now):
        raise CommandError(f"A delivery of our own to {channel.label} is not authentic: this is a fault of ours.")
    delivery_id, topic = provider.identify(parcel.body, headers)
    return deliveries.store(
        organization.pk,
        channel.pk,
        delivery_id=delivery_id,
        topic=topic,
        body=parcel.body,
        headers={name: value for name, value in headers.items() if name in provider.KEPT_HEADERS},
    )


def _shops(organization: Organization) -> dict[str, Channel]:
    """Channels for made-up trade alone, made where they are lacking."""
    return {
        kind: Channel.objects.filter(kind=kind, domain=domain, made_up=True).first()
        or channels.connect(organization, kind=kind, domain=domain, calls_provider=False, made_up=True, by=BY)
        for kind, domain in DOMAINS.items()
    }


def _articles(organization: Organization) -> list[Article]:
    """What is on sale: the organization's own products that can be delivered, else a catalogue made for the purpose."""
    found = _deliverable(organization)
    if not found:
        catalogue.stock(organization, by=BY)
        found = _deliverable(organization)
    return [Article(sku=p.sku, title=p.title, price_minor=p.price_minor or 0) for p in found]


def _deliverable(organization: Organization) -> list[Product]:
    priced = Product.objects.filter(price_minor__gt=0, currency=organization.currency)
    return list(priced.filter(pk__in=Asset.objects.filter(current=True).values("product")).order_by("pk")[:50])


def _parts(rows: Sequence[Any]) -> list[Sequence[Any]]:
    return [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]

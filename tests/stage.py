"""The stage of the flow tests: an organization with its shops, deliveries in their true shape, a worker."""

import base64
import copy
import hashlib
import hmac
import io
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.http import HttpResponse
from django.test import Client

from config import drains
from fulfillment.actions import assets
from orders.actions import channels, products
from orders.models import Channel, Product
from orders.providers import standard
from profiles import tenancy
from profiles.actions import organizations
from profiles.actors import Actor
from profiles.models import Organization
from support.queries import snapshot

PAYLOADS = Path(__file__).parent / "payloads"
BY = Actor.system("the test")
SECRETS = {
    "shopify": "shpss_not_real_client_secret",
    "woocommerce": "woo-secret-not-real-9b1c",
    "stripe": "whsec_test_not_real_stripe_1",
    "api": "whsec_bGFudGVybi1zdGFuZGFyZC13ZWJob29rcy1rZXktMzI=",
}
DOMAINS = {
    "shopify": "lantern-press.myshopify.com",
    "woocommerce": "store.example.com",
    "stripe": "lantern.stripe.example",
    "api": "till.example",
}
BOOK = b"%PDF-1.7 the whole Tide Atlas"


def sample(name: str) -> dict[str, Any]:
    """A payload of `tests/payloads`, parsed, free to be altered."""
    return json.loads((PAYLOADS / name).read_bytes())


@dataclass
class Stage:
    """One organization with all four kinds of shop and two e-books, one of them with its file."""

    slug: str = "lantern"
    client: Client = field(default_factory=lambda: Client(enforce_csrf_checks=True))
    channels: dict[str, Channel] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.organization = organizations.create(
            self.slug, name=self.slug.title(), currency="EUR", region="DE", timezone="Europe/Berlin", by=BY
        )
        with tenancy.organization(self.organization.pk):
            for kind, secret in SECRETS.items():
                self.channels[kind] = channels.connect(
                    self.organization, kind=kind, domain=DOMAINS[kind], secret=secret, calls_provider=False, by=BY
                )
            self.book = self.product("EBOOK-TIDE-EN", "Tide Atlas", file=BOOK)
            self.product("EBOOK-HARB-EN", "Harbour Sketches", file=b"PK the Harbour Sketches", filename="harbour.epub")

    def product(
        self, sku: str, title: str, *, file: bytes | None = None, filename: str = "tide-atlas.pdf", **more: Any
    ) -> Product:
        with tenancy.organization(self.organization.pk):
            product = products.add(
                organization=self.organization,
                sku=sku,
                title=title,
                kind=more.pop("kind", "ebook"),
                price="39.00",
                currency="EUR",
                by=BY,
                **more,
            )
            if file is not None:
                assets.add(product, io.BytesIO(file), filename=filename, by=BY)
        return product

    # Deliveries -----------------------------------------------------------------------------------------------

    def signed(
        self, kind: str, body: bytes, *, topic: str = "", delivery: str = "", secret: str = ""
    ) -> dict[str, str]:
        """The headers that the provider sends with this body."""
        key = (secret or SECRETS[kind]).encode()
        delivery = delivery or hashlib.sha256(body).hexdigest()[:16]
        mac = base64.b64encode(hmac.digest(key, body, "sha256")).decode()
        if kind == "shopify":
            return {
                "X-Shopify-Hmac-Sha256": mac,
                "X-Shopify-Topic": topic,
                "X-Shopify-Shop-Domain": DOMAINS[kind],
                "X-Shopify-Webhook-Id": delivery,
            }
        if kind == "woocommerce":
            return {
                "X-WC-Webhook-Signature": mac,
                "X-WC-Webhook-Topic": topic,
                "X-WC-Webhook-Source": f"https://{DOMAINS[kind]}/",
                "X-WC-Webhook-Delivery-ID": delivery,
            }
        if kind == "stripe":
            at = str(int(time.time()))
            return {"Stripe-Signature": f"t={at},v1={hmac.new(key, f'{at}.'.encode() + body, 'sha256').hexdigest()}"}
        return standard.headers([key.decode()], message_id=delivery, timestamp=int(time.time()), body=body)

    def post(self, kind: str, body: dict[str, Any] | bytes, **more: str) -> HttpResponse:
        """Deliver a body, signed as its provider signs, to the channel's own address."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = self.signed(kind, raw, **more)
        return self.client.post(  # type: ignore[return-value]
            self.channels[kind].webhook_path, raw, content_type="application/json", headers=headers
        )

    # What follows ---------------------------------------------------------------------------------------------

    def work(self) -> int:
        """Work until nothing is due, as `manage.py work --until-idle` does."""
        worked = 0
        while done := drains.round_of(self.organization.pk):
            worked += done
        return worked

    def snapshot(self) -> dict[str, Any]:
        with tenancy.organization(self.organization.pk):
            return snapshot.take(Organization.objects.get(pk=self.organization.pk))

    def inside(self) -> Any:
        return tenancy.organization(self.organization.pk)


def stripe_event(kind: str, obj: dict[str, Any], *, created: int, event_id: str) -> dict[str, Any]:
    """An event in Stripe's envelope about this object."""
    event = copy.deepcopy(sample("stripe/checkout.session.completed.json"))
    event.update(id=event_id, type=kind, created=created)
    event["data"]["object"] = obj
    return event

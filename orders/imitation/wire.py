"""What an imitated delivery is made of: a document on its way, and the headers by which each provider signs it."""

import base64
import hmac
import json
import random
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from orders import money
from orders.generated import Purchase
from orders.providers import standard

Document = dict[str, Any]
_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One delivery as the provider would send it; `later` tells its consequences from the order itself."""

    kind: str
    topic: str
    delivery_id: str
    body: bytes
    later: bool = False

    def headers(self, *, secret: str, domain: str, now: int) -> dict[str, str]:
        """The provider's headers, signed as it signs."""
        return _HEADERS[self.kind](self, secret, domain, now)


def parcel(kind: str, topic: str, document: Document, *, mark: str, later: bool = False) -> Parcel:
    """A document on its way; the same mark is the same delivery."""
    return Parcel(kind=kind, topic=topic, delivery_id=letters(mark, kind, 24), body=as_json(document), later=later)


def as_json(document: Document) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def letters(mark: object, what: str, count: int) -> str:
    """Letters that look drawn at random and are always the same for the same mark."""
    return "".join(random.Random(f"{mark}/{what}").choices(_LETTERS, k=count))


def text(minor: int, currency: str) -> str:
    return money.to_text(minor, currency)


def both(minor: int, currency: str) -> Document:
    amount = {"amount": text(minor, currency), "currency_code": currency}
    return {"shop_money": amount, "presentment_money": amount}


def codes(purchase: Purchase) -> list[Document]:
    if not purchase.discount_percent:
        return []
    return [{"code": f"HARBOUR{purchase.discount_percent}", "type": "percentage"}]


def tax_inside(gross: int, rate: int) -> int:
    """The tax inside of a price."""
    return gross - gross * 100 // (100 + rate)


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def gmt(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def number(purchase: Purchase) -> str:
    """The order's number as the customer reads it."""
    return f"{'#' if purchase.kind == 'shopify' else ''}LP-{purchase.mark}"


def _mac(secret: str, signed: bytes) -> bytes:
    return hmac.digest(secret.encode(), signed, "sha256")


def _shopify_headers(sent: Parcel, secret: str, domain: str, now: int) -> dict[str, str]:
    return {
        "X-Shopify-Hmac-Sha256": base64.b64encode(_mac(secret, sent.body)).decode(),
        "X-Shopify-Topic": sent.topic,
        "X-Shopify-Shop-Domain": domain,
        "X-Shopify-Webhook-Id": sent.delivery_id,
        "X-Shopify-API-Version": "2026-10",
    }


def _woocommerce_headers(sent: Parcel, secret: str, domain: str, now: int) -> dict[str, str]:
    return {
        "X-WC-Webhook-Signature": base64.b64encode(_mac(secret, sent.body)).decode(),
        "X-WC-Webhook-Topic": sent.topic,
        "X-WC-Webhook-Source": f"https://{domain}/",
        "X-WC-Webhook-Delivery-ID": sent.delivery_id,
    }


def _stripe_headers(sent: Parcel, secret: str, domain: str, now: int) -> dict[str, str]:
    return {"Stripe-Signature": f"t={now},v1={_mac(secret, f'{now}.'.encode() + sent.body).hex()}"}


def _api_headers(sent: Parcel, secret: str, domain: str, now: int) -> dict[str, str]:
    return standard.headers([secret], message_id=sent.delivery_id, timestamp=now, body=sent.body)


_HEADERS: Mapping[str, Callable[[Parcel, str, str, int], dict[str, str]]] = {
    "shopify": _shopify_headers,
    "woocommerce": _woocommerce_headers,
    "stripe": _stripe_headers,
    "api": _api_headers,
    "pos": _api_headers,
}

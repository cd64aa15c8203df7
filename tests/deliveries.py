"""Deliveries in the providers' true shape, as recorded or with single fields changed."""

import base64
import copy
import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orders.messages import ChannelFacts, Delivery, Message, OrderMessage
from orders.providers import PROVIDERS, standard

PAYLOADS = Path(__file__).parent / "payloads"
MISSING = object()
NOW = 1_789_986_420

# Per kind: a sale, and where in its body the fields stand that every provider has under some name.
SALES = {
    "stripe": "stripe/checkout.session.completed.json",
    "shopify": "shopify/orders-paid.json",
    "woocommerce": "woocommerce/order.created.json",
    "api": "api/order.json",
    "pos": "pos-generic/pos_transaction.json",
    "shopier": "shopier/order.created.json",
    "square": "square/payment.updated.json",
}
_PAYMENT = ("data", "object", "payment")
FIELDS: dict[str, dict[str, tuple[str | int, ...]]] = {
    "stripe": {
        "id": ("data", "object", "id"),
        "total": ("data", "object", "amount_total"),
        "currency": ("data", "object", "currency"),
        "placed_at": ("data", "object", "created"),
        "email": ("data", "object", "customer_details", "email"),
        "name": ("data", "object", "customer_details", "name"),
    },
    "shopify": {
        "id": ("id",),
        "total": ("total_price",),
        "currency": ("currency",),
        "placed_at": ("created_at",),
        "email": ("email",),
        "name": ("customer", "first_name"),
        "lines": ("line_items",),
        "quantity": ("line_items", 0, "quantity"),
    },
    "woocommerce": {
        "id": ("id",),
        "total": ("total",),
        "currency": ("currency",),
        "placed_at": ("date_created_gmt",),
        "email": ("billing", "email"),
        "name": ("billing", "first_name"),
        "lines": ("line_items",),
        "quantity": ("line_items", 0, "quantity"),
    },
    "api": {
        "id": ("external_id",),
        "total": ("total",),
        "currency": ("currency",),
        "placed_at": ("placed_at",),
        "email": ("customer", "email"),
        "name": ("customer", "name"),
        "lines": ("lines",),
        "quantity": ("lines", 0, "quantity"),
    },
    "pos": {
        "id": ("transaction_id",),
        "total": ("total",),
        "placed_at": ("timestamp",),
        "lines": ("items",),
        "quantity": ("items", 0, "quantity"),
    },
    "shopier": {
        "id": ("id",),
        "total": ("totals", "total"),
        "currency": ("currency",),
        "placed_at": ("dateCreated",),
        "email": ("shippingInfo", "email"),
        "name": ("shippingInfo", "firstName"),
        "lines": ("lineItems",),
        "quantity": ("lineItems", 0, "quantity"),
    },
    "square": {
        "id": (*_PAYMENT, "order_id"),
        "total": (*_PAYMENT, "total_money", "amount"),
        "currency": (*_PAYMENT, "total_money", "currency"),
        "placed_at": (*_PAYMENT, "created_at"),
    },
}
KINDS = tuple(SALES)
SECRETS = {
    "stripe": "whsec_of_a_test",
    "shopify": "shpss_of_a_test",
    "woocommerce": "SecretOfATest",
    "api": "whsec_YW4gYXBpIHNlY3JldCBvZiBhIHRlc3QhISEh",
    "pos": "whsec_YSBwb3Mgc2VjcmV0IG9mIGEgdGVzdCEhISEh",
    "shopier": "TokenOfATest",
    "square": "KeyOfATest",
}


def recorded(path: str) -> bytes:
    return (PAYLOADS / path).read_bytes()


def document(path: str) -> dict[str, Any]:
    return json.loads(recorded(path))


def edited(data: Mapping[str, Any], *changes: tuple[tuple[str | int, ...], object]) -> dict[str, Any]:
    """A copy with the values at these paths replaced, or taken away by `MISSING`."""
    result = copy.deepcopy(dict(data))
    for path, value in changes:
        place: Any = result
        for step in path[:-1]:
            place = place[step]
        if value is MISSING:
            del place[path[-1]]
        else:
            place[path[-1]] = value
    return result


def sale(kind: str, **values: object) -> dict[str, Any]:
    """The recorded sale of a kind with its common fields changed: `sale("shopify", total="-5.00")`."""
    return edited(document(SALES[kind]), *((FIELDS[kind][name], value) for name, value in values.items()))


def literal(kind: str, name: str, text: str) -> bytes:
    """The recorded sale with one field given as raw JSON text."""
    mark = "a mark of the test"
    return json.dumps(sale(kind, **{name: mark})).replace(json.dumps(mark), text).encode()


def delivery(
    kind: str, body: bytes | Mapping[str, Any], *, topic: str = "", test: bool = False, **facts: Any
) -> Delivery:
    """A delivery; a dict is written as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    name = {"shopify": "x-shopify-topic", "woocommerce": "x-wc-webhook-topic"}.get(kind, "")
    headers = {name: topic} if topic else {}
    if kind == "shopier":
        headers["shopier-signature"] = "seen"
    channel = ChannelFacts(kind=kind, domain="shop.example", test=test, currency=facts.pop("currency", "USD"), **facts)
    return Delivery(body=raw, headers=headers, channel=channel)


def parse(kind: str, body: bytes | Mapping[str, Any], **options: Any) -> tuple[Message, ...]:
    return PROVIDERS[kind].parse(delivery(kind, body, **options))


def order(kind: str, body: bytes | Mapping[str, Any], **options: Any) -> OrderMessage:
    """The one order in a delivery."""
    found = [message for message in parse(kind, body, **options) if isinstance(message, OrderMessage)]
    assert len(found) == 1
    return found[0]


def signed(kind: str, body: bytes, *, secret: str = "", now: int = NOW) -> dict[str, str]:
    """The headers with which the provider would send these bytes, names in lower case."""
    secret = secret or SECRETS[kind]
    if kind in ("api", "pos"):
        return standard.headers([secret], message_id="msg_1", timestamp=now, body=body)
    if kind == "stripe":
        signature = hmac.new(secret.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
        return {"stripe-signature": f"t={now},v1={signature}"}
    if kind == "shopier":
        return {"shopier-signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}
    signature = base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
    if kind == "square":
        return {"x-square-hmacsha256-signature": signature}
    return {{"shopify": "x-shopify-hmac-sha256", "woocommerce": "x-wc-webhook-signature"}[kind]: signature}


def verify(kind: str, body: bytes, headers: Mapping[str, str], *secrets: str, now: float = NOW) -> bool:
    return PROVIDERS[kind].verify(body, headers, secrets or [SECRETS[kind]], now=now)

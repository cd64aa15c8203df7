"""Made-up purchases in the providers' own shape and signature, so that they come in by the same door as real ones."""

import base64
import hmac
import json
import random
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from orders import money
from orders.generated import Article, Purchase
from orders.providers import standard

API_VERSION = "2026-10-28.endive"
Document = dict[str, Any]
_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One delivery as the provider would send it; `later` tells a consequence (refund, dispute) from the order itself."""

    kind: str
    topic: str
    delivery_id: str
    body: bytes
    later: bool = False

    def headers(self, *, secret: str, domain: str, now: int) -> dict[str, str]:
        """The provider's headers, signed as it signs."""
        return _HEADERS[self.kind](self, secret, domain, now)


def parcels(purchase: Purchase) -> list[Parcel]:
    """Every delivery that the shop would have sent about this purchase, in the order of events."""
    return _TELLERS[purchase.kind](purchase)


def order_id(purchase: Purchase) -> str:
    """The order's own id at its shop."""
    if purchase.kind == "stripe":
        return f"cs_live_b1{_letters(purchase.mark, 'session', 56)}"
    return str(6_200_000_000_000 + purchase.mark * 7 if purchase.kind == "shopify" else purchase.mark)


def number(purchase: Purchase) -> str:
    """The order's number as the customer reads it."""
    return f"{'#' if purchase.kind == 'shopify' else ''}LP-{purchase.mark}"


# ---- Shopify


def _shopify(purchase: Purchase) -> list[Parcel]:
    order = shopify_order(purchase)
    topic = "orders/paid" if purchase.paid else "orders/create"
    found = [parcel("shopify", topic, order, mark=f"{purchase.mark}-1")]
    if purchase.refund:
        found.append(
            parcel("shopify", "refunds/create", shopify_refund(purchase), mark=f"{purchase.mark}-2", later=True)
        )
    return found


def shopify_order(purchase: Purchase) -> Document:
    person, total, number_ = purchase.person, purchase.total_minor, number(purchase)
    currency, own_id = purchase.currency, int(order_id(purchase))
    placed = _iso(purchase.placed_at)
    lines = [_shopify_line(purchase, own_id, n, article) for n, article in enumerate(purchase.articles, start=1)]
    tax = sum(_tax(purchase.paid_for(article), article.rate) for article in purchase.articles)
    gross = sum(article.price_minor for article in purchase.articles)
    order: Document = {
        "id": own_id,
        "admin_graphql_api_id": f"gid://shopify/Order/{own_id}",
        "app_id": 580111,
        "cancel_reason": None,
        "cancelled_at": None,
        "confirmed": True,
        "created_at": placed,
        "currency": currency,
        "customer_locale": "en",
        "discount_codes": _codes(purchase),
        "email": person.email if person else "",
        "contact_email": person.email if person else None,
        "financial_status": "paid" if purchase.paid else "pending",
        "fulfillment_status": None,
        "landing_site": f"/products/{purchase.articles[0].sku.lower()}?utm_source=newsletter",
        "name": number_,
        "note": None,
        "note_attributes": [],
        "order_number": purchase.mark,
        "payment_gateway_names": ["shopify_payments"],
        "phone": None,
        "presentment_currency": currency,
        "processed_at": placed,
        "referring_site": "",
        "source_name": "web" if person else "pos",
        "subtotal_price": _text(total, currency),
        "tags": "",
        "taxes_included": True,
        "test": False,
        "total_discounts": _text(gross - total, currency),
        "total_line_items_price": _text(gross, currency),
        "total_price": _text(total, currency),
        "total_price_set": _both(total, currency),
        "total_shipping_price_set": _both(0, currency),
        "total_tax": _text(tax, currency),
        "total_tip_received": "0.00",
        "updated_at": _iso(purchase.placed_at + timedelta(seconds=4)),
        "line_items": lines,
        "refunds": [],
        "customer": None,
        "billing_address": None,
    }
    if person is not None:
        address = {
            "first_name": person.first,
            "last_name": person.last,
            "name": person.name,
            "city": person.city,
            "country_code": person.country,
            "phone": person.phone or None,
        }
        order["billing_address"] = address
        order["customer"] = {
            "id": 7_400_000_000_000 + (person.account or purchase.mark),
            "first_name": person.first,
            "last_name": person.last,
            "email": person.email,
            "phone": person.phone or None,
            "state": "enabled" if person.account else "disabled",
            "verified_email": bool(person.account),
            "default_address": address,
        }
    return order


def _shopify_line(purchase: Purchase, own_id: int, position: int, article: Article) -> Document:
    off = article.price_minor - purchase.paid_for(article)
    return {
        "id": own_id * 10 + position,
        "name": article.title,
        "price": _text(article.price_minor, purchase.currency),
        "product_id": int(article.product_id or 0) or None,
        "quantity": 1,
        "requires_shipping": False,
        "sku": article.sku,
        "title": article.title,
        "total_discount": "0.00",
        "variant_id": int(article.variant_id or 0) or None,
        "vendor": "Lantern Press",
        "discount_allocations": [{"amount": _text(off, purchase.currency)}] if off else [],
    }


def shopify_refund(purchase: Purchase) -> Document:
    """The refund of the whole order, or with `line` of its last line alone."""
    own_id, currency, at = int(order_id(purchase)), purchase.currency, purchase.refunded_at
    assert at is not None
    positions = list(enumerate(purchase.articles, start=1))
    covered = positions[-1:] if purchase.refund == "line" else positions if purchase.refund == "full" else []
    amount = purchase.refund_minor or sum(purchase.paid_for(article) for _, article in covered)
    return {
        "id": own_id * 10 + 9,
        "order_id": own_id,
        "created_at": _iso(at),
        "processed_at": _iso(at),
        "note": purchase.refund_reason,
        "refund_line_items": [
            {
                "id": own_id * 100 + position,
                "quantity": 1,
                "line_item_id": own_id * 10 + position,
                "subtotal_set": _both(purchase.paid_for(article), currency),
            }
            for position, article in covered
        ],
        "transactions": [
            {
                "id": own_id * 100,
                "order_id": own_id,
                "kind": "refund",
                "gateway": "shopify_payments",
                "status": "success",
                "amount": _text(amount, currency),
                "currency": currency,
                "test": False,
            }
        ],
    }


# ---- WooCommerce


def _woocommerce(purchase: Purchase) -> list[Parcel]:
    found = [parcel("woocommerce", "order.created", woocommerce_order(purchase), mark=f"{purchase.mark}-1")]
    if purchase.refund:
        refunded = woocommerce_order(purchase, refunded=True)
        found.append(parcel("woocommerce", "order.updated", refunded, mark=f"{purchase.mark}-2", later=True))
    return found


def woocommerce_order(purchase: Purchase, *, refunded: bool = False) -> Document:
    person, currency = purchase.person, purchase.currency
    lines, taxes = [], 0
    for position, article in enumerate(purchase.articles, start=1):
        paid = purchase.paid_for(article)
        tax = _tax(paid, article.rate)
        taxes += tax
        lines.append(
            {
                "id": purchase.mark * 10 + position,
                "name": article.title,
                "product_id": int(article.product_id or 0),
                "variation_id": 0,
                "quantity": 1,
                "subtotal": _text(article.price_minor - _tax(article.price_minor, article.rate), currency),
                "total": _text(paid - tax, currency),
                "total_tax": _text(tax, currency),
                "sku": article.sku,
                "meta_data": [],
            }
        )
    modified = purchase.refunded_at if refunded and purchase.refunded_at else purchase.placed_at + timedelta(seconds=19)
    status = "pending" if not purchase.paid else "refunded" if refunded and purchase.refund == "full" else "processing"
    off = sum(article.price_minor for article in purchase.articles) - purchase.total_minor
    return {
        "id": purchase.mark,
        "status": status,
        "currency": currency,
        "version": "11.1.0",
        "prices_include_tax": True,
        "date_created_gmt": _gmt(purchase.placed_at),
        "date_modified_gmt": _gmt(modified),
        "date_paid_gmt": _gmt(purchase.placed_at + timedelta(seconds=17)) if purchase.paid else None,
        "discount_total": _text(off, currency),
        "discount_tax": "0.00",
        "shipping_total": "0.00",
        "shipping_tax": "0.00",
        "total": _text(purchase.total_minor, currency),
        "total_tax": _text(taxes, currency),
        "customer_id": person.account if person else 0,
        "number": number(purchase),
        "billing": {
            "first_name": person.first if person else "",
            "last_name": person.last if person else "",
            "city": person.city if person else "",
            "country": person.country if person else "",
            "email": person.email if person else "",
            "phone": person.phone if person else "",
        },
        "payment_method": "stripe",
        "payment_method_title": "Credit / Debit Card",
        "transaction_id": f"ch_3S{_letters(purchase.mark, 'woo', 22)}",
        "created_via": "checkout",
        "meta_data": [{"id": purchase.mark, "key": "_wc_order_attribution_source_type", "value": "typein"}],
        "line_items": lines,
        "fee_lines": [],
        "coupon_lines": [{"id": purchase.mark, "code": code["code"].lower()} for code in _codes(purchase)],
        "refunds": [
            {
                "id": purchase.mark * 10 + 9,
                "reason": purchase.refund_reason,
                "total": _text(-purchase.refund_minor, currency),
            }
        ]
        if refunded
        else [],
    }


# ---- Stripe


def _stripe(purchase: Purchase) -> list[Parcel]:
    placed = purchase.placed_at
    found = [
        _event(purchase, "checkout.session.completed", stripe_session(purchase), at=placed + timedelta(seconds=41)),
        _event(purchase, "charge.succeeded", _charge(purchase), at=placed + timedelta(seconds=39)),
    ]
    if purchase.refund and purchase.refunded_at:
        found.append(_event(purchase, "refund.created", _refund(purchase), at=purchase.refunded_at, later=True))
    if purchase.dispute and purchase.disputed_at:
        opened = _dispute(purchase, "needs_response")
        found.append(_event(purchase, "charge.dispute.created", opened, at=purchase.disputed_at, later=True))
        if purchase.dispute != "opened":
            closed, at = _dispute(purchase, purchase.dispute), purchase.disputed_at + timedelta(hours=3)
            found.append(_event(purchase, "charge.dispute.closed", closed, at=at, later=True))
    return found


def stripe_session(purchase: Purchase) -> Document:
    person, currency = purchase.person, purchase.currency
    items = [
        {
            "id": f"li_1S{_letters(purchase.mark, article.sku, 22)}",
            "object": "item",
            "amount_total": money.to_stripe(purchase.paid_for(article), currency),
            "currency": currency.lower(),
            "description": article.title,
            "quantity": 1,
            "price": {"id": f"price_{article.sku.lower()}", "object": "price", "metadata": {"sku": article.sku}},
        }
        for article in purchase.articles
    ]
    off = sum(article.price_minor for article in purchase.articles) - purchase.total_minor
    return {
        "id": order_id(purchase),
        "object": "checkout.session",
        "amount_total": money.to_stripe(purchase.total_minor, currency),
        "client_reference_id": number(purchase),
        "created": int(purchase.placed_at.timestamp()),
        "currency": currency.lower(),
        "customer_details": {
            "address": {"city": person.city, "country": person.country},
            "email": person.email,
            "name": person.name,
            "phone": person.phone or None,
        }
        if person
        else None,
        "line_items": {"object": "list", "data": items, "has_more": False},
        "livemode": True,
        "metadata": {"order_ref": number(purchase)},
        "mode": "payment",
        "payment_intent": _intent(purchase),
        "payment_method_types": ["card", "link"],
        "payment_status": "paid",
        "status": "complete",
        "total_details": {"amount_discount": money.to_stripe(off, currency), "amount_shipping": 0, "amount_tax": 0},
    }


def _charge(purchase: Purchase) -> Document:
    amount = money.to_stripe(purchase.total_minor, purchase.currency)
    return {
        "id": _charge_id(purchase),
        "object": "charge",
        "amount": amount,
        "amount_captured": amount,
        "captured": True,
        "created": int(purchase.placed_at.timestamp()),
        "currency": purchase.currency.lower(),
        "payment_intent": _intent(purchase),
        "payment_method_details": {"type": "card", "card": {"brand": "visa", "last4": purchase.last4}},
        "status": "succeeded",
    }


def _refund(purchase: Purchase) -> Document:
    assert purchase.refunded_at is not None
    return {
        "id": f"re_3S{_letters(purchase.mark, 'refund', 22)}",
        "object": "refund",
        "amount": money.to_stripe(purchase.refund_minor, purchase.currency),
        "charge": _charge_id(purchase),
        "created": int(purchase.refunded_at.timestamp()),
        "currency": purchase.currency.lower(),
        "payment_intent": _intent(purchase),
        "reason": "requested_by_customer",
        "status": "succeeded",
    }


def _dispute(purchase: Purchase, status: str) -> Document:
    assert purchase.disputed_at is not None
    return {
        "id": f"du_1S{_letters(purchase.mark, 'dispute', 22)}",
        "object": "dispute",
        "amount": money.to_stripe(purchase.total_minor, purchase.currency),
        "charge": _charge_id(purchase),
        "created": int(purchase.disputed_at.timestamp()),
        "currency": purchase.currency.lower(),
        "evidence_details": {"due_by": int((purchase.disputed_at + timedelta(days=9)).timestamp())},
        "payment_intent": _intent(purchase),
        "reason": "product_not_received",
        "status": status,
    }


def _event(purchase: Purchase, topic: str, thing: Document, *, at: datetime, later: bool = False) -> Parcel:
    event = {
        "id": f"evt_1S{_letters(purchase.mark, topic, 22)}",
        "object": "event",
        "api_version": API_VERSION,
        "created": int(at.timestamp()),
        "data": {"object": thing},
        "livemode": True,
        "type": topic,
    }
    return Parcel(kind="stripe", topic=topic, delivery_id=str(event["id"]), body=_json(event), later=later)


def _intent(purchase: Purchase) -> str:
    return f"pi_3S{_letters(purchase.mark, 'payment', 22)}"


def _charge_id(purchase: Purchase) -> str:
    return f"ch_3S{_letters(purchase.mark, 'payment', 22)}"


# ---- What they share


def parcel(kind: str, topic: str, document: Document, *, mark: str, later: bool = False) -> Parcel:
    """A document on its way; the same mark is the same delivery."""
    return Parcel(kind=kind, topic=topic, delivery_id=_letters(mark, kind, 24), body=_json(document), later=later)


def _json(document: Document) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _letters(mark: object, what: str, count: int) -> str:
    """Letters that look drawn at random and are always the same for the same mark."""
    return "".join(random.Random(f"{mark}/{what}").choices(_LETTERS, k=count))


def _text(minor: int, currency: str) -> str:
    return money.to_text(minor, currency)


def _both(minor: int, currency: str) -> Document:
    amount = {"amount": _text(minor, currency), "currency_code": currency}
    return {"shop_money": amount, "presentment_money": amount}


def _codes(purchase: Purchase) -> list[Document]:
    if not purchase.discount_percent:
        return []
    return [{"code": f"HARBOUR{purchase.discount_percent}", "type": "percentage"}]


def _tax(gross: int, rate: int) -> int:
    """The tax inside of a price."""
    return gross - gross * 100 // (100 + rate)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def _gmt(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


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


_TELLERS: Mapping[str, Callable[[Purchase], list[Parcel]]] = {
    "shopify": _shopify,
    "woocommerce": _woocommerce,
    "stripe": _stripe,
}
_HEADERS: Mapping[str, Callable[[Parcel, str, str, int], dict[str, str]]] = {
    "shopify": _shopify_headers,
    "woocommerce": _woocommerce_headers,
    "stripe": _stripe_headers,
    "api": _api_headers,
    "pos": _api_headers,
}

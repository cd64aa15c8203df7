"""Stripe: the checkout, the charge, the refund and the dispute of a made-up purchase, each in its event."""

from datetime import datetime, timedelta

from orders import money
from orders.generated import Purchase
from orders.imitation.wire import Document, Parcel, as_json, letters, number

API_VERSION = "2026-10-28.endive"


def order_id(purchase: Purchase) -> str:
    return f"cs_live_b1{letters(purchase.mark, 'session', 56)}"


def tell(purchase: Purchase) -> list[Parcel]:
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
            "id": f"li_1S{letters(purchase.mark, article.sku, 22)}",
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
        "id": f"re_3S{letters(purchase.mark, 'refund', 22)}",
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
        "id": f"du_1S{letters(purchase.mark, 'dispute', 22)}",
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
        "id": f"evt_1S{letters(purchase.mark, topic, 22)}",
        "object": "event",
        "api_version": API_VERSION,
        "created": int(at.timestamp()),
        "data": {"object": thing},
        "livemode": True,
        "type": topic,
    }
    return Parcel(kind="stripe", topic=topic, delivery_id=str(event["id"]), body=as_json(event), later=later)


def _intent(purchase: Purchase) -> str:
    return f"pi_3S{letters(purchase.mark, 'payment', 22)}"


def _charge_id(purchase: Purchase) -> str:
    return f"ch_3S{letters(purchase.mark, 'payment', 22)}"

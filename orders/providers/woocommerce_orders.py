"""WooCommerce: the order of an `order.*` body; line totals are given without tax and taken with it."""

from datetime import UTC, datetime

from orders.messages import Address, Customer, Line, OrderMessage, OrderStatus, RefundMessage, RefundStatus
from orders.providers.contract import difference, distinct, flagged
from orders.records import MAX_TEXT, Record

_STATUSES = {
    "pending": OrderStatus.PENDING,
    "on-hold": OrderStatus.PENDING,
    "checkout-draft": OrderStatus.PENDING,
    "auto-draft": OrderStatus.PENDING,
    "failed": OrderStatus.PENDING,
    "processing": OrderStatus.PROCESSING,
    "completed": OrderStatus.DELIVERED,
    "cancelled": OrderStatus.CANCELLED,
    "trash": OrderStatus.CANCELLED,
    "refunded": OrderStatus.REFUNDED,
}
_PAID = frozenset({"processing", "completed"})
_RANKS = {"failed": 1, "on-hold": 2, "processing": 3, "completed": 4, "cancelled": 5, "trash": 5, "refunded": 6}
_HINTS = frozenset({"conversation_id", "chat_conversation_id", "_chat_conversation_id"})
_FACTS = {
    "_wc_order_attribution_source_type": "source_type",
    "_wc_order_attribution_utm_source": "utm_source",
    "_wc_order_attribution_utm_campaign": "utm_campaign",
    "_wc_order_attribution_session_entry": "landing_site",
    "_wc_order_attribution_referrer": "referring_site",
}
_NEGATIVE_LINE = "negative_line"
_UNKNOWN_STATUS = "unknown_status"


def of_order(body: Record, *, test: bool) -> OrderMessage:
    order_id = body.external_id("id")
    currency = body.currency("currency")
    total = body.money("total", currency)
    placed_at = body.instant("date_created_gmt", zone=UTC)
    version = body.instant_or_none("date_modified_gmt", zone=UTC) or placed_at
    paid_at = body.instant_or_none("date_paid_gmt", zone=UTC)
    state = body.text("status").lower().removeprefix("wc-")
    status = _STATUSES.get(state, OrderStatus.PENDING)
    paid = paid_at is not None or state in _PAID
    lines, flags = _lines(body, currency)
    shipping = body.money_or_zero("shipping_total", currency) + body.money_or_zero("shipping_tax", currency)
    off = difference(lines, total_minor=total, beside_minor=shipping + _fees(body, currency))
    off_flags, off_facts = flagged(off, currency)
    notes = _notes(body)
    return OrderMessage(
        external_id=order_id,
        number=body.text("number"),
        currency=currency,
        total_minor=total,
        discount_minor=body.money_or_zero("discount_total", currency) + body.money_or_zero("discount_tax", currency),
        tax_minor=body.money_or_zero("total_tax", currency),
        shipping_minor=shipping,
        placed_at=placed_at,
        version=version,
        rank=_RANKS.get(state, 0),
        status=status,
        paid=paid,
        paid_at=paid_at,
        payment_failed=state == "failed" and not paid,
        cancelled=status is OrderStatus.CANCELLED,
        test=test,
        customer=_customer(body),
        lines=lines,
        charge_reference=body.text("transaction_id"),
        refunds=_refunds(body, order_id, currency, version, test=test),
        refunds_complete=body.has("refunds"),
        conversation_hint=next((notes[name] for name in notes if name in _HINTS), ""),
        flags=(*flags, *off_flags, *(() if state in _STATUSES else (_UNKNOWN_STATUS,))),
        extra_facts=_facts(body, notes) | off_facts,
    )


def _lines(body: Record, currency: str) -> tuple[tuple[Line, ...], tuple[str, ...]]:
    lines, negative = [], False
    for item in body.records("line_items"):
        quantity = item.quantity("quantity")
        total = _line_total(item, quantity, currency) + item.money_or_zero("total_tax", currency, signed=True)
        negative |= total < 0
        listing_ids = (item.reference("variation_id"), item.reference("product_id"))
        lines.append(
            Line(
                external_id=item.external_id("id"),
                title=item.text("name"),
                quantity=quantity,
                total_minor=max(total, 0),
                sku=item.exact("sku").strip(),
                listing_ids=tuple(listing for listing in listing_ids if listing),
            )
        )
    return distinct(lines), ((_NEGATIVE_LINE,) if negative else ())


def _line_total(item: Record, quantity: int, currency: str) -> int:
    """The line's sum without tax, or where a plugin leaves it out, the price of one piece times the quantity."""
    if item.has("total") or not item.has("price"):
        return item.money("total", currency, signed=True)
    return item.money("price", currency, signed=True) * quantity


def _fees(body: Record, currency: str) -> int:
    """Fees and, below zero, discounts given as fees."""
    return sum(
        fee.money_or_zero("total", currency, signed=True) + fee.money_or_zero("total_tax", currency, signed=True)
        for fee in body.records_or_empty("fee_lines")
    )


def _customer(body: Record) -> Customer:
    billing, shipping = body.record_or_empty("billing"), body.record_or_empty("shipping")
    return Customer(
        email=billing.exact("email"),
        phone=billing.exact("phone"),
        name=f"{billing.text('first_name')} {billing.text('last_name')}".strip(),
        region=billing.region("country") or shipping.region("country"),
        verified_account=bool(body.reference("customer_id")),
        address=_address(billing if billing.text("address_1") else shipping),
    )


def _address(place: Record) -> Address:
    return Address(
        street=place.text("address_1"),
        more=place.text("address_2"),
        postcode=place.text("postcode"),
        city=place.text("city"),
    )


def _refunds(body: Record, order_id: str, currency: str, version: datetime, *, test: bool) -> tuple[RefundMessage, ...]:
    """Every refund of the order at its version; its own time is not told, so the order's stands for it."""
    refunds = []
    for item in body.records_or_empty("refunds"):
        amount = abs(item.money("total", currency, signed=True))
        if not amount:
            continue
        refunds.append(
            RefundMessage(
                external_id=item.external_id("id"),
                order_external_id=order_id,
                amount_minor=amount,
                currency=currency,
                status=RefundStatus.SUCCEEDED,
                rank=1,
                refunded_at=version,
                version=version,
                shop_amount_minor=amount,
                shop_currency=currency,
                reason=item.text("reason"),
                test=test,
            )
        )
    return tuple(refunds)


def _notes(body: Record) -> dict[str, str]:
    """The order's meta data whose value is plain."""
    listed = body.data.get("meta_data")
    found = {}
    for note in body.records("meta_data") if isinstance(listed, list) else []:
        key, value = note.text("key"), note.text("value")
        if key and value:
            found[key] = value
    return found


def _facts(body: Record, notes: dict[str, str]) -> dict[str, str]:
    facts = {name: notes[key] for key, name in _FACTS.items() if key in notes}
    codes = [coupon.text("code") for coupon in body.records_or_empty("coupon_lines")]
    facts["discount_codes"] = ", ".join(code for code in codes if code)[:MAX_TEXT]
    facts["payment_method"] = body.text("payment_method")
    return {name: fact for name, fact in facts.items() if fact}

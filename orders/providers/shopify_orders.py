"""Shopify: the order of an `orders/*` body, in the shop's own currency."""

from orders.messages import Address, Customer, Line, OrderMessage, OrderStatus, RefundMessage
from orders.money import MoneyError, to_minor
from orders.providers import shopify_refunds
from orders.providers.contract import difference, distinct, flagged
from orders.records import MAX_TEXT, Record

_PAID = frozenset({"paid", "partially_refunded", "refunded"})
_KNOWN = _PAID | {"", "pending", "authorized", "partially_paid", "voided", "expired"}
_STATUSES = {"partial": OrderStatus.PROCESSING, "fulfilled": OrderStatus.DELIVERED}
_HINTS = frozenset({"conversation_id", "chat_conversation_id", "_chat_conversation_id"})
_FACTS = ("source_name", "landing_site", "referring_site", "location_id")
_BESIDE = (
    "original_total_additional_fees_set",
    "original_total_duties_set",
    "total_cash_rounding_payment_adjustment_set",
)
_NEGATIVE_LINE = "negative_line"
_UNKNOWN_STATE = "unknown_financial_status"


def is_order(body: Record) -> bool:
    """Whether the body has an order's shape, whatever the topic says; checkouts and drafts have not."""
    named = body.text("admin_graphql_api_id").startswith("gid://shopify/Order/")
    return "line_items" in body and (named or "financial_status" in body)


def is_sale(body: Record) -> bool:
    """Whether the body at least sells something; checkouts and drafts do too."""
    return "line_items" in body and "total_price" in body


def of_order(body: Record, *, test: bool, listed: bool = False) -> OrderMessage:
    """The order; one that was read from a list instead of told is overruled by what was told of the same second."""
    gid = body.text("admin_graphql_api_id")
    if gid and not gid.startswith("gid://shopify/Order/"):
        body.refuse("admin_graphql_api_id", "The body is not an order.")
    order_id = body.external_id("id")
    currency = body.currency("currency")
    total = body.money("total_price", currency)
    placed_at = body.instant("created_at")
    version = body.instant_or_none("updated_at") or placed_at
    test = body.flag("test", default=False) or test
    state = body.text("financial_status").lower()
    cancelled = body.instant_or_none("cancelled_at") is not None
    shipping = max(_shop_money(body, "total_shipping_price_set", currency), 0)
    tax = body.money_or_zero("total_tax", currency)
    lines, flags = _lines(body, currency)
    beside = shipping + body.money_or_zero("total_tip_received", currency)
    beside += sum(_shop_money(body, name, currency) for name in _BESIDE)
    beside += 0 if body.data.get("taxes_included") is True else tax
    off, off_facts = flagged(difference(lines, total_minor=total, beside_minor=beside), currency)
    presentment_currency, presentment_total = _presentment(body)
    return OrderMessage(
        external_id=order_id,
        number=body.text("name") or body.text("order_number"),
        currency=currency,
        total_minor=total,
        discount_minor=body.money_or_zero("total_discounts", currency),
        tax_minor=tax,
        shipping_minor=shipping,
        placed_at=placed_at,
        version=version,
        rank=2 * _rank(state, cancelled=cancelled) + (0 if listed else 1),
        status=_status(body, state, cancelled=cancelled),
        paid=state in _PAID,
        payment_failed=state == "voided",
        cancelled=cancelled,
        test=test,
        customer=_customer(body),
        lines=lines,
        presentment_currency=presentment_currency,
        presentment_total_minor=presentment_total,
        refunds=_refunds(body, order_id, currency, test=test),
        conversation_hint=_hint(body),
        flags=(*flags, *off, *(() if state in _KNOWN else (_UNKNOWN_STATE,))),
        extra_facts=_facts(body) | off_facts,
    )


def _status(body: Record, state: str, *, cancelled: bool) -> OrderStatus:
    if cancelled:
        return OrderStatus.CANCELLED
    if state == "refunded":
        return OrderStatus.REFUNDED
    return _STATUSES.get(body.text("fulfillment_status").lower(), OrderStatus.PENDING)


def _rank(state: str, *, cancelled: bool) -> int:
    """How far the order had come, for two states of one second."""
    if cancelled:
        return 5
    return {"refunded": 4, "partially_refunded": 3, "paid": 2, "voided": 1}.get(state, 0)


def _lines(body: Record, currency: str) -> tuple[tuple[Line, ...], tuple[str, ...]]:
    lines, negative = [], False
    for item in body.records("line_items"):
        quantity = item.quantity("quantity")
        total = item.money("price", currency) * quantity - _discount(item, currency)
        negative |= total < 0
        listing_ids = (item.reference("variant_id"), item.reference("product_id"))
        lines.append(
            Line(
                external_id=item.external_id("id"),
                title=item.text("title") or item.text("name"),
                quantity=quantity,
                total_minor=max(total, 0),
                sku=item.exact("sku").strip(),
                listing_ids=tuple(listing for listing in listing_ids if listing),
            )
        )
    return distinct(lines), ((_NEGATIVE_LINE,) if negative else ())


def _discount(item: Record, currency: str) -> int:
    if item.has("discount_allocations"):
        return sum(part.money("amount", currency) for part in item.records("discount_allocations"))
    return item.money_or_zero("total_discount", currency)


def _customer(body: Record) -> Customer:
    customer = body.record_or_empty("customer")
    billing, shipping = body.record_or_empty("billing_address"), body.record_or_empty("shipping_address")
    home = customer.record_or_empty("default_address")
    name = f"{customer.text('first_name')} {customer.text('last_name')}".strip()
    verified = customer.text("state") == "enabled" and customer.data.get("verified_email") is True
    return Customer(
        email=body.exact("email") or body.exact("contact_email") or customer.exact("email"),
        phone=body.exact("phone") or customer.exact("phone") or billing.exact("phone"),
        name=name or billing.text("name"),
        region=billing.region("country_code") or shipping.region("country_code") or home.region("country_code"),
        locale=body.locale("customer_locale"),
        verified_account=verified,
        address=_address(next((place for place in (billing, shipping, home) if place.text("address1")), billing)),
    )


def _address(place: Record) -> Address:
    return Address(
        street=place.text("address1"), more=place.text("address2"), postcode=place.text("zip"), city=place.text("city")
    )


def _refunds(body: Record, order_id: str, currency: str, *, test: bool) -> tuple[RefundMessage, ...]:
    """The refunds that moved money, as they stood when the order was last changed."""
    version = body.instant_or_none("updated_at")
    found = (
        shopify_refunds.of_refund(refund, order_id=order_id, shop_currency=currency, known_at=version, test=test)
        for refund in body.records_or_empty("refunds")
    )
    return tuple(refund for refund in found if refund is not None)


def _shop_money(body: Record, name: str, currency: str) -> int:
    if not body.has(name):
        return 0
    return body.record_or_empty(name).record_or_empty("shop_money").money_or_zero("amount", currency, signed=True)


def _presentment(body: Record) -> tuple[str, int | None]:
    """What the buyer saw, for mail to them; nothing where it cannot be read, since no total depends on it."""
    amount = body.record_or_empty("total_price_set").record_or_empty("presentment_money").text("amount")
    currency = body.text("presentment_currency").upper()
    try:
        return currency, to_minor(amount, currency)
    except MoneyError:
        return "", None


def _hint(body: Record) -> str:
    notes = body.data.get("note_attributes")
    for note in body.records("note_attributes") if isinstance(notes, list) else []:
        if note.text("name") in _HINTS:
            return note.text("value")
    return ""


def _facts(body: Record) -> dict[str, str]:
    facts = {name: body.text(name) for name in _FACTS}
    codes = body.data.get("discount_codes")
    if isinstance(codes, list):
        facts["discount_codes"] = ", ".join(code.text("code") for code in body.records("discount_codes"))[:MAX_TEXT]
    return {name: fact for name, fact in facts.items() if fact}

"""Shopier's orders, refunds and OSB notices as messages."""

import re
from datetime import datetime, timedelta, timezone
from typing import Final

from orders import money
from orders.messages import (
    Address,
    Authority,
    Customer,
    Line,
    OrderMessage,
    OrderStatus,
    RefundMessage,
    RefundStatus,
)
from orders.providers.contract import difference, distinct, flagged
from orders.records import Record

# Times without an offset are the vendor's own: Turkey has no summer time.
ISTANBUL: Final = timezone(timedelta(hours=3))
_COUNTRIES = {"turkey": "TR", "türkiye": "TR", "turkiye": "TR"}
_REFUND_STATUSES = {"succeeded": RefundStatus.SUCCEEDED, "failed": RefundStatus.FAILED, "pending": RefundStatus.PENDING}
_REFUND_RANKS = {RefundStatus.PENDING: 0, RefundStatus.FAILED: 1, RefundStatus.SUCCEEDED: 2}
_OSB_CURRENCIES = {"0": "TRY", "1": "USD", "2": "EUR"}
_TURKISH = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]+)?|[0-9]+,[0-9]+", re.ASCII)
_NO_TEST = (None, False, "", "0", "false")  # 0 is False
LINE_PRICES_UNKNOWN = "line_prices_unknown"


def of_order(body: Record, *, test: bool) -> OrderMessage:
    """The order as the API and the webhooks tell it. It bears no time of change: how far it came decides.

    Raises Unusable.
    """
    external_id = body.external_id("id")
    currency = body.currency("currency")
    totals = body.record("totals")
    total = totals.money("total", currency)
    shipping, discount = totals.money_or_zero("shipping", currency), totals.money_or_zero("discount", currency)
    placed_at = body.instant("dateCreated", zone=ISTANBUL)
    paid, fulfilled = body.text("paymentStatus").lower() == "paid", body.text("status").lower() == "fulfilled"
    refunds = tuple(
        _refund(row, currency, order_external_id=external_id, test=test) for row in body.records_or_empty("refunds")
    )
    lines = _lines(body, currency, discount)
    flags, facts = flagged(difference(lines, total_minor=total, beside_minor=shipping), currency)
    return OrderMessage(
        external_id=external_id,
        number=external_id,
        currency=currency,
        total_minor=total,
        shipping_minor=shipping,
        discount_minor=discount,
        placed_at=placed_at,
        version=max([placed_at, *(refund.version for refund in refunds)]),
        rank=paid + 2 * fulfilled,
        status=OrderStatus.SHIPPED if fulfilled else OrderStatus.PENDING,
        paid=paid,
        paid_at=placed_at if paid else None,
        test=test,
        customer=_customer(body),
        lines=lines,
        refunds=refunds,
        flags=flags,
        extra_facts=_facts(body) | facts,
    )


def of_refund(body: Record, *, test: bool) -> RefundMessage:
    """One refund as its own webhook tells it; raises Unusable."""
    return _refund(body, body.currency("currency"), order_external_id=body.external_id("orderId"), test=test)


def of_notice(body: Record, *, at: datetime, test: bool) -> OrderMessage:
    """An OSB notice of a paid order. It tells no time (`at` is when it came) and no price of single products.

    Raises Unusable.
    """
    external_id = body.external_id("orderid")
    code = body.text("currency", "0")
    if code not in _OSB_CURRENCIES:
        body.refuse("currency", f"{code!r} is none of 0, 1 and 2.")
    currency = _OSB_CURRENCIES[code]
    total = _amount(body, "price", currency)
    products = [one.strip() for one in body.text("productlist").split(",") if one.strip()] or [body.text("productid")]
    shares = money.spread(total, [1] * len(products))
    lines = [
        Line(external_id=str(n), title=f"Product {product}", quantity=1, total_minor=share, listing_ids=(product,))
        for n, (product, share) in enumerate(zip(products, shares, strict=True), start=1)
        if product
    ]
    return OrderMessage(
        external_id=external_id,
        number=external_id,
        authority=Authority.PAYMENT,
        currency=currency,
        total_minor=total,
        placed_at=at,
        version=at,
        status=OrderStatus.PENDING,
        paid=True,
        paid_at=at,
        test=test or body.data.get("istest") not in _NO_TEST,
        customer=Customer(
            email=body.exact("email"), name=f"{body.text('buyername')} {body.text('buyersurname')}".strip(), region="TR"
        ),
        lines=distinct(lines),
        flags=(LINE_PRICES_UNKNOWN,) if len(lines) > 1 else (),
        extra_facts={"note": body.text("customernote")} if body.text("customernote") else {},
    )


def _amount(body: Record, name: str, currency: str) -> int:
    """Money that may be written the Turkish way: dots between thousands, a comma before the decimals."""
    text = body.text(name)
    if _TURKISH.fullmatch(text):
        body = Record({name: text.replace(".", "").replace(",", ".")}, body.path)
    return body.money(name, currency)


def _refund(row: Record, currency: str, *, order_external_id: str, test: bool) -> RefundMessage:
    asked_at = row.instant("dateCreated", zone=ISTANBUL)
    done_at = row.instant_or_none("dateRefunded", zone=ISTANBUL)
    word = row.text("status").lower()
    if word not in _REFUND_STATUSES:
        row.refuse("status", f"{word!r} is none of {', '.join(_REFUND_STATUSES)}.")
    status, amount = _REFUND_STATUSES[word], row.money("total", currency)
    return RefundMessage(
        external_id=row.external_id("id"),
        order_external_id=order_external_id,
        amount_minor=amount,
        currency=currency,
        shop_amount_minor=amount,
        shop_currency=currency,
        status=status,
        rank=_REFUND_RANKS[status],
        refunded_at=done_at or asked_at,
        version=done_at or asked_at,
        reason=row.text("note"),
        test=test,
    )


def _lines(body: Record, currency: str, discount: int) -> tuple[Line, ...]:
    """What was paid for each: the order's one discount is spread over them by what they cost."""
    items = body.records("lineItems")
    full = []
    for item in items:
        quantity = item.quantity("quantity")
        chosen = sum(option.money_or_zero("price", currency) for option in item.records_or_empty("options"))
        told = item.has("total")
        full.append(item.money("total", currency) if told else (item.money("price", currency) + chosen) * quantity)
    off = money.spread(min(discount, sum(full)), full)
    lines = []
    for position, (item, price, less) in enumerate(zip(items, full, off, strict=True), start=1):
        choices = [choice for choice in item.records_or_empty("selection") if choice.has("id")]
        product = item.reference("productId")
        ids = [f"{product}:{choice.reference('id')}" for choice in choices] + [product]
        words = ", ".join(choice.text("title") for choice in choices if choice.text("title"))
        lines.append(
            Line(
                external_id=str(position),
                title=item.text("title", product) + (f" ({words})" if words else ""),
                quantity=item.quantity("quantity"),
                total_minor=price - less,
                listing_ids=tuple(one for one in ids if one),
            )
        )
    return distinct(lines)


def _customer(body: Record) -> Customer:
    place, bill = body.record_or_empty("shippingInfo"), body.record_or_empty("billingInfo")
    country = place.text("country") or bill.text("country")
    return Customer(
        email=place.exact("email") or bill.exact("email"),
        phone=place.exact("phone") or bill.exact("phone"),
        name=f"{place.text('firstName')} {place.text('lastName')}".strip(),
        region=_COUNTRIES.get(country.lower(), place.region("country")),
        address=Address(
            street=place.text("address"),
            more=place.text("district"),
            postcode=place.text("postcode"),
            city=place.text("city"),
        ),
    )


def _facts(body: Record) -> dict[str, str]:
    found = {"payment_method": body.text("paymentMethod"), "note": body.text("note")}
    codes = [row.text("id") for row in body.records_or_empty("discounts")]
    found["discounts"] = ", ".join(code for code in codes if code)
    return {name: text for name, text in found.items() if text}

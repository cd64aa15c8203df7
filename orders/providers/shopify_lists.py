"""Shopify: an order of the Admin GraphQL API (2026-10) in the words of its webhook, so that one parser reads both."""

from dataclasses import replace
from typing import Any, Final

from orders.messages import OrderMessage
from orders.providers import shopify_orders
from orders.records import Record

_MONEY: Final = "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
_PLACE: Final = "{ name address1 address2 zip city phone countryCodeV2 }"
ORDER: Final = f"""
id legacyResourceId name email phone createdAt updatedAt processedAt cancelledAt test customerLocale taxesIncluded
displayFinancialStatus displayFulfillmentStatus currencyCode presentmentCurrencyCode sourceName discountCodes
totalPriceSet {_MONEY} originalTotalPriceSet {_MONEY} totalRefundedSet {_MONEY} totalShippingPriceSet {_MONEY}
totalTaxSet {_MONEY} totalDiscountsSet {_MONEY} totalTipReceivedSet {_MONEY}
customAttributes {{ key value }}
customer {{ id firstName lastName state verifiedEmail defaultEmailAddress {{ emailAddress }}
  defaultPhoneNumber {{ phoneNumber }} }}
billingAddress {_PLACE} shippingAddress {_PLACE}
lineItems(first: 50) {{ nodes {{ id title quantity sku variant {{ legacyResourceId }} product {{ legacyResourceId }}
  originalUnitPriceSet {_MONEY} discountAllocations {{ allocatedAmountSet {_MONEY} }} }}
  pageInfo {{ hasNextPage }} }}
refunds(first: 10) {{ id note createdAt totalRefundedSet {_MONEY}
  transactions(first: 5) {{ nodes {{ id kind status amountSet {_MONEY} }} }}
  refundLineItems(first: 10) {{ nodes {{ quantity lineItem {{ id }} }} }} }}
"""
TOO_LONG: Final = "more_lines_than_listed"


def of_listed(node: Record, *, test: bool) -> OrderMessage:
    """The order of one row of the list; raises `Unusable`."""
    body = _body(node)
    message = shopify_orders.of_order(Record(body), test=test, listed=True)
    sums = {_number(row.text("id")): row for row in node.records_or_empty("refunds")}
    refunds = tuple(
        replace(
            refund,
            shop_amount_minor=_shop(sums[refund.external_id], "totalRefundedSet").money("amount", message.currency),
            shop_currency=message.currency,
        )
        for refund in message.refunds
    )
    cut = node.record_or_empty("lineItems").record_or_empty("pageInfo").data.get("hasNextPage") is True
    return replace(message, refunds=refunds, flags=(*message.flags, *((TOO_LONG,) if cut else ())))


def _body(node: Record) -> dict[str, Any]:
    currency = node.text("currencyCode")
    total = _shop(node, "originalTotalPriceSet") if node.has("originalTotalPriceSet") else _shop(node, "totalPriceSet")
    return {
        "id": node.text("legacyResourceId") or _number(node.text("id")),
        "admin_graphql_api_id": node.text("id"),
        "name": node.text("name"),
        "email": node.data.get("email"),
        "phone": node.data.get("phone"),
        "created_at": node.data.get("processedAt") or node.data.get("createdAt"),
        "updated_at": node.data.get("updatedAt"),
        "cancelled_at": node.data.get("cancelledAt"),
        "test": node.data.get("test"),
        "taxes_included": node.data.get("taxesIncluded"),
        "customer_locale": node.data.get("customerLocale"),
        "source_name": node.data.get("sourceName"),
        "currency": currency,
        "presentment_currency": node.data.get("presentmentCurrencyCode") or currency,
        "financial_status": node.text("displayFinancialStatus").lower(),
        "fulfillment_status": _fulfilled(node.text("displayFulfillmentStatus")),
        "total_price": total.data.get("amount"),
        "total_price_set": _both(node, "totalPriceSet"),
        "total_tax": _amount(node, "totalTaxSet"),
        "total_discounts": _amount(node, "totalDiscountsSet"),
        "total_tip_received": _amount(node, "totalTipReceivedSet"),
        "total_shipping_price_set": _both(node, "totalShippingPriceSet"),
        "customer": _customer(node.record_or_empty("customer")),
        "billing_address": _place(node.record_or_empty("billingAddress")),
        "shipping_address": _place(node.record_or_empty("shippingAddress")),
        "note_attributes": [
            {"name": note.text("key"), "value": note.text("value")}
            for note in node.records_or_empty("customAttributes")
        ],
        "discount_codes": [{"code": code} for code in _texts(node.data.get("discountCodes"))],
        "line_items": [_line(item) for item in node.record_or_empty("lineItems").records_or_empty("nodes")],
        "refunds": [_refund(row) for row in node.records_or_empty("refunds")],
    }


def _customer(node: Record) -> dict[str, Any]:
    return {
        "id": _number(node.text("id")) or None,
        "first_name": node.data.get("firstName"),
        "last_name": node.data.get("lastName"),
        "state": node.text("state").lower(),
        "verified_email": node.data.get("verifiedEmail"),
        "email": node.record_or_empty("defaultEmailAddress").data.get("emailAddress"),
        "phone": node.record_or_empty("defaultPhoneNumber").data.get("phoneNumber"),
    }


def _place(node: Record) -> dict[str, Any]:
    return {**node.data, "country_code": node.data.get("countryCodeV2")}


def _line(item: Record) -> dict[str, Any]:
    return {
        "id": _number(item.text("id")),
        "title": item.data.get("title"),
        "quantity": item.data.get("quantity"),
        "sku": item.data.get("sku"),
        "variant_id": item.record_or_empty("variant").text("legacyResourceId") or None,
        "product_id": item.record_or_empty("product").text("legacyResourceId") or None,
        "price": _amount(item, "originalUnitPriceSet"),
        "discount_allocations": [
            {"amount": _amount(part, "allocatedAmountSet")} for part in item.records_or_empty("discountAllocations")
        ],
    }


def _refund(row: Record) -> dict[str, Any]:
    return {
        "id": _number(row.text("id")),
        "note": row.data.get("note"),
        "created_at": row.data.get("createdAt"),
        "transactions": [
            {
                "kind": each.text("kind").lower(),
                "status": each.text("status").lower(),
                "amount": each.record("amountSet").record("presentmentMoney").data.get("amount"),
                "currency": each.record("amountSet").record("presentmentMoney").data.get("currencyCode"),
            }
            for each in row.record_or_empty("transactions").records_or_empty("nodes")
        ],
        "refund_line_items": [
            {"line_item_id": _number(item.record("lineItem").text("id")), "quantity": item.data.get("quantity")}
            for item in row.record_or_empty("refundLineItems").records_or_empty("nodes")
        ],
    }


def _fulfilled(state: str) -> str:
    return {"FULFILLED": "fulfilled", "PARTIALLY_FULFILLED": "partial"}.get(state, "")


def _shop(node: Record, name: str) -> Record:
    return node.record_or_empty(name).record_or_empty("shopMoney")


def _amount(node: Record, name: str) -> object:
    return _shop(node, name).data.get("amount")


def _both(node: Record, name: str) -> dict[str, Any]:
    both = node.record_or_empty(name)
    return {
        old: {"amount": side.data.get("amount"), "currency_code": side.data.get("currencyCode")}
        for old, new in (("shop_money", "shopMoney"), ("presentment_money", "presentmentMoney"))
        if (side := both.record_or_empty(new)).data
    }


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _number(gid: str) -> str:
    """gid://shopify/Order/5678 → 5678"""
    return gid.rpartition("/")[2].partition("?")[0]

"""Shopify: refunds by Admin GraphQL's refundCreate (API 2026-10), which makes one refund for one idempotency key."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from orders import money
from orders.messages import RefundedLine, RefundMessage, RefundStatus
from orders.providers.refunding import (
    SECONDS,
    TOO_MANY,
    Outcome,
    Refunded,
    Refunder,
    RefusedForGood,
    Shop,
    Stopped,
    TryLater,
    Unknown,
    Wanted,
    asked_to_wait,
    document,
    exchange,
    record,
)
from orders.records import Record
from profiles.providers import outgoing

VERSION = "2026-10"
_MONEY = "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
_REFUND = f"""
id note createdAt totalRefundedSet {_MONEY}
transactions(first: 20) {{ nodes {{ id kind status amountSet {_MONEY} }} }}
refundLineItems(first: 100) {{ nodes {{ quantity lineItem {{ id }} }} }}
"""
LOOK_UP = f"""query Refundable($id: ID!) {{ order(id: $id) {{ id currencyCode presentmentCurrencyCode
  transactions(first: 100) {{ id kind status gateway amountSet {_MONEY} parentTransaction {{ id }} }}
  refunds(first: 100) {{ {_REFUND} }} }} }}"""
CREATE = f"""mutation Refund($input: RefundInput!, $key: String!) {{
  refundCreate(input: $input) @idempotent(key: $key) {{ refund {{ {_REFUND} }} userErrors {{ field message }} }} }}"""

_TAKEN = frozenset({"SALE", "CAPTURE"})
_STATUSES = {
    "SUCCESS": RefundStatus.SUCCEEDED,
    "FAILURE": RefundStatus.FAILED,
    "ERROR": RefundStatus.FAILED,
}
_RANKS = {RefundStatus.PENDING: 0, RefundStatus.FAILED: 1, RefundStatus.SUCCEEDED: 2}
_NUMBER = re.compile(r"/([0-9]{1,20})(?:\?|$)", re.ASCII)


class ShopifyRefunder(Refunder):
    name = "Shopify"

    def lacking(self, credentials: Mapping[str, str]) -> str:
        if credentials.get("access_token") or (credentials.get("client_id") and credentials.get("client_secret")):
            return ""
        return "access_token (or client_id and client_secret)"

    def look(self, wanted: Wanted, shop: Shop) -> tuple[Refunded | None, Any]:
        token = _token(shop)
        order = _order(wanted, shop, token)
        for row in order.records("refunds"):
            if wanted.reference in row.text("note"):
                return _refunded(row, wanted), None
        return None, (token, _input(wanted, order))

    def make(self, wanted: Wanted, shop: Shop, seen: Any) -> Outcome:
        token, given = seen
        asked = {"input": given, "key": wanted.reference}
        told = _data(_post(CREATE, asked, shop, token, effect=True), effect=True)
        made = told.record_or_empty("refundCreate")
        if errors := made.records_or_empty("userErrors"):
            return _refused("; ".join(error.text("message") for error in errors))
        if not made.has("refund"):
            return Unknown("Shopify answered without the refund asked for.")
        row = made.record("refund")
        if wanted.reference not in row.text("note"):
            return Unknown("Shopify answered with another refund than the one asked for.")
        return _refunded(row, wanted)


def _refused(sentence: str) -> Outcome:
    if "idempoten" in sentence.lower():
        return Unknown(f"Shopify: {sentence}"[:300])  # another call with our key is under way
    return RefusedForGood(f"Shopify: {sentence}"[:300])


def _token(shop: Shop) -> str:
    """The static token, or one for a day by the app's own credentials."""
    if known := shop.credentials.get("access_token"):
        return known
    form = {
        "grant_type": "client_credentials",
        "client_id": shop.credentials.get("client_id", ""),
        "client_secret": shop.credentials.get("client_secret", ""),
    }
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    try:
        answer = outgoing.request(
            "POST",
            f"{shop.base}/admin/oauth/access_token",
            content=urlencode(form).encode(),
            headers=headers,
            inside=shop.inside,
        )
    except outgoing.Forbidden as forbidden:
        raise Stopped(RefusedForGood(f"{shop.domain}: {forbidden}")) from forbidden
    except outgoing.Unreachable as lost:
        raise Stopped(TryLater(str(lost))) from lost
    if answer.status == TOO_MANY or answer.status >= 500:
        wait = asked_to_wait(answer.headers.get("retry-after", ""))
        raise Stopped(TryLater(f"Shopify answered {answer.status} when asked for a token.", retry_after=wait))
    told = record(document(answer.body))
    token = told.text("access_token") if told is not None else ""
    if not token:
        raise Stopped(RefusedForGood("Shopify gave no token for the channel's client_id and client_secret."))
    return token


def asked(query: str, variables: Mapping[str, object], shop: Shop, *, seconds: int) -> Record:
    """The data of a question that moves no money; raises Stopped."""
    return _data(_post(query, variables, shop, _token(shop), effect=False, seconds=seconds), effect=False)


def _post(
    query: str, variables: Mapping[str, object], shop: Shop, token: str, *, effect: bool, seconds: int = SECONDS
) -> Record:
    url = f"{shop.base}/admin/api/{VERSION}/graphql.json"
    body = {"query": query, "variables": variables}
    status, told, wait = exchange(
        "POST", url, body, {"x-shopify-access-token": token}, shop, effect=effect, seconds=seconds
    )
    if status in (401, 403):
        raise Stopped(RefusedForGood("Shopify does not accept the channel's access token."))
    if status == 404:
        raise Stopped(RefusedForGood(f"There is no shop at {shop.domain}."))
    answered = record(told)
    if status != 200 or answered is None:
        sentence = f"Shopify answered {status} with something that is no document of its own."
        raise Stopped(Unknown(sentence) if effect else TryLater(sentence, retry_after=wait))
    return answered


def _data(told: Record, *, effect: bool) -> Record:
    """GraphQL's own errors come with 200."""
    errors = told.records_or_empty("errors") if isinstance(told.data.get("errors"), list) else []
    if any(error.record_or_empty("extensions").text("code") == "THROTTLED" for error in errors):
        raise Stopped(TryLater("Shopify asked to wait: too many calls.", retry_after=1))
    if any(error.record_or_empty("extensions").text("code") == "ACCESS_DENIED" for error in errors):
        scope = "write_orders" if effect else "read_orders"
        raise Stopped(RefusedForGood(f"Shopify does not allow this app to do that: it needs the scope {scope}."))
    if errors or not told.has("data"):
        sentence = "; ".join(error.text("message") for error in errors)[:300] or "It answered without data."
        raise Stopped(Unknown(f"Shopify: {sentence}") if effect else TryLater(f"Shopify: {sentence}"))
    return told.record("data")


def _order(wanted: Wanted, shop: Shop, token: str) -> Record:
    variables = {"id": _gid("Order", wanted.order_external_id)}
    told = _data(_post(LOOK_UP, variables, shop, token, effect=False), effect=False)
    if not told.has("order"):
        raise Stopped(RefusedForGood("Shopify knows no such order, or not any more for this app."))
    order = told.record("order")
    if _number(order.text("id")) != wanted.order_external_id:
        raise Stopped(TryLater("Shopify answered with another order than the one asked for."))
    return order


def _input(wanted: Wanted, order: Record) -> dict[str, object]:
    note = f"{wanted.reason} (Aftersale {wanted.reference})".strip()
    asked: dict[str, object] = {
        "orderId": order.text("id"),
        "note": note,
        "notify": False,
        "refundLineItems": [
            {
                "lineItemId": _gid("LineItem", line.line_external_id),
                "quantity": line.quantity,
                "restockType": "NO_RESTOCK",
            }
            for line in wanted.lines
        ],
        "transactions": _transactions(wanted, order),
    }
    if order.text("presentmentCurrencyCode") != order.text("currencyCode"):
        asked["currency"] = wanted.paid_currency
    return asked


def _transactions(wanted: Wanted, order: Record) -> list[dict[str, object]]:
    """The amount shared out over what was taken, oldest first; ends the try where that is less."""
    if order.text("presentmentCurrencyCode") != wanted.paid_currency:
        raise Stopped(RefusedForGood("The buyer was charged in another currency than is known here."))
    rows = order.records("transactions")
    back: dict[str, int] = {}
    for row in rows:
        if row.text("kind") == "REFUND" and row.text("status") in ("SUCCESS", "PENDING"):
            parent = row.record_or_empty("parentTransaction").text("id")
            back[parent] = back.get(parent, 0) + _paid(row, wanted.paid_currency)
    left = wanted.paid_minor
    found: list[dict[str, object]] = []
    for row in rows:
        if left and row.text("kind") in _TAKEN and row.text("status") == "SUCCESS":
            share = min(left, _paid(row, wanted.paid_currency) - back.get(row.text("id"), 0))
            if share > 0:
                left -= share
                found.append(
                    {
                        "orderId": order.text("id"),
                        "parentId": row.text("id"),
                        "kind": "REFUND",
                        "gateway": row.text("gateway"),
                        "amount": money.to_text(share, wanted.paid_currency),
                    }
                )
    if left:
        raise Stopped(RefusedForGood("Shopify has taken less for this order than is to be given back."))
    return found


def _paid(row: Record, currency: str) -> int:
    return row.record("amountSet").record("presentmentMoney").money("amount", currency)


def _refunded(row: Record, wanted: Wanted) -> Refunded:
    """The fact: what its transactions moved, in the state the least advanced of them has."""
    moved = [each for each in row.record("transactions").records("nodes") if each.text("kind") == "REFUND"]
    amount = sum(_paid(each, wanted.paid_currency) for each in moved)
    if amount != wanted.paid_minor:
        raise Stopped(Unknown("Shopify answered with a refund of another sum than the one asked for."))
    found = {_STATUSES.get(each.text("status"), RefundStatus.PENDING) for each in moved}
    order = (RefundStatus.FAILED, RefundStatus.PENDING, RefundStatus.SUCCEEDED)
    status = next(each for each in order if each in found)
    made_at = row.instant("createdAt")
    return Refunded(
        RefundMessage(
            external_id=_number(row.text("id")),
            order_external_id=wanted.order_external_id,
            amount_minor=amount,
            currency=wanted.paid_currency,
            shop_amount_minor=wanted.amount_minor,
            shop_currency=wanted.currency,
            status=status,
            rank=_RANKS[status],
            refunded_at=made_at,
            version=made_at,
            reason=wanted.reason,
            lines=_lines(row),
        )
    )


def _lines(row: Record) -> tuple[RefundedLine, ...]:
    return tuple(
        RefundedLine(line_external_id=_number(item.record("lineItem").text("id")), quantity=item.quantity("quantity"))
        for item in row.record_or_empty("refundLineItems").records_or_empty("nodes")
    )


def _gid(kind: str, number: str) -> str:
    return f"gid://shopify/{kind}/{number}"


def _number(gid: str) -> str:
    found = _NUMBER.search(gid)
    return found[1] if found else ""

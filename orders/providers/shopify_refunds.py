"""Shopify: a refund is the money its transactions moved, whatever its line items say."""

from datetime import datetime
from itertools import combinations

from orders.messages import RefundedLine, RefundMessage, RefundStatus
from orders.records import Record

_STATUSES = {
    "success": RefundStatus.SUCCEEDED,
    "failure": RefundStatus.FAILED,
    "error": RefundStatus.FAILED,
}
_RANKS = {RefundStatus.PENDING: 0, RefundStatus.FAILED: 1, RefundStatus.SUCCEEDED: 2}
# What has happened outweighs what may yet happen, and that what has come to nothing.
_DECISIVE = (RefundStatus.SUCCEEDED, RefundStatus.PENDING, RefundStatus.FAILED)

# Where a refund names sums in both currencies: list, field, sign towards the customer.
_PARTS = (
    ("refund_line_items", "subtotal_set", 1),
    ("refund_line_items", "total_tax_set", 1),
    ("refund_shipping_lines", "subtotal_amount_set", 1),
    ("order_adjustments", "amount_set", -1),
    ("order_adjustments", "tax_amount_set", -1),
    ("duties", "amount_set", 1),
)


def is_refund(body: Record) -> bool:
    return "refund_line_items" in body or ("order_id" in body and "transactions" in body)


def of_refund(
    body: Record,
    *,
    test: bool,
    order_id: str = "",
    shop_currency: str = "",
    known_at: datetime | None = None,
) -> RefundMessage | None:
    """The refund; None where no money moved or is about to. `known_at` is when the order it stands in was changed."""
    moved = [each for each in body.records_or_empty("transactions") if each.text("kind").lower() == "refund"]
    if not moved:
        return None
    status, amount, currency = _money(body, moved, shop_currency)
    if not amount:
        return None
    refunded_at = body.instant_or_none("processed_at") or body.instant("created_at")
    shop_amount, shop_currency = _shop_money(body, amount, currency, shop_currency)
    return RefundMessage(
        external_id=body.external_id("id"),
        order_external_id=order_id or body.external_id("order_id"),
        amount_minor=amount,
        currency=currency,
        shop_amount_minor=shop_amount,
        shop_currency=shop_currency,
        status=status,
        rank=_RANKS[status],
        refunded_at=refunded_at,
        version=max(refunded_at, known_at) if known_at else refunded_at,
        reason=body.text("note"),
        lines=_lines(body),
        test=test or any(each.data.get("test") is True for each in moved),
    )


def _money(body: Record, moved: list[Record], shop_currency: str) -> tuple[RefundStatus, int, str]:
    """The state that decides and the sum of the transactions in it."""
    sums: dict[RefundStatus, int] = {}
    currencies = set()
    for each in moved:
        currency = each.currency("currency") if each.has("currency") or not shop_currency else shop_currency
        currencies.add(currency)
        status = _STATUSES.get(each.text("status").lower(), RefundStatus.PENDING)
        sums[status] = sums.get(status, 0) + each.money("amount", currency)
    if len(currencies) > 1:
        body.refuse("transactions", "One refund was paid in several currencies.")
    status = next(status for status in _DECISIVE if status in sums)
    return status, sums[status], currencies.pop()


def _shop_money(body: Record, amount: int, currency: str, shop_currency: str) -> tuple[int | None, str]:
    """The refund in the shop's currency, where the payload's own pairs of sums leave one answer.

    Which of tax, shipping and adjustments are inside the line sums depends on the shop's settings, so the choice of
    parts whose buyer's side is exactly what was paid tells the shop's side.
    """
    pairs, told = _pairs(body, currency)
    shop_currency = shop_currency or told
    if not shop_currency or currency == shop_currency:
        return (amount if shop_currency else None), shop_currency
    if told != shop_currency:
        return None, shop_currency
    answers = {
        sum(shop for shop, _ in chosen)
        for size in range(1, len(pairs) + 1)
        for chosen in combinations(pairs, size)
        if sum(paid for _, paid in chosen) == amount
    }
    return (answers.pop() if len(answers) == 1 else None), shop_currency


def _pairs(body: Record, currency: str) -> tuple[list[tuple[int, int]], str]:
    """For each part that is not zero its sum in the shop's and in the buyer's currency, and the shop's currency."""
    pairs, told = [], ""
    for name, field, sign in _PARTS:
        shop_sum = paid_sum = 0
        for item in body.records_or_empty(name) if isinstance(body.data.get(name), list) else []:
            both = item.record_or_empty(field)
            shop, paid = both.record_or_empty("shop_money"), both.record_or_empty("presentment_money")
            if not shop.has("amount"):
                continue
            told = told or shop.currency("currency_code")
            shop_sum += sign * shop.money("amount", told, signed=True)
            if paid.text("currency_code").upper() == currency:
                paid_sum += sign * paid.money("amount", currency, signed=True)
        if shop_sum or paid_sum:
            pairs.append((shop_sum, paid_sum))
    return pairs, told


def _lines(body: Record) -> tuple[RefundedLine, ...]:
    quantities: dict[str, int] = {}
    for item in body.records_or_empty("refund_line_items"):
        if item.data.get("quantity") == 0:
            continue
        line_id = item.external_id("line_item_id")
        quantities[line_id] = quantities.get(line_id, 0) + item.quantity("quantity")
    return tuple(RefundedLine(line_external_id=line, quantity=count) for line, count in quantities.items())

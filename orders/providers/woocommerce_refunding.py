"""WooCommerce: refunds by REST v3 through the store's own gateway. It knows no idempotency: it is asked first."""

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from orders import money
from orders.messages import RefundMessage, RefundStatus, Unusable
from orders.providers.refunding import (
    Outcome,
    Refunded,
    Refunder,
    RefusedForGood,
    Shop,
    Stopped,
    TryLater,
    Unknown,
    Wanted,
    exchange,
    record,
)
from orders.records import Record

OURS = "_aftersale_refund"
"""The meta data by which a refund is found again."""


class WooCommerceRefunder(Refunder):
    name = "WooCommerce"

    def lacking(self, credentials: Mapping[str, str]) -> str:
        return ", ".join(name for name in ("consumer_key", "consumer_secret") if not credentials.get(name))

    def look(self, wanted: Wanted, shop: Shop) -> tuple[Refunded | None, Any]:
        if wanted.tried and (found := _found(wanted, shop)) is not None:
            return Refunded(found), None
        return None, _lines(wanted, shop)

    def make(self, wanted: Wanted, shop: Shop, seen: Any) -> Outcome:
        asked = {
            "amount": money.to_text(wanted.amount_minor, wanted.currency),
            "reason": wanted.reason,
            "api_refund": True,
            "api_restock": False,
            "meta_data": [{"key": OURS, "value": wanted.reference}],
        }
        if seen:
            asked["line_items"] = seen
        status, told, wait = _call("POST", f"{_orders(wanted)}/refunds", asked, shop, effect=True)
        made = record(told)
        if status >= 400:
            raise Stopped(_refused(status, made, wait))
        message = _message(made, wanted) if made is not None and status in (200, 201) else None
        if message is None or message.external_id in wanted.others:
            return Unknown(f"{shop.domain} answered with something that is not the refund asked for.")
        return Refunded(message)


def _orders(wanted: Wanted) -> str:
    return f"/orders/{wanted.order_external_id}"


def _call(method: str, path: str, body: object, shop: Shop, *, effect: bool) -> tuple[int, object, int]:
    pair = f"{shop.credentials.get('consumer_key', '')}:{shop.credentials.get('consumer_secret', '')}"
    headers = {"authorization": f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"}
    return exchange(method, f"{shop.base}/wp-json/wc/v3{path}", body, headers, shop, effect=effect)


def _refused(status: int, told: Record | None, wait: int) -> Outcome:
    sentence = told.text("message") if told is not None else ""
    code = told.text("code") if told is not None else ""
    if status >= 500 and not code.startswith("woocommerce_"):
        return Unknown(f"WooCommerce answered {status}: {sentence or 'no reason given'}"[:300])
    if status in (401, 403):
        if not code:
            return TryLater(f"The store turned the call away ({status}), perhaps a security plugin.", retry_after=wait)
        return RefusedForGood(f"WooCommerce does not accept the channel's keys for refunds: {sentence}"[:300])
    if not code:
        return Unknown(f"WooCommerce answered {status} with something that is no document of its own.")
    return RefusedForGood(f"WooCommerce: {sentence or code}"[:300])


def _got(path: str, shop: Shop) -> object:
    """What a question is answered with; ends the try where it is not."""
    status, told, wait = _call("GET", path, None, shop, effect=False)
    if status >= 400:
        refused = _refused(status, record(told), wait)
        raise Stopped(TryLater(refused.sentence, retry_after=wait) if isinstance(refused, Unknown) else refused)
    return told


def _found(wanted: Wanted, shop: Shop) -> RefundMessage | None:
    """What a former try made: the refund with our mark, else one of this sum that is nobody else's."""
    listed = _got(f"{_orders(wanted)}/refunds?per_page=100", shop)
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        raise Stopped(TryLater(f"{shop.domain} answered with something that is no list of refunds."))
    rows = [row for row in map(record, listed) if row is not None]
    marked = [row for row in rows if _mark(row) == wanted.reference]
    # The mark is written after the refund: a store that was cut in between has the refund alone.
    unmarked = [row for row in rows if not _mark(row) and row.text("id") not in wanted.others]
    for row in [*marked, *unmarked]:
        if (message := _message(row, wanted)) is not None:
            return message
    return None


def _mark(row: Record) -> str:
    notes = row.data.get("meta_data")
    for note in notes if isinstance(notes, list) else []:
        if isinstance(note, Mapping) and note.get("key") == OURS:
            return str(note.get("value"))
    return ""


def _message(row: Record, wanted: Wanted) -> RefundMessage | None:
    """The fact; None where it is no refund of this order and sum."""
    try:
        amount = row.money("amount", wanted.currency)
        made_at = row.instant("date_created_gmt", zone=UTC)
        external_id = row.external_id("id")
    except Unusable:
        return None
    parent = row.text("parent_id")
    if amount != wanted.amount_minor or (parent and parent != wanted.order_external_id):
        return None
    return RefundMessage(
        external_id=external_id,
        order_external_id=wanted.order_external_id,
        amount_minor=amount,
        currency=wanted.currency,
        shop_amount_minor=amount,
        shop_currency=wanted.currency,
        status=RefundStatus.SUCCEEDED,
        rank=1,
        refunded_at=made_at,
        version=made_at,
        reason=row.text("reason"),
    )


def _lines(wanted: Wanted, shop: Shop) -> list[dict[str, object]]:
    """The covered lines as the store counts them, tax apart; none where the sum asked for is not theirs."""
    if not wanted.lines:
        return []
    order = record(_got(_orders(wanted), shop))
    if order is None or order.text("id") != wanted.order_external_id:
        raise Stopped(TryLater(f"{shop.domain} answered with another order than the one asked for."))
    items = {item.text("id"): item for item in order.records_or_empty("line_items")}
    found, total = [], 0
    for line in wanted.lines:
        item = items.get(line.line_external_id)
        if item is None:
            return []
        sums, taxes = _shares(item, line.quantity, wanted.currency)
        total += sums + sum(taxes.values())
        found.append(
            {
                "id": int(line.line_external_id),
                "quantity": line.quantity,
                "refund_total": money.to_text(sums, wanted.currency),
                "refund_tax": [
                    {"id": rate, "refund_total": money.to_text(tax, wanted.currency)} for rate, tax in taxes.items()
                ],
            }
        )
    return found if total == wanted.amount_minor else []


def _shares(item: Record, quantity: int, currency: str) -> tuple[int, dict[int, int]]:
    """What so many of a line cost without tax, and the tax by its rate."""
    of = item.quantity("quantity")
    taxes = {
        int(tax.text("id")): money.convert(quantity, of=of, into=tax.money_or_zero("total", currency))
        for tax in item.records_or_empty("taxes")
        if tax.text("id").isdigit()
    }
    return money.convert(quantity, of=of, into=item.money("total", currency)), taxes

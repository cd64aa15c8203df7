"""WooCommerce: orders with their refunds by the day they were changed (REST v3), each as its webhook tells it."""

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from orders.messages import Message, Unusable
from orders.providers import woocommerce_orders
from orders.providers.refunding import Shop, Stopped, exchange, record
from orders.providers.truth import READ_AT_MOST, SECONDS, Asked, Away, Cursor, Page, Truth, away

AT_ONCE = 100


class WooCommerceTruth(Truth):
    name = "WooCommerce"

    def lacking(self, credentials: Mapping[str, str]) -> str:
        return ", ".join(name for name in ("consumer_key", "consumer_secret") if not credentials.get(name))

    def page(self, asked: Asked, after: Cursor, shop: Shop) -> Page:
        number = int(after.get("page", 1))
        rows = _orders(asked, number, shop)
        told: list[Message] = []
        unreadable: list[str] = []
        for row in rows:
            found = record(row)
            try:
                if found is None:
                    raise Unusable("It is no order.")
                told.append(woocommerce_orders.of_order(found, test=shop.test))
            except Unusable as unusable:
                name = found.text("id") if found is not None else "?"
                unreadable.append(f"Order {name}: {unusable}"[:300])
        more = {"page": number + 1} if len(rows) >= AT_ONCE else None
        return Page(messages=tuple(told), unreadable=tuple(unreadable), after=more)


def _orders(asked: Asked, number: int, shop: Shop) -> list[Any]:
    """By id and ascending: what changes meanwhile pushes nothing off a page that is still to come."""
    query = {
        "modified_after": f"{asked.since:%Y-%m-%dT%H:%M:%S}",
        "dates_are_gmt": "true",
        "orderby": "id",
        "order": "asc",
        "status": "any",
        "per_page": AT_ONCE,
        "page": number,
    }
    pair = f"{shop.credentials.get('consumer_key', '')}:{shop.credentials.get('consumer_secret', '')}"
    headers = {"authorization": f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"}
    url = f"{shop.base}/wp-json/wc/v3/orders?{urlencode(query)}"
    try:
        status, told, wait = exchange(
            "GET", url, None, headers, shop, effect=False, seconds=SECONDS, at_most=READ_AT_MOST
        )
    except Stopped as stopped:
        raise away(WooCommerceTruth.name, stopped) from stopped
    if status >= 400:
        refused = record(told)
        sentence = (refused.text("message") if refused is not None else "") or "no reason given"
        raise Away(f"WooCommerce answered {status}: {sentence}"[:300], retry_after=wait)
    if not isinstance(told, list):
        raise Away(f"{shop.domain} answered with something that is no list of orders.", retry_after=wait)
    return told

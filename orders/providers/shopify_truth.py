"""Shopify: orders with their refunds by the time they were changed (Admin GraphQL, API 2026-10).

Shopify lists the last 60 days unless the app may read all orders; older ones are silently absent.
"""

from collections.abc import Mapping

from orders.messages import Message, Unusable
from orders.providers import shopify_lists, shopify_refunding
from orders.providers.refunding import Shop, Stopped
from orders.providers.shopify_refunding import ShopifyRefunder
from orders.providers.truth import SECONDS, Asked, Away, Cursor, Page, Truth, away

AT_ONCE = 10
"""What one call may cost bounds it: fifty lines and ten refunds with each order."""
LIST = f"""query Orders($first: Int!, $after: String, $query: String!) {{
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {{
    nodes {{ {shopify_lists.ORDER} }} pageInfo {{ hasNextPage endCursor }} }} }}"""


class ShopifyTruth(Truth):
    name = "Shopify"

    def lacking(self, credentials: Mapping[str, str]) -> str:
        return ShopifyRefunder().lacking(credentials)

    def page(self, asked: Asked, after: Cursor, shop: Shop) -> Page:
        variables = {
            "first": AT_ONCE,
            "after": after.get("after"),
            "query": f"updated_at:>='{asked.since:%Y-%m-%dT%H:%M:%SZ}'",
        }
        try:
            listed = shopify_refunding.asked(LIST, variables, shop, seconds=SECONDS).record("orders")
            nodes, place = listed.records("nodes"), listed.record("pageInfo")
        except Stopped as stopped:
            raise away(self.name, stopped) from stopped
        except Unusable as odd:
            raise Away(f"Shopify answered with something that is no list of orders: {odd}"[:300]) from odd
        told: list[Message] = []
        unreadable: list[str] = []
        for node in nodes:
            try:
                told.append(shopify_lists.of_listed(node, test=shop.test))
            except Unusable as unusable:
                unreadable.append(f"Order {node.text('name') or node.text('id')}: {unusable}"[:300])
        end = place.text("endCursor")
        more = {"after": end} if place.data.get("hasNextPage") is True and end else None
        return Page(messages=tuple(told), unreadable=tuple(unreadable), after=more)

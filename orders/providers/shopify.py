"""Shopify: webhooks signed over the body alone, so that topic, shop and ids in the headers are hints (API 2026-10)."""

from collections.abc import Sequence

from orders.messages import Delivery, Ignored, Message, Unusable
from orders.providers import shopify_orders, shopify_refunds, signatures
from orders.providers.contract import Headers, Provider, host, label
from orders.records import Record

ORDER_TOPICS = frozenset(
    f"orders/{word}"
    for word in ("create", "updated", "paid", "cancelled", "edited", "fulfilled", "partially_fulfilled")
)
REFUND_TOPIC = "refunds/create"
_UNFINISHED = ("checkouts/", "draft_orders/", "carts/")
_SILENT = {
    "orders/delete": "The order was deleted at the shop; what was sold and paid stays on record here.",
    "customers/redact": "A request to erase a customer; nothing was bought.",
    "customers/data_request": "A customer's request for their data; nothing was bought.",
    "shop/redact": "A request to erase a shop's data; nothing was bought.",
    "app/uninstalled": "The app was removed from the shop; nothing was bought.",
}


class Shopify(Provider):
    kind = "shopify"
    SIGNATURE_HEADERS = frozenset({"x-shopify-hmac-sha256"})
    KEPT_HEADERS = SIGNATURE_HEADERS | {
        "content-type",
        "x-shopify-api-version",
        "x-shopify-event-id",
        "x-shopify-name",
        "x-shopify-shop-domain",
        "x-shopify-sub-topic",
        "x-shopify-topic",
        "x-shopify-triggered-at",
        "x-shopify-webhook-id",
    }

    def verify(self, body: bytes, headers: Headers, secrets: Sequence[str], *, now: float) -> bool:
        return signatures.any_base64(headers.get("x-shopify-hmac-sha256", ""), body, secrets)

    def identify(self, body: bytes, headers: Headers) -> tuple[str, str]:
        return label(headers, "x-shopify-webhook-id"), _topic(headers)

    def source_domain(self, headers: Headers) -> str:
        return host(headers.get("x-shopify-shop-domain", ""))

    def parse(self, delivery: Delivery) -> tuple[Message, ...]:
        body = Record.of(delivery.body)
        topic = _topic(delivery.headers)
        test = delivery.channel.test
        order_like, refund_like = shopify_orders.is_order(body), shopify_refunds.is_refund(body)
        if topic and topic not in ORDER_TOPICS and topic != REFUND_TOPIC:
            if order_like or refund_like or (shopify_orders.is_sale(body) and not topic.startswith(_UNFINISHED)):
                # The topic is not signed: a captured order must neither delete nor be lost under another name.
                raise Unusable(f"The topic {topic} does not fit the body, which is an order or a refund.")
            raise Ignored(_SILENT.get(topic, f"Nothing is done about {topic}."))
        if "order_edit" in body and not order_like:
            raise Ignored("An edit in progress; the order's own update follows.")
        if refund_like or (topic == REFUND_TOPIC and not order_like):
            refund = shopify_refunds.of_refund(body, test=test)
            if refund is None:
                raise Ignored("No money moved with this refund.")
            return (refund,)
        if topic or order_like:
            return (shopify_orders.of_order(body, test=test),)
        raise Unusable("The delivery names no topic, and its body is neither an order nor a refund.")


def _topic(headers: Headers) -> str:
    return label(headers, "x-shopify-topic").lower()

"""WooCommerce: webhooks signed over the body alone, refunds told only inside the order (REST v3, plugin 11)."""

import re
from collections.abc import Sequence

from orders.messages import Delivery, Ignored, Message, Unusable
from orders.providers import signatures, woocommerce_orders
from orders.providers.contract import ConnectionBroken, Headers, Provider, host, label
from orders.records import Record

ORDER_TOPICS = frozenset({"order.created", "order.updated", "order.restored"})
DELETED_TOPIC = "order.deleted"

_PING = re.compile(rb"webhook_id=[0-9]{1,20}")


class WooCommerce(Provider):
    kind = "woocommerce"
    SIGNATURE_HEADERS = frozenset({"x-wc-webhook-signature"})
    KEPT_HEADERS = SIGNATURE_HEADERS | {
        "content-type",
        "user-agent",
        "x-wc-webhook-delivery-id",
        "x-wc-webhook-event",
        "x-wc-webhook-id",
        "x-wc-webhook-resource",
        "x-wc-webhook-source",
        "x-wc-webhook-topic",
    }

    def verify(self, body: bytes, headers: Headers, secrets: Sequence[str], *, now: float) -> bool:
        return signatures.any_base64(headers.get("x-wc-webhook-signature", ""), body, secrets)

    def identify(self, body: bytes, headers: Headers) -> tuple[str, str]:
        return label(headers, "x-wc-webhook-delivery-id"), _topic(headers)

    def is_ping(self, body: bytes, headers: Headers) -> bool:
        return "x-wc-webhook-signature" not in headers and _PING.fullmatch(body.strip()) is not None

    def source_domain(self, headers: Headers) -> str:
        return host(headers.get("x-wc-webhook-source", ""))

    def parse(self, delivery: Delivery) -> tuple[Message, ...]:
        body = Record.of(delivery.body)
        topic = _topic(delivery.headers)
        code = body.text("code")
        if code and "line_items" not in body and not body.has("id"):
            raise ConnectionBroken(
                f"The store refused to hand out the order ({code}): connection broken. The user who owns the webhook "
                "lost the right to read orders; connect the store again."
            )
        order_like = "line_items" in body and "total" in body
        if topic == DELETED_TOPIC and not order_like:
            raise Ignored("The order was deleted at the store; what was sold and paid stays on record here.")
        if topic and topic not in ORDER_TOPICS:
            if order_like:
                # The topic is not signed: a captured order must neither delete nor be lost under another name.
                raise Unusable(f"The topic {topic} does not fit the body, which is an order.")
            raise Ignored(f"Nothing is done about {topic}.")
        if not topic and not order_like:
            raise Unusable("The delivery names no topic, and its body is no order.")
        return (woocommerce_orders.of_order(body, test=delivery.channel.test),)


def _topic(headers: Headers) -> str:
    return label(headers, "x-wc-webhook-topic").lower()

"""A delivery's raw bytes as a person reads them, and the orders they tell of."""

import json
import logging
import re
from dataclasses import dataclass

from django.db.models import Q

from orders.actions import deliveries
from orders.messages import Message, OrderMessage, PaymentMessage
from orders.models import Delivery, Order
from profiles.models import Organization

log = logging.getLogger(__name__)

SHOWN_BYTES = 64 * 1024
ORDERS_SHOWN = 5
_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|[{}\[\],:]|[^\s{}\[\],:"]+')


@dataclass(frozen=True, slots=True)
class Shown:
    """`text` is all of it or its first 64 kB; `size` is the whole in bytes."""

    text: str
    size: int
    cut: bool
    sort: str


def readable(body: bytes) -> Shown:
    """JSON with indents, else the text as it came, else the bytes in hexadecimal; never more than 64 kB of it."""
    head = body[:SHOWN_BYTES]
    cut = len(body) > SHOWN_BYTES
    try:
        text = head.decode("utf-8", "ignore" if cut else "strict")
    except UnicodeDecodeError:
        few = body[: SHOWN_BYTES // 4]
        return Shown(few.hex(" "), len(body), len(few) < len(body), "bytes")
    if not cut and _is_json(text):
        shown = _indented(text)
        return Shown(shown[: 4 * SHOWN_BYTES], len(body), len(shown) > 4 * SHOWN_BYTES, "JSON")
    return Shown(text.replace("\0", "␀"), len(body), cut, "text")


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False


def _indented(text: str) -> str:
    """The same tokens on lines of their own: every figure and letter stays as it was sent."""
    out: list[str] = []
    depth, former = 0, ""
    for token in _TOKEN.findall(text):
        if token in "}]":
            depth -= 1
            if former not in "{[":
                out.append("\n" + "  " * depth)
        elif former in ("{", "[", ","):
            out.append("\n" + "  " * depth)
        out.append(": " if token == ":" else token)
        if token in "{[":
            depth += 1
        former = token
    return "".join(out)


def told_of(row: Delivery, *, organization: Organization) -> list[Order]:
    """The orders that this delivery's messages name, where they are known; none where it cannot be read."""
    try:
        messages = deliveries.parse(row, organization=organization)
    except Exception:
        # Whatever stopped the worker must not stop the page that tells of it.
        log.info("delivery.unreadable", exc_info=True)
        return []
    ids = {name for message in messages for name in _orders(message) if name}
    payments = {name for message in messages for name in _payments(message) if name}
    if not ids and not payments:
        return []
    named = Q(external_id__in=ids | payments) | Q(payment_reference__in=payments)
    return list(Order.objects.filter(named, channel_id=row.channel_id).order_by("pk")[:ORDERS_SHOWN])


def _orders(message: Message) -> list[str]:
    return [message.external_id if isinstance(message, OrderMessage) else getattr(message, "order_external_id", "")]


def _payments(message: Message) -> list[str]:
    return [message.external_id if isinstance(message, PaymentMessage) else getattr(message, "payment_reference", "")]

"""What the orders app tells the event streams: each delivery as it came, each order as it is known after settle."""

import base64
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from django.db.models.functions import Length

from orders import money
from orders.models import Delivery, Line, MoneyFact, Order
from profiles.actions.streams import NORMALIZED, RAW, Entry, instant


class Known(Protocol):
    """The money facts of one order, as `statuses.settle` gives them."""

    @property
    def payments(self) -> Sequence[MoneyFact]: ...
    @property
    def refunds(self) -> Sequence[MoneyFact]: ...
    @property
    def disputes(self) -> Sequence[MoneyFact]: ...


def raw(deliveries: Iterable[Delivery]) -> list[Entry]:
    """One entry a delivery with its channel, without its body: that is read from the inbox when it is sent."""
    return [
        Entry(
            topic=RAW,
            type="delivery.received",
            subject=f"delivery:{row.pk}",
            profile_id=None,
            occurred_at=row.received_at,
            payload={
                "delivery": row.pk,
                "channel": f"{row.channel.kind}:{row.channel.domain}",
                "delivery_id": row.delivery_id,
                "topic": row.topic,
                "received_at": instant(row.received_at),
            },
        )
        for row in deliveries
    ]


def normalized(orders: Sequence[Order], lines: Iterable[Line], known: Mapping[int, Known]) -> list[Entry]:
    """One entry an order, from what settle has in its hands; asks the database nothing."""
    of_order: dict[int, list[Line]] = defaultdict(list)
    for line in lines:
        of_order[line.order_id].append(line)
    return [
        Entry(
            topic=NORMALIZED,
            type="order.updated",
            subject=f"order:{order.channel.label}/{order.external_id}",
            profile_id=order.profile_id,
            occurred_at=_moment(order, known[order.pk]),
            payload=_order(order, of_order[order.pk]),
        )
        for order in orders
    ]


def _moment(order: Order, known: Known) -> datetime:
    """The newest of the facts it stands on."""
    facts = (*known.payments, *known.refunds, *known.disputes)
    return max([order.version, *(fact.version for fact in facts)])


def _order(order: Order, lines: Iterable[Line]) -> dict[str, Any]:
    """The field names of the API; the customer as the shop named them, which no later merge rewrites."""
    currency = order.currency
    return {
        "id": order.pk,
        "channel": order.channel.label,
        "external_id": order.external_id,
        "number": order.number,
        "status": order.status,
        "payment_status": order.payment_status,
        "currency": currency,
        "total": money.to_text(order.total_minor, currency),
        "captured": money.to_text(order.captured_minor, currency),
        "refunded": money.to_text(order.refunded_minor, currency),
        "disputed": money.to_text(order.disputed_minor, currency),
        "placed_at": instant(order.placed_at),
        "test": order.test,
        "profile": order.profile_id,
        "identifiers": list(order.identifiers),
        "lines": [
            {
                "sku": line.product.sku if line.product else line.sku,
                "title": line.title,
                "quantity": line.quantity,
                "total": money.to_text(line.total_minor, currency),
            }
            for line in lines
        ],
    }


def sizes(delivery_ids: Iterable[int]) -> dict[int, int]:
    """How many bytes each body has; what is no longer in the inbox is left out."""
    rows = Delivery.objects.filter(pk__in=list(delivery_ids)).annotate(size=Length("body"))
    return dict(rows.values_list("pk", "size"))


def bodies(delivery_ids: Iterable[int]) -> dict[int, dict[str, str]]:
    """Each body as it was sent: as text where it is UTF-8, else in base64."""
    rows = Delivery.objects.filter(pk__in=list(delivery_ids)).values_list("pk", "body")
    return {pk: _readable(bytes(body)) for pk, body in rows}


def _readable(body: bytes) -> dict[str, str]:
    try:
        return {"body": body.decode(), "body_encoding": "utf-8"}
    except UnicodeDecodeError:
        return {"body": base64.b64encode(body).decode(), "body_encoding": "base64"}

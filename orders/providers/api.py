"""The open API's own order: the field names of the snapshot, signed by the Standard Webhooks scheme."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from orders.messages import (
    Address,
    ChannelFacts,
    Customer,
    Delivery,
    Line,
    Message,
    OrderMessage,
    OrderStatus,
    Unusable,
)
from orders.parsing import shown
from orders.providers import api_talks, standard
from orders.providers.contract import Headers, Provider, difference, distinct, flagged, label
from orders.records import Record

_PAYMENT_STATUSES = ("paid", "unpaid", "failed")
_RANKS = {"unpaid": 0, "failed": 1, "paid": 2}


class Api(Provider):
    kind = "api"
    SIGNATURE_HEADERS = standard.HEADERS
    KEPT_HEADERS = standard.HEADERS | {"content-type", "user-agent"}

    def verify(self, body: bytes, headers: Headers, secrets: Sequence[str], *, now: float) -> bool:
        return standard.verify(body, headers, secrets, now=now)

    def identify(self, body: bytes, headers: Headers) -> tuple[str, str]:
        return label(headers, "webhook-id"), "order"

    def parse(self, delivery: Delivery) -> tuple[Message, ...]:
        if delivery.topic == api_talks.TOPIC:
            return (api_talks.parse_talk(Record.of(delivery.body).data, at=delivery.received_at),)
        sent_at = standard.timestamp(delivery.headers)
        body = Record.of(delivery.body)
        if sent_at is None and not body.has("placed_at"):
            body.refuse("placed_at", "The time is missing.")
        at = datetime.fromtimestamp(sent_at, tz=UTC) if sent_at is not None else body.instant("placed_at")
        return (parse_order(body.data, channel=delivery.channel, at=at),)


def parse_order(data: Mapping[str, object], *, channel: ChannelFacts, at: datetime) -> OrderMessage:
    """The order in a JSON object read by `parsing.loads`; `at` is when it was sent, for the times it leaves out.

    Fields outside of the schema are not looked at. Raises `Unusable`.
    """
    body = Record(data)
    external_id = body.external_id("external_id")
    currency = body.currency("currency")
    total = body.money("total", currency)
    shipping = body.money_or_zero("shipping", currency)
    tax = body.money_or_zero("tax", currency)
    discount = body.money_or_zero("discount", currency)
    payment = _choice(body, "payment_status", _PAYMENT_STATUSES, "paid")
    status = OrderStatus(_choice(body, "status", tuple(OrderStatus), OrderStatus.PENDING))
    lines = _lines(body, currency, rest_minor=total - shipping)
    off = difference(lines, total_minor=total, beside_minor=shipping)
    # Whether line totals hold tax and discount is the sender's choice.
    agreed = off in (0, tax, -discount, tax - discount)
    flags, facts = flagged(0 if agreed else off, currency)
    placed_at = body.instant_or_none("placed_at") or at
    return OrderMessage(
        external_id=external_id,
        number=body.text("number"),
        currency=currency,
        total_minor=total,
        discount_minor=discount,
        tax_minor=tax,
        shipping_minor=shipping,
        placed_at=placed_at,
        version=body.instant_or_none("updated_at") or at,
        rank=_RANKS[payment],
        status=status,
        paid=payment == "paid",
        paid_at=placed_at if payment == "paid" else None,
        payment_failed=payment == "failed",
        cancelled=status is OrderStatus.CANCELLED,
        test=body.flag("test", default=False) or channel.test,
        customer=customer(body),
        lines=lines,
        flags=flags,
        extra_facts=facts,
    )


def customer(body: Record) -> Customer:
    """The customer under `customer`, or in the same fields of the body itself."""
    inner = body.record_or_empty("customer")

    def either(name: str) -> str:
        return inner.exact(name) or body.exact(name)

    given = inner.data.get("address")
    place = Record(given) if isinstance(given, dict) else Record({})
    return Customer(
        email=either("email"),
        phone=either("phone"),
        loyalty_id=either("loyalty_id"),
        device_id=either("device_id"),
        cookie_id=either("cookie_id"),
        name=inner.text("name") or body.text("customer_name"),
        region=inner.region("country") or body.region("country"),
        locale=inner.locale("locale") or body.locale("locale"),
        address=Address(**{name: place.text(name) for name in ("street", "more", "postcode", "city")}),
    )


def _lines(body: Record, currency: str, *, rest_minor: int) -> tuple[Line, ...]:
    """The lines; the only line of an order may leave out its total."""
    items = body.records("lines")
    lines = []
    for position, item in enumerate(items, start=1):
        sku = item.exact("sku").strip()
        alone = len(items) == 1 and not item.has("total")
        lines.append(
            Line(
                external_id=item.reference("external_id") or str(position),
                title=item.text("title") or sku,
                quantity=item.quantity("quantity") if item.has("quantity") else 1,
                total_minor=max(rest_minor, 0) if alone else item.money("total", currency),
                sku=sku,
            )
        )
    return distinct(lines)


def _choice(body: Record, name: str, choices: Sequence[str], default: str) -> str:
    value = body.data.get(name)
    if value is None:
        return default
    if not isinstance(value, str) or value not in choices:
        raise Unusable(f"{body.where(name)}: {shown(value)} is none of {', '.join(choices)}.")
    return value

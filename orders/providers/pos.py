"""A till's own JSON: a sale or its reversal in the channel's currency, signed by the Standard Webhooks scheme."""

from collections.abc import Mapping, Sequence

from orders.messages import (
    ChannelFacts,
    Delivery,
    Line,
    Message,
    OrderMessage,
    OrderStatus,
    RefundMessage,
    RefundStatus,
)
from orders.providers import api, standard
from orders.providers.contract import Headers, Provider, difference, distinct, flagged, label
from orders.records import Record

_REVERSALS = frozenset({"refund", "void", "return", "reversal"})
_FACTS = ("store_id", "store_name", "payment_method")


class Pos(Provider):
    kind = "pos"
    SIGNATURE_HEADERS = standard.HEADERS
    KEPT_HEADERS = standard.HEADERS | {"content-type", "user-agent"}

    def verify(self, body: bytes, headers: Headers, secrets: Sequence[str], *, now: float) -> bool:
        return standard.verify(body, headers, secrets, now=now)

    def identify(self, body: bytes, headers: Headers) -> tuple[str, str]:
        return label(headers, "webhook-id"), "transaction"

    def parse(self, delivery: Delivery) -> tuple[Message, ...]:
        return (parse_transaction(Record.of(delivery.body).data, channel=delivery.channel),)


def parse_transaction(data: Mapping[str, object], *, channel: ChannelFacts) -> OrderMessage | RefundMessage:
    """A sale, or for a total below zero or a `type` of refund or void its reversal; raises `Unusable`.

    The same transaction always has the same version, so that a second, different body is a conflict, not an update.
    """
    body = Record(data)
    currency = body.currency("currency") if body.has("currency") else channel.currency
    if not currency:
        body.refuse("currency", "Neither the transaction nor the channel names a currency.")
    total = body.money("total", currency, signed=True)
    if total < 0 or body.text("type").lower() in _REVERSALS:
        return _reversal(body, currency, abs(total), test=channel.test)
    return _sale(body, currency, total, channel=channel)


def _sale(body: Record, currency: str, total: int, *, channel: ChannelFacts) -> OrderMessage:
    at = body.instant("timestamp")
    external_id = body.external_id("transaction_id")
    lines = _lines(body, currency)
    flags, facts = flagged(difference(lines, total_minor=total, beside_minor=0), currency)
    return OrderMessage(
        external_id=external_id,
        number=external_id,
        currency=currency,
        total_minor=total,
        placed_at=at,
        version=at,
        status=OrderStatus.DELIVERED,
        paid=True,
        paid_at=at,
        test=channel.test or body.flag("test", default=False),
        customer=api.customer(body),
        lines=lines,
        flags=flags,
        extra_facts={name: body.text(name) for name in _FACTS if body.text(name)} | facts,
    )


def _reversal(body: Record, currency: str, amount: int, *, test: bool) -> RefundMessage:
    """The refund; without the sale it takes back it stays for a person to link."""
    at = body.instant("timestamp")
    if not amount:
        body.refuse("total", "A reversal of nothing.")
    return RefundMessage(
        external_id=body.external_id("transaction_id"),
        order_external_id=body.external_id("original_transaction_id"),
        amount_minor=amount,
        currency=currency,
        shop_amount_minor=amount,
        shop_currency=currency,
        status=RefundStatus.SUCCEEDED,
        rank=1,
        refunded_at=at,
        version=at,
        reason=body.text("reason") or body.text("type"),
        test=test,
    )


def _lines(body: Record, currency: str) -> tuple[Line, ...]:
    lines = []
    for position, item in enumerate(body.records("items"), start=1):
        quantity = item.quantity("quantity")
        product = item.reference("product_id")
        lines.append(
            Line(
                external_id=str(position),
                title=item.text("product_name") or product,
                quantity=quantity,
                total_minor=item.money("price", currency) * quantity,
                sku=item.exact("sku").strip() or product,
                listing_ids=(product,) if product else (),
            )
        )
    return distinct(lines)

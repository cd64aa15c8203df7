"""Square: signed over the address that was called and the body; payments come whole, orders only by name."""

from collections.abc import Sequence

from orders.messages import (
    Delivery,
    Ignored,
    LookupMessage,
    Message,
    PaymentMessage,
    PaymentStatus,
    RefundMessage,
    RefundStatus,
)
from orders.parsing import glance
from orders.providers import signatures, square_orders
from orders.providers.contract import Headers, Provider, label, printable
from orders.records import Record

ORDER = "order"
_ORDER_EVENTS = ("order.created", "order.updated", "order.fulfillment.updated")
_PAYMENT_STATUSES = {
    "COMPLETED": PaymentStatus.CAPTURED,
    "APPROVED": PaymentStatus.PENDING,
    "PENDING": PaymentStatus.PENDING,
    "CANCELED": PaymentStatus.FAILED,
    "FAILED": PaymentStatus.FAILED,
}
_REFUND_STATUSES = {
    "PENDING": RefundStatus.PENDING,
    "COMPLETED": RefundStatus.SUCCEEDED,
    "REJECTED": RefundStatus.FAILED,
    "FAILED": RefundStatus.FAILED,
}
_RANKS = {PaymentStatus.PENDING: 0, PaymentStatus.FAILED: 1, PaymentStatus.CAPTURED: 2}
_REFUND_RANKS = {RefundStatus.PENDING: 0, RefundStatus.FAILED: 1, RefundStatus.SUCCEEDED: 2}


class Square(Provider):
    kind = "square"
    SIGNATURE_HEADERS = frozenset({"x-square-hmacsha256-signature"})
    KEPT_HEADERS = SIGNATURE_HEADERS | {
        "content-type",
        "square-environment",
        "square-initial-delivery-timestamp",
        "square-retry-number",
        "square-retry-reason",
    }
    SIGNS_ADDRESS = True

    def verify(self, body: bytes, headers: Headers, secrets: Sequence[str], *, now: float) -> bool:
        return signatures.any_base64(headers.get("x-square-hmacsha256-signature", ""), body, secrets)

    def identify(self, body: bytes, headers: Headers) -> tuple[str, str]:
        told = glance(body)
        return printable(told.get("event_id")), printable(told.get("type"))

    def parse(self, delivery: Delivery) -> tuple[Message, ...]:
        body = Record.of(delivery.body)
        test = delivery.channel.test or label(delivery.headers, "square-environment").lower() == "sandbox"
        if delivery.looked_up == ORDER:
            return square_orders.of_answer(body, test=test)
        event = body.text("type")
        if event in ("payment.created", "payment.updated"):
            return _payment(body.record("data").record("object").record("payment"), delivery, test=test)
        if event in ("refund.created", "refund.updated"):
            return (of_refund(body.record("data").record("object").record("refund"), test=test),)
        if event in _ORDER_EVENTS:
            return _order(body.record("data"), delivery)
        raise Ignored(f"Nothing is done about {event or 'a delivery without a type'}.")


def _payment(payment: Record, delivery: Delivery, *, test: bool) -> tuple[Message, ...]:
    """The payment; what was bought is asked for, or where nobody may ask, is as much as the payment says."""
    told = of_payment(payment, test=test)
    if told.status is not PaymentStatus.CAPTURED:
        return (told,)
    if delivery.channel.can_read and told.order_external_id:
        return (told, LookupMessage(thing=ORDER, external_id=told.order_external_id))
    return (told, square_orders.of_payment_alone(payment, told))


def _order(data: Record, delivery: Delivery) -> tuple[Message, ...]:
    told = data.record("object")
    name = next((one for one in ("order_created", "order_updated", "order_fulfillment_updated") if told.has(one)), "")
    if not name:
        data.refuse("object", "It names no order.")
    external_id = told.record(name).external_id("order_id")
    if not delivery.channel.can_read:
        raise Ignored("It only names an order; what was paid comes with the payment.")
    return (LookupMessage(thing=ORDER, external_id=external_id),)


def of_payment(payment: Record, *, test: bool) -> PaymentMessage:
    """One payment; an authorised one has not been taken. Raises Unusable."""
    word = payment.text("status").upper()
    if word not in _PAYMENT_STATUSES:
        payment.refuse("status", f"{word!r} is none of {', '.join(_PAYMENT_STATUSES)}.")
    currency, amount = square_orders.money_of(payment, "total_money" if payment.has("total_money") else "amount_money")
    status, external_id = _PAYMENT_STATUSES[word], payment.external_id("id")
    card = payment.record_or_empty("card_details").record_or_empty("card")
    fees = [
        square_orders.signed_money(fee, "amount_money", currency) for fee in payment.records_or_empty("processing_fee")
    ]
    return PaymentMessage(
        external_id=external_id,
        order_external_id=payment.reference("order_id") or external_id,
        charge_reference=external_id,
        amount_minor=amount,
        currency=currency,
        status=status,
        rank=_RANKS[status],
        paid_at=payment.instant("created_at"),
        version=payment.instant_or_none("updated_at") or payment.instant("created_at"),
        method=payment.text("source_type").lower(),
        last4=card.exact("last_4"),
        fee_minor=sum(fees) if fees else None,
        test=test,
    )


def of_refund(refund: Record, *, test: bool) -> RefundMessage:
    """One refund. It names the payment; the order it names is the return's own. Raises Unusable."""
    word = refund.text("status").upper()
    if word not in _REFUND_STATUSES:
        refund.refuse("status", f"{word!r} is none of {', '.join(_REFUND_STATUSES)}.")
    currency, amount = square_orders.money_of(refund, "amount_money")
    status = _REFUND_STATUSES[word]
    return RefundMessage(
        external_id=refund.external_id("id"),
        payment_reference=refund.external_id("payment_id"),
        charge_reference=refund.external_id("payment_id"),
        amount_minor=amount,
        currency=currency,
        shop_amount_minor=amount,
        shop_currency=currency,
        status=status,
        rank=_REFUND_RANKS[status],
        refunded_at=refund.instant("created_at"),
        version=refund.instant_or_none("updated_at") or refund.instant("created_at"),
        reason=refund.text("reason"),
        test=test,
    )

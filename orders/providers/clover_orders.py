"""Clover's payments and orders as its API tells them together."""

from datetime import UTC, datetime

from orders.messages import (
    Authority,
    ChannelFacts,
    Customer,
    Line,
    Message,
    OrderMessage,
    OrderStatus,
    PaymentMessage,
    PaymentStatus,
    RefundMessage,
    RefundStatus,
)
from orders.money import MAX_MINOR
from orders.providers.contract import difference, distinct, flagged
from orders.records import Record

_RANKS = {PaymentStatus.FAILED: 1, PaymentStatus.CAPTURED: 2}
_UNIT = 1000  # unitQty counts thousandths


def of_answer(body: Record, *, channel: ChannelFacts) -> tuple[Message, ...]:
    """The order with its payments and refunds, or a payment without an order; raises Unusable."""
    order = body.record_or_empty("order")
    currency = order.currency("currency") if order.has("currency") else channel.currency
    if not currency:
        body.refuse("order", "Neither the order nor the channel names a currency.")
    test = channel.test or order.flag("testMode", default=False)
    name = order.external_id("id") if order.data else ""
    payments = [*_elements(order, "payments")]
    known = {row.external_id("id") for row in payments}
    if body.has("payment") and body.record("payment").external_id("id") not in known:
        payments.append(body.record("payment"))
    messages: list[Message] = [_payment(row, currency, name, test=test) for row in payments]
    messages += [_refund(row, currency, name, test=test) for row in _elements(order, "refunds")]
    if order.data:
        messages.append(_order(order, currency, payments, store=channel.domain, test=test))
    else:
        messages.append(_alone(payments[0], currency, store=channel.domain, test=test))
    return tuple(messages)


def _order(order: Record, currency: str, payments: list[Record], *, store: str, test: bool) -> OrderMessage:
    total = _cents(order, "total")
    taken = [row for row in payments if row.text("result").upper() == "SUCCESS"]
    tips = sum(_cents(row, "tipAmount") for row in taken if row.has("tipAmount"))
    taxes = sum(_cents(row, "taxAmount") for row in taken if row.has("taxAmount"))
    paid = bool(taken) and sum(_cents(row, "amount") for row in taken) >= total
    placed_at = _moment(order, "createdTime")
    lines = _lines(order)
    off = difference(lines, total_minor=total, beside_minor=0)
    flags, facts = flagged(0 if off in (0, taxes) else off, currency)
    external_id = order.external_id("id")
    return OrderMessage(
        external_id=external_id,
        number=order.text("title") or external_id,
        currency=currency,
        total_minor=total + tips,
        tax_minor=taxes,
        placed_at=placed_at,
        version=_moment(order, "modifiedTime") if order.has("modifiedTime") else placed_at,
        rank=int(paid),
        status=OrderStatus.DELIVERED if paid else OrderStatus.PENDING,
        paid=paid,
        paid_at=max(_moment(row, "createdTime") for row in taken) if paid else None,
        test=test,
        customer=_customer(order),
        lines=lines,
        flags=flags,
        extra_facts=_facts(order, taken, store) | facts,
    )


def _alone(payment: Record, currency: str, *, store: str, test: bool) -> OrderMessage:
    """A payment that belongs to no order of the till."""
    told = _payment(payment, currency, "", test=test)
    return OrderMessage(
        external_id=told.order_external_id,
        number=payment.text("externalPaymentId"),
        authority=Authority.PAYMENT,
        currency=currency,
        total_minor=told.amount_minor,
        placed_at=told.paid_at,
        version=told.version,
        rank=told.rank,
        status=OrderStatus.DELIVERED,
        paid=told.status is PaymentStatus.CAPTURED,
        payment_failed=told.status is PaymentStatus.FAILED,
        paid_at=told.paid_at,
        test=test,
        customer=Customer(),
        lines=(),
        extra_facts=_facts(Record({}), [payment], store),
    )


def _payment(payment: Record, currency: str, order_external_id: str, *, test: bool) -> PaymentMessage:
    status = PaymentStatus.CAPTURED if payment.text("result").upper() == "SUCCESS" else PaymentStatus.FAILED
    external_id, paid_at = payment.external_id("id"), _moment(payment, "createdTime")
    tip = _cents(payment, "tipAmount") if payment.has("tipAmount") else 0
    return PaymentMessage(
        external_id=external_id,
        order_external_id=order_external_id or payment.record_or_empty("order").reference("id") or external_id,
        charge_reference=external_id,
        amount_minor=_cents(payment, "amount") + tip,
        currency=currency,
        status=status,
        rank=_RANKS[status],
        paid_at=paid_at,
        version=_moment(payment, "modifiedTime") if payment.has("modifiedTime") else paid_at,
        method=payment.record_or_empty("tender").text("label"),
        last4=payment.record_or_empty("cardTransaction").exact("last4"),
        test=test,
    )


def _refund(refund: Record, currency: str, order_external_id: str, *, test: bool) -> RefundMessage:
    amount, at = _cents(refund, "amount"), _moment(refund, "createdTime")
    return RefundMessage(
        external_id=refund.external_id("id"),
        order_external_id=order_external_id,
        charge_reference=refund.record_or_empty("payment").reference("id"),
        amount_minor=amount,
        currency=currency,
        shop_amount_minor=amount,
        shop_currency=currency,
        status=RefundStatus.SUCCEEDED,
        rank=1,
        refunded_at=at,
        version=at,
        test=test,
    )


def _lines(order: Record) -> tuple[Line, ...]:
    lines = []
    for item in _elements(order, "lineItems"):
        units = item.amount("unitQty") if item.has("unitQty") else _UNIT
        # Sold by weight or twice: the price stands for a thousand units.
        price = _cents(item, "price")
        total = price * units // _UNIT if isinstance(units, int) and units > 0 else price
        product = item.record_or_empty("item")
        ids = (product.reference("id"),)
        lines.append(
            Line(
                external_id=item.external_id("id"),
                title=item.text("name"),
                quantity=units // _UNIT if isinstance(units, int) and units >= _UNIT and units % _UNIT == 0 else 1,
                total_minor=total,
                sku=item.exact("itemCode").strip() or product.exact("sku").strip(),
                listing_ids=tuple(one for one in ids if one),
            )
        )
    return distinct(lines)


def _customer(order: Record) -> Customer:
    person = next(iter(_elements(order, "customers")), Record({}))
    mail = next(iter(_elements(person, "emailAddresses")), Record({}))
    phone = next(iter(_elements(person, "phoneNumbers")), Record({}))
    number = person.reference("id")
    return Customer(
        email=mail.exact("emailAddress"),
        phone=phone.exact("phoneNumber"),
        name=f"{person.text('firstName')} {person.text('lastName')}".strip(),
        others=(("clover_customer", number),) if number else (),
    )


def _facts(order: Record, payments: list[Record], store: str) -> dict[str, str]:
    device = order.record_or_empty("device").text("id") or next(
        (row.record_or_empty("device").text("id") for row in payments), ""
    )
    tender = next((row.record_or_empty("tender").text("label") for row in payments), "")
    found = {"store_id": store, "till": device, "payment_method": tender}
    return {name: text for name, text in found.items() if text}


def _elements(body: Record, name: str) -> list[Record]:
    """Clover wraps each list in an object."""
    return body.record_or_empty(name).records_or_empty("elements")


def _cents(body: Record, name: str) -> int:
    amount = body.amount(name)
    if not isinstance(amount, int) or not 0 <= amount <= MAX_MINOR:
        body.refuse(name, "It is not a whole number of minor units.")
    return amount


def _moment(body: Record, name: str) -> datetime:
    """Milliseconds since 1970, kept to the millisecond."""
    value = body.amount(name)
    if not isinstance(value, int) or not 0 < value < 7_258_118_400_000:
        body.refuse(name, "It is not a time in milliseconds since 1970.")
    return datetime.fromtimestamp(value // 1000, tz=UTC).replace(microsecond=value % 1000 * 1000)

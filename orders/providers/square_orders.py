"""Square's orders as its Orders, Customers and Payments APIs tell them together."""

from decimal import Decimal

from orders.messages import (
    Authority,
    Customer,
    Ignored,
    Line,
    Message,
    OrderMessage,
    OrderStatus,
    PaymentMessage,
)
from orders.money import MAX_MINOR
from orders.providers.contract import difference, distinct, flagged
from orders.records import Record

LINES_UNKNOWN = "lines_unknown"
_DONE, _GONE = "COMPLETED", "CANCELED"
_MOST_RANK = 30_000


def money_of(body: Record, name: str) -> tuple[str, int]:
    """Currency and amount of one of Square's money objects, which count whole minor units; not below zero."""
    told = body.record(name)
    currency = told.currency("currency")
    return currency, _whole(told, signed=False)


def signed_money(body: Record, name: str, currency: str) -> int:
    """An amount that may be below zero, in the currency that it must be of."""
    told = body.record(name)
    if told.currency("currency") != currency:
        told.refuse("currency", f"It is not in {currency}.")
    return _whole(told, signed=True)


def _whole(told: Record, *, signed: bool) -> int:
    amount = told.amount("amount")
    if not isinstance(amount, int) or abs(amount) > MAX_MINOR or (amount < 0 and not signed):
        told.refuse("amount", "It is not a whole number of minor units.")
    return amount


def of_answer(body: Record, *, test: bool) -> tuple[Message, ...]:
    """The order with its customer, as they were read together; raises Unusable, or Ignored for a return."""
    order, person = body.record("order"), body.record_or_empty("customer")
    if not order.records_or_empty("line_items") and order.records_or_empty("returns"):
        raise Ignored("A return's own order; the refund is told by itself.")
    currency, total = money_of(order, "total_money")
    tip, tax = _beside(order, "total_tip_money", currency), _beside(order, "total_tax_money", currency)
    discount, service = (_beside(order, f"total_{name}_money", currency) for name in ("discount", "service_charge"))
    state = order.text("state").upper()
    lines = _lines(order, currency)
    off = difference(lines, total_minor=total, beside_minor=tip + service)
    flags, facts = flagged(0 if off in (0, tax) else off, currency)
    paid = state == _DONE or (bool(order.records_or_empty("tenders")) and _settled(order, currency))
    placed_at = order.instant("created_at")
    version = order.quantity("version") if order.has("version") else 1
    return (
        OrderMessage(
            external_id=order.external_id("id"),
            number=order.text("ticket_name") or order.text("reference_id"),
            currency=currency,
            total_minor=total,
            tax_minor=tax,
            discount_minor=discount,
            placed_at=placed_at,
            version=order.instant_or_none("updated_at") or placed_at,
            rank=min(version, _MOST_RANK),
            status=_status(state),
            paid=paid and state != _GONE,
            paid_at=(order.instant_or_none("closed_at") or placed_at) if paid else None,
            cancelled=state == _GONE,
            test=test,
            customer=_customer(order, person),
            lines=lines,
            flags=flags,
            extra_facts=_facts(order) | facts,
        ),
    )


def of_payment_alone(payment: Record, told: PaymentMessage) -> OrderMessage:
    """As much of an order as its payment says, where nobody may ask for the rest."""
    return OrderMessage(
        external_id=told.order_external_id,
        number=payment.text("receipt_number"),
        authority=Authority.PAYMENT,
        currency=told.currency,
        total_minor=told.amount_minor,
        placed_at=told.paid_at,
        version=told.version,
        rank=told.rank,
        status=OrderStatus.DELIVERED,
        paid=True,
        paid_at=told.paid_at,
        test=told.test,
        customer=Customer(
            email=payment.exact("buyer_email_address"),
            others=(("square_customer", buyer),) if (buyer := payment.reference("customer_id")) else (),
        ),
        lines=(),
        flags=(LINES_UNKNOWN,),
        extra_facts=_facts(payment) | {"payment_method": told.method},
    )


def _beside(order: Record, name: str, currency: str) -> int:
    return signed_money(order, name, currency) if order.has(name) else 0


def _settled(order: Record, currency: str) -> bool:
    return order.has("net_amount_due_money") and signed_money(order, "net_amount_due_money", currency) <= 0


def _status(state: str) -> OrderStatus:
    if state == _GONE:
        return OrderStatus.CANCELLED
    return OrderStatus.DELIVERED if state == _DONE else OrderStatus.PENDING


def _lines(order: Record, currency: str) -> tuple[Line, ...]:
    lines = []
    for position, item in enumerate(order.records_or_empty("line_items"), start=1):
        title = ", ".join(word for word in (item.text("name"), item.text("variation_name")) if word)
        lines.append(
            Line(
                external_id=item.text("uid") or str(position),
                title=title or item.text("note"),
                quantity=_quantity(item),
                total_minor=signed_money(item, "total_money", currency),
                listing_ids=(listed,) if (listed := item.reference("catalog_object_id")) else (),
            )
        )
    return distinct(lines)


def _quantity(item: Record) -> int:
    """What is sold by weight counts as one."""
    text = item.text("quantity", "1")
    try:
        whole = Decimal(text) == Decimal(text).to_integral_value()
    except ArithmeticError:
        whole = True  # refused below, with its sentence
    return item.quantity("quantity") if whole and item.has("quantity") and "." not in text else 1


def _customer(order: Record, person: Record) -> Customer:
    told = [one.record_or_empty(f"{kind}_details") for one in order.records_or_empty("fulfillments")
            for kind in ("pickup", "shipment", "delivery")]  # fmt: skip
    recipient = next((one.record("recipient") for one in told if one.has("recipient")), Record({}))
    name = f"{person.text('given_name')} {person.text('family_name')}".strip()
    buyer = person.reference("id") or order.reference("customer_id")
    return Customer(
        email=person.exact("email_address") or recipient.exact("email_address"),
        phone=person.exact("phone_number") or recipient.exact("phone_number"),
        name=name or recipient.text("display_name"),
        region=person.record_or_empty("address").region("country"),
        others=(("square_customer", buyer),) if buyer else (),
    )


def _facts(body: Record) -> dict[str, str]:
    found = {"store_id": body.text("location_id"), "source": body.record_or_empty("source").text("name")}
    return {name: text for name, text in found.items() if text}

"""Stripe: the order behind a Checkout Session, or behind a payment that has none."""

from datetime import datetime

from orders.messages import Address, Authority, Customer, Ignored, Line, OrderMessage, OrderStatus
from orders.providers.contract import difference, distinct, flagged
from orders.records import Record

UNNAMED_LINE = "Stripe checkout"
_UNPAID, _FAILED, _PAID = 0, 1, 2
_SUCCEEDED_TOPIC = "checkout.session.async_payment_succeeded"
_FAILED_TOPIC = "checkout.session.async_payment_failed"
_HINTS = ("conversation_id", "chat_conversation_id")


def of_session(session: Record, *, topic: str, version: datetime, test: bool) -> OrderMessage:
    """The order of a Checkout Session; the event's topic says more than a state read before it."""
    if session.text("object", "checkout.session") != "checkout.session":
        session.refuse("object", "The event is about a checkout session, its object is not.")
    if session.text("mode") == "setup":
        raise Ignored("The checkout only saved a payment method; nothing was bought.")
    currency = session.currency("currency")
    total = session.stripe_money("amount_total", currency)
    details = session.record_or_empty("total_details")
    shipping = _optional(details, "amount_shipping", currency)
    failed = topic == _FAILED_TOPIC
    settled = session.text("payment_status") in ("paid", "no_payment_required")
    paid = not failed and (settled or topic == _SUCCEEDED_TOPIC)
    metadata = session.record_or_empty("metadata")
    lines = _expanded_lines(session, metadata, currency) or [_single_line(metadata, total - min(shipping, total))]
    flags, difference_facts = flagged(difference(lines, total_minor=total, beside_minor=shipping), currency)
    presentment_currency, presentment_total = _presentment(session)
    return OrderMessage(
        external_id=session.external_id("id"),
        number=session.text("client_reference_id") or metadata.text("order_ref"),
        currency=currency,
        total_minor=total,
        discount_minor=_optional(details, "amount_discount", currency),
        tax_minor=_optional(details, "amount_tax", currency),
        shipping_minor=shipping,
        placed_at=session.epoch("created"),
        version=version,
        rank=_PAID if paid else _FAILED if failed else _UNPAID,
        status=OrderStatus.PENDING,
        paid=paid,
        paid_at=version if paid else None,
        payment_failed=failed,
        test=test,
        customer=_customer(session),
        lines=distinct(lines),
        payment_reference=session.reference("payment_intent"),
        presentment_currency=presentment_currency,
        presentment_total_minor=presentment_total,
        conversation_hint=_hint(metadata),
        flags=flags,
        extra_facts=_metadata_facts(metadata) | difference_facts,
    )


def of_payment(intent: Record, *, amount_minor: int, version: datetime, test: bool) -> OrderMessage:
    """The order of a payment intent, until the checkout it belongs to speaks."""
    metadata = intent.record_or_empty("metadata")
    shipping = intent.record_or_empty("shipping")
    reference = intent.external_id("id")
    return OrderMessage(
        external_id=reference,
        authority=Authority.PAYMENT,
        number=metadata.text("order_ref"),
        currency=intent.currency("currency"),
        total_minor=amount_minor,
        placed_at=intent.epoch("created"),
        version=version,
        rank=_PAID,
        status=OrderStatus.PENDING,
        paid=True,
        paid_at=version,
        test=test,
        customer=Customer(
            email=intent.exact("receipt_email"),
            phone=shipping.exact("phone"),
            name=shipping.text("name"),
            region=shipping.record_or_empty("address").region("country"),
            address=_address(shipping.record_or_empty("address")),
        ),
        lines=(_single_line(metadata, amount_minor),),
        payment_reference=reference,
        charge_reference=intent.reference("latest_charge"),
        conversation_hint=_hint(metadata),
        extra_facts=_metadata_facts(metadata),
    )


def _customer(session: Record) -> Customer:
    """Who bought: what they typed (`customer_details`) before what was prefilled (`customer_email`)."""
    details = session.record_or_empty("customer_details")
    return Customer(
        email=details.exact("email") or session.exact("customer_email"),
        phone=details.exact("phone"),
        name=details.text("name"),
        region=details.record_or_empty("address").region("country"),
        locale=session.locale("locale"),
        address=_address(details.record_or_empty("address")),
    )


def _address(place: Record) -> Address:
    return Address(
        street=place.text("line1"),
        more=place.text("line2"),
        postcode=place.text("postal_code"),
        city=place.text("city"),
    )


def _expanded_lines(session: Record, metadata: Record, currency: str) -> list[Line]:
    """The line items, which a webhook never carries and a fetched session may."""
    listed = session.record_or_empty("line_items").records_or_empty("data")
    lines = []
    for item in listed:
        price = item.record_or_empty("price")
        product = price.record("product") if isinstance(price.data.get("product"), dict) else Record({})
        named = price.record_or_empty("metadata").exact("sku") or product.record_or_empty("metadata").exact("sku")
        listing_ids = (price.reference("id"), price.reference("product"))
        lines.append(
            Line(
                external_id=item.external_id("id"),
                title=item.text("description") or product.text("name", UNNAMED_LINE),
                quantity=item.quantity("quantity") if item.has("quantity") else 1,
                total_minor=item.stripe_money("amount_total", currency),
                sku=(named or (metadata.exact("sku") if len(listed) == 1 else "")).strip(),
                listing_ids=tuple(listing for listing in listing_ids if listing),
            )
        )
    return lines


def _single_line(metadata: Record, total_minor: int) -> Line:
    sku = metadata.exact("sku").strip()
    title = metadata.text("title") or metadata.text("product_name") or sku or UNNAMED_LINE
    return Line(external_id="1", title=title, quantity=1, total_minor=total_minor, sku=sku)


def _presentment(session: Record) -> tuple[str, int | None]:
    shown = session.record_or_empty("presentment_details")
    if not shown.has("presentment_currency") or not shown.has("presentment_amount"):
        return "", None
    currency = shown.currency("presentment_currency")
    return currency, shown.stripe_money("presentment_amount", currency)


def _optional(record: Record, name: str, currency: str) -> int:
    return record.stripe_money(name, currency) if record.has(name) else 0


def _hint(metadata: Record) -> str:
    return next((metadata.text(name) for name in _HINTS if metadata.text(name)), "")


def _metadata_facts(metadata: Record) -> dict[str, str]:
    """What the seller attached to the sale (at most 50 keys at Stripe), for people and for the image sale."""
    names = [name for name in metadata.data if name.isprintable() and len(name) <= 100][:50]
    return {f"metadata.{name}": metadata.text(name) for name in names if metadata.text(name)}

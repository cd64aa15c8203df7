"""Etsy: thin signed webhooks that only name a receipt, and the receipts of its API, which are the orders."""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from orders import money
from orders.messages import (
    Address,
    Customer,
    Delivery,
    Ignored,
    Line,
    LookupMessage,
    Message,
    OrderMessage,
    OrderStatus,
    RefundMessage,
    RefundStatus,
    Unusable,
)
from orders.parsing import glance
from orders.providers import standard
from orders.providers.contract import Headers, Provider, difference, distinct, flagged, label, printable
from orders.records import Record

RECEIPT = "receipt"
_EVENTS = frozenset({"order.paid", "order.canceled", "order.shipped", "order.delivered"})
_HOSTS = frozenset({"openapi.etsy.com", "api.etsy.com"})
_RECEIPT = re.compile(r"/receipts/([0-9]{1,20})/?$", re.ASCII)
_REFUNDED = ("fully refunded", "partially refunded")


class Etsy(Provider):
    kind = "etsy"
    SIGNATURE_HEADERS = standard.HEADERS
    KEPT_HEADERS = standard.HEADERS | {"content-type", "user-agent"}

    def verify(self, body: bytes, headers: Headers, secrets: Sequence[str], *, now: float) -> bool:
        """By the Standard Webhooks scheme; a digest that stands alone, without its version, is taken as well."""
        given = {name: headers.get(name, "") for name in standard.HEADERS}
        entries = [entry if "," in entry else f"v1,{entry}" for entry in given["webhook-signature"].split(" ") if entry]
        return standard.verify(body, given | {"webhook-signature": " ".join(entries)}, secrets, now=now)

    def identify(self, body: bytes, headers: Headers) -> tuple[str, str]:
        topic = glance(body).get("event_type")
        return label(headers, "webhook-id"), printable(topic)

    def parse(self, delivery: Delivery) -> tuple[Message, ...]:
        body = Record.of(delivery.body)
        if delivery.looked_up == RECEIPT:
            return (of_receipt(body, test=delivery.channel.test),)
        event = body.text("event_type")
        if event not in _EVENTS:
            raise Ignored(f"Nothing is done about {event or 'a delivery without an event_type'}.")
        address = urlsplit(body.text("resource_url"))
        found = _RECEIPT.search(address.path)
        if address.scheme != "https" or address.hostname not in _HOSTS or found is None:
            raise Unusable("resource_url: It is not the address of a receipt at Etsy.")
        return (LookupMessage(thing=RECEIPT, external_id=found.group(1)),)


def of_receipt(body: Record, *, test: bool) -> OrderMessage:
    """The order in a receipt of the API; raises Unusable."""
    external_id = body.external_id("receipt_id")
    grand = body.record("grandtotal")
    currency = grand.currency("currency_code")
    total = _money(body, "grandtotal", currency)
    shipping, tax = _money(body, "total_shipping_cost", currency), _money(body, "total_tax_cost", currency)
    tax += _money(body, "total_vat_cost", currency)
    wrap, discount = _money(body, "gift_wrap_price", currency), _money(body, "discount_amt", currency)
    placed_at = _time(body, "created_timestamp", "create_timestamp")
    version = _time(body, "updated_timestamp", "update_timestamp")
    word = body.text("status").lower()
    paid = body.flag("is_paid", default=False) or word in _REFUNDED
    cancelled = word in ("canceled", "cancelled")
    lines = _lines(body, currency, discount)
    off = difference(lines, total_minor=total, beside_minor=shipping + tax + wrap)
    flags, facts = flagged(off, currency)
    return OrderMessage(
        external_id=external_id,
        number=external_id,
        currency=currency,
        total_minor=total,
        shipping_minor=shipping,
        tax_minor=tax,
        discount_minor=discount,
        placed_at=placed_at,
        version=version,
        rank=_rank(word, paid),
        status=_status(body, word, cancelled),
        paid=paid and not cancelled,
        paid_at=placed_at if paid else None,
        cancelled=cancelled,
        test=test,
        customer=_customer(body),
        lines=lines,
        refunds=tuple(_refunds(body, external_id, test=test)),
        flags=flags,
        extra_facts={"payment_method": body.text("payment_method")} | facts if body.has("payment_method") else facts,
    )


def _rank(word: str, paid: bool) -> int:
    """How far it came, for two words of one second."""
    return paid + 2 * (word in ("completed", *_REFUNDED)) + 4 * (word in ("canceled", "cancelled"))


def _status(body: Record, word: str, cancelled: bool) -> OrderStatus:
    if cancelled:
        return OrderStatus.CANCELLED
    if word == "fully refunded":
        return OrderStatus.REFUNDED
    return OrderStatus.SHIPPED if body.flag("is_shipped", default=False) else OrderStatus.PENDING


def _money(body: Record, name: str, currency: str) -> int:
    """Etsy's amount over its own divisor, which is not always a hundred; 0 where it is missing."""
    if not body.has(name):
        return 0
    told = body.record(name)
    if told.currency("currency_code") != currency:
        told.refuse("currency_code", "One receipt is in one currency.")
    amount, divisor = told.amount("amount"), told.amount("divisor")
    if not isinstance(amount, int) or not isinstance(divisor, int) or amount < 0 or divisor < 1:
        told.refuse("amount", "It is no whole amount over a divisor.")
    minor, rest = divmod(amount * 10 ** money.exponent(currency), divisor)
    if rest:
        told.refuse("amount", f"It has more decimals than {currency} has.")
    if minor > money.MAX_MINOR:
        told.refuse("amount", "It is more than any amount taken here.")
    return minor


def _time(body: Record, *names: str) -> datetime:
    return body.epoch(next((name for name in names if body.has(name)), names[0]))


def _lines(body: Record, currency: str, discount: int) -> tuple[Line, ...]:
    """What was paid for each: the receipt's discount is spread over them by what they cost."""
    items = body.records("transactions")
    full = [_money(item, "price", currency) * item.quantity("quantity") for item in items]
    off = money.spread(min(discount, sum(full)), full)
    lines = []
    for item, price, less in zip(items, full, off, strict=True):
        ids = (item.reference("product_id"), item.reference("listing_id"))
        lines.append(
            Line(
                external_id=item.external_id("transaction_id"),
                title=item.text("title"),
                quantity=item.quantity("quantity"),
                total_minor=price - less,
                sku=item.exact("sku").strip(),
                listing_ids=tuple(one for one in ids if one),
            )
        )
    return distinct(lines)


def _refunds(body: Record, order_external_id: str, *, test: bool) -> list[RefundMessage]:
    """Etsy gives a refund no id of its own: when and how much make it."""
    found = []
    for row in body.records_or_empty("refunds"):
        currency = row.record("amount").currency("currency_code")
        amount = _money(row, "amount", currency)
        at = _time(row, "created_timestamp", "create_timestamp")
        named = f"{order_external_id}/{int(at.timestamp())}/{amount}"
        found.append(
            RefundMessage(
                external_id=f"etsy-{hashlib.sha256(named.encode()).hexdigest()[:32]}",
                order_external_id=order_external_id,
                amount_minor=amount,
                currency=currency,
                shop_amount_minor=amount,
                shop_currency=currency,
                status=RefundStatus.SUCCEEDED,
                rank=1,
                refunded_at=at,
                version=at,
                reason=row.text("reason"),
                test=test,
            )
        )
    return found


def _customer(body: Record) -> Customer:
    """Mostly without an address of mail, which few apps are told: the buyer's number at Etsy stands for them."""
    return Customer(
        email=body.exact("buyer_email"),
        name=body.text("name"),
        region=body.region("country_iso"),
        others=(("etsy_buyer", buyer),) if (buyer := body.reference("buyer_user_id")) else (),
        address=Address(
            street=body.text("first_line"),
            more=body.text("second_line"),
            postcode=body.text("zip"),
            city=body.text("city"),
        ),
    )

"""Stripe: events of one-off sales, signed over timestamp and body (docs.stripe.com, API 2026-10-28)."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from orders.messages import (
    Delivery,
    DisputeMessage,
    DisputeStatus,
    Ignored,
    Message,
    PaymentMessage,
    PaymentStatus,
    RefundMessage,
    RefundStatus,
    Unusable,
)
from orders.providers import signatures, stripe_balance, stripe_orders
from orders.providers.contract import Headers, Provider, printable
from orders.records import Record

TOLERANCE_SECONDS = 300
MAX_SIGNATURES = 20

_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_EVENT_ID = re.compile(rb'"id"\s*:\s*"(evt_[A-Za-z0-9_]{1,200})"')
_FIRST = re.compile(rb"\s*\{\s*\"id\"\s*:\s*\"(evt_[A-Za-z0-9_]{1,200})\"", re.ASCII)
_LAST = re.compile(rb",\s*\"type\"\s*:\s*\"([a-z0-9_.]{1,90})\"\s*\}\s*\Z", re.ASCII)

_REFUND_STATUSES = {
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}
_REFUND_RANKS = {RefundStatus.PENDING: 0, RefundStatus.SUCCEEDED: 1, RefundStatus.FAILED: 2}
_DISPUTE_STATUSES = {
    "won": DisputeStatus.WON,
    "warning_closed": DisputeStatus.WON,
    "prevented": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
}
_DISPUTE_RANKS = {DisputeStatus.OPENED: 0, DisputeStatus.WON: 1, DisputeStatus.LOST: 2}
_PAYMENT_RANKS = {PaymentStatus.PENDING: 0, PaymentStatus.FAILED: 1, PaymentStatus.CAPTURED: 2}


@dataclass(frozen=True, slots=True)
class Event:
    """The envelope: `thing` is the object it is about, `created_at` the version of what it says."""

    type: str
    created_at: datetime
    test: bool
    thing: Record


class Stripe(Provider):
    kind = "stripe"
    SIGNATURE_HEADERS = frozenset({"stripe-signature"})
    KEPT_HEADERS = frozenset({"stripe-signature", "content-type", "user-agent"})

    def verify(self, body: bytes, headers: Headers, secrets: Sequence[str], *, now: float) -> bool:
        entries = headers.get("stripe-signature", "").split(",")
        stamps = [entry[2:] for entry in entries if entry.startswith("t=")]
        claimed = [signatures.ascii_bytes(entry[3:]) for entry in entries if entry.startswith("v1=")]
        if len(stamps) != 1 or not _TIMESTAMP.fullmatch(stamps[0]) or len(claimed) > MAX_SIGNATURES:
            return False
        # As Stripe's own libraries: only too old is refused, a sender's clock may be ahead.
        if now - int(stamps[0]) > TOLERANCE_SECONDS:
            return False
        signed = stamps[0].encode("ascii") + b"." + body
        expected = [signatures.sha256(key, signed).hex().encode("ascii") for key in signatures.keys(secrets)]
        return signatures.any_equal(claimed, expected)

    def identify(self, body: bytes, headers: Headers) -> tuple[str, str]:
        # Stripe writes an event's id first and its type last: as labels they are read without parsing what is between.
        first, last = _FIRST.match(body), _LAST.search(body, max(0, len(body) - 200))
        if first and last:
            return first[1].decode("ascii"), last[1].decode("ascii")
        try:
            event = json.loads(body)
        except (ValueError, RecursionError):
            event = None
        if isinstance(event, dict):
            return printable(event.get("id")), printable(event.get("type"))
        found = _EVENT_ID.search(body)
        return (found[1].decode("ascii") if found else ""), ""

    def parse(self, delivery: Delivery) -> tuple[Message, ...]:
        body = Record.of(delivery.body)
        body.external_id("id")
        topic = body.text("type")
        if body.has("account"):
            raise Ignored("The event belongs to a connected account, not to this channel.")
        reader = _reader(topic)
        if body.flag("livemode") == delivery.channel.test:
            kind = "test" if delivery.channel.test else "live"
            raise Ignored(f"The event is not of the {kind} mode this channel is connected for.")
        event = Event(topic, body.epoch("created"), delivery.channel.test, body.record("data").record("object"))
        return reader(event)


def _reader(topic: str) -> Callable[[Event], tuple[Message, ...]]:
    if topic in _READERS:
        return _READERS[topic]
    if topic.startswith("charge.dispute."):
        return _dispute
    if topic.startswith("payout."):
        return _payout
    raise Ignored(_SILENT.get(topic) or f"Nothing is done about {printable(topic) or 'an event without a type'}.")


def _session(event: Event) -> tuple[Message, ...]:
    order = stripe_orders.of_session(event.thing, topic=event.type, version=event.created_at, test=event.test)
    if not order.paid or not order.payment_reference:
        return (order,)
    payment = PaymentMessage(
        external_id=order.payment_reference,
        amount_minor=order.total_minor,
        currency=order.currency,
        status=PaymentStatus.CAPTURED,
        rank=_PAYMENT_RANKS[PaymentStatus.CAPTURED],
        paid_at=event.created_at,
        version=event.created_at,
        order_external_id=order.external_id,
        test=event.test,
    )
    return order, payment


def _payment_succeeded(event: Event) -> tuple[Message, ...]:
    payment = _payment(event, PaymentStatus.CAPTURED)
    order = stripe_orders.of_payment(
        event.thing, amount_minor=payment.amount_minor, version=event.created_at, test=event.test
    )
    return payment, order


def _payment_failed(event: Event) -> tuple[Message, ...]:
    return (_payment(event, PaymentStatus.FAILED),)


def _payment(event: Event, status: PaymentStatus) -> PaymentMessage:
    intent = event.thing
    currency = intent.currency("currency")
    received = status is PaymentStatus.CAPTURED and intent.has("amount_received")
    charge = intent.record("latest_charge") if isinstance(intent.data.get("latest_charge"), dict) else Record({})
    method, last4 = _method(charge)
    return PaymentMessage(
        external_id=intent.external_id("id"),
        amount_minor=intent.stripe_money("amount_received" if received else "amount", currency),
        currency=currency,
        status=status,
        rank=_PAYMENT_RANKS[status],
        paid_at=event.created_at,
        version=event.created_at,
        charge_reference=intent.reference("latest_charge"),
        method=method,
        last4=last4,
        test=event.test,
    )


def _charge(event: Event) -> tuple[Message, ...]:
    charge = event.thing
    currency = charge.currency("currency")
    status = PaymentStatus.CAPTURED if charge.flag("captured", default=True) else PaymentStatus.PENDING
    captured = status is PaymentStatus.CAPTURED and charge.has("amount_captured")
    method, last4 = _method(charge)
    charge_id = charge.external_id("id")
    payment = PaymentMessage(
        external_id=charge.reference("payment_intent") or charge_id,
        amount_minor=charge.stripe_money("amount_captured" if captured else "amount", currency),
        currency=currency,
        status=status,
        rank=_PAYMENT_RANKS[status],
        paid_at=event.created_at,
        version=event.created_at,
        charge_reference=charge_id,
        method=method,
        last4=last4,
        fee_minor=_fee(charge, currency),
        test=event.test,
    )
    return (payment,)


def _method(charge: Record) -> tuple[str, str]:
    details = charge.record_or_empty("payment_method_details")
    method = details.text("type")
    chosen = details.data.get(method)
    last4 = details.record(method).text("last4") if isinstance(chosen, dict) else ""
    return method, last4[:4]


def _fee(charge: Record, currency: str) -> int | None:
    """The fee where the balance transaction is expanded and in the charge's own currency."""
    if not isinstance(charge.data.get("balance_transaction"), dict):
        return None
    settled = charge.record("balance_transaction")
    if settled.text("currency").upper() != currency or not settled.has("fee"):
        return None
    return settled.stripe_money("fee", currency)


def of_refund(event: Event) -> tuple[RefundMessage]:
    """The refund an event is about."""
    refund = event.thing
    if refund.text("object", "refund") != "refund":
        refund.refuse("object", "The event is about a refund, its object is not.")
    currency = refund.currency("currency")
    word = refund.text("status", "pending")
    status = RefundStatus.FAILED if event.type == "refund.failed" else _REFUND_STATUSES.get(word)
    if status is None:
        refund.refuse("status", f"{printable(word)!r} is not a known state of a refund.")
    message = RefundMessage(
        external_id=refund.external_id("id"),
        amount_minor=refund.stripe_money("amount", currency),
        currency=currency,
        status=status,
        rank=_REFUND_RANKS[status],
        refunded_at=refund.epoch("created"),
        version=event.created_at,
        payment_reference=refund.reference("payment_intent"),
        charge_reference=refund.reference("charge"),
        reason=refund.text("reason"),
        test=event.test,
    )
    if not message.payment_reference and not message.charge_reference:
        raise Unusable("The refund names neither a payment nor a charge.")
    return (message,)


def _dispute(event: Event) -> tuple[Message, ...]:
    dispute = event.thing
    currency = dispute.currency("currency")
    status = _DISPUTE_STATUSES.get(dispute.text("status"), DisputeStatus.OPENED)
    evidence = dispute.record_or_empty("evidence_details")
    message = DisputeMessage(
        external_id=dispute.external_id("id"),
        amount_minor=dispute.stripe_money("amount", currency),
        currency=currency,
        status=status,
        rank=_DISPUTE_RANKS[status],
        opened_at=dispute.epoch("created"),
        version=event.created_at,
        payment_reference=dispute.reference("payment_intent"),
        charge_reference=dispute.reference("charge"),
        reason=dispute.text("reason"),
        evidence_due_at=evidence.epoch("due_by") if evidence.has("due_by") else None,
        test=event.test,
    )
    if not message.payment_reference and not message.charge_reference:
        raise Unusable("The dispute names neither a payment nor a charge.")
    return (message,)


def of_thing(event: Event) -> tuple[Message, ...]:
    """What a thing says that was read from a list, as if an event had brought it; raises `Unusable` or `Ignored`."""
    return _reader(event.type)(event)


def _payout(event: Event) -> tuple[Message, ...]:
    return (stripe_balance.of_payout(event.thing, test=event.test),)


_READERS: dict[str, Callable[[Event], tuple[Message, ...]]] = {
    "checkout.session.completed": _session,
    "checkout.session.async_payment_succeeded": _session,
    "checkout.session.async_payment_failed": _session,
    "payment_intent.succeeded": _payment_succeeded,
    "payment_intent.payment_failed": _payment_failed,
    "charge.succeeded": _charge,
    "charge.captured": _charge,
    "refund.created": of_refund,
    "refund.updated": of_refund,
    "refund.failed": of_refund,
    "charge.refund.updated": of_refund,
}
_SILENT = {
    "checkout.session.expired": "The checkout expired; nothing was bought.",
    "charge.refunded": "A hint only; the refund's own events say what was refunded.",
}

READ_TOPICS = (*_READERS, *(f"charge.dispute.{word}" for word in ("created", "updated", "closed")))
"""What is asked for where events are listed; Stripe takes at most twenty."""

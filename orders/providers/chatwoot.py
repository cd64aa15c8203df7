"""Chatwoot: signed over the time and the body; messages come flat or inside of their conversation."""

import re
from collections.abc import Sequence

from orders.messages import (
    Customer,
    Delivery,
    Ignored,
    Message,
    TalkBy,
    TalkLine,
    TalkMessage,
    TalkStatus,
)
from orders.parsing import glance
from orders.providers import signatures
from orders.providers.contract import Headers, Provider, label, printable
from orders.records import Record

TOLERANCE_SECONDS = 300
_STAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_MESSAGE_EVENTS = ("message_created", "message_updated")
_TALK_EVENTS = ("conversation_created", "conversation_status_changed", "conversation_updated")
_STATUSES = {
    "open": TalkStatus.OPEN,
    "pending": TalkStatus.OPEN,
    "snoozed": TalkStatus.SNOOZED,
    "resolved": TalkStatus.CLOSED,
}
# Flat messages name their sort, those inside of a conversation number it.
_INCOMING, _OUTGOING = ("incoming", 0), ("outgoing", 1)
_LONGEST_PAGE = 500


class Chatwoot(Provider):
    kind = "chatwoot"
    SIGNATURE_HEADERS = frozenset({"x-chatwoot-signature", "x-chatwoot-timestamp"})
    KEPT_HEADERS = SIGNATURE_HEADERS | {"content-type", "x-chatwoot-delivery"}

    def verify(self, body: bytes, headers: Headers, secrets: Sequence[str], *, now: float) -> bool:
        """Within five minutes of the time that was signed with the body."""
        stamp = headers.get("x-chatwoot-timestamp", "")
        if not _STAMP.fullmatch(stamp) or abs(now - int(stamp)) > TOLERANCE_SECONDS:
            return False
        signed = stamp.encode("ascii") + b"." + body
        return signatures.any_hex(headers.get("x-chatwoot-signature", ""), "sha256=", signed, secrets)

    def identify(self, body: bytes, headers: Headers) -> tuple[str, str]:
        topic = glance(body).get("event")
        return label(headers, "x-chatwoot-delivery"), printable(topic)

    def parse(self, delivery: Delivery) -> tuple[Message, ...]:
        body = Record.of(delivery.body)
        event = body.text("event")
        if event in _MESSAGE_EVENTS:
            talk = body.record("conversation")
            line = _line(body, sender=_sender(body))
            return (_talk(talk, [line] if line else []),)
        if event in _TALK_EVENTS:
            return (_talk(body, []),)
        raise Ignored(f"Nothing is done about {event or 'a delivery without an event'}.")


def _talk(talk: Record, told: list[TalkLine]) -> TalkMessage:
    """The conversation with the messages it carries and those told beside it."""
    lines = {line.external_id: line for line in told}
    for row in talk.records_or_empty("messages"):
        line = _line(row, sender=row.text("sender_type").lower())
        if line is not None:
            lines.setdefault(line.external_id, line)
    word = talk.text("status").lower()
    status = _STATUSES.get(word)
    last = talk.moment("last_activity_at") if talk.has("last_activity_at") else None
    return TalkMessage(
        external_id=talk.external_id("id"),
        started_at=talk.moment("created_at"),
        last_activity_at=last,
        version=talk.moment("updated_at" if talk.has("updated_at") else "last_activity_at"),
        status=status,
        ended_at=last if status is TalkStatus.CLOSED else None,
        labels=_labels(talk),
        page=talk.record_or_empty("additional_attributes").text("referer")[:_LONGEST_PAGE],
        customer=_customer(talk.record_or_empty("meta").record_or_empty("sender")),
        lines=tuple(lines[key] for key in sorted(lines)),
    )


def _labels(talk: Record) -> tuple[str, ...] | None:
    told = talk.data.get("labels")
    if not isinstance(told, list):
        return None
    return tuple(sorted({found for one in told if (found := printable(one).lower())}))


def _sender(body: Record) -> str:
    """Who sent a flat message: a contact's own record does not name its type."""
    return body.record_or_empty("sender").text("type").lower() if body.has("sender") else ""


def _line(row: Record, *, sender: str) -> TalkLine | None:
    """One message between the customer and the seller; None for notes, templates and what the system says."""
    sort = row.data.get("message_type")
    sort = sort.lower() if isinstance(sort, str) else sort
    if isinstance(sort, bool) or row.flag("private", default=False):
        return None
    if sort in _INCOMING:
        by = TalkBy.CUSTOMER
    elif sort in _OUTGOING:
        by = TalkBy.AGENT if sender == "user" else TalkBy.BOT
    else:
        return None
    deleted = row.record_or_empty("content_attributes").data.get("deleted") is True
    return TalkLine(
        external_id=row.external_id("id"),
        by=by,
        # One message is told with and without parts of a second.
        at=row.moment("created_at").replace(microsecond=0),
        text="" if deleted else row.written("content"),
    )


def _customer(sender: Record) -> Customer:
    """The contact, whoever of the two wrote."""
    return Customer(email=sender.exact("email"), phone=sender.exact("phone_number"), name=sender.text("name"))

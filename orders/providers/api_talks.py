"""A conversation as a program of the seller's own tells it: the body of `POST /api/conversations` (SURFACE.md)."""

from collections.abc import Mapping
from datetime import datetime

from orders.messages import Customer, TalkBy, TalkLine, TalkMessage
from orders.parsing import shown
from orders.records import Record

TOPIC = "conversation"
"""The topic under which the inbox keeps such a body, on the built-in channel."""
TAGS = ("price_check", "product_inquiry")
MOST_COUNTED = 1_000_000


def parse_talk(data: Mapping[str, object], *, at: datetime) -> TalkMessage:
    """The conversation in a JSON object, told at `at`; raises Unusable with the field's name.

    Its lines have no ids of their own: a line is the same if who, when and what is the same.
    """
    body = Record(data)
    started_at = body.instant("started_at")
    last, ended = body.instant_or_none("last_activity_at"), body.instant_or_none("ended_at")
    for name, moment in (("last_activity_at", last), ("ended_at", ended)):
        if moment is not None and moment < started_at:
            body.refuse(name, "It lies before started_at.")
    return TalkMessage(
        external_id=body.external_id("external_id"),
        source=(body.text("channel") or "api")[:100],
        started_at=started_at,
        last_activity_at=last,
        ended_at=ended,
        version=at,
        customer=Customer(
            email=body.exact("email"), phone=body.exact("phone"), name=body.text("name"), region=body.region("region")
        ),
        message_count=_count(body),
        labels=_tags(body),
        lines=_lines(body),
    )


def _count(body: Record) -> int:
    count = body.data.get("message_count", 0)
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= MOST_COUNTED:
        body.refuse("message_count", f"Give a whole number up to {MOST_COUNTED:,}.")
    return count


def _tags(body: Record) -> tuple[str, ...] | None:
    value = body.data.get("tags")
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        body.refuse("tags", "Give a list of texts.")
    if unknown := sorted(set(value).difference(TAGS)):
        body.refuse("tags", f"{shown(', '.join(unknown))} is none of {', '.join(TAGS)}.")
    return tuple(sorted(set(value)))


def _lines(body: Record) -> tuple[TalkLine, ...]:
    lines = []
    for line in body.records_or_empty("messages"):
        by = line.text("by")
        if by not in tuple(TalkBy):
            line.refuse("by", f"It is none of {', '.join(TalkBy)}.")
        lines.append(TalkLine(external_id="", by=TalkBy(by), at=line.instant("at"), text=line.text("text")))
    return tuple(lines)

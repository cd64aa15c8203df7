"""Intercom: signed over the body; a notification carries its conversation with the parts that are new."""

import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser

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
from orders.providers.contract import Headers, Provider, printable
from orders.records import MAX_WRITTEN, Record

_TOPIC = re.compile(r"conversation(_part)?\.[a-z_.]+", re.ASCII)
_CUSTOMERS = ("user", "lead", "contact", "visitor")
# Parts that somebody wrote for the other side; notes, assignments and the like are inside.
_SPOKEN = ("comment", "open", "close", "quick_reply")
_STATUSES = {"open": TalkStatus.OPEN, "snoozed": TalkStatus.SNOOZED, "closed": TalkStatus.CLOSED}
_BLOCKS = frozenset({"p", "br", "div", "li", "h1", "h2", "h3", "tr"})
_LONGEST_PING = 2000
_LONGEST_PAGE = 500


class Intercom(Provider):
    kind = "intercom"
    SIGNATURE_HEADERS = frozenset({"x-hub-signature"})
    KEPT_HEADERS = SIGNATURE_HEADERS | {"content-type"}

    def verify(self, body: bytes, headers: Headers, secrets: Sequence[str], *, now: float) -> bool:
        return signatures.any_hex(headers.get("x-hub-signature", ""), "sha1=", body, secrets, algorithm="sha1")

    def identify(self, body: bytes, headers: Headers) -> tuple[str, str]:
        told = glance(body)
        return printable(told.get("id")), printable(told.get("topic"))

    def is_ping(self, body: bytes, headers: Headers) -> bool:
        """The trial of a new address, where it comes unsigned; a signed one is kept like any delivery."""
        if "x-hub-signature" in headers or len(body) > _LONGEST_PING:
            return False
        return glance(body).get("topic") == "ping"

    def parse(self, delivery: Delivery) -> tuple[Message, ...]:
        body = Record.of(delivery.body)
        topic = body.text("topic")
        if topic == "ping":
            raise Ignored("Intercom tried the address.")
        if not _TOPIC.fullmatch(topic):
            raise Ignored(f"Nothing is done about {topic or 'a delivery without a topic'}.")
        item = body.record("data").record("item")
        if item.text("type", "conversation") != "conversation":
            raise Ignored(f"It is about {item.text('type')}, not about a conversation.")
        return (_talk(item, body),)


def _talk(item: Record, notice: Record) -> TalkMessage:
    status = _STATUSES.get(item.text("state").lower())
    version = item.moment("updated_at" if item.has("updated_at") else "created_at")
    lines = {line.external_id: line for line in _lines(item)}
    closed = item.record_or_empty("statistics")
    ended = closed.moment("last_close_at") if closed.has("last_close_at") else version
    return TalkMessage(
        external_id=item.external_id("id"),
        started_at=item.moment("created_at"),
        version=version,
        status=status,
        ended_at=ended if status is TalkStatus.CLOSED else None,
        labels=_labels(item),
        page=item.record_or_empty("source").text("url")[:_LONGEST_PAGE],
        customer=_customer(item),
        lines=tuple(lines[key] for key in sorted(lines)),
    )


def _lines(item: Record) -> Iterator[TalkLine]:
    """What began the conversation and the parts that were told with it."""
    source = item.record_or_empty("source")
    if source.has("id") and (by := _by(source)):
        yield _line(source, by, at=item)
    for part in item.record_or_empty("conversation_parts").records_or_empty("conversation_parts"):
        spoken = part.text("part_type", "comment").lower() in _SPOKEN and part.has("body")
        if spoken and (by := _by(part)):
            yield _line(part, by, at=part)


def _line(row: Record, by: TalkBy, *, at: Record) -> TalkLine:
    text = "" if row.flag("redacted", default=False) else plain(row.written("body"))
    return TalkLine(external_id=row.external_id("id"), by=by, at=at.moment("created_at"), text=text)


def _by(row: Record) -> TalkBy | None:
    sort = row.record_or_empty("author").text("type").lower()
    if sort in _CUSTOMERS:
        return TalkBy.CUSTOMER
    return {"admin": TalkBy.AGENT, "team": TalkBy.AGENT, "bot": TalkBy.BOT}.get(sort)


def _customer(item: Record) -> Customer:
    """Whoever of the customer's side wrote, else the first contact by its number at Intercom."""
    parts = item.record_or_empty("conversation_parts").records_or_empty("conversation_parts")
    written = [row.record_or_empty("author") for row in (item.record_or_empty("source"), *parts)]
    author = next((one for one in written if one.text("type").lower() in _CUSTOMERS), None)
    contacts = item.record_or_empty("contacts").records_or_empty("contacts")
    number = contacts[0].reference("id") if contacts else (author.reference("id") if author else "")
    return Customer(
        email=author.exact("email") if author else "",
        name=author.text("name") if author else "",
        others=(("intercom_contact", number),) if number else (),
    )


def _labels(item: Record) -> tuple[str, ...] | None:
    if not item.has("tags"):
        return None
    tags = item.record("tags").records_or_empty("tags")
    return tuple(sorted({name.lower() for tag in tags if (name := tag.text("name"))}))


def plain(html: str) -> str:
    """The text of a body that Intercom sends as HTML."""
    if "<" not in html and "&" not in html:
        return html
    reader = _Text()
    reader.feed(html)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.pieces).split("\n"))
    return "\n".join(line for line in lines if line)[:MAX_WRITTEN]


class _Text(HTMLParser):
    """Collects the text, a line for each block."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        self.pieces.append(data.replace("\0", ""))

"""WhatsApp's Cloud API: signed over the body by the app's secret; it tells what customers write, and nothing else."""

import re
from collections.abc import Sequence
from datetime import datetime

from orders.messages import Customer, Delivery, Ignored, Message, TalkBy, TalkLine, TalkMessage, Unusable
from orders.parsing import loads
from orders.providers import signatures
from orders.providers.contract import Headers, Provider, printable
from orders.records import Record

_CHALLENGE = re.compile(r"[0-9A-Za-z_-]{1,200}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
_DIGITS = re.compile(r"[0-9]{6,15}", re.ASCII)
# These say nothing by themselves: a thumb up, a changed number.
_SILENT = frozenset({"reaction", "system"})
_WITH_CAPTION = frozenset({"image", "video", "document"})
_LONGEST_PAGE = 500


class WhatsApp(Provider):
    kind = "whatsapp"
    SIGNATURE_HEADERS = frozenset({"x-hub-signature-256"})
    KEPT_HEADERS = SIGNATURE_HEADERS | {"content-type"}
    CHALLENGES = True

    def verify(self, body: bytes, headers: Headers, secrets: Sequence[str], *, now: float) -> bool:
        return signatures.any_hex(headers.get("x-hub-signature-256", ""), "sha256=", body, secrets)

    def challenge(self, asked: Headers, token: str) -> str:
        """Meta's trial of a new address: its challenge, if it names the channel's own token."""
        given = asked.get("hub.verify_token", "").encode("utf-8", "surrogatepass")
        known = signatures.any_equal([given], signatures.keys([token]))
        code = asked.get("hub.challenge", "")
        right = known and asked.get("hub.mode") == "subscribe" and _CHALLENGE.fullmatch(code)
        return code if right else ""

    def identify(self, body: bytes, headers: Headers) -> tuple[str, str]:
        """A delivery has no id of its own: the same body is the same delivery."""
        try:
            told = loads(body)
            value = told["entry"][0]["changes"][0]["value"]  # type: ignore[index]
            topic = "messages" if "messages" in value else "statuses" if "statuses" in value else ""
        except (Unusable, LookupError, TypeError):
            topic = ""
        return "", printable(topic)

    def parse(self, delivery: Delivery) -> tuple[Message, ...]:
        body = Record.of(delivery.body)
        if body.text("object") != "whatsapp_business_account":
            raise Ignored("It is not about a WhatsApp business account.")
        found: list[Message] = []
        for entry in body.records("entry"):
            for change in entry.records("changes"):
                if change.text("field") == "messages":
                    found += _talks(change.record("value"))
        if not found:
            raise Ignored("It tells of no message of a customer.")
        return tuple(found)


def _talks(value: Record) -> list[TalkMessage]:
    """One for each message: WhatsApp knows no conversation, so what a customer writes on one day (UTC) is one."""
    if not value.has("messages"):
        return []
    number = value.record("metadata").external_id("phone_number_id")
    names = {
        contact.reference("wa_id"): contact.record_or_empty("profile").text("name")
        for contact in value.records_or_empty("contacts")
    }
    found = []
    for row in value.records("messages"):
        sort = row.text("type").lower()
        if sort in _SILENT:
            continue
        sender, at = row.external_id("from"), _at(row)
        found.append(
            TalkMessage(
                external_id=f"{number}/{sender[:100]}/{at:%Y-%m-%d}",
                started_at=at,
                last_activity_at=at,
                version=at,
                page=row.record_or_empty("referral").text("source_url")[:_LONGEST_PAGE],
                customer=_customer(sender, names.get(sender, "")),
                lines=(TalkLine(external_id=row.external_id("id"), by=TalkBy.CUSTOMER, at=at, text=_text(row, sort)),),
            )
        )
    return found


def _at(row: Record) -> datetime:
    """Meta writes seconds since 1970 as text."""
    word = row.text("timestamp")
    if not _SECONDS.fullmatch(word):
        row.refuse("timestamp", "It is no time in seconds.")
    return Record({"timestamp": int(word)}, row.path).epoch("timestamp")


def _customer(sender: str, name: str) -> Customer:
    if _DIGITS.fullmatch(sender):
        return Customer(phone=e164(sender), name=name)
    return Customer(others=(("whatsapp_user", sender),), name=name)


def e164(digits: str) -> str:
    """The number as it is dialled: Mexico's mobiles bear a 1 here, and Brazil's may lack their ninth digit."""
    if len(digits) == 13 and digits.startswith("521"):
        digits = f"52{digits[3:]}"
    elif len(digits) == 12 and digits.startswith("55") and digits[4] in "6789":
        digits = f"{digits[:4]}9{digits[4:]}"
    return f"+{digits}"


def _text(row: Record, sort: str) -> str:
    """What was written, tapped or put into the basket; "" for a picture without a caption."""
    content = row.record_or_empty(sort)
    if sort == "text":
        return content.written("body")
    if sort == "button":
        return content.written("text")
    if sort == "interactive":
        return content.record_or_empty(content.text("type")).written("title")
    if sort == "order":
        items = content.records_or_empty("product_items")
        return " ".join([content.written("text"), *(item.text("product_retailer_id") for item in items)])[:2000].strip()
    return content.written("caption") if sort in _WITH_CAPTION else ""

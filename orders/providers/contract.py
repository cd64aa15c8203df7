"""What every provider's adapter answers: is this delivery authentic, which one is it, and what does it say."""

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar
from urllib.parse import urlsplit

from orders.messages import Delivery, Line, Message, Unusable
from orders.money import to_text
from orders.parsing import clean

Headers = Mapping[str, str]

MAX_LABEL = 255
JSON_ANSWER = (b'{"received": true}', "application/json")
_HOST = re.compile(r"[a-z0-9.-]{1,253}", re.ASCII)
LINES_DIFFER = "lines_differ_from_total"


class ConnectionBroken(Unusable):
    """The shop delivers its own refusal instead of facts: the owner must repair the connection."""


class Provider:
    """One outside system's dialect. Header names are lower-case throughout; nothing here touches a database."""

    kind: ClassVar[str]
    SIGNATURE_HEADERS: ClassVar[frozenset[str]]
    KEPT_HEADERS: ClassVar[frozenset[str]]
    SIGNS_ADDRESS: ClassVar[bool] = False
    """Whether the address that was called is signed before the body: `verify` is then given both as one text."""

    CHALLENGES: ClassVar[bool] = False
    """Whether the provider tries the address with GET before it delivers: see `challenge`."""

    def verify(self, body: bytes, headers: Headers, secrets: Sequence[str], *, now: float) -> bool:
        """Whether any of the live secrets signed exactly these bytes; an empty secret never did. Never raises."""
        raise NotImplementedError

    def identify(self, body: bytes, headers: Headers) -> tuple[str, str]:
        """Delivery id and topic, "" where there is none: labels for the inbox, no fact's identity. Never raises."""
        raise NotImplementedError

    def parse(self, delivery: Delivery) -> tuple[Message, ...]:
        """The facts in a delivery; raises `Unusable` or `Ignored`."""
        raise NotImplementedError

    def is_ping(self, body: bytes, headers: Headers) -> bool:
        """Whether this is the provider's unsigned trial of the address."""
        return False

    def handshake(self, body: bytes, headers: Headers) -> str:
        """The code by which the provider asks whose address this is; "" for anything else."""
        return ""

    def challenge(self, asked: Headers, token: str) -> str:
        """What a provider that calls the address with GET wants to read there; "" refuses it. Never raises."""
        return ""

    def answer(self, headers: Headers) -> tuple[bytes, str]:
        """What a delivery that was kept is answered with, and its content type."""
        return JSON_ANSWER

    def source_domain(self, headers: Headers) -> str:
        """The shop's host by its own word, lower-case; a hint for finding the channel, proof of nothing."""
        return ""


def label(headers: Headers, name: str) -> str:
    """A header as a short printable text."""
    return printable(headers.get(name, ""))


def printable(text: object) -> str:
    """A short text that any log, page and database can hold; "" for what is no text."""
    if not isinstance(text, str):
        return ""
    if text.isascii() and text.isprintable():
        return text[:MAX_LABEL].strip()
    return "".join(letter for letter in clean(text[:MAX_LABEL]) if letter.isprintable()).strip()


def host(text: str) -> str:
    """The lower-case host of a domain or address; "" where there is none."""
    try:
        found = urlsplit(text if "//" in text else f"//{text}").hostname or ""
    except ValueError:
        return ""
    found = found.rstrip(".")
    return found if _HOST.fullmatch(found) else ""


def difference(lines: Sequence[Line], *, total_minor: int, beside_minor: int) -> int:
    """What an order's total is over its lines and the sums beside them (shipping, fees, tax outside of prices)."""
    return total_minor - beside_minor - sum(line.total_minor for line in lines)


def flagged(difference_minor: int, currency: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """Flags and extra facts for a total that its lines do not add up to: kept as it is and shown, never corrected."""
    if not difference_minor:
        return (), {}
    return (LINES_DIFFER,), {"lines_difference": to_text(difference_minor, currency)}


def distinct(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The lines; raises `Unusable` where two bear one id."""
    seen: set[str] = set()
    for line in lines:
        if line.external_id in seen:
            raise Unusable(f"Two lines of the order bear the id {line.external_id[:60]!r}.")
        seen.add(line.external_id)
    return tuple(lines)

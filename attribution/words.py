"""The newest word for each thing a source says of a conversation, whatever the order in which the words came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from orders.messages import TalkMessage

Words = Mapping[str, list[Any]]
"""By what is said: the version as ISO 8601 text in UTC, and the value; both of one form, so that they compare."""


def of(message: TalkMessage) -> dict[str, list[Any]]:
    """The words in one message; what is empty says nothing, but for the end and the labels."""
    version = _version(message)
    found = of_customer(message)
    if message.page:
        found["page"] = [version, message.page]
    if message.status is not None:
        found["status"] = [version, message.status.value]
        found["ended_at"] = [version, message.ended_at.isoformat() if message.ended_at else ""]
    if message.labels is not None:
        found["labels"] = [version, list(message.labels)]
    return found


def of_customer(message: TalkMessage) -> dict[str, list[Any]]:
    """Only who it was."""
    customer = message.customer
    said = {
        "email": customer.email[:400],
        "phone": customer.phone[:200],
        "name": customer.name[:300],
        "region": customer.region,
        **{f"other:{name}": value for name, value in customer.others},
    }
    return {name: [_version(message), value] for name, value in said.items() if value}


def _version(message: TalkMessage) -> str:
    return f"{message.version:%Y-%m-%dT%H:%M:%S.%f}"


def merged(known: Iterable[Words]) -> dict[str, list[Any]]:
    """For each thing the newest word; of two at one instant the greater, the same way whichever came first."""
    found: dict[str, list[Any]] = {}
    for words in known:
        for name, word in words.items():
            if name not in found or word > found[name]:
                found[name] = word
    return found


def value(words: Words, name: str, default: Any = "") -> Any:
    """What the newest word says."""
    return words[name][1] if name in words else default


def others(words: Words) -> dict[str, str]:
    """The customer's ids of other kinds, each under its name."""
    return {name.removeprefix("other:"): word[1] for name, word in words.items() if name.startswith("other:")}

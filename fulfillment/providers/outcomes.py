"""What is handed to a mail provider, and the four things that can come of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formataddr, getaddresses, parseaddr
from typing import Final, TypeAlias

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]")
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_MESSAGE_ID: Final = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>")
_OURS: Final = frozenset({"to", "cc", "bcc", "from", "sender", "subject", "message-id", "date", "mime-version"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMail:
    """One message to one person; `message_id` (with its angle brackets) and `effect_key` stay the same on each try."""

    to: str
    from_email: str
    subject: str
    text: str
    html: str
    message_id: str
    effect_key: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A provider took the message over; its id is what tracking webhooks will name."""

    provider_message_id: str
    reply: str = ""


@dataclass(frozen=True, slots=True)
class RefusedForGood:
    """This message will never be taken: trying again is of no use."""

    sentence: str


@dataclass(frozen=True, slots=True)
class TryLater:
    """Certainly not sent; `outage` tells a provider in trouble from one that only put off this recipient."""

    sentence: str
    outage: bool = True
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The whole message went out and no verdict came back (RFC 1047): it may have been sent."""

    sentence: str


Outcome: TypeAlias = Accepted | RefusedForGood | TryLater | Unknown


def fault(message: OutgoingMail) -> str | None:
    """Why this message must not leave the house, if anything is wrong with it: forged headers, several addresses."""
    if _CONTROL.search(message.to) or not _single_address(message.to):
        return "The recipient is not one plain e-mail address."
    if _CONTROL.search(message.from_email) or len(getaddresses([message.from_email])) != 1:
        return "The sender is not one e-mail address."
    if not _MESSAGE_ID.fullmatch(message.message_id):
        return "The Message-ID is not of the form <id@domain>."
    if _CONTROL.search(message.subject):
        return "The subject is not a single line of text."
    for name, value in message.headers.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OURS or name.lower().startswith("content-"):
            return "A header with a name that may not be set was asked for."
        if _CONTROL.search(value):
            return f"The header {name} is not a single line of text."
    return None


def sender(name: str, address: str) -> str:
    """The From line of an organization: its name, whatever letters it holds, before the address that sends for it."""
    return formataddr((single_line(name), address))


def message_id(mark: str, address: str) -> str:
    """The Message-ID with this mark in the domain of the address that sends; made once, so that a copy is known."""
    return f"<{mark}@{address.rpartition('@')[2] or 'aftersale.invalid'}>"


def single_line(text: str) -> str:
    """The text as it may stand in a header or a log: control characters and runs of spaces become one space."""
    return " ".join(_CONTROL.sub(" ", text).split())


def _single_address(text: str) -> bool:
    found = getaddresses([text])
    return len(found) == 1 and parseaddr(text) == ("", text) and text.count("@") == 1 and not set(text) & set(" ,;<>")

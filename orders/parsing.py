"""Strict reading of what others send: JSON bodies, texts, instants and ids.

Text meant for people is repaired (NUL removed, lone surrogates replaced); text that identifies somebody or something
is refused instead, because two spellings must never become one.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from typing import NoReturn

from orders.messages import Unusable

MAX_DEPTH = 64
MAX_DIGITS = 100
MAX_ID = 255
_MAX_POWER = 100

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)

_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_NOT_MARKS = bytes(set(range(256)) - set(b'[]{}:"'))
_TO_ROUND = bytes.maketrans(b"[]{}", b"()()")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NO_ID = re.compile(r"-[0-9]+|0+", re.ASCII)
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,12}))?(?:([Zz])|([+-])(\d\d):?(\d\d))?", re.ASCII
)


# As nearly every provider spells it: what Python itself reads, and reads exactly as we do.
_COMMON_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:[0-5]\d)", re.ASCII)


class Unreadable(ValueError):
    """A text, time or id that is not what it should be; the message is a readable sentence."""


def loads(body: bytes) -> object:
    """The JSON value in `body`, with `Decimal` for every number that is not an integer.

    Raises `Unusable` for anything but one strict UTF-8 JSON document: NaN, duplicate keys, over 64 levels, over 100
    digits, trailing text and all the rest.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unusable(f"The body is not UTF-8 text (byte {error.start}).") from None
    if not text.strip():
        raise Unusable("The body is empty.")
    if text.startswith("\ufeff"):
        raise Unusable("The body starts with a byte order mark, which JSON does not allow.")
    marks = _outside_of_texts(body)
    if _too_deep(marks):
        raise Unusable(f"The body nests more than {MAX_DEPTH} levels deep.")
    try:
        return _decoded(text, names=marks.count(b":"))
    except json.JSONDecodeError as error:
        raise Unusable(f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno}).") from None
    except RecursionError:
        raise Unusable(f"The body nests more than {MAX_DEPTH} levels deep.") from None


def glance(body: bytes) -> dict[str, object]:
    """The object in `body` for whoever only wants a label of it; empty where it cannot be read. Never raises."""
    try:
        value = loads(body)
    except Unusable:
        return {}
    return value if isinstance(value, dict) else {}


def clean(text: str) -> str:
    """Text a database and a log can hold: without NUL, lone surrogates replaced."""
    if "\0" in text:
        text = text.replace("\0", "")
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def cleaned(value: object) -> object:
    """A parsed JSON value that a jsonb column can hold; keys that become equal keep the last."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    if isinstance(value, Mapping):
        return {clean(str(key)): cleaned(item) for key, item in value.items()}
    return value


def instant(text: str, *, zone: timezone | None = None) -> datetime:
    """The instant in UTC of an ISO 8601 text. Without an offset it is refused, unless its `zone` is known.

    Raises `Unreadable`: no such day, a leap second, before 1970 or after 2199.
    """
    if _COMMON_INSTANT.fullmatch(text):
        try:
            return _within_reason(datetime.fromisoformat(text).astimezone(UTC), text)
        except (ValueError, OverflowError):
            pass  # the longer way tells why
    return spelled_out(text, zone=zone)


def spelled_out(text: str, *, zone: timezone | None = None) -> datetime:
    """As `instant`, of every spelling, piece by piece, which takes five times as long."""
    match = _INSTANT.fullmatch(text)
    if not match:
        raise Unreadable(f"{shown(text)} is not a date and time such as 2026-11-12T09:14:07+01:00.")
    *numbers, fraction, zulu, sign, hours, minutes = match.groups()
    if zulu:
        zone = UTC
    elif sign:
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        if offset >= timedelta(hours=24) or int(minutes) > 59:
            raise Unreadable(f"{shown(text)} has no real time zone offset.")
        zone = timezone(-offset if sign == "-" else offset)
    if zone is None:
        raise Unreadable(f"{shown(text)} names no time zone.")
    try:
        year, month, day, hour, minute, second = map(int, numbers)
        micro = int((fraction or "0")[:6].ljust(6, "0"))
        moment = datetime(year, month, day, hour, minute, second, micro, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable(f"{shown(text)} is no real date and time.") from None
    return _within_reason(moment, text)


def from_epoch(seconds: object) -> datetime:
    """The instant of whole seconds since 1970; raises `Unreadable`."""
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        raise Unreadable(f"{shown(seconds)} is not a time in whole seconds.")
    if not 0 < seconds < _LATEST.timestamp():
        raise Unreadable(f"{shown(seconds)} is not a time between 1970 and 2199.")
    return datetime.fromtimestamp(seconds, tz=UTC)


def external_id(value: object) -> str:
    """A provider's id as text: 5 and "5" are the same id; 0 and what is below is none. Raises `Unreadable`."""
    if type(value) is int and 0 < value < 10**MAX_DIGITS:
        return str(value)  # as most are; what follows is for the others
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not text.strip() or _NO_ID.fullmatch(text.strip()):
        raise Unreadable(f"{shown(value)} is not an id.")
    if len(text) > MAX_ID:
        raise Unreadable(f"An id is at most {MAX_ID} characters long.")
    return exact(text).strip()


def exact(text: str) -> str:
    """The text as it is; raises `Unreadable` where it holds what cannot be kept exactly."""
    if "\0" in text or (not text.isascii() and _SURROGATE.search(text)):
        raise Unreadable("It holds a character that no address and no id can hold.")
    return text


def kind_of(value: object) -> str:
    """The sort of a JSON value, as a person would call it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, list):
        return "a list"
    return "an object" if isinstance(value, Mapping) else "a number"


def shown(value: object) -> str:
    """A piece of the value that any log and database can hold."""
    if isinstance(value, str):
        return ascii(value[:60])
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)[:60] if isinstance(value, Decimal) or abs(value) < 10**60 else "a very long number"
    return kind_of(value)


def _outside_of_texts(body: bytes) -> bytes:
    """The brackets and colons that stand outside of texts, in their order; linear in the body, without recursion."""
    if b"\\" in body:
        body = _ESCAPE.sub(b"", body)
    # Two quotes side by side open and close nothing: what is left has the same on either side of each quote.
    marks = body.translate(None, _NOT_MARKS).replace(b'""', b"")
    return b"".join(marks.split(b'"')[::2])


def _too_deep(marks: bytes) -> bool:
    """Whether brackets nest deeper than allowed; linear too."""
    if marks.count(b"[") + marks.count(b"{") <= MAX_DEPTH:
        return False
    brackets = marks.translate(_TO_ROUND, b":")
    for _ in range(MAX_DEPTH):
        shorter = brackets.replace(b"()", b"")
        if len(shorter) == len(brackets):
            break
        brackets = shorter
    # What never closes is refused by the parser itself.
    return b"()" in brackets


def _decoded(text: str, *, names: int) -> object:
    """The value in a text that has so many colons outside of its texts, one for each name in an object.

    To look at the names of each object takes as long as half of the parser. So the parser first makes the objects by
    itself, in which the last of equal names stands: where all names are still there, none stood twice. Otherwise, and
    where anything is refused, the text is read again the strict way, which knows the sentence.
    """
    objects: list[dict[str, object]] = []

    def keep(found: dict[str, object]) -> dict[str, object]:
        objects.append(found)
        return found

    try:
        value: object = _decoder(object_hook=keep).decode(text)
    except (json.JSONDecodeError, RecursionError, Unusable):
        return strictly(text)
    return value if sum(map(len, objects)) == names else strictly(text)


def strictly(text: str) -> object:
    """The value in a text, each name of each object looked at; raises `Unusable` or what the parser raises."""
    value: object = _decoder(object_pairs_hook=_object).decode(text)
    return value


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Unusable(f"The name {shown(twice)} stands twice in one object.")
    return found


def _decimal(text: str) -> Decimal:
    value = Decimal(text) if len(text) <= MAX_DIGITS else None
    if value is None or abs(value.adjusted()) > _MAX_POWER:
        raise Unusable(f"The number {shown(text)} is too long or too large.")
    return value


def _whole(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise Unusable(f"A number of {len(text)} digits is longer than the {MAX_DIGITS} taken here.")
    return int(text)


def _constant(text: str) -> NoReturn:
    raise Unusable(f"{text} is not a number in JSON.")


def _within_reason(moment: datetime, text: str) -> datetime:
    if not _EARLIEST <= moment < _LATEST:
        raise Unreadable(f"{shown(text)} is not between 1970 and 2199.")
    return moment


_decoder = partial(json.JSONDecoder, parse_float=_decimal, parse_int=_whole, parse_constant=_constant)

"""What stands in a cell: ids, amounts, days and words, each by the rules that were declared; nothing is guessed."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from orders import money, parsing
from orders.parsing import Unreadable


class Decimals(StrEnum):
    """How amounts are written.

    `point`: 1234.56. `comma`: 1234,56 or 1.234,56. `turkish`: as Shopier, 1.124,90 or 1124.90; of two signs the last
    is the decimal one, and a lone point before three digits parts thousands.
    """

    POINT = "point"
    COMMA = "comma"
    TURKISH = "turkish"


class Dates(StrEnum):
    """In which order a day is written: 2026-11-12, 12/11/2026 or 11/12/2026."""

    ISO = "ISO"
    DMY = "DMY"
    MDY = "MDY"


MISSING = "\u200b\u200c\u200d\u2060\ufeff"
_SHORTENED = re.compile(r"[+-]?\d+(?:[.,]\d+)?[eE][+-]?\d+", re.ASCII)
_POINT = re.compile(r"-?\d{1,15}(?:\.\d{1,6})?", re.ASCII)
_COMMA = re.compile(r"-?(?:\d{1,15}|\d{1,3}(?:\.\d{3})+(?=,))(?:,\d{1,6})?", re.ASCII)
_GROUPED = re.compile(r"-?\d{1,3}([.,])\d{3}(?:\1\d{3})*", re.ASCII)
_LAST_COMMA = re.compile(r"-?\d{1,3}(?:\.\d{3})*,\d{1,6}", re.ASCII)
_LAST_POINT = re.compile(r"-?\d{1,3}(?:,\d{3})*\.\d{1,6}", re.ASCII)
_PARTED = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:[ T,]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?", re.ASCII)
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?)?", re.ASCII)
_ASKED = {Dates.ISO: "2026-11-12", Dates.DMY: "12/11/2026, day first", Dates.MDY: "11/12/2026, month first"}


def trim(text: str) -> str:
    """Without space around it, whatever kind of space it is."""
    plain = text.strip()
    return plain if plain.isascii() else plain.strip(MISSING).strip()


def fold(text: str) -> str:
    """A heading or word for comparing: the four letters i of Turkish are one, as plain lower-casing makes them two."""
    plain = unicodedata.normalize("NFC", trim(text)).replace("İ", "i").replace("I", "i").replace("ı", "i")
    return " ".join(plain.lower().split())


def order_id(text: str) -> str:
    """An id exactly as it is written, zeros in front too. Raises `Unreadable` for what a spreadsheet made of one."""
    found = trim(text)
    if _SHORTENED.fullmatch(found):
        raise Unreadable(f"{parsing.shown(found)} is an id that a spreadsheet shortened: export it as text.")
    if found.startswith("="):
        raise Unreadable(f"{parsing.shown(found)} is a formula and no id.")
    return parsing.external_id(found)


@lru_cache(maxsize=4096)
def amount(text: str, currency: str, decimals: Decimals) -> int:
    """Minor units; raises `Unreadable` for what is not written as declared, or has more decimals than the currency."""
    found = trim(text)
    try:
        return money.to_minor(_plain(found, decimals), currency)
    except money.MoneyError as error:
        raise Unreadable(str(error)) from None


def _plain(text: str, decimals: Decimals) -> str:
    match decimals:
        case Decimals.POINT if _POINT.fullmatch(text):
            return text
        case Decimals.COMMA if _COMMA.fullmatch(text):
            return text.replace(".", "").replace(",", ".")
        case Decimals.TURKISH:
            if _LAST_COMMA.fullmatch(text) or re.fullmatch(r"-?\d{1,15},\d{1,6}", text, re.ASCII):
                return text.replace(".", "").replace(",", ".")
            if (grouped := _GROUPED.fullmatch(text)) and grouped[1] == ".":
                return text.replace(".", "")
            if _LAST_POINT.fullmatch(text) or _POINT.fullmatch(text):
                return text.replace(",", "")
    written = {Decimals.POINT: "1234.56", Decimals.COMMA: "1234,56", Decimals.TURKISH: "1.234,56"}[decimals]
    raise Unreadable(f"{parsing.shown(text)} is not an amount written as {written}.")


@lru_cache(maxsize=1024)
def currency(text: str) -> str:
    """The code of a currency; raises `Unreadable`."""
    found = trim(text)
    try:
        return money.currency_code({"TL": "TRY", "₺": "TRY", "YTL": "TRY"}.get(found, found))
    except money.UnknownCurrency as error:
        raise Unreadable(str(error)) from None


@lru_cache(maxsize=1024)
def quantity(text: str) -> int:
    """A whole number from 1 to a million; raises `Unreadable`."""
    found = trim(text)
    if not re.fullmatch(r"\d{1,7}", found, re.ASCII) or not 1 <= int(found) <= 1_000_000:
        raise Unreadable(f"{parsing.shown(found)} is not a quantity from 1 to 1000000.")
    return int(found)


@lru_cache(maxsize=1024)
def moment(text: str, dates: Dates, zone: ZoneInfo, iso_too: bool = False) -> datetime:
    """The instant in UTC of a day, with or without a time, in the declared order; raises `Unreadable`.

    A day alone begins at midnight in `zone`. With `iso_too` a day that a sheet itself kept as a day is taken as well.
    """
    found = trim(text)
    if (dates is Dates.ISO or iso_too) and (match := _ISO.fullmatch(found)):
        year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    elif dates is Dates.ISO and len(found) > 10:
        return parsing.instant(found)
    elif dates is not Dates.ISO and (match := _PARTED.fullmatch(found)):
        first, _, then, year, hour, minute, second = (int(p) if (p or "0").isdigit() else 0 for p in match.groups("0"))
        day, month = (first, then) if dates is Dates.DMY else (then, first)
    else:
        raise Unreadable(f"{parsing.shown(found)} is not a date written as {_ASKED[dates]}.")
    try:
        at = datetime(year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable(f"{parsing.shown(found)} is no real date.") from None
    if not datetime(1970, 1, 2, tzinfo=UTC) <= at < datetime(2200, 1, 1, tzinfo=UTC):
        raise Unreadable(f"{parsing.shown(found)} is not between 1970 and 2199.")
    return at


def text(value: str, at_most: int) -> str:
    """Words for people: no NUL, no more than so many characters."""
    plain = value.strip()
    if plain.isascii() and "\0" not in plain:
        return plain[:at_most]
    return parsing.clean(trim(plain))[:at_most]


def word(value: str, words: Mapping[str, str]) -> str:
    """What a word of a file means by this table, '' where nobody knows."""
    return words.get(_folded(value), "")


# A file says one of a few words on each row.
_folded = lru_cache(maxsize=1024)(fold)

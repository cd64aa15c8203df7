"""The rules of coupons: how a code is read, what it takes off, and when it is not good. Pure; integer minor units."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

LONGEST_CODE: Final = 60


class Kind(StrEnum):
    FULL = "full"
    PERCENT = "percent"
    AMOUNT = "amount"


class Refused(StrEnum):
    """Why a coupon is not good, each under the name that the API tells."""

    STOPPED = "stopped"
    NOT_YET = "not_yet"
    OVER = "over"
    WRONG_PRODUCT = "wrong_product"
    WRONG_CURRENCY = "wrong_currency"
    TOO_LITTLE = "too_little"


SENTENCES: Final = {
    Refused.STOPPED: "This code was stopped.",
    Refused.NOT_YET: "This code is not good yet.",
    Refused.OVER: "This code has expired.",
    Refused.WRONG_PRODUCT: "This code is not for this product.",
    Refused.WRONG_CURRENCY: "This code is for another currency.",
    Refused.TOO_LITTLE: "The order is too small for this code.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a coupon says. `skus` empty is every product; `currency` is of the amount and of the least order."""

    kind: Kind
    percent: int = 0
    amount_minor: int = 0
    currency: str = ""
    skus: Sequence[str] = ()
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    minimum_minor: int = 0
    active: bool = True


def normalise(code: str) -> str:
    """The one form of a code: NFKC, capital letters, no space around, none of it a pattern. "" is no code."""
    found = unicodedata.normalize("NFKC", code).strip().upper()
    # Capitals may fold further (ß, ligatures): once more, so that the form of a form is itself.
    found = unicodedata.normalize("NFKC", found).strip()
    fit = len(found) <= LONGEST_CODE and "\0" not in found and found.isprintable()
    return found if fit else ""


def percent_of(amount_minor: int, percent: int) -> int:
    """That share in minor units, rounded half to even."""
    whole, rest = divmod(amount_minor * percent, 100)
    return whole + (rest > 50 or (rest == 50 and whole % 2 == 1))


def discount(terms: Terms, amount_minor: int) -> int:
    """What is taken off this amount, in minor units: never more than the amount."""
    if terms.kind == Kind.FULL:
        return amount_minor
    off = percent_of(amount_minor, terms.percent) if terms.kind == Kind.PERCENT else terms.amount_minor
    return min(off, amount_minor)


def refusal(
    terms: Terms, *, now: datetime, sku: str = "", amount_minor: int | None = None, currency: str = ""
) -> Refused | None:
    """Why it is not good for this now; None if it is. The day it ends at is over at that very instant."""
    if not terms.active:
        return Refused.STOPPED
    if terms.starts_at is not None and now < terms.starts_at:
        return Refused.NOT_YET
    if terms.ends_at is not None and now >= terms.ends_at:
        return Refused.OVER
    if terms.skus and sku not in terms.skus:
        return Refused.WRONG_PRODUCT
    if terms.kind == Kind.AMOUNT and currency and currency != terms.currency:
        return Refused.WRONG_CURRENCY
    if terms.minimum_minor and amount_minor is not None:
        if currency != terms.currency:
            return Refused.WRONG_CURRENCY
        if amount_minor < terms.minimum_minor:
            return Refused.TOO_LITTLE
    return None

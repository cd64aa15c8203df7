"""Exact money: whole minor units beside an ISO 4217 currency, read from and written as plain decimal text.

Nothing here rounds, except `convert`, which says so. Nothing here is a float.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache

_CODES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP
    COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR
    JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN
    NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL
    THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
# Withdrawn in 2021 to 2026, kept because old orders are imported in them.
_WITHDRAWN = "ANG BGN CUC HRK SLL ZWL"

EXPONENTS: dict[str, int] = {code: places for places, codes in _CODES.items() for code in codes.split()}
EXPONENTS |= dict.fromkeys(_WITHDRAWN.split(), 2)

# Decimals of the integers Stripe sends, where they differ from ISO 4217 (docs.stripe.com, "Supported currencies").
_STRIPE_EXPONENTS = {"ISK": 2, "UGX": 2, "MGA": 0}

# A thousandth of what a bigint holds, so that sums of amounts fit into one too.
MAX_MINOR = 10**15

_PLAIN_DECIMAL = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?", re.ASCII)
_MAX_SHIFT = 100


class MoneyError(ValueError):
    """An amount or currency that cannot be taken; the message is a readable sentence."""


class BadAmount(MoneyError):
    """Not a plain decimal amount, or one beyond any real price."""


class InexactAmount(MoneyError):
    """More decimals than the currency has."""


class UnknownCurrency(MoneyError):
    """Not the code of a currency in ISO 4217 that money is counted in."""


def currency_code(text: object) -> str:
    """The upper-case ISO 4217 code; raises `UnknownCurrency`."""
    code = text.upper() if isinstance(text, str) and text.isascii() else ""
    if code not in EXPONENTS:
        raise UnknownCurrency(f"{ascii(text)[:40]} is not a currency.")
    return code


def exponent(currency: str) -> int:
    """How many decimals the currency has (0, 2, 3 or 4); raises `UnknownCurrency`."""
    return EXPONENTS[currency_code(currency)]


def to_minor(amount: Decimal | int | str, currency: str) -> int:
    """Whole minor units of an amount in major units, exactly.

    Text must be plain ASCII digits with at most one decimal point. Raises `BadAmount`, `InexactAmount` or
    `UnknownCurrency`.
    """
    return _text_to_minor(amount, currency) if isinstance(amount, str) else _to_minor(amount, currency)


@lru_cache(maxsize=4096)  # a shop's prices recur, above all 0.00; of text alone, because True equals 1
def _text_to_minor(amount: str, currency: str) -> int:
    return _to_minor(amount, currency)


def _to_minor(amount: Decimal | int | str, currency: str) -> int:
    places = exponent(currency)
    negative, digits, power = _parts(amount)
    shift = power + places
    if digits and not -_MAX_SHIFT <= shift <= _MAX_SHIFT:
        raise BadAmount(f"{_shown(amount)} is not an amount of money.")
    if shift >= 0:
        minor = digits * int(10**shift)
    else:
        minor, rest = divmod(digits, int(10**-shift)) if digits else (0, 0)
        if rest:
            raise InexactAmount(f"{_shown(amount)} has more decimals than {currency_code(currency)} has ({places}).")
    if minor > MAX_MINOR:
        raise BadAmount(f"{_shown(amount)} {currency_code(currency)} is more than any amount taken here.")
    return -minor if negative else minor


@lru_cache(maxsize=4096)  # the sums of an order recur in it, and nought in all of them
def to_text(minor: int, currency: str) -> str:
    """The amount with exactly its currency's decimals: "89.99", "1500", "12.340"."""
    places = exponent(currency)
    sign, digits = ("-" if minor < 0 else ""), str(abs(minor))
    if not places:
        return sign + digits
    digits = digits.rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


def from_stripe(amount: int, currency: str) -> int:
    """ISO minor units of an integer as Stripe counts it (ISK and UGX come times 100, MGA in whole ariary).

    Raises `BadAmount`, `InexactAmount` or `UnknownCurrency`.
    """
    code = currency_code(currency)
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise BadAmount(f"{_shown(amount)} is not a whole number of minor units.")
    minor = _rescaled(amount, EXPONENTS[code] - _stripe_exponent(code))
    if minor is None:
        raise InexactAmount(f"{amount} is not a whole amount of {code} as Stripe counts it.")
    if abs(minor) > MAX_MINOR:
        raise BadAmount(f"That many {code} are more than any amount taken here.")
    return minor


def to_stripe(minor: int, currency: str) -> int:
    """The integer Stripe wants for an amount in ISO minor units; raises `InexactAmount` where it takes none.

    Three-decimal currencies must end in 0 there.
    """
    code = currency_code(currency)
    if EXPONENTS[code] == 3 and minor % 10:
        raise InexactAmount(f"{to_text(minor, code)} {code} must end in 0 to be charged or refunded by Stripe.")
    amount = _rescaled(minor, _stripe_exponent(code) - EXPONENTS[code])
    if amount is None:
        raise InexactAmount(f"Stripe counts {code} in whole units, and {to_text(minor, code)} is none.")
    return amount


def convert(amount_minor: int, *, of: int, into: int) -> int:
    """The share of `into` that `amount_minor` is of `of`, rounded half away from zero to the minor unit.

    For a refund in the buyer's currency: `convert(refunded, of=presentment_total, into=shop_total)`.
    """
    if of <= 0:
        raise BadAmount("A share can only be taken of a sum above zero.")
    product = abs(amount_minor) * abs(into)
    share = (2 * product + of) // (2 * of)
    return -share if (amount_minor < 0) != (into < 0) else share


def spread(amount_minor: int, weights: Sequence[int]) -> list[int]:
    """The amount in whole minor units over these weights, to the last unit; equal shares where all weights are nought.

    What does not divide goes to the greatest remainders first, and among equals to the first.
    """
    if not weights:
        return []
    shares = list(weights) if any(weights) else [1] * len(weights)
    whole = sum(shares)
    parts = [abs(amount_minor) * share // whole for share in shares]
    left = abs(amount_minor) - sum(parts)
    for index in sorted(range(len(shares)), key=lambda i: -(abs(amount_minor) * shares[i] % whole))[:left]:
        parts[index] += 1
    return [-part for part in parts] if amount_minor < 0 else parts


def _parts(amount: Decimal | int | str) -> tuple[bool, int, int]:
    """Sign, digits and power of ten; no arithmetic of `decimal`, which rounds to its context."""
    if isinstance(amount, bool):
        raise BadAmount(f"{amount} is not an amount of money.")
    if isinstance(amount, int):
        if abs(amount) > MAX_MINOR:
            raise BadAmount("An amount of money of that size is not taken here.")
        return amount < 0, abs(amount), 0
    if isinstance(amount, Decimal):
        sign, digits, power = amount.as_tuple()
        if not isinstance(power, int) or len(digits) > _MAX_SHIFT:
            raise BadAmount(f"{_shown(amount)} is not an amount of money.")
        return bool(sign), int("".join(map(str, digits)) or "0"), power
    if not isinstance(amount, str) or not _PLAIN_DECIMAL.fullmatch(amount):
        raise BadAmount(f"{_shown(amount)} is not a plain decimal amount such as 29.99.")
    whole, _, fraction = amount.lstrip("-").partition(".")
    return amount.startswith("-"), int(whole + fraction), -len(fraction)


def _stripe_exponent(code: str) -> int:
    return _STRIPE_EXPONENTS.get(code, EXPONENTS[code])


def _rescaled(amount: int, places: int) -> int | None:
    if places >= 0:
        return amount * int(10**places)
    whole, rest = divmod(amount, int(10**-places))
    return None if rest else whole


def _shown(amount: object) -> str:
    return ascii(str(amount)[:40])

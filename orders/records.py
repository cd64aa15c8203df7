"""Typed reading of one JSON object: what is not as it should be raises `Unusable` with a sentence naming the field."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import NoReturn, Self

from orders import locales, money, parsing
from orders.messages import Unusable
from orders.parsing import kind_of, shown

MAX_TEXT = 500
MAX_WRITTEN = 2000
MAX_QUANTITY = 1_000_000
MAX_ITEMS = 10_000

_REGION = re.compile(r"[A-Z]{2}", re.ASCII)
_OBJECT = (dict, Mapping)  # what a parser makes first: to ask the abstract class takes several times as long
_DIGITS = re.compile(r"[0-9]{1,20}", re.ASCII)


@dataclass(slots=True)
class Record:
    """One JSON object, and the path by which a person finds it in the body; never changed.

    Not frozen, because one is made for each object that is looked into: setting frozen fields takes twice as long.
    """

    data: Mapping[str, object]
    path: str = ""

    def __contains__(self, name: str) -> bool:
        return name in self.data

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self.data.get(name) is not None

    @classmethod
    def of(cls, body: bytes) -> Self:
        """The JSON object in a body."""
        value = parsing.loads(body)
        if not isinstance(value, dict):
            raise Unusable(f"The body is {kind_of(value)}, not a JSON object.")
        return cls(value)

    def refuse(self, name: str, because: str) -> NoReturn:
        raise Unusable(f"{self.where(name)}: {because}")

    def where(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def text(self, name: str, default: str = "") -> str:
        """Text for people: repaired and cut at 500 characters; `default` where there is none."""
        value = self.data.get(name)
        if not isinstance(value, str):
            if value is None or isinstance(value, bool) or not isinstance(value, int | Decimal):
                return default
            value = str(value)
        return parsing.clean(value)[:MAX_TEXT].strip() or default

    def written(self, name: str) -> str:
        """What somebody wrote: repaired and cut at 2,000 characters; "" where there is none."""
        value = self.data.get(name)
        return parsing.clean(value)[:MAX_WRITTEN].strip() if isinstance(value, str) else ""

    def exact(self, name: str) -> str:
        """Text that identifies (address, phone number, card, SKU), as it was spelled; "" where there is none."""
        value = self.data.get(name)
        if value is None:
            return ""
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            self.refuse(name, f"{kind_of(value)} stands where text should.")
        if not value.strip():
            return ""
        try:
            return parsing.exact(value)[:MAX_TEXT]
        except parsing.Unreadable as error:
            self.refuse(name, str(error))

    def external_id(self, name: str) -> str:
        """A required id."""
        value = self.data.get(name)
        if value is None:
            self.refuse(name, "The id is missing.")
        try:
            return parsing.external_id(value)
        except parsing.Unreadable as error:
            self.refuse(name, str(error))

    def reference(self, name: str) -> str:
        """The id of another thing, given bare or as the whole thing; "" where there is none."""
        value = self.data.get(name)
        if isinstance(value, _OBJECT):
            return type(self)(value, self.where(name)).external_id("id")
        if value in (None, "", "0", 0) and value is not False:
            return ""
        return self.external_id(name)

    def flag(self, name: str, *, default: bool | None = None) -> bool:
        value = self.data.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, bool):
            self.refuse(name, f"{shown(value)} is neither true nor false.")
        return value

    def quantity(self, name: str) -> int:
        """A whole number from 1 to 1,000,000."""
        value = _counted(self.data.get(name))
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MAX_QUANTITY:
            self.refuse(name, f"{shown(value)} is not a quantity from 1 to {MAX_QUANTITY}.")
        return value

    def currency(self, name: str) -> str:
        try:
            return money.currency_code(self.data.get(name))
        except money.MoneyError as error:
            self.refuse(name, str(error))

    def region(self, name: str) -> str:
        """A country by its two ISO 3166 letters; "" for anything else."""
        code = self.text(name).upper()
        return code if _REGION.fullmatch(code) else ""

    def locale(self, name: str) -> str:
        """A language, with its region where it is named; "" for anything else."""
        return locales.tag(self.text(name))

    def amount(self, name: str) -> Decimal | int | str:
        """A required number or text that may be money, not yet read as one."""
        value = self.data.get(name)
        if value is None:
            self.refuse(name, "The amount is missing.")
        if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
            self.refuse(name, f"{shown(value)} is not an amount of money.")
        return value

    def money(self, name: str, currency: str, *, signed: bool = False) -> int:
        """A required amount in major units, as minor units; below zero only where `signed`."""
        try:
            minor = money.to_minor(self.amount(name), currency)
        except money.MoneyError as error:
            self.refuse(name, str(error))
        if minor < 0 and not signed:
            self.refuse(name, "The amount is below zero.")
        return minor

    def money_or_zero(self, name: str, currency: str, *, signed: bool = False) -> int:
        """As `money`, 0 where the field is missing, null or empty text."""
        if self.data.get(name) in (None, ""):
            return 0
        return self.money(name, currency, signed=signed)

    def stripe_money(self, name: str, currency: str, *, signed: bool = False) -> int:
        """A required integer as Stripe counts it, as ISO minor units; below zero only where `signed`."""
        value = self.amount(name)
        if not isinstance(value, int) or (value < 0 and not signed):
            self.refuse(name, f"{shown(value)} is not a whole number of minor units.")
        try:
            return money.from_stripe(value, currency)
        except money.MoneyError as error:
            self.refuse(name, str(error))

    def instant(self, name: str, *, zone: timezone | None = None) -> datetime:
        """A required ISO 8601 instant in UTC."""
        value = self.data.get(name)
        if not isinstance(value, str):
            self.refuse(name, "The time is missing." if value is None else f"{shown(value)} is not a time.")
        try:
            return parsing.instant(value, zone=zone)
        except parsing.Unreadable as error:
            self.refuse(name, str(error))

    def instant_or_none(self, name: str, *, zone: timezone | None = None) -> datetime | None:
        """As `instant`, None where the field is missing, null or empty text."""
        return None if self.data.get(name) in (None, "") else self.instant(name, zone=zone)

    def epoch(self, name: str) -> datetime:
        """A required time in seconds since 1970."""
        if not self.has(name):
            self.refuse(name, "The time is missing.")
        try:
            return parsing.from_epoch(self.data[name])
        except parsing.Unreadable as error:
            self.refuse(name, str(error))

    def moment(self, name: str) -> datetime:
        """A required time, in ISO 8601 or in seconds since 1970 with or without a fraction, as an instant in UTC."""
        value = self.data.get(name)
        if isinstance(value, str):
            return self.instant(name)
        if not isinstance(value, Decimal):
            return self.epoch(name)
        whole = int(value // 1)
        try:
            return parsing.from_epoch(whole) + timedelta(microseconds=int((value - whole) * 1_000_000))
        except parsing.Unreadable as error:
            self.refuse(name, str(error))

    def record(self, name: str) -> Self:
        """A required object."""
        value = self.data.get(name)
        if not isinstance(value, _OBJECT):
            self.refuse(name, "The object is missing." if value is None else f"{kind_of(value)} is not an object.")
        return type(self)(value, self.where(name))

    def record_or_empty(self, name: str) -> Self:
        """As `record`; empty where it is missing or null, and for `[]`, which is how PHP writes an empty object."""
        value = self.data.get(name)
        return type(self)({}, self.where(name)) if value is None or value == [] else self.record(name)

    def records(self, name: str) -> list[Self]:
        """A required list of objects."""
        value = self.data.get(name)
        if not isinstance(value, list):
            self.refuse(name, "The list is missing." if value is None else f"{kind_of(value)} is not a list.")
        if len(value) > MAX_ITEMS:
            self.refuse(name, f"The list has {len(value)} entries, more than {MAX_ITEMS}.")
        found, path = [], self.where(name)
        for index, item in enumerate(value):
            if not isinstance(item, _OBJECT):
                self.refuse(f"{name}[{index}]", f"{kind_of(item)} is not an object.")
            found.append(type(self)(item, f"{path}[{index}]"))
        return found

    def records_or_empty(self, name: str) -> list[Self]:
        """As `records`; empty where the list is missing or null."""
        return self.records(name) if self.has(name) else []


def _counted(value: object) -> object:
    """A whole number given as digits in text or as 2.0, as the integer it is."""
    if isinstance(value, str):
        return int(value) if _DIGITS.fullmatch(value) else value
    if isinstance(value, Decimal) and abs(value) <= MAX_QUANTITY and value == value.to_integral_value():
        return int(value)
    return value

"""Identifiers: one spelling for each way to recognise a customer, so that equal people compare equal.

Addresses are never folded, regions never guessed, and whatever cannot be told for sure is no key.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache

import phonenumbers
from email_validator import EmailNotValidError, validate_email


class Kind(StrEnum):
    """`RAW_PHONE` is a number nobody can parse: it matches only exactly and only within its own source."""

    PHONE = "phone"
    EMAIL = "email"
    LOYALTY = "loyalty"
    DEVICE = "device"
    COOKIE = "cookie"
    RAW_PHONE = "phone_raw"
    OTHER = "other"


PRIORITY: tuple[Kind, ...] = (
    Kind.PHONE,
    Kind.EMAIL,
    Kind.LOYALTY,
    Kind.DEVICE,
    Kind.COOKIE,
    Kind.RAW_PHONE,
    Kind.OTHER,
)
STRONG = frozenset({Kind.PHONE, Kind.EMAIL, Kind.LOYALTY})
DEFAULT_PROGRAMME = "default"
MAX_LENGTH = 255
ON_THE_LIST = "It is on the block list"

# The names under which others send identifiers; any other name is an `other` under that name.
FIELDS: dict[str, Kind] = {
    "email": Kind.EMAIL,
    "phone": Kind.PHONE,
    "loyalty": Kind.LOYALTY,
    "loyalty_id": Kind.LOYALTY,
    "device": Kind.DEVICE,
    "device_id": Kind.DEVICE,
    "cookie": Kind.COOKIE,
    "cookie_id": Kind.COOKIE,
}

_MAX_ADDRESS = 254
_MAX_NAME = 50
_MAX_PHONE = 100
_SAME_DIGITS = 8
_TYPED_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.@_-"
_DASHES = frozenset({"Pd", "Zs", "Zl", "Zp", "Cf"})

# What RFC 5322 calls a dot-atom, which any domain may stand behind.
_PLAIN_ADDRESS = re.compile(
    r"((?=.{1,64}@)[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*)@([a-z0-9.-]+)", re.ASCII | re.IGNORECASE
)

_NOBODY = frozenset({"0", "-1", "null", "none", "undefined", "anonymous", "guest"})
_NOBODYS_ADDRESSES = frozenset({"test@test.com"})
_NO_REPLY = frozenset({"noreply", "no-reply", "no_reply", "donotreply", "do-not-reply", "do_not_reply"})


@dataclass(frozen=True, slots=True)
class Identifier:
    """One normalised identifier: unique in an organization by (kind, value, source).

    `raw` is the spelling it came in. `source` is set for raw phones alone and names the channel they belong to.
    """

    kind: Kind
    value: str
    raw: str = field(default="", compare=False)
    source: str = ""

    @property
    def spelled(self) -> str:
        """As outsiders read it: `email:a@example.com`, `phone:raw:555-0123`, `loyalty:default:LOY1`."""
        return f"phone:raw:{self.value}" if self.kind is Kind.RAW_PHONE else f"{self.kind}:{self.value}"

    @property
    def strong(self) -> bool:
        return self.kind in STRONG

    @property
    def counts_as(self) -> str:
        """What it adds to a profile's strength: its kind, `other:<name>` for a named other, "" for a raw phone."""
        if self.kind is Kind.RAW_PHONE:
            return ""
        name, colon, _ = self.value.partition(":")
        return f"other:{name}" if self.kind is Kind.OTHER and colon else str(self.kind)


def normalise(
    kind: str,
    raw: str,
    *,
    region: str = "",
    programme: str = DEFAULT_PROGRAMME,
    source: str = "",
) -> Identifier | None:
    """The identifier in a text, or None where it holds none that may match people.

    `kind` is a `Kind` or any name of `FIELDS`; `region` the ISO 3166 country of national phone numbers, empty where
    unknown; `source` the channel a number came through, `kind:domain`.
    """
    text = raw.strip()
    if not text or len(text) > MAX_LENGTH or not _printable(text) or text.casefold() in _NOBODY:
        return None
    known = FIELDS.get(kind)
    if known is Kind.EMAIL:
        address = _address(raw)
        return Identifier(known, address, raw) if address else None
    if known is Kind.PHONE or kind == Kind.RAW_PHONE:
        return _phone(raw, region=region, source=source)
    if known is Kind.LOYALTY:
        card = _without_dashes(unicodedata.normalize("NFC", text)).upper()
        return Identifier(known, f"{programme.strip()[:_MAX_NAME] or DEFAULT_PROGRAMME}:{card}", raw) if card else None
    if known:
        return Identifier(known, text, raw)
    name = kind.strip().lower()
    if len(name) > _MAX_NAME or not _printable(name):
        return None
    return Identifier(Kind.OTHER, text if name in ("", Kind.OTHER) else f"{name}:{text}", raw)


def gather(
    fields: Mapping[str, str],
    *,
    region: str = "",
    programme: str = DEFAULT_PROGRAMME,
    source: str = "",
) -> tuple[Identifier, ...]:
    """The distinct identifiers in named fields (`email`, `phone`, `loyalty_id`, …), the most telling first."""
    found = (
        normalise(kind, raw, region=region, programme=programme, source=source) for kind, raw in fields.items() if raw
    )
    return ranked({identifier.spelled: identifier for identifier in found if identifier}.values())


def ranked(identifiers: Iterable[Identifier], *, order: Sequence[Kind] = PRIORITY) -> tuple[Identifier, ...]:
    """By priority of kind, then by value; kinds that the order leaves out come last."""
    found = tuple(identifiers)
    if len(found) < 2:
        return found
    places = {kind: place for place, kind in enumerate(order)}
    return tuple(sorted(found, key=lambda one: (places.get(one.kind, len(places)), one.kind, one.value)))


def mailable(raw: str) -> str | None:
    """The one address that mail may go to, or None: never a second one smuggled in by commas or line breaks."""
    return _address(raw)


def blocked(identifier: Identifier, *, own_domains: Collection[str] = (), patterns: Collection[str] = ()) -> str:
    """Why the identifier is on the block list and matches nobody; "" where it is not.

    `patterns` are the organization's own, with `*` and `?`, for a value or its spelling (`email:*@kiosk.example`).
    """
    value = identifier.value
    if identifier.kind is Kind.EMAIL:
        local, _, domain = value.partition("@")
        if value in _NOBODYS_ADDRESSES or local in _NO_REPLY:
            return "It is nobody's address."
        if own_domains and _owned(domain, own_domains):
            return "It is an address of the seller."
    # Loyalty ids lose their dash on the way, so that both spellings are asked.
    elif identifier.raw.strip().casefold() in _NOBODY or value.rpartition(":")[2].casefold() in _NOBODY:
        return "It stands for nobody."
    elif identifier.kind in (Kind.PHONE, Kind.RAW_PHONE) and _one_digit(identifier):
        return "It is one digit over and over."
    if not patterns:
        return ""
    spellings = {spelling.casefold() for spelling in (identifier.value, identifier.raw.strip(), identifier.spelled)}
    for pattern in patterns:
        wanted = pattern.strip().casefold()
        if wanted and any(fnmatchcase(spelling, wanted) for spelling in spellings):
            return f"{ON_THE_LIST} ({pattern.strip()})."
    return ""


def _owned(domain: str, own_domains: Iterable[str]) -> bool:
    owned = (own.strip().lower().removeprefix("www.") for own in own_domains)
    return any(domain == own or domain.endswith(f".{own}") for own in owned if own)


def variants(email: str, *, among: int | None = None) -> frozenset[str]:
    """Every text one slip of the keyboard away from a normalised address, for typo-tolerant search by equality.

    With `among` only those whose slip is in so many of its first letters: all the others begin with these.
    """
    if len(email) > _MAX_ADDRESS:
        return frozenset()
    places = len(email) + 1 if among is None else min(among, len(email) + 1)
    halves = [(email[:place], email[place:]) for place in range(places)]
    found = {left + right[1:] for left, right in halves if right}
    found |= {left + right[1] + right[0] + right[2:] for left, right in halves if len(right) > 1}
    for left, right in halves:
        starts = [left + letter for letter in _TYPED_LETTERS]
        found |= {start + right for start in starts}
        if right:
            rest = right[1:]
            found |= {start + rest for start in starts}
    return frozenset(found - {email})


@lru_cache(maxsize=4096)  # a batch asks for each address when it reads an order and again when it settles it
def _address(raw: str) -> str | None:
    """The address in NFC, lower-case, its domain as an IDNA A-label."""
    if len(raw) > MAX_LENGTH or "\r" in raw or "\n" in raw:
        return None
    if match := _PLAIN_ADDRESS.fullmatch(raw.strip()):
        domain = _plain_domain(match[2].lower())
        address = f"{match[1].lower()}@{domain}"
        return address if domain and len(address) <= _MAX_ADDRESS else None
    return _checked(raw)


@lru_cache(maxsize=4096)
def _plain_domain(domain: str) -> str:
    """The domain as an address bears it, '' for none: millions of addresses share a few."""
    return (_checked(f"a@{domain}") or "a@")[2:]


def _checked(raw: str) -> str | None:
    try:
        # The test switch admits `.test`, which like `.example` is nobody's domain and does no harm.
        checked = validate_email(
            unicodedata.normalize("NFC", raw.strip()), check_deliverability=False, test_environment=True
        )
    except (EmailNotValidError, UnicodeError, ValueError):
        return None
    local = unicodedata.normalize("NFC", checked.local_part.lower())
    address = f"{local}@{checked.ascii_domain.lower()}"
    return address if len(address) <= _MAX_ADDRESS else None


def _phone(raw: str, *, region: str, source: str) -> Identifier | None:
    """E.164 for a valid number of a known region; toll-free numbers and extensions belong to many people."""
    text = raw.strip()
    if len(text) > _MAX_PHONE or not any(letter.isdigit() for letter in text):
        return None
    unread = Identifier(Kind.RAW_PHONE, text, raw, source)
    try:
        number = phonenumbers.parse(text, region.upper() or None)
    except phonenumbers.NumberParseException:
        return unread
    if number.extension:
        return None
    if not phonenumbers.is_valid_number(number):
        return unread
    if phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.TOLL_FREE:
        return None
    spelled = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return Identifier(Kind.PHONE, spelled, raw)


def _one_digit(identifier: Identifier) -> bool:
    digits = [letter for letter in identifier.value if letter.isdigit()]
    # In front of a readable number stands its country, which may hold other digits.
    return len(set(digits[-_SAME_DIGITS:] if identifier.kind is Kind.PHONE else digits)) <= 1


def _without_dashes(text: str) -> str:
    return "".join(letter for letter in text if unicodedata.category(letter) not in _DASHES and not letter.isspace())


def _printable(text: str) -> bool:
    """Whether the text can be kept exactly and read by a person: no control characters, no lone surrogates."""
    return text.isprintable() or not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text)

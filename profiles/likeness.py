"""How alike two customers are, as a table of points that explains itself; nobody is ever merged by it.

The points are what Fellegi and Sunter call weights: log2 of how much more often a finding is made of one person than of
two, rounded to halves. Findings of different fields add up. Where a field is empty on either side nothing is found.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import permutations, product
from typing import TypeVar

from rapidfuzz.distance import OSA

from profiles.spellings import (
    DIGITS_COMPARED,
    DOTLESS,
    OFFICES,
    TELLING_AT_LEAST,
    code,
    fold,
    mailbox,
    meant,
    near,
    parts,
    sound,
    street,
)


class Band(StrEnum):
    """How sure one may be: what a person should look at first."""

    ALMOST_CERTAIN = "almost_certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


BANDS: tuple[tuple[Band, float], ...] = ((Band.ALMOST_CERTAIN, 20.0), (Band.LIKELY, 13.0), (Band.POSSIBLE, 9.0))
LEAST = BANDS[-1][1]
T = TypeVar("T")
SPELLINGS = 6
"""So many values of one field are compared; more belong to nobody in particular."""
TOGETHER = 2
"""So many fields have to speak for it: one alone, however telling, is an accident or a household."""

TELLING = frozenset({"name", "mail", "local", "phone", "number", "door"})

# What each finding is worth, a field a row. The words stand in the evidence as they stand here.
POINTS: dict[str, dict[str, float]] = {
    "name": {
        "Same name": 7.0,
        "Same name, a letter apart": 5.0,
        "Same name, one part shortened": 4.0,
        "One part of the name is the same": 0.5,
        "Different names": -6.0,
    },
    "email": {
        "Same mailbox, spelled another way": 13.0,
        "Same mailbox, its domain mistyped": 12.0,
        "E-mail a letter apart": 8.0,
        "Same e-mail name at another provider": 6.0,
        "Same e-mail name, made of their name": 3.0,
    },
    "phone": {
        "Same number, written another way": 11.0,
        "Phone a digit apart": 6.0,
    },
    "address": {
        "Same address": 8.0,
        "Same address, a letter apart": 6.5,
        "Same street": 4.0,
        "Same house number and place": 4.0,
        "Same place": 2.5,
        "Different addresses": -2.0,
    },
    "born": {
        "Same date of birth": 7.0,
        "Date of birth a digit apart": 4.0,
        "Different dates of birth": -4.0,
    },
    "number": {
        "Same personal number": 12.0,
        "Personal number a digit apart": 7.0,
        "Different personal numbers": -4.0,
    },
}
FIELDS: dict[str, str] = {
    "name": "Name",
    "email": "E-mail",
    "phone": "Phone",
    "address": "Address",
    "born": "Date of birth",
    "number": "Personal number",
}


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address as it was sent; empty text where it said nothing."""

    street: str = ""
    postcode: str = ""
    city: str = ""
    more: str = ""

    def __str__(self) -> str:
        town = f"{self.postcode} {self.city}".strip()
        return ", ".join(part for part in (self.street, self.more, town) if part)


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of a customer, in any spelling; `born` is a date as text, `numbers` are loyalty numbers."""

    names: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()
    born: str = ""
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """One finding of one field: what both said, what it means in words, what it is worth."""

    field: str
    one: str
    other: str
    weight: float
    words: str


@dataclass(frozen=True, slots=True)
class Likeness:
    """What was found of a pair, and the sum of its points."""

    score: float
    evidence: tuple[Evidence, ...]

    @property
    def band(self) -> Band | None:
        """The band of the pair; None where it is not worth a person's time."""
        speaking = sum(1 for found in self.evidence if found.weight >= 1.0)
        if speaking < TOGETHER:
            return None
        return next((band for band, least in BANDS if self.score >= least), None)

    def sentence(self) -> str:
        """The evidence in one sentence, the most telling first."""
        words = [found.words for found in sorted(self.evidence, key=lambda found: -found.weight)]
        return ", ".join([words[0], *(word[0].lower() + word[1:] for word in words[1:])]) if words else ""


def compare(one: Person, other: Person) -> Likeness:
    """Every finding of these two, and their sum. Comparing them the other way round gives the same score."""
    words = frozenset(word for name in (*one.names, *other.names) for word in parts(name))
    found = (
        _best("name", one.names, other.names, names),
        _best("email", one.emails, other.emails, lambda a, b: emails(a, b, named=words)),
        _best("phone", one.phones, other.phones, phones),
        _best("address", one.addresses, other.addresses, addresses),
        _best("born", _known(one.born), _known(other.born), births),
        _best("number", one.numbers, other.numbers, numbers),
    )
    evidence = tuple(finding for finding in found if finding is not None)
    return Likeness(round(sum(finding.weight for finding in evidence), 1), evidence)


def _best(field: str, ones: Sequence[T], others: Sequence[T], judge: Callable[[T, T], str]) -> Evidence | None:
    """The finding that speaks most for it, of every spelling of one with every spelling of the other."""
    points, best = POINTS[field], None
    for one, other in product(ones[:SPELLINGS], others[:SPELLINGS]):
        words = judge(one, other)
        if words and (best is None or points[words] > best.weight):
            best = Evidence(field, str(one), str(other), points[words], words)
    return best


def _known(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


# Names -----------------------------------------------------------------------------------------------------------

_EQUAL, _NEAR, _SHORT, _OTHER = 3, 2, 1, 0


def _word(one: str, other: str) -> int:
    if one == other:
        return _EQUAL
    if near(one, other):
        return _NEAR
    shorter, longer = sorted((one, other), key=len)
    return _SHORT if len(shorter) <= 3 and longer.startswith(shorter) else _OTHER


def names(one: str, other: str) -> str:
    """Words in any order; a name of more words may hold one of fewer."""
    few, many = sorted((parts(one), parts(other)), key=len)
    if not few:
        return ""
    few, many = few[:4], many[:5]
    fits = max(
        (sorted(map(_word, few, order)) for order in permutations(many, len(few))),
        key=lambda found: (sum(1 for fit in found if fit >= _NEAR), sum(found)),
    )
    if fits[-1] < _NEAR and not near("".join(sorted(few)), "".join(sorted(many))):
        return "Different names"
    if len(few) > 1 and fits[0] == _EQUAL:
        return "Same name"
    if (len(few) > 1 and fits[0] >= _NEAR) or near("".join(few), "".join(many)):
        return "Same name, a letter apart"
    if len(few) > 1 and fits[0] >= _SHORT:
        return "Same name, one part shortened"
    return "One part of the name is the same"


# E-mail and phone ----------------------------------------------------------------------------------------------


def emails(one: str, other: str, *, named: frozenset[str] = frozenset()) -> str:
    """Differing digits tell two people apart, since numbered addresses are given out in a row.

    An e-mail name made of the words in `named` says little beside the name itself.
    """
    (local, domain), (second, elsewhere) = mailbox(one), mailbox(other)
    if not local or not second:
        return ""
    if local == second and domain == elsewhere:
        return "Same mailbox, spelled another way"
    if meant(domain) == meant(elsewhere):
        plain = [part.replace(".", "") if meant(domain) in DOTLESS else part for part in (local, second)]
        if plain[0] == plain[1]:
            return "Same mailbox, its domain mistyped"
        if domain == elsewhere and min(map(len, plain)) >= TELLING_AT_LEAST and _slip_of_letters(*plain):
            return "E-mail a letter apart"
    elif local == second and len(local) >= TELLING_AT_LEAST and local not in OFFICES:
        made = set(re.findall(r"[a-z]{2,}", fold(local))) <= named
        return "Same e-mail name, made of their name" if made else "Same e-mail name at another provider"
    return ""


def _slip_of_letters(one: str, other: str) -> bool:
    digits = [re.sub(r"\D", "", text) for text in (one, other)]
    return digits[0] == digits[1] and OSA.distance(one, other, score_cutoff=1) <= 1


def phones(one: str, other: str) -> str:
    """By the digits at the end, since the country and the leading nought are written in many ways."""
    ends = [re.sub(r"\D", "", text)[-DIGITS_COMPARED:] for text in (one, other)]
    if min(map(len, ends)) < DIGITS_COMPARED:
        return ""
    if ends[0] == ends[1]:
        return "Same number, written another way"
    return "Phone a digit apart" if OSA.distance(*ends, score_cutoff=1) <= 1 else ""


# Address ---------------------------------------------------------------------------------------------------------


def addresses(one: Address, other: Address) -> str:
    (road, house), (second, door) = street(one.street), street(other.street)
    lines = [road, street(one.more)[0]], [second, street(other.more)[0]]
    exact = any(a and a == b for a, b in product(*lines))
    roads = exact or any(a and b and near(a.replace(" ", ""), b.replace(" ", "")) for a, b in product(*lines))
    doors = bool(house) and house == door
    codes = bool(one.postcode) and near_code(one.postcode, other.postcode)
    town, elsewhere = fold(one.city), fold(other.city)
    towns = bool(town and elsewhere) and near(town, elsewhere)
    if roads and doors and (codes or towns):
        same = exact and code(one.postcode) == code(other.postcode) and town == elsewhere
        return "Same address" if same else "Same address, a letter apart"
    if roads and (codes or towns):
        return "Same street"
    if doors and codes and towns:
        return "Same house number and place"
    if codes and towns:
        return "Same place"
    known = (one.street and other.street) or (one.postcode and other.postcode) or (one.city and other.city)
    return "Different addresses" if known else ""


def near_code(one: str, other: str) -> bool:
    """A postcode a digit apart is taken for the same: its street or its town has to agree as well."""
    ours, theirs = code(one), code(other)
    return bool(ours and theirs) and OSA.distance(ours, theirs, score_cutoff=1) <= 1


# Dates and numbers -----------------------------------------------------------------------------------------------


def births(one: str, other: str) -> str:
    return _digits(one, other, "Same date of birth", "Date of birth a digit apart", "Different dates of birth")


def numbers(one: str, other: str) -> str:
    """Numbers of two programmes (`programme:number`) say nothing about each other."""
    (programme, _, number), (elsewhere, _, second) = one.rpartition(":"), other.rpartition(":")
    if programme != elsewhere:
        return ""
    return _digits(
        number, second, "Same personal number", "Personal number a digit apart", "Different personal numbers"
    )


def _digits(one: str, other: str, same: str, slip: str, different: str) -> str:
    ours, theirs = code(one), code(other)
    if not ours or not theirs:
        return ""
    if ours == theirs:
        return same
    return slip if len(ours) > 5 and OSA.distance(ours, theirs, score_cutoff=1) <= 1 else different


# Where to look ---------------------------------------------------------------------------------------------------


def keys(person: Person) -> frozenset[int]:
    """Numbers of 64 bits: only those who share a telling one, which is odd, or two others are compared."""
    return frozenset(_number(key) for key in _keys(person))


def telling(key: int) -> bool:
    """Whether sharing this key alone is reason enough to compare two people."""
    return key % 2 == 1


def _number(key: str) -> int:
    number = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big", signed=True)
    return number | 1 if key.partition(":")[0] in TELLING else number & ~1


def _keys(person: Person) -> Iterator[str]:
    sounds = sorted({sound(word) for name in person.names for word in parts(name) if len(word) > 1})
    whole = {" ".join(sorted(parts(name))) for name in person.names if len(parts(name)) > 1}
    yield from (f"name:{name}" for name in whole)
    if len(sounds) > 1:
        yield "sound:" + " ".join(sounds)
    for email in person.emails:
        local, domain = mailbox(email)
        box = local.replace(".", "") if meant(domain) in DOTLESS else local
        yield f"mail:{box}@{meant(domain)}"
        if len(local) >= TELLING_AT_LEAST and local not in OFFICES:
            yield f"local:{local}"
    for phone in person.phones:
        end = re.sub(r"\D", "", phone)[-DIGITS_COMPARED:]
        if len(end) == DIGITS_COMPARED:
            yield f"phone:{end}"
            yield from (f"half:{half}:{heard}" for half in (end[:5], end[4:]) for heard in sounds)
    for number in person.numbers:
        yield f"number:{fold(number)}"
    if person.born:
        yield from (f"born:{fold(person.born)}:{heard}" for heard in sounds)
    for address in person.addresses:
        yield from _places(address, sounds)


def _places(address: Address, sounds: Sequence[str]) -> Iterator[str]:
    road, house = street(address.street)
    postcode, town = code(address.postcode), fold(address.city)
    if postcode:
        yield from (f"code:{postcode}:{heard}" for heard in sounds)
        if house:
            yield f"door:{postcode}:{house}"
    if town:
        yield from (f"town:{sound(town)}:{heard}" for heard in sounds)
    if road:
        yield from (f"road:{road[:6]}:{heard}" for heard in sounds)

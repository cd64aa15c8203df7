"""The rules of identity as one organization has set them, and what they say about sets of keys (IDENTITY.md, "Match").

A key is an identifier as facts bear it: `email:a@example.com`, `loyalty:default:LOY1`.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from profiles import identifiers
from profiles.identifiers import Kind

RULE_VERSION = "2"
WINDOW = timedelta(days=90)
MERGE_AT_MOST = 3
SHARED_FROM: Mapping[str, int] = {Kind.PHONE: 3, Kind.EMAIL: 5, Kind.DEVICE: 10, Kind.COOKIE: 10}
AT_MOST: Mapping[str, int] = {Kind.EMAIL: 5, Kind.PHONE: 3, Kind.DEVICE: 10, Kind.COOKIE: 50}
WEIGHTS: Mapping[str, int] = {"phone": 30, "email": 20, "loyalty": 25, "device": 10, "cookie": 5, "other": 10}
RANKED = tuple(str(kind) for kind in identifiers.PRIORITY)


class Malformed(ValueError):
    """The rules do not make sense; the sentence says what is wrong."""


@dataclass(frozen=True)
class Rules:
    """What an organization may set. `shared_from` counts distinct other strong identifiers within 90 days."""

    priority: tuple[str, ...] = RANKED
    at_most: Mapping[str, int] = field(default_factory=lambda: dict(AT_MOST))
    shared_from: Mapping[str, int] = field(default_factory=lambda: dict(SHARED_FROM))
    weights: Mapping[str, int] = field(default_factory=lambda: dict(WEIGHTS))

    @cached_property
    def version(self) -> str:
        """The version that merges name: the rules' own, and a mark of what the organization changed."""
        changed = self.document()
        if not changed:
            return RULE_VERSION
        return f"{RULE_VERSION}-{hashlib.sha256(json.dumps(changed, sort_keys=True).encode()).hexdigest()[:8]}"

    @cached_property
    def _places(self) -> dict[str, int]:
        return {kind: place for place, kind in enumerate(self.priority)}

    def document(self) -> dict[str, Any]:
        """What differs from the defaults, as it is stored."""
        found: dict[str, Any] = {}
        if self.priority != RANKED:
            found["priority"] = list(self.priority)
        for name, default in (("at_most", AT_MOST), ("shared_from", SHARED_FROM), ("weights", WEIGHTS)):
            own = {kind: number for kind, number in getattr(self, name).items() if default[kind] != number}
            if own:
                found[name] = own
        return found

    def ranked(self, keys: Iterable[str]) -> list[str]:
        """The most telling first; keys of one kind by their value."""
        places = self._places
        return sorted(keys, key=lambda key: (places.get(kind_of(key), len(places)), key))

    def too_many(self, mine: Iterable[str], *others: Iterable[str]) -> bool:
        """Whether one customer with all these keys would break a limit that none of the parts breaks already."""
        parts = [set(mine), *map(set, others)]
        together = Counter(kind_of(key) for key in set().union(*parts))
        largest = Counter[str]()
        for part in parts[1:]:
            largest |= Counter(kind_of(key) for key in part)
        return any(
            together[kind] > limit and together[kind] > largest.get(kind, 0) for kind, limit in self.at_most.items()
        )

    def shared(self, key: str, seen: Iterable[tuple[datetime, str]]) -> bool:
        """Whether the key was seen with so many distinct other strong identifiers within 90 days that it is shared.

        `seen` names each moment of a fact that bears the key, and one other strong identifier of that fact.
        """
        wanted = self.shared_from.get(kind_of(key))
        if wanted is None:
            return False
        moments = sorted(seen)
        first, within = 0, Counter[str]()
        for at, other in moments:
            within[other] += 1
            while moments[first][0] < at - WINDOW:
                gone = moments[first][1]
                within[gone] -= 1
                if not within[gone]:
                    del within[gone]
                first += 1
            if len(within) >= wanted:
                return True
        return False

    def strength(self, counted: Iterable[str]) -> int:
        """How well a customer is known, 0 to 100: each kind once (SPEC PRO-8). Takes what `counts_as` gives."""
        kinds = set(counted) - {""}
        return min(100, sum(self.weights.get(kind.partition(":")[0], self.weights["other"]) for kind in kinds))


def kind_of(key: str) -> str:
    return key.partition(":")[0]


def is_strong(key: str) -> bool:
    return kind_of(key) in identifiers.STRONG


def conflicting(keys: Iterable[str]) -> set[str]:
    """Loyalty ids of which one customer cannot have all: two or more of one programme."""
    programmes: dict[str, set[str]] = {}
    for key in keys:
        kind, _, value = key.partition(":")
        if kind == Kind.LOYALTY:
            programmes.setdefault(value.partition(":")[0], set()).add(key)
    return {key for cards in programmes.values() if len(cards) > 1 for key in cards}


def read(document: Mapping[str, Any]) -> Rules:
    """The rules an organization stored. Raises Malformed with a sentence."""
    priority = tuple(document.get("priority") or RANKED)
    if sorted(priority) != sorted(RANKED):
        raise Malformed(f"The priority has to name each of {', '.join(RANKED)} once.")
    return Rules(
        priority=priority,
        at_most=_numbers(document, "at_most", AT_MOST, least=1, most=1000),
        shared_from=_numbers(document, "shared_from", SHARED_FROM, least=2, most=1000),
        weights=_numbers(document, "weights", WEIGHTS, least=0, most=100),
    )


def _numbers(
    document: Mapping[str, Any], name: str, default: Mapping[str, int], *, least: int, most: int
) -> dict[str, int]:
    given: Sequence[tuple[Any, Any]] = list((document.get(name) or {}).items())
    for kind, number in given:
        if kind not in default:
            raise Malformed(f"{kind} has no {name.replace('_', ' ')}.")
        if not isinstance(number, int) or isinstance(number, bool) or not least <= number <= most:
            raise Malformed(f"{kind}: a whole number from {least} to {most} is wanted.")
    return {**{str(kind): number for kind, number in default.items()}, **dict(given)}

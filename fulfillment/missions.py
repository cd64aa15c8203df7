"""The rules of missions: which facts of a customer complete one, in which period. Pure, and blind to their order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

REPORTED_AS = "mission_completed"


class Rule(StrEnum):
    EVENTS = "events"
    PURCHASES = "purchases"
    REPORTED = "reported"


class Period(StrEnum):
    ONCE = "once"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a mission asks for: `times` facts of its rule within its dates and one period."""

    slug: str
    rule: Rule
    starts_at: datetime
    event_type: str = ""
    times: int = 1
    skus: frozenset[str] = frozenset()
    period: Period = Period.ONCE
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Deed:
    """A fact that may count: an event by its type, or a purchase that stands. `mission` is what a report names."""

    at: datetime
    name: str
    type: str = ""
    purchase: bool = False
    skus: frozenset[str] = field(default_factory=frozenset)
    mission: str = ""

    @property
    def turn(self) -> tuple[datetime, str]:
        return (self.at, self.name)


def completed(terms: Terms, deeds: Iterable[Deed]) -> dict[str, Deed]:
    """The deed that completed the mission in each period; the same for any order of the deeds.

    A report of another system completes a mission of any rule at once; periods are of UTC.
    """
    within = sorted((deed for deed in deeds if _within(terms, deed)), key=lambda deed: deed.turn)
    counts: dict[str, int] = {}
    found: dict[str, Deed] = {}
    for deed in within:
        period = period_of(terms.period, deed.at)
        if period in found:
            continue
        if deed.type == REPORTED_AS and deed.mission == terms.slug:
            found[period] = deed
        elif _counts(terms, deed):
            counts[period] = counts.get(period, 0) + 1
            if counts[period] >= terms.times:
                found[period] = deed
    return found


def period_of(period: Period, at: datetime) -> str:
    """2026-11, 2026 or ""."""
    day = at.astimezone(UTC)
    return {Period.MONTH: f"{day:%Y-%m}", Period.YEAR: f"{day:%Y}"}.get(period, "")


def types(all_terms: Iterable[Terms]) -> set[str]:
    """The types of events that any of these missions looks at."""
    return {terms.event_type for terms in all_terms if terms.rule == Rule.EVENTS} | {REPORTED_AS}


def named(payload: Mapping[str, object]) -> str:
    """The mission that a report names."""
    value = payload.get("mission")
    return value.strip() if isinstance(value, str) else ""


def _within(terms: Terms, deed: Deed) -> bool:
    return terms.starts_at <= deed.at and (terms.ends_at is None or deed.at < terms.ends_at)


def _counts(terms: Terms, deed: Deed) -> bool:
    if terms.rule == Rule.PURCHASES:
        return deed.purchase and (not terms.skus or bool(terms.skus & deed.skus))
    return terms.rule == Rule.EVENTS and deed.type == terms.event_type

"""What every question for discrepancies has in common: its scope, the columns it answers, and both sides as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

COLUMNS: Mapping[str, str] = {
    "subject": "text",
    "amount_minor": "bigint",
    "currency": "text",
    "test": "boolean",
    "at": "timestamptz",
    "channel_id": "bigint",
    "order_id": "bigint",
    "other_order_id": "bigint",
    "payment_id": "bigint",
    "payout_id": "bigint",
    "payout_line_id": "bigint",
    "entitlement_id": "bigint",
    "external_id": "text",
    "ours": "jsonb",
    "theirs": "jsonb",
}
ABSENT: Mapping[str, str] = {"external_id": "''", "ours": "'[]'", "theirs": "'[]'", "test": "false"}


@dataclass(frozen=True, slots=True)
class Window:
    """Facts that happened from `since` to before `until`; `wide` if that is a good part of all there are."""

    since: datetime
    until: datetime
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """Facts by the ids of what a kind is about: orders, payments, payouts or their lines."""

    ids: Sequence[int]


Scope = Window | Rows


@dataclass(frozen=True, slots=True)
class Place:
    """A place of a statement that is narrowed: what stands there for a window, for rows, and for a wide window."""

    window: str
    rows: str
    wide: str = ""

    def narrowed(self, scope: Scope) -> str:
        if isinstance(scope, Rows):
            return self.rows
        return self.wide if scope.wide and self.wide else self.window


def within(dated: str, named: str) -> Place:
    """By a column with the fact's time, and one with the id of what it is about."""
    return Place(f"{dated} >= %(since)s AND {dated} < %(until)s", f"{named} = ANY(%(ids)s)")


@dataclass(frozen=True, slots=True)
class Finder:
    """One question. `of` names what it is about ("order"), `scope` how that is narrowed.

    `found` is SQL from FROM on, with `{scope}` where it is narrowed; `columns` says what it answers, the rest is empty.
    """

    kind: str
    of: str
    scope: Place
    found: str
    columns: Mapping[str, str]
    before: str = ""
    """Common table expressions, which may hold `{scope}` too."""
    also: Mapping[str, Place] = field(default_factory=dict)
    """More places, by the name they have in braces."""


def select(finder: Finder, scope: Scope) -> str:
    """The statement that finds this kind in this scope, a row a discrepancy, columns as in COLUMNS."""
    found, before = finder.found, finder.before
    for name, place in {"scope": finder.scope, **finder.also}.items():
        mark, narrowed = f"{{{name}}}", place.narrowed(scope)
        found, before = found.replace(mark, narrowed), before.replace(mark, narrowed)
    given = ", ".join(
        f"({finder.columns.get(name) or ABSENT.get(name, 'NULL')})::{kind} AS {name}" for name, kind in COLUMNS.items()
    )
    return f"{before} SELECT {given} {found}"


def side(**said: str) -> str:
    """What one side says, as SQL for an array of pairs; underscores of a name are spaces."""
    pairs = ", ".join(f"jsonb_build_array('{name.replace('_', ' ')}', {value})" for name, value in said.items())
    return f"jsonb_build_array({pairs})"


def sum_of(minor: str, currency: str) -> str:
    """An amount of money within a side."""
    return f"jsonb_build_object('minor', {minor}, 'currency', {currency})"


def instant(at: str) -> str:
    """An instant within a side."""
    return f"jsonb_build_object('at', {at})"

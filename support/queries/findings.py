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
class Likely:
    """A first look that leaves few rows to look at closely; `found` is a whole SELECT with an `id`, and its places.

    It becomes a table of the transaction, so that the closer look is planned for what is left, and shared by several
    kinds. It may name more than is wrong, but nothing wrong may be missing. `row` stands for it where rows are asked
    about.
    """

    name: str
    found: str
    row: str
    places: Mapping[str, Place]

    def select(self, scope: Scope) -> str:
        """The first look itself."""
        return _narrowed(self.found, self.places, scope)

    def within(self, scope: Scope) -> str:
        """What stands in a finder's statement for it."""
        if isinstance(scope, Rows):
            return f"(SELECT {self.row} FROM unnest(%(ids)s::bigint[]) AS id) likely"
        return f"likely_{self.name} likely"


@dataclass(frozen=True, slots=True)
class Finder:
    """One question. `of` names what it is about ("order"); `likely` is its first look, `{likely}` in its statement.

    `found` is SQL from FROM on; `columns` says what it answers, the rest is empty.
    """

    kind: str
    of: str
    found: str
    columns: Mapping[str, str]
    before: str = ""
    """Common table expressions."""
    likely: Likely | None = None
    places: Mapping[str, Place] = field(default_factory=dict)
    """What is narrowed, by the name it has in braces in all of them."""
    sign: str = "true"
    """A condition without which a window holds nothing of this kind, cheaper to plan than the question itself."""


def _narrowed(sql: str, places: Mapping[str, Place], scope: Scope) -> str:
    for name, place in places.items():
        sql = sql.replace(f"{{{name}}}", place.narrowed(scope))
    return sql


def select(finder: Finder, scope: Scope) -> str:
    """The statement that finds this kind in this scope, a row a discrepancy: its kind, then columns as in COLUMNS."""
    given = ", ".join(
        f"({finder.columns.get(name) or ABSENT.get(name, 'NULL')})::{kind} AS {name}" for name, kind in COLUMNS.items()
    )
    whole = f"{finder.before} SELECT '{finder.kind}'::text AS kind, {given} {finder.found}"
    return _asked(whole, finder, scope)


def sign(finder: Finder, scope: Scope) -> str:
    """The condition without which this kind has no row in this scope."""
    return _asked(finder.sign, finder, scope)


def _asked(sql: str, finder: Finder, scope: Scope) -> str:
    narrowed = _narrowed(sql, finder.places, scope)
    return narrowed if finder.likely is None else narrowed.replace("{likely}", finder.likely.within(scope))


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

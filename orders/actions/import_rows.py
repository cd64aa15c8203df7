"""A portion of an imported file: what becomes of each row, and the facts of those that bring something.

A portion is one transaction: facts, what became of its rows, how far the import has come, and the request to settle.
Whoever does it again finds its rows known. Two people with the same file take turns by the names of its orders.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from orders import money
from orders.actions import facts, file_facts, import_payouts, imports
from orders.actions.import_outcomes import COUNTED, Judged
from orders.actions.statements import Said
from orders.files import words
from orders.files.dialects import Mode, Recipe, Standing
from orders.files.gatherings import key_of
from orders.files.sales import Reader, Sale
from orders.files.tables import Row
from orders.files.words import Disagrees, Word
from orders.messages import Authority, OrderStatus
from orders.models import Import, ImportRow
from orders.parsing import Unreadable
from profiles import bulk
from profiles.actions import settlement, turns

Outcome = ImportRow.Outcome
_RANKS = {Standing.UNPAID: 0, Standing.FAILED: 0, Standing.PAID: 1, Standing.CANCELLED: 2, Standing.REFUNDED: 3}


class Group:
    """The rows of one order: those of earlier portions, and those of this one that stand."""

    __slots__ = ("earlier", "mine", "seen")

    def __init__(self) -> None:
        self.earlier: list[Sale] = []
        self.mine: list[tuple[Judged, Sale]] = []
        self.seen: dict[tuple[str, ...], int] = {}

    @property
    def sales(self) -> list[Sale]:
        return [*self.earlier, *(sale for _, sale in self.mine)]

    def take(self, one: Judged, sale: Sale) -> None:
        """One more row of it, unless it stood there before."""
        content, seen = tuple(one.row.cells), self.seen
        if (line := seen.setdefault(content, one.row.line)) != one.row.line:
            one.outcome, one.reason = Outcome.SAME, f"The same row stands on line {line}."
        else:
            self.mine.append((one, sale))


class Known(NamedTuple):
    """An order as it stands."""

    pk: int
    external_id: str
    currency: str
    total_minor: int
    authority: str
    version: datetime
    digest: str
    channel_status: str
    channel_paid: bool
    cancelled: bool
    flags: list[str]

    @property
    def rank(self) -> int:
        if self.channel_status == OrderStatus.REFUNDED:
            return _RANKS[Standing.REFUNDED]
        return _RANKS[Standing.CANCELLED] if self.cancelled else _RANKS[Standing.PAID] * self.channel_paid


def work(imported: Import, rows: Sequence[Row]) -> None:
    """Look at these rows and, where the import is being taken, record what they bring."""
    turns.together(imported.organization_id)
    rows = _not_worked(imported, rows)
    recipe, taking = Recipe.of(imported.recipe), imported.state == Import.State.TAKING
    if recipe.mode is Mode.PAYOUTS:
        judged = import_payouts.judge(imported, recipe, rows, taking=taking)
    else:
        judged = _orders(imported, recipe, rows, taking=taking)
    _keep(imported, judged)
    counted = Counter({"rows": len(judged)})
    for outcome, count in Counter([one.outcome for one in judged]).items():
        counted[COUNTED[Outcome(outcome)]] += count
    imports.advance(imported, position=max([imported.position, *(row.line for row in rows)]), counted=counted)


def _keep(imported: Import, judged: Sequence[Judged]) -> None:
    count = len(judged)
    bulk.insert_columns(
        ImportRow,
        {
            "organization_id": [imported.organization_id] * count,
            "imported_id": [imported.pk] * count,
            "line": [one.row.line for one in judged],
            "key": [one.key for one in judged],
            "cells": [one.row.cells for one in judged],
            "outcome": [one.outcome for one in judged],
            "reason": [one.reason for one in judged],
            "digest": [one.said[0] for one in judged],
            "currency": [one.said[1] for one in judged],
            "total_minor": [one.said[2] for one in judged],
        },
    )


def _not_worked(imported: Import, rows: Sequence[Row]) -> Sequence[Row]:
    """Rows that stood apart come last, below where the import has come: those of them that a dead worker finished."""
    if rows[-1].line > imported.position:
        return rows
    lines = ImportRow.objects.filter(imported=imported, line__in=[row.line for row in rows])
    done = set(lines.values_list("line", flat=True))
    return [row for row in rows if row.line not in done]


def _orders(imported: Import, recipe: Recipe, rows: Sequence[Row], *, taking: bool) -> list[Judged]:
    judged, groups = _read(imported, recipe, rows)
    said = {key: word for key, group in groups.items() if (word := _gather(recipe, group)) is not None}
    if taking:
        facts.lock_names(
            (imported.channel_id, name) for word in said.values() for name in (word.external_id, word.payment_id)
        )
    known = _known(imported, list(said))
    fresh: list[tuple[Word, str]] = []
    bringing: list[Said] = []
    for key, word in said.items():
        group, stands, digest = groups[key], known.get(key), word.digest
        outcome, reason = (Outcome.NEW, "") if stands is None else _judge(imported, stands, word, digest)
        group.mine[0][0].said = (digest, word.currency, word.total_minor)
        for judgement, sale in group.mine:
            judgement.outcome, judgement.reason = outcome, reason or _remark(sale)
        if stands is None:
            fresh.append((word, digest))
        elif outcome in ImportRow.TOLD and group.mine:
            bringing += _messages(imported, word, stands)
    if taking:
        touched = file_facts.record(imported, fresh)
        touched |= facts.record(bringing, organization=imported.organization).orders
        settlement.request(imported.organization_id, orders=touched, wake_worker=False)
    return judged


def _read(imported: Import, recipe: Recipe, rows: Sequence[Row]) -> tuple[list[Judged], dict[str, Group]]:
    """Each row read, those of one order together with what earlier portions of this file said of it."""
    reader = Reader(recipe)
    judged: list[Judged] = []
    read: list[tuple[Judged, Sale]] = []
    groups: dict[str, Group] = {}
    for row in rows:
        one = Judged(row, reason=row.problem)
        judged.append(one)
        if row.problem:
            continue
        try:
            sale = reader.read(row.cells)
        except Unreadable as unreadable:
            one.reason, one.key = str(unreadable), key_of(row, recipe)
            continue
        one.key = sale.order_id
        if one.key not in groups:
            groups[one.key] = Group()
        read.append((one, sale))
    for key, line, cells in _earlier(imported, list(groups)):
        groups[key].earlier.append(reader.read(cells))
        groups[key].seen[tuple(cells)] = line
    for one, sale in read:
        groups[one.key].take(one, sale)
    return judged, groups


# Each look-up stands by itself and goes by its index, whatever the planner believes of a table that was empty; it is
# planned each time, since a plan that was made over the empty table and kept read all rows for each order. Of an import
# that is new the planner expects next to no rows, and would look for a key among all of them: hence its id plus nought.
_EARLIER = """
SELECT r.key, r.line, r.cells FROM unnest(%s::text[]) AS k, LATERAL (
  SELECT key, line, cells, outcome FROM orders_importrow WHERE key = k AND imported_id + 0 = %s OFFSET 0) r
 WHERE r.outcome = ANY(%s) ORDER BY r.line
"""
_KNOWN = f"""
SELECT {", ".join(f"o.{'id' if name == 'pk' else name}" for name in Known._fields)}
  FROM unnest(%s::text[]) AS k, LATERAL (
  SELECT * FROM orders_order WHERE channel_id = %s AND external_id = k OFFSET 0) o
"""


def _earlier(imported: Import, keys: Sequence[str]) -> list[tuple[str, int, list[str]]]:
    """What earlier portions of this file told of these orders, by line."""
    if not imported.position or not keys:
        return []
    with bulk.cursor() as cursor:
        told = [outcome.value for outcome in ImportRow.TOLD]
        cursor.execute(_EARLIER, [keys, imported.pk, told], prepare=False)
        return cursor.fetchall()


def _gather(recipe: Recipe, group: Group) -> Word | None:
    """What the rows say of their order; a row that contradicts those before it is set aside as a conflict."""
    try:
        return words.gather(group.sales, record=recipe.record) if group.mine else None
    except Disagrees:
        kept, word = list(group.mine), None
        group.mine = []
        for one, sale in kept:
            try:
                word = words.gather([*group.sales, sale], record=recipe.record)
                group.mine.append((one, sale))
            except Disagrees as disagrees:
                one.outcome, one.reason = Outcome.CONFLICT, str(disagrees)
        return word


def _known(imported: Import, keys: Sequence[str]) -> dict[str, Known]:
    if not keys:
        return {}
    with bulk.cursor() as cursor:
        cursor.execute(_KNOWN, [keys, imported.channel_id], prepare=False)
        return {row[1]: Known._make(row) for row in cursor.fetchall()}


def _judge(imported: Import, known: Known, word: Word, digest: str) -> tuple[str, str]:
    """What becomes of the rows of an order that is known, and why where that is worth a word.

    When they are the same is said in SQL as well, in `orders.queries.repeats`.
    """
    agrees = (known.currency, known.total_minor) == (word.currency, word.total_minor)
    if known.authority != Authority.FILE:
        if agrees:
            return Outcome.SAME, "Its shop itself has told of it: that stands."
        stands, says = _sum(known), _sum(word)
        return Outcome.CONFLICT, f"Its shop says {stands}, and this file says {says}: what the shop says stands."
    if known.version == imported.version:
        return Outcome.NEW, ""
    if words.UNDONE in known.flags:
        return Outcome.NEW, "Brought back after an import of it was undone."
    if known.digest == digest:
        return Outcome.SAME, "It was imported before, and says the same."
    if not agrees:
        return Outcome.CONFLICT, f"It was imported with {_sum(known)}, and this file says {_sum(word)}."
    if known.version > imported.version:
        return Outcome.CONFLICT, "A later import says otherwise, and stands."
    if _rank(word) < known.rank:
        return Outcome.CONFLICT, "An import before this one knows it refunded or further on: a file takes nothing back."
    further = _rank(word) > known.rank
    return Outcome.UPDATE, "Its status went on." if further else "Details changed, its amount did not."


def _sum(said: Known | Word) -> str:
    return f"{money.to_text(said.total_minor, said.currency)} {said.currency}"


def _rank(word: Word) -> int:
    if word.status == OrderStatus.REFUNDED:
        return _RANKS[Standing.REFUNDED]
    return _RANKS[Standing.CANCELLED] if word.cancelled else _RANKS[Standing.PAID] * word.paid


def _messages(imported: Import, word: Word, known: Known) -> list[Said]:
    """What is to be recorded; money that an earlier file told of and this one no longer does is taken back."""
    told = words.tell(word, version=imported.version, quiet=not imported.mail)
    found = told.messages
    if known.channel_paid and told.payment is None:
        found.append(words.unpaid(told.order))
    return [Said(imported.channel, message) for message in found]


def _remark(sale: Sale) -> str:
    return "" if sale.standing else f"Its status “{sale.said}” is not known: it is not taken for paid."

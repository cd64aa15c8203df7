"""A portion of an imported file: what becomes of each row, and the facts of those that bring something.

A portion is one transaction: facts, what became of its rows, how far the import has come, and the request to settle.
Whoever does it again finds its rows known. Two people with the same file take turns by the names of its orders.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from orders import money
from orders.actions import facts, import_payouts, imports
from orders.actions.import_outcomes import COUNTED, Judged
from orders.actions.statements import Said, digest
from orders.files import sales
from orders.files.dialects import Mode, Recipe, Standing
from orders.files.gatherings import key_of
from orders.files.sales import Disagrees, Reader, Sale, Told
from orders.files.tables import Row
from orders.messages import Authority, OrderStatus
from orders.models import Import, ImportRow, Order
from orders.parsing import Unreadable
from profiles import bulk
from profiles.actions import settlement, turns

Outcome = ImportRow.Outcome
_RANKS = {Standing.UNPAID: 0, Standing.FAILED: 0, Standing.PAID: 1, Standing.CANCELLED: 2, Standing.REFUNDED: 3}


@dataclass(slots=True)
class Group:
    """The rows of one order: those of earlier portions, and those of this one that stand."""

    earlier: list[Sale] = field(default_factory=list)
    seen: dict[tuple[str, ...], int] = field(default_factory=dict)
    mine: list[tuple[Judged, Sale]] = field(default_factory=list)

    @property
    def sales(self) -> list[Sale]:
        return [*self.earlier, *(sale for _, sale in self.mine)]


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
    bulk.insert(
        ImportRow,
        (
            ImportRow(
                organization_id=imported.organization_id,
                imported=imported,
                line=one.row.line,
                key=one.key,
                cells=one.row.cells,
                outcome=one.outcome,
                reason=one.reason,
            )
            for one in judged
        ),
    )
    counted: dict[str, int] = {"rows": len(judged)}
    for one in judged:
        name = COUNTED[Outcome(one.outcome)]
        counted[name] = counted.get(name, 0) + 1
    imports.advance(imported, position=max([imported.position, *(row.line for row in rows)]), counted=counted)


def _not_worked(imported: Import, rows: Sequence[Row]) -> Sequence[Row]:
    """Rows that stood apart come last, below where the import has come: those of them that a dead worker finished."""
    if rows[-1].line > imported.position:
        return rows
    lines = ImportRow.objects.filter(imported=imported, line__in=[row.line for row in rows])
    done = set(lines.values_list("line", flat=True))
    return [row for row in rows if row.line not in done]


def _orders(imported: Import, recipe: Recipe, rows: Sequence[Row], *, taking: bool) -> list[Judged]:
    judged, groups = _read(imported, recipe, rows)
    told = {key: _tell(imported, recipe, group) for key, group in groups.items()}
    said = [Said(imported.channel, one.order) for one in told.values() if one is not None]
    if taking:
        facts.lock(said)
    known = _known(imported, [key for key, one in told.items() if one is not None])
    bringing: list[Said] = []
    for key, one in told.items():
        if one is None:
            continue
        group = groups[key]
        outcome, reason = _judge(imported, known.get(key), one)
        for judgement, sale in group.mine:
            judgement.outcome, judgement.reason = outcome, reason or _remark(sale)
        if outcome in ImportRow.TOLD and group.mine:
            bringing += [Said(imported.channel, message) for message in _messages(one, known.get(key))]
    if taking and bringing:
        recorded = facts.record(bringing, organization=imported.organization)
        settlement.request(imported.organization_id, orders=recorded.orders, wake_worker=False)
    return judged


def _read(imported: Import, recipe: Recipe, rows: Sequence[Row]) -> tuple[list[Judged], dict[str, Group]]:
    """Each row read, those of one order together with what earlier portions of this file said of it."""
    reader = Reader(recipe)
    judged: list[Judged] = []
    read: list[tuple[Judged, Sale]] = []
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
        read.append((one, sale))
    groups = {one.key: Group() for one, _ in read}
    earlier = ImportRow.objects.filter(imported=imported, key__in=list(groups), outcome__in=ImportRow.TOLD)
    for former in earlier.order_by("line"):
        groups[former.key].earlier.append(reader.read(former.cells))
        groups[former.key].seen[tuple(former.cells)] = former.line
    for one, sale in read:
        group, content = groups[one.key], tuple(one.row.cells)
        if content in group.seen:
            one.outcome, one.reason = Outcome.SAME, f"The same row stands on line {group.seen[content]}."
        else:
            group.seen[content] = one.row.line
            group.mine.append((one, sale))
    return judged, groups


def _tell(imported: Import, recipe: Recipe, group: Group) -> Told | None:
    """What the rows say of their order; a row that contradicts those before it is set aside as a conflict."""
    try:
        return _told(imported, recipe, group.sales) if group.mine else None
    except Disagrees:
        kept, told = list(group.mine), None
        group.mine = []
        for one, sale in kept:
            try:
                told = _told(imported, recipe, [*group.sales, sale])
                group.mine.append((one, sale))
            except Disagrees as disagrees:
                one.outcome, one.reason = Outcome.CONFLICT, str(disagrees)
        return told


def _told(imported: Import, recipe: Recipe, told: Sequence[Sale]) -> Told:
    return sales.tell(
        told, record=recipe.record, version=imported.version, quiet=not imported.mail, rank=min(len(told), 30_000)
    )


def _known(imported: Import, keys: Sequence[str]) -> dict[str, Known]:
    if not keys:
        return {}
    rows = Order.objects.filter(channel=imported.channel_id, external_id__in=keys).values_list(*Known._fields)
    return {row[1]: Known._make(row) for row in rows}


def _judge(imported: Import, known: Known | None, told: Told) -> tuple[str, str]:
    """What becomes of the rows of one order, and why where that is worth a word."""
    order = told.order
    if known is None:
        return Outcome.NEW, ""
    agrees = (known.currency, known.total_minor) == (order.currency, order.total_minor)
    stands = f"{money.to_text(known.total_minor, known.currency)} {known.currency}"
    says = f"{money.to_text(order.total_minor, order.currency)} {order.currency}"
    if known.authority != Authority.FILE:
        if agrees:
            return Outcome.SAME, "Its shop itself has told of it: that stands."
        return Outcome.CONFLICT, f"Its shop says {stands}, and this file says {says}: what the shop says stands."
    if known.version == imported.version:
        return Outcome.NEW, ""
    if sales.UNDONE in known.flags:
        return Outcome.NEW, "Brought back after an import of it was undone."
    if known.digest == digest(order):
        return Outcome.SAME, "It was imported before, and says the same."
    if not agrees:
        return Outcome.CONFLICT, f"It was imported with {stands}, and this file says {says}."
    if known.version > imported.version:
        return Outcome.CONFLICT, "A later import says otherwise, and stands."
    if _rank(told) < known.rank:
        return Outcome.CONFLICT, "An import before this one knows it refunded or further on: a file takes nothing back."
    further = _rank(told) > known.rank
    return Outcome.UPDATE, "Its status went on." if further else "Details changed, its amount did not."


def _rank(told: Told) -> int:
    order = told.order
    if order.status == OrderStatus.REFUNDED:
        return _RANKS[Standing.REFUNDED]
    return _RANKS[Standing.CANCELLED] if order.cancelled else _RANKS[Standing.PAID] * order.paid


def _messages(told: Told, known: Known | None) -> list[sales.Spoken]:
    """What is to be recorded; money that an earlier file told of and this one no longer does is taken back."""
    found = told.messages
    if known is not None and known.channel_paid and told.payment is None:
        found.append(sales.unpaid(told.order))
    return found


def _remark(sale: Sale) -> str:
    return "" if sale.standing else f"Its status “{sale.said}” is not known: it is not taken for paid."

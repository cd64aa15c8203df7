"""Undoing an import: what only it told of is withdrawn, what it changed goes back, and what cannot is named with why.

Nothing is deleted: a withdrawn order is cancelled and unpaid by a new word, and the same file brings it back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Count, Q, QuerySet

from orders.actions import facts, imports
from orders.actions.statements import Said
from orders.files import words
from orders.files.dialects import Mode, Recipe
from orders.files.sales import Reader
from orders.files.transfers import TransferReader
from orders.files.words import Disagrees, Told
from orders.messages import Authority, PayoutStatus
from orders.models import Import, ImportRow, Order, Payout
from orders.parsing import Unreadable
from profiles import clock
from profiles.actions import audit, settlement, turns
from profiles.actors import Actor

Outcome = ImportRow.Outcome
SPOKEN = "Its shop itself has told of it since."
LATER = "A later import speaks of it."
GONE = "It is not as this import left it."
NOTHING_BEFORE = "What it was before is not known any more."


@dataclass(frozen=True, slots=True)
class Foretold:
    """What an undo would do, in orders or payouts."""

    withdrawn: int
    restored: int
    kept: int


def foretell(row: Import) -> Foretold:
    """Count what would be withdrawn, go back and stay; the same rules as the undo itself."""
    standing = _standing(row)
    rows = ImportRow.objects.filter(imported=row, outcome__in=ImportRow.TOLD)
    counted = rows.aggregate(
        fresh=Count("key", distinct=True, filter=Q(outcome=Outcome.NEW)),
        updated=Count("key", distinct=True, filter=Q(outcome=Outcome.UPDATE)),
    )
    mine = rows.filter(key__in=standing.values("external_id"))
    stands = mine.aggregate(
        fresh=Count("key", distinct=True, filter=Q(outcome=Outcome.NEW)),
        updated=Count("key", distinct=True, filter=Q(outcome=Outcome.UPDATE)),
    )
    kept = counted["fresh"] + counted["updated"] - stands["fresh"] - stands["updated"]
    return Foretold(stands["fresh"], stands["updated"], kept)


def request(row: Import, *, by: Actor, because: str) -> Import:
    """Have an import undone. Inverse: import the file again. Raises NotPossible."""
    by.require("import_files")
    reason = audit.require_reason(because)
    row = imports.locked(row)
    if row.repeats_id:
        raise imports.NotPossible("This file brought nothing: it was imported before. Undo that import instead.")
    imports.change(row, Import.State.UNDOING)
    row.position, row.attempts, row.due_at, row.lease_until = 0, 0, clock.real(), None
    row.save()
    settlement.wake(row.organization_id)
    audit.record("import.undone", by=by, subject=row, because=reason, details={"fresh": row.fresh})
    return row


def due(imported: Import, limit: int) -> list[tuple[str, int]]:
    """The next rows to be taken back: what each is about, and its line."""
    rows = ImportRow.objects.filter(imported=imported, outcome__in=ImportRow.TOLD, line__gt=imported.position)
    return list(rows.order_by("line").values_list("key", "line")[:limit])


def work(imported: Import, portion: Sequence[tuple[str, int]]) -> None:
    """Take these back in one transaction, with how far the undo has come."""
    turns.together(imported.organization_id)
    recipe = Recipe.of(imported.recipe)
    found: dict[str, list[ImportRow]] = {key: [] for key, _ in portion}
    told = ImportRow.objects.filter(imported=imported, key__in=list(found), outcome__in=ImportRow.TOLD)
    for row in told.order_by("line"):
        found[row.key].append(row)
    # An order is taken back with the first of its rows.
    rows = {key: own for key, own in found.items() if own[0].line > imported.position}
    if recipe.mode is Mode.PAYOUTS:
        kept, count = _payouts(imported, recipe, rows)
    else:
        kept, count = _orders(imported, recipe, rows)
    for reason in set(kept.values()):
        told.filter(key__in=[key for key, why in kept.items() if why == reason]).update(kept=reason)
    imports.advance(imported, position=portion[-1][1], counted={"withdrawn": count, "kept": len(kept)})


def _orders(imported: Import, recipe: Recipe, rows: dict[str, list[ImportRow]]) -> tuple[dict[str, str], int]:
    now = clock.now()
    reader = Reader(recipe)
    told = {key: _told(reader, recipe, found, imported) for key, found in rows.items()}
    said = [Said(imported.channel, one.order) for one in told.values()]
    facts.lock(said)
    orders = {
        order.external_id: order
        for order in Order.objects.filter(channel=imported.channel_id, external_id__in=list(rows))
    }
    before = _before(imported, [key for key, own in rows.items() if own[0].outcome == Outcome.UPDATE])
    kept: dict[str, str] = {}
    bringing: list[Said] = []
    for key, one in told.items():
        order = orders.get(key)
        if order is None or (reason := _stays(order, imported)):
            kept[key] = GONE if order is None else reason
            continue
        former = before.get(key)
        if rows[key][0].outcome == Outcome.UPDATE and former is None:
            kept[key] = NOTHING_BEFORE
            continue
        word = words.withdraw(one, now) if former is None else words.restore(former, instead_of=one, version=now)
        bringing += [Said(imported.channel, message) for message in word.messages]
    if bringing:
        recorded = facts.record(bringing, organization=imported.organization)
        settlement.request(imported.organization_id, orders=recorded.orders, wake_worker=False)
    return kept, len(rows) - len(kept)


def _told(reader: Reader, recipe: Recipe, rows: Sequence[ImportRow], imported: Import) -> Told:
    read = [reader.read(row.cells) for row in rows]
    return words.tell(words.gather(read, record=recipe.record), version=imported.version, quiet=True)


def _stays(order: Order, imported: Import) -> str:
    """Why this order is not taken back; '' if it is."""
    if order.authority != Authority.FILE:
        return SPOKEN
    if order.version != imported.version:
        return LATER if order.version > imported.version else GONE
    return ""


def _before(imported: Import, keys: Sequence[str]) -> dict[str, Told]:
    """What the import before this one said of each of these orders."""
    rows = ImportRow.objects.filter(
        key__in=keys,
        outcome__in=ImportRow.TOLD,
        imported__channel=imported.channel_id,
        imported__mode=imported.mode,
        imported__state=Import.State.DONE,
        imported__version__lt=imported.version,
    )
    newest: dict[str, list[ImportRow]] = {}
    for row in rows.select_related("imported").order_by("-imported__version", "line") if keys else ():
        own = newest.setdefault(row.key, [])
        if not own or own[0].imported_id == row.imported_id:
            own.append(row)
    found: dict[str, Told] = {}
    for key, own in newest.items():
        recipe = Recipe.of(own[0].imported.recipe)
        try:
            found[key] = _told(Reader(recipe), recipe, own, own[0].imported)
        except (Disagrees, Unreadable):
            continue
    return found


def _payouts(imported: Import, recipe: Recipe, rows: dict[str, list[ImportRow]]) -> tuple[dict[str, str], int]:
    now = clock.now()
    reader = TransferReader(recipe, version=now)
    payouts = {
        payout.external_id: payout
        for payout in Payout.objects.filter(channel=imported.channel_id, external_id__in=list(rows))
    }
    kept: dict[str, str] = {}
    bringing: list[Said] = []
    for key, found in rows.items():
        payout = payouts.get(key)
        if payout is None or not payout.from_file:
            kept[key] = GONE if payout is None else SPOKEN
        elif payout.version != imported.version:
            kept[key] = LATER if payout.version > imported.version else GONE
        else:
            message = reader.transfer(found[-1].cells).message
            bringing.append(Said(imported.channel, replace(message, status=PayoutStatus.FAILED)))
    if bringing:
        facts.record(bringing, organization=imported.organization)
    return kept, len(rows) - len(kept)


def _standing(row: Import) -> QuerySet[Any]:
    """What is still as this import left it."""
    if row.mode == Mode.PAYOUTS:
        return Payout.objects.filter(channel=row.channel_id, version=row.version, from_file=True)
    return Order.objects.filter(channel=row.channel_id, version=row.version, authority=Authority.FILE.value)

"""Reading the rows of an imported file out of its parts, one at a time: memory does not grow with the file."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from orders.files import sheets, tables, texts
from orders.files.cells import Decimals
from orders.files.dialects import Mode, Recipe
from orders.files.sales import Reader, Sale
from orders.files.tables import Row
from orders.messages import Authority
from orders.models import Import, ImportPart, ImportRow, Order
from orders.parsing import Unreadable

ROWS_AT_ONCE = 5000
OF_ORDER_AT_MOST = 200


def contents(imported: Import) -> Iterator[bytes]:
    """The file's bytes, a part at a time; each in whatever transaction of its organization runs then."""
    number = 0
    while (part := ImportPart.objects.filter(imported=imported, number=number).first()) is not None:
        yield bytes(part.content)
        number += 1


def table(imported: Import, *, encoding: str, delimiter: str, decimals: str = Decimals.POINT) -> Iterator[Row]:
    """The heading and the rows below it; raises `texts.Refused`."""
    if encoding == "xlsx":
        with tempfile.TemporaryFile() as whole:
            for content in contents(imported):
                whole.write(content)
            yield from sheets.rows(whole, comma=decimals != Decimals.POINT)
    else:
        yield from tables.rows(texts.lines(contents(imported), encoding), delimiter=delimiter)


def below(imported: Import, recipe: Recipe) -> Iterator[Row]:
    """The rows below the heading."""
    found = table(imported, encoding=recipe.encoding, delimiter=recipe.delimiter, decimals=recipe.decimals)
    return islice(found, 1, None)


def outcomes(imported: Import, *, only: Sequence[str] = ()) -> Iterator[ImportRow]:
    """What became of each row, by line, a few thousand at a time; of a repeated file, what became of it then.

    Each portion is read in whatever transaction of its organization runs then.
    """
    last = 0
    while True:
        rows = ImportRow.objects.filter(imported=imported.source_id, line__gt=last).order_by("line")
        portion = list((rows.filter(outcome__in=only) if only else rows)[:ROWS_AT_ONCE])
        if not portion:
            return
        yield from portion
        last = portion[-1].line


def told(imported: Import, row: ImportRow) -> tuple[str, str]:
    """Outcome and reason as they are shown: what a repeated file once brought is known by now."""
    if imported.repeats_id and row.outcome in ImportRow.TOLD:
        return ImportRow.Outcome.SAME.value, "It was imported before, from the same file."
    return row.outcome, row.reason


@dataclass(frozen=True, slots=True)
class Conflict:
    """What one imported file says of an order that was not applied: its rows, and each as a sale where it is one."""

    imported: Import
    rows: Sequence[ImportRow]
    sales: Sequence[Sale]
    stands: Import | None
    """The import whose word the order has; None where its shop itself has told of it."""


def told_of(key: Any, channel: Any) -> QuerySet[ImportRow]:
    """What files of this channel say of the order of this external id, the newest first: at most 200 rows.

    Files that were only looked at, and those that were undone, say nothing.
    """
    rows = ImportRow.objects.filter(
        key=key,
        outcome__in=[ImportRow.Outcome.CONFLICT, *ImportRow.TOLD],
        imported__channel=channel,
        imported__mode=Mode.ORDERS,
        imported__state__in=[Import.State.TAKING, Import.State.DONE],
    )
    newest = rows.select_related("imported").defer("imported__preview", "imported__headings")
    return newest.order_by("-imported__version", "-imported_id", "line")[:OF_ORDER_AT_MOST]


def conflicts(order: Order, told: Iterable[ImportRow]) -> list[Conflict]:
    """Files that say of this order what was not applied, the newest first; given what is `told_of` it."""
    found: dict[int, list[ImportRow]] = {}
    stands: Import | None = None
    for row in told:
        if row.outcome == ImportRow.Outcome.CONFLICT:
            found.setdefault(row.imported_id, []).append(row)
        elif stands is None and order.authority == Authority.FILE:
            stands = row.imported
    return [Conflict(rows[0].imported, rows, _sales(rows), stands) for rows in found.values()]


def _sales(rows: Sequence[ImportRow]) -> list[Sale]:
    reader, found = Reader(Recipe.of(rows[0].imported.recipe)), []
    for row in rows:
        try:
            found.append(reader.read(row.cells))
        except Unreadable:
            continue  # its reason says what is wrong with it
    return found

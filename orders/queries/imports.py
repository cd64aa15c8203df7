"""Reading the rows of an imported file out of its parts, one at a time: memory does not grow with the file."""

import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice

from orders.files import sheets, tables, texts
from orders.files.cells import Decimals
from orders.files.dialects import Recipe
from orders.files.tables import Row
from orders.models import Import, ImportPart, ImportRow

ROWS_AT_ONCE = 5000


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

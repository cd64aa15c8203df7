"""Bringing rows of one order together that stand apart in the file, in memory that does not grow with it."""

import zlib
from collections.abc import Iterable, Iterator, Sequence

from orders.files import cells
from orders.files.dialects import Recipe
from orders.files.tables import Row

BITS = 1 << 27
APART_MOST = 50_000


def key_of(row: Row, recipe: Recipe) -> str:
    """What a row is about as far as that can be told without reading it."""
    place = recipe.columns.get("order_id", recipe.columns.get("payout_id"))
    if place is None or place >= len(row.cells):
        return ""
    return cells.text(row.cells[place], 255)


class Apart:
    """The keys that come again after other rows stood between: told by their marks, so that a few more may seem so.

    The same for the same file whenever it is asked, since whoever goes on after a crash asks again.
    """

    def __init__(self, rows: Iterable[Row], recipe: Recipe) -> None:
        self._marks: set[int] = set()
        self._recipe = recipe
        seen, last = bytearray(BITS // 8), -1
        for row in rows:
            mark = self._mark(row)
            if mark == last:
                continue
            last, place, bit = mark, mark >> 3, 1 << (mark & 7)
            if seen[place] & bit:
                self._marks.add(mark)
            seen[place] |= bit

    def __contains__(self, row: Row) -> bool:
        return bool(self._marks) and self._mark(row) in self._marks

    def _mark(self, row: Row) -> int:
        return zlib.crc32(key_of(row, self._recipe).encode("utf-8", "replace")) % BITS


def portions(rows: Iterable[Row], recipe: Recipe, *, size: int, apart: Apart, after: int) -> Iterator[list[Row]]:
    """So many rows at a time, rows of one order in one portion; last come those that stood apart, brought together.

    Rows up to the line `after` were worked before and are left out; whoever asks leaves out of the last portions what
    was worked of them.
    """
    portion: list[Row] = []
    waiting: list[Row] = []
    for row in rows:
        if row in apart and len(waiting) < APART_MOST:
            waiting.append(row)
        elif row.line > after:
            if _full(portion, row, recipe, size):
                yield portion
                portion = []
            portion.append(row)
    if portion:
        yield portion
    yield from _together(waiting, recipe, size)


def _together(waiting: Sequence[Row], recipe: Recipe, size: int) -> Iterator[list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in waiting:
        groups.setdefault(key_of(row, recipe), []).append(row)
    portion: list[Row] = []
    for group in groups.values():
        portion += group
        if len(portion) >= size:
            yield portion
            portion = []
    if portion:
        yield portion


def _full(portion: Sequence[Row], row: Row, recipe: Recipe, size: int) -> bool:
    if len(portion) < size:
        return False
    return len(portion) >= 2 * size or key_of(row, recipe) != key_of(portion[-1], recipe)

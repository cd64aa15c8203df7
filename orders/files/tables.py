"""Lines of text as rows of cells: each physical line ends up in a row or in a complaint, none is lost silently."""

import csv
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Self

from orders.files.texts import Refused

DELIMITERS = (",", ";", "\t", "|")
WIDEST = 200
CELL_MOST = 100_000
UNBALANCED = "A quotation mark is not closed on this line."


class Row(NamedTuple):
    """One row: the number of its first line in the file, its cells, and what is wrong with it ('' if nothing)."""

    line: int
    cells: list[str]
    problem: str = ""


class _Feed:
    """Lines for the parser, which remembers what was taken for the row at hand."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.taken: list[str] = []

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.taken.append(line)
        return line


def rows(lines: Iterable[str], *, delimiter: str) -> Iterator[Row]:
    """The heading and the rows below it; empty rows are left out.

    A row whose number of cells is not the heading's is a complaint, never shifted. Where a quotation mark swallowed
    lines that are rows by themselves, each of these lines stands alone again. Raises `Refused` for a heading that
    cannot be one.
    """
    feed = _Feed(lines)
    parser = csv.reader(feed, delimiter=delimiter, strict=True)
    taken, number, width = feed.taken, 0, 0
    while True:
        taken.clear()
        try:
            cells = next(parser)
        except StopIteration:
            return
        except csv.Error:
            cells = []
            if not width:
                raise Refused("The first line has a quotation mark that is not closed.") from None
            yield from _alone(taken, number, width, delimiter)
            number += len(taken)
            continue
        line, number = number + 1, number + len(taken)
        if not width:
            if any(cells):
                width = _width(cells)
                yield Row(line, cells)
        elif len(taken) > 1 and (len(cells) != width or _swallowed(taken, width, delimiter)):
            yield from _alone(taken, line - 1, width, delimiter)
        elif len(cells) == width and "\0" not in taken[0]:
            if any(cells):
                yield Row(line, cells)
        elif cells:
            yield _judged(line, cells, "".join(taken), width)


def _width(cells: list[str]) -> int:
    if len(cells) > WIDEST:
        raise Refused(f"The file has {len(cells)} columns; at most {WIDEST} are taken.")
    return len(cells)


def _judged(line: int, cells: list[str], text: str, width: int) -> Row:
    if "\0" in text:
        return Row(line, [cell.replace("\0", "") for cell in cells[:width]], "It holds a NUL byte.")
    if len(cells) != width:
        words = f"It has {len(cells)} cells where the heading has {width}."
        return Row(line, [cell[:CELL_MOST] for cell in cells[:WIDEST]], words)
    return Row(line, cells)


def _alone(taken: list[str], before: int, width: int, delimiter: str) -> Iterator[Row]:
    """Each of these lines by itself."""
    for offset, text in enumerate(taken, 1):
        try:
            cells = next(csv.reader([text], delimiter=delimiter, strict=True), [])
        except csv.Error as error:
            problem = "A cell is too long." if "field limit" in str(error) else UNBALANCED
            yield Row(before + offset, [text.strip().replace("\0", "")[:500]], problem)
            continue
        if any(cells):
            yield _judged(before + offset, cells, text, width)


def _swallowed(taken: list[str], width: int, delimiter: str) -> bool:
    """Whether a line after the first would be a whole row by itself, which text inside a cell is not."""
    for text in taken[1:]:
        # Outside of quotes a stray mark is only a character: what counts is how many cells there are.
        cells = next(csv.reader([text], delimiter=delimiter), [])
        if width > 1 and len(cells) == width:
            return True
    return False


def delimiter_of(heading: str, *, known: Iterable[str] = ()) -> str:
    """What stands between the cells of this heading: the sign that gives most of the names in `known`, else cells."""
    names = set(known)

    def found(sign: str) -> tuple[int, int]:
        try:
            cells = next(csv.reader([heading], delimiter=sign), [])
        except csv.Error:
            return (0, 0)
        return (len(names & {cell.strip().lower() for cell in cells}), len(cells))

    return max(DELIMITERS, key=found)

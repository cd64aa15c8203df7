"""What a board says of two ranges and of parts of a whole: changes, averages, shares, and heights of a chart.

Whole numbers throughout; what is rounded is rounded half up and only to be shown.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

NICE = (1, 2, 5)
LABELS = 8
"""At most so many steps of a chart are named below it."""


@dataclass(frozen=True, slots=True)
class Change:
    """How a figure differs from the range before: `mark` ▲, ▼ or "", and the same in words."""

    mark: str
    words: str


def change(now: int | Decimal, before: int | Decimal, *, points: bool = False) -> Change:
    """In percent of what it was before, from ten times on in times of it; rates differ in percentage points."""
    if now == before:
        return Change("", "as before" if now else "nothing before either")
    mark, more = ("▲", "more") if now > before else ("▼", "less")
    if points:
        return Change(mark, f"{abs(now - before)} points {more} than before")
    if not before:
        return Change(mark, "nothing before")
    if 0 < 10 * before <= now:
        return Change(mark, f"{(2 * int(now) + int(before)) // (2 * int(before)):,} times as much as before")
    share = percent_of(abs(int(now) - int(before)), abs(int(before)))
    return Change(mark, f"{share} {more} than before")


def percent_of(part: int, whole: int) -> str:
    """12.5 %, with one decimal; of very much more than the whole none: 1,250 %."""
    tenths = permille(part, whole)
    if tenths >= 10_000:
        return f"{(200 * part + whole) // (2 * whole):,} %"
    return f"{tenths // 10}.{tenths % 10} %"


def counted(number: int, noun: str) -> str:
    """1 order, 1,250 orders"""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def permille(part: int, whole: int) -> int:
    """Of a thousand, half up; 0 of nothing."""
    return (2000 * part + whole) // (2 * whole) if whole > 0 else 0


def average(total: int, count: int) -> int | None:
    """Half up to the minor unit; None of nothing."""
    return (2 * total + count) // (2 * count) if count else None


def rate(value: Decimal | None) -> str:
    """12.34 %, or a dash where there was nothing to divide by."""
    return "–" if value is None else f"{value} %"


def ceiling(values: Iterable[int]) -> int:
    """The round number at which a chart of these values ends: 1, 2 or 5 and noughts; 0 where none is above nought."""
    top = max(values, default=0)
    if top <= 0:
        return 0
    power = 1
    while power * NICE[-1] < top:
        power *= 10
    return next(power * step for step in NICE if power * step >= top)


def height(value: int, top: int) -> str:
    """How high a column of this value stands, as CSS has it."""
    tenths = permille(min(max(value, 0), top), top)
    return f"{tenths // 10}.{tenths % 10}%"


def named(count: int) -> set[int]:
    """Which of so many steps are named below a chart, so that the names have room."""
    every = -(-count // LABELS) if count else 1
    return set(range(0, count, every))


def share(part: int, whole: int) -> Decimal:
    """In percent with one decimal, for a file."""
    return Decimal(permille(part, whole)) / 10

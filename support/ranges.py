"""The range of days a board tells of: presets and own dates as they stand in an address, and the steps it is drawn in.

Both days of an address belong to the range, as people say it; within the code the end is the day after (see `Asked`).
"""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

PRESETS: Final = {
    "7d": "Last 7 days",
    "30d": "Last 30 days",
    "90d": "Last 90 days",
    "month": "This month",
    "last_month": "Last month",
    "year": "This year",
    "12m": "Last 12 months",
    "all": "All time",
}
USUAL: Final = "30d"
OWN: Final = "own"
DAYS: Final = {"7d": 7, "30d": 30, "90d": 90}
EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)
DAILY, WEEKLY = 62, 400
"""Up to so many days a board is drawn by day, up to so many by week, and beyond that by month."""


@dataclass(frozen=True, slots=True)
class Range:
    """Days from `start` to before `end`; `name` is a preset's or "own"."""

    name: str
    start: date
    end: date

    @property
    def last(self) -> date:
        return self.end - timedelta(days=1)

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    @property
    def step(self) -> str:
        """In which steps it is drawn: day, week or month."""
        return "day" if self.days <= DAILY else "week" if self.days <= WEEKLY else "month"

    @property
    def words(self) -> str:
        """1 – 30 Nov 2026"""
        if self.start == self.last:
            return f"{self.start:%-d %b %Y}"
        same = (self.start.year, self.start.month) == (self.last.year, self.last.month)
        shape = "%-d" if same else "%-d %b" if self.start.year == self.last.year else "%-d %b %Y"
        return f"{self.start:{shape}} – {self.last:%-d %b %Y}"


def chosen(name: str, since: str, until: str, *, today: date, first: date, usual: str = USUAL) -> Range:
    """The range of an address; what cannot be used falls back to the `usual` one.

    Own dates win where `name` is "own" or none; of two in the wrong order the earlier is the first. `first` is the
    day of the oldest thing there is, where "all" begins.
    """
    if name in PRESETS:
        return _preset(name, today, first)
    days = sorted(day for text in (since, until) if (day := read(text)))
    if not days:
        return _preset(usual, today, first)
    start, last = (days[0], days[-1]) if len(days) == 2 else (days[0], max(today, days[0]))
    if len(days) == 1 and not read(since):
        start, last = min(first, days[0]), days[0]
    return Range(OWN, start, last + timedelta(days=1))


def read(text: str) -> date | None:
    """A day such as 2026-11-21 of this century; None for any other text."""
    try:
        day = date.fromisoformat(text) if len(text) == 10 and text.isascii() else None
    except ValueError:
        return None
    return day if day is not None and EARLIEST <= day <= LATEST else None


def step_of(day: date, step: str) -> date:
    """The first day of the week (a Monday) or month this day is in; the day itself by day."""
    if step == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if step == "month" else day


def last_of(first: date, step: str) -> date:
    """The last day of the step that begins on this one."""
    if step == "week":
        return first + timedelta(days=6)
    return first.replace(day=calendar.monthrange(first.year, first.month)[1]) if step == "month" else first


def steps(span: Range) -> Iterator[tuple[date, date]]:
    """The first and last day of each step of this range, cut at its edges."""
    at = span.start
    while at < span.end:
        last = min(last_of(step_of(at, span.step), span.step), span.last)
        yield at, last
        at = last + timedelta(days=1)


def _preset(name: str, today: date, first: date) -> Range:
    this = today.replace(day=1)
    if name in DAYS:
        start, end = today - timedelta(days=DAYS[name] - 1), today + timedelta(days=1)
    elif name == "last_month":
        start, end = (this - timedelta(days=1)).replace(day=1), this
    elif name == "all":
        start, end = min(first, today), today + timedelta(days=1)
    elif name == "12m":
        start, end = _months_before(this, 11), today + timedelta(days=1)
    else:
        start, end = (this if name == "month" else this.replace(month=1)), today + timedelta(days=1)
    return Range(name, start, end)


def _months_before(month: date, count: int) -> date:
    number = month.year * 12 + month.month - 1 - count
    return date(number // 12, number % 12 + 1, 1)

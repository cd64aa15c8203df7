"""The range of a board: presets, own dates, odd addresses, and steps that cover it exactly once."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import ranges
from support.ranges import Range

TODAY, FIRST = date(2026, 3, 15), date(2024, 2, 29)


@pytest.mark.parametrize(
    ("name", "start", "last"),
    [
        ("7d", date(2026, 3, 9), TODAY),
        ("30d", date(2026, 2, 14), TODAY),
        ("90d", date(2025, 12, 16), TODAY),
        ("month", date(2026, 3, 1), TODAY),
        ("last_month", date(2026, 2, 1), date(2026, 2, 28)),
        ("year", date(2026, 1, 1), TODAY),
        ("12m", date(2025, 4, 1), TODAY),
        ("all", FIRST, TODAY),
    ],
)
def test_a_preset_ends_today_or_with_its_month(name: str, start: date, last: date) -> None:
    found = ranges.chosen(name, "2020-01-01", "2020-01-02", today=TODAY, first=FIRST)
    assert (found.name, found.start, found.last) == (name, start, last)


@pytest.mark.parametrize(
    ("since", "until", "start", "last"),
    [
        ("2026-01-05", "2026-02-01", date(2026, 1, 5), date(2026, 2, 1)),
        ("2026-02-01", "2026-01-05", date(2026, 1, 5), date(2026, 2, 1)),
        ("2026-01-05", "", date(2026, 1, 5), TODAY),
        ("2027-01-05", "", date(2027, 1, 5), date(2027, 1, 5)),
        ("", "2026-01-05", FIRST, date(2026, 1, 5)),
        ("2026-01-05", "2026-01-05", date(2026, 1, 5), date(2026, 1, 5)),
    ],
)
def test_own_dates_are_both_inside(since: str, until: str, start: date, last: date) -> None:
    for name in ("own", "", "nonsense"):
        found = ranges.chosen(name, since, until, today=TODAY, first=FIRST)
        assert (found.name, found.start, found.last) == ("own", start, last)


@pytest.mark.parametrize(
    "text", ["", "x", "2026-13-01", "2026-02-30", "20260101", "1999-12-31", "2100-01-01", "٢٠٢٦-٠١-٠١"]
)
def test_an_odd_date_falls_back_to_the_usual_range(text: str) -> None:
    assert ranges.chosen("own", text, text, today=TODAY, first=FIRST).name == ranges.USUAL


def test_a_long_range_is_drawn_in_longer_steps() -> None:
    spans = {days: Range("own", FIRST, FIRST + timedelta(days=days)).step for days in (1, 62, 63, 400, 401)}
    assert spans == {1: "day", 62: "day", 63: "week", 400: "week", 401: "month"}


def test_a_range_is_told_in_as_few_words_as_say_it() -> None:
    day = timedelta(days=1)
    assert Range("own", TODAY, TODAY + day).words == "15 Mar 2026"
    assert Range("own", date(2026, 3, 1), TODAY + day).words == "1 – 15 Mar 2026"
    assert Range("own", date(2026, 2, 1), TODAY + day).words == "1 Feb – 15 Mar 2026"
    assert Range("own", FIRST, TODAY + day).words == "29 Feb 2024 – 15 Mar 2026"


@given(start=st.dates(ranges.EARLIEST, date(2090, 1, 1)), days=st.integers(1, 1200))
def test_steps_cover_every_day_of_a_range_once(start: date, days: int) -> None:
    span = Range("own", start, start + timedelta(days=days))
    found = list(ranges.steps(span))
    assert [first for first, _ in found] == [start, *(last + timedelta(days=1) for _, last in found[:-1])]
    assert found[-1][1] == span.last
    assert all(ranges.step_of(first, span.step) == ranges.step_of(last, span.step) for first, last in found)

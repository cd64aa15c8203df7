"""The waits between tries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fulfillment import backoff
from fulfillment.backoff import Pace

TEN = Pace(first=10, longest=300, tries=3)


def least() -> float:
    return 0.0


def most() -> float:
    return 1.0


@pytest.mark.parametrize(
    ("attempt", "shortest", "longest"), [(1, 5, 10), (2, 10, 20), (3, 20, 40), (5, 80, 160), (6, 150, 300)]
)
def test_each_wait_doubles_up_to_the_longest(attempt: int, shortest: float, longest: float) -> None:
    assert backoff.seconds(attempt, random=least, pace=TEN) == shortest
    assert backoff.seconds(attempt, random=most, pace=TEN) == longest


def test_what_the_other_side_asked_for_is_kept_and_spread_upwards() -> None:
    assert backoff.seconds(1, random=least, pace=TEN, at_least=120) == 120
    assert backoff.seconds(1, random=most, pace=TEN, at_least=120) == 125


def test_attempts_are_counted_from_one() -> None:
    with pytest.raises(ValueError, match="from 1"):
        backoff.seconds(0, random=least)


def test_a_mail_backlog_is_tried_again_within_five_minutes() -> None:
    assert max(backoff.seconds(attempt, random=most, pace=backoff.MAIL) for attempt in range(1, 80)) == 300


def test_the_last_try_is_the_last() -> None:
    assert [backoff.exhausted(attempt, pace=TEN) for attempt in (1, 2, 3, 4)] == [False, False, True, True]


@given(st.integers(1, 10**9), st.floats(0, 1, exclude_max=True))
def test_a_wait_is_never_longer_than_the_longest_nor_shorter_than_half_the_first(attempt: int, drawn: float) -> None:
    assert TEN.first / 2 <= backoff.seconds(attempt, random=lambda: drawn, pace=TEN) <= TEN.longest


@given(st.integers(1, 100), st.floats(0, 1, exclude_max=True))
def test_with_the_same_draw_a_later_wait_is_never_shorter(attempt: int, drawn: float) -> None:
    waits = [backoff.seconds(number, random=lambda: drawn, pace=TEN) for number in (attempt, attempt + 1)]
    assert waits == sorted(waits)

"""When a webhook is tried again."""

from datetime import timedelta

import pytest

from profiles import retries


def test_the_tries_take_about_three_days() -> None:
    waits = [retries.wait(n, random=lambda: 0.0) for n in range(1, retries.ATTEMPTS)]
    assert waits == list(retries.WAITS) and waits[0] == timedelta(seconds=5)
    assert timedelta(days=3) < sum(retries.WAITS, timedelta()) < timedelta(days=3.5)


def test_after_the_last_try_there_is_none() -> None:
    assert retries.wait(retries.ATTEMPTS, random=lambda: 0.5) is None


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999])
def test_each_wait_is_spread_by_up_to_a_fifth(chance: float) -> None:
    for number, step in enumerate(retries.WAITS, 1):
        found = retries.wait(number, random=lambda: chance)
        assert found is not None and step <= found <= step * 1.2


def test_what_is_asked_for_is_granted_up_to_a_day() -> None:
    assert retries.wait(1, random=lambda: 0.0, at_least=timedelta(hours=1)) == timedelta(hours=1)
    assert retries.wait(1, random=lambda: 0.0, at_least=timedelta(days=9)) == timedelta(days=1)


def test_attempts_are_counted_from_one() -> None:
    with pytest.raises(ValueError, match="from 1"):
        retries.wait(0, random=lambda: 0.0)

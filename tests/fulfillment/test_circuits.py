"""The circuit breaker of a provider."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fulfillment import circuits
from fulfillment.circuits import FAILURES_TO_OPEN, LONGEST_REST, Circuit

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
WELL = Circuit()


def broken(*, at: datetime = NOON) -> Circuit:
    circuit = WELL
    for _ in range(FAILURES_TO_OPEN):
        circuit = circuits.fail(circuit, now=at)
    return circuit


def test_it_opens_only_after_failures_in_a_row() -> None:
    shaken = circuits.fail(circuits.fail(WELL, now=NOON), now=NOON)
    assert shaken.state == "closed"
    assert circuits.succeed(shaken) == WELL
    assert broken().state == "open"


def test_an_open_circuit_lets_nothing_through_until_its_rest_is_over() -> None:
    early, late = NOON + timedelta(seconds=29), NOON + timedelta(seconds=30)
    assert circuits.ask(broken(), now=early) == (False, broken())
    allowed, probing = circuits.ask(broken(), now=late)
    assert (allowed, probing.state) == (True, "half_open")
    assert circuits.retry_at(broken()) == late


def test_one_probe_goes_through_at_a_time_and_a_lost_one_is_replaced() -> None:
    _, probing = circuits.ask(broken(), now=NOON + timedelta(seconds=30))
    assert circuits.ask(probing, now=NOON + timedelta(seconds=31))[0] is False
    assert circuits.ask(probing, now=NOON + timedelta(seconds=90))[0] is True


def test_a_good_probe_closes_it_and_a_bad_one_doubles_the_rest() -> None:
    later = NOON + timedelta(seconds=30)
    _, probing = circuits.ask(broken(), now=later)
    assert circuits.succeed(probing) == WELL
    again = circuits.fail(probing, now=later)
    assert again.state == "open"
    assert circuits.retry_at(again) == later + timedelta(seconds=60)


def test_a_straggler_failing_while_it_rests_does_not_prolong_the_rest() -> None:
    assert circuits.retry_at(circuits.fail(broken(), now=NOON + timedelta(seconds=20))) == circuits.retry_at(broken())


@given(st.lists(st.booleans(), max_size=60))
def test_no_history_makes_a_provider_rest_longer_than_the_longest_rest(history: list[bool]) -> None:
    circuit, now = WELL, NOON
    for well in history:
        allowed, circuit = circuits.ask(circuit, now=now)
        if allowed:
            circuit = circuits.succeed(circuit) if well else circuits.fail(circuit, now=now)
        due_at = circuits.retry_at(circuit)
        assert due_at is None or due_at - now <= LONGEST_REST
        now = due_at or now + timedelta(seconds=1)
    assert circuits.ask(circuit, now=now + LONGEST_REST)[0]

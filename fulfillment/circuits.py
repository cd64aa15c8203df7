"""The circuit breaker of a provider as a pure rule: what state follows, and whether it may be tried now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

FAILURES_TO_OPEN: Final = 3
FIRST_REST: Final = timedelta(seconds=30)
LONGEST_REST: Final = timedelta(minutes=2)
PROBE_TIMEOUT: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Circuit:
    """Failures in a row, since when it is open, until when one probe of it is under way.

    `rested_until` is a person's word: nothing goes through before, and no outcome changes it.
    """

    failures: int = 0
    opened_at: datetime | None = None
    probing_until: datetime | None = None
    rested_until: datetime | None = None

    @property
    def state(self) -> str:
        """closed: tried freely; open: resting; half_open: one probe is under way."""
        if self.opened_at is None:
            return "closed"
        return "open" if self.probing_until is None else "half_open"


def resting(circuit: Circuit, *, now: datetime) -> bool:
    """Whether a person told it to rest."""
    return circuit.rested_until is not None and now < circuit.rested_until


def retry_at(circuit: Circuit) -> datetime | None:
    """When a provider that rests by itself may next be tried; None for a provider that does not.

    The rest doubles with each failed probe up to two minutes, so that a server that is back is soon noticed.
    """
    if circuit.opened_at is None:
        return None
    probes = min(max(circuit.failures - FAILURES_TO_OPEN, 0), 20)
    return circuit.probing_until or circuit.opened_at + min(LONGEST_REST, FIRST_REST * (1 << probes))


def ask(circuit: Circuit, *, now: datetime) -> tuple[bool, Circuit]:
    """Whether to try now, and the state to keep: after the rest exactly one probe goes through at a time."""
    if resting(circuit, now=now):
        return False, circuit
    due_at = retry_at(circuit)
    if due_at is None:
        return True, circuit
    if now < due_at:
        return False, circuit
    return True, replace(circuit, probing_until=now + PROBE_TIMEOUT)


def succeed(circuit: Circuit) -> Circuit:
    """The provider took something or gave a considered refusal: it is well."""
    return Circuit(rested_until=circuit.rested_until)


def fail(circuit: Circuit, *, now: datetime) -> Circuit:
    """The provider could not be reached or turned everything away."""
    if circuit.state == "open":
        # A try that began before the rest says nothing new, and must not prolong it.
        return circuit
    failures = circuit.failures + 1
    if circuit.state == "half_open" or failures >= FAILURES_TO_OPEN:
        return Circuit(failures, opened_at=now, rested_until=circuit.rested_until)
    return Circuit(failures, rested_until=circuit.rested_until)

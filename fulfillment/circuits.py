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
    """Failures in a row, since when it is open, and until when one probe of it is under way."""

    failures: int = 0
    opened_at: datetime | None = None
    probing_until: datetime | None = None

    @property
    def state(self) -> str:
        """closed: tried freely; open: resting; half_open: one probe is under way."""
        if self.opened_at is None:
            return "closed"
        return "open" if self.probing_until is None else "half_open"


def retry_at(circuit: Circuit) -> datetime | None:
    """When a resting provider may next be tried; None for a provider that is not resting.

    The rest doubles with each failed probe up to two minutes, so that a server that is back is soon noticed.
    """
    if circuit.opened_at is None:
        return None
    probes = min(max(circuit.failures - FAILURES_TO_OPEN, 0), 20)
    return circuit.probing_until or circuit.opened_at + min(LONGEST_REST, FIRST_REST * (1 << probes))


def ask(circuit: Circuit, *, now: datetime) -> tuple[bool, Circuit]:
    """Whether to try now, and the state to keep: after the rest exactly one probe goes through at a time."""
    due_at = retry_at(circuit)
    if due_at is None:
        return True, circuit
    if now < due_at:
        return False, circuit
    return True, replace(circuit, probing_until=now + PROBE_TIMEOUT)


def succeed(circuit: Circuit) -> Circuit:
    """The provider took something or gave a considered refusal: it is well."""
    return circuit if circuit == Circuit() else Circuit()


def fail(circuit: Circuit, *, now: datetime) -> Circuit:
    """The provider could not be reached or turned everything away."""
    if circuit.state == "open":
        # A try that began before the rest says nothing new, and must not prolong it.
        return circuit
    failures = circuit.failures + 1
    if circuit.state == "half_open" or failures >= FAILURES_TO_OPEN:
        return Circuit(failures, opened_at=now)
    return Circuit(failures)

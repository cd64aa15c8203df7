"""Says how long to wait before the next try: exponential, capped, and spread so that a backlog does not march."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Pace:
    """First wait and longest wait in seconds, and after how many tries a person has to look."""

    first: float
    longest: float
    tries: int


# A mail server back after half an hour has its backlog within 15 minutes: no wait may be longer than that allows.
MAIL: Final = Pace(first=10, longest=300, tries=60)
JOB: Final = Pace(first=5, longest=600, tries=12)


def seconds(attempt: int, *, random: Callable[[], float], pace: Pace = JOB, at_least: float = 0) -> float:
    """Seconds to wait after the attempt with this number (the first is 1).

    The wait lies between half and the whole of the doubled step; `random` gives a number in [0, 1). `at_least` is
    what the other side asked for (Retry-After): the spread is then laid on top of it.
    """
    if attempt < 1:
        raise ValueError(f"Attempts are counted from 1, not {attempt}.")
    step = min(pace.longest, pace.first * 2.0 ** min(attempt - 1, 62))
    spread = step / 2 * random()
    return max(step / 2, at_least) + spread


def exhausted(attempt: int, *, pace: Pace = JOB) -> bool:
    """Whether the attempt with this number was the last one that is made without a person."""
    return attempt >= pace.tries

"""When another side is tried again: the schedule of Standard Webhooks, three days long, and what it asked for."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

WAITS: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
ATTEMPTS: Final = len(WAITS) + 1
SPREAD: Final = 0.2
LONGEST: Final = timedelta(hours=24)
DISABLED_AFTER: Final = timedelta(days=3)
"""An endpoint of which every try has failed for so long is switched off."""


def wait(attempt: int, *, random: Callable[[], float], at_least: timedelta = timedelta(0)) -> timedelta | None:
    """How long to wait after the attempt with this number (the first is 1); None after the last.

    Up to a fifth is added by `random`, a number in [0, 1). `at_least` is what the other side asked for; more than a
    day is not granted.
    """
    if attempt < 1:
        raise ValueError(f"Attempts are counted from 1, not {attempt}.")
    if attempt >= ATTEMPTS:
        return None
    step = max(WAITS[attempt - 1], min(at_least, LONGEST))
    return step * (1 + SPREAD * random())


def asked_to_wait(retry_after: str, *, at_most: int = 3600) -> int | None:
    """The seconds a Retry-After header asks for; None for none, or for a date, which would need the other's clock."""
    text = retry_after.strip()
    return min(int(text), at_most) if text.isascii() and text.isdigit() and len(text) < 9 else None

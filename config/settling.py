"""Waiting until an organization's work is done: by doing it here, or by leaving it to the workers."""

import time
from collections.abc import Callable

from config import dues
from profiles import clock

POLL_SECONDS = 0.1


def is_settled(organization_id: int) -> bool:
    """Whether nothing is due now and nobody is at work; what waits for a later time does not count."""
    unclaimed, claimed = dues.outlook(organization_id)
    return claimed is None and (unclaimed is None or unclaimed > clock.real())


def pause() -> None:
    """Others are at it: look again in a moment."""
    time.sleep(POLL_SECONDS)


def work(organization_id: int, *, told: Callable[[int], None] = lambda count: None) -> int:
    """Do what is due until nothing is, and wait for what others have claimed; returns how many rows were worked."""
    # All apps take part in the work: who only waits, or has not come so far yet, need not hold them all in memory.
    from config import drains

    worked = 0
    while True:
        done = drains.round_of(organization_id)
        worked += done
        told(done)
        if not done:
            if is_settled(organization_id):
                return worked
            pause()


def wait(organization_id: int, *, seconds: float, still: Callable[[], None] = lambda: None) -> bool:
    """Leave the work to the workers; false if it is not done after so many seconds. `still` may raise to give up."""
    deadline = time.monotonic() + seconds
    while not is_settled(organization_id):
        still()
        if time.monotonic() > deadline:
            return False
        pause()
    return True

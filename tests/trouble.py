"""What a network and a killed process do to a refund on its way, played step by step."""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from config import refunding
from orders.actions import refund_tries
from orders.models import RefundRequest
from profiles import clock
from tests.stage import Stage

STEPS, KILLED_WITHIN = 7, 3


def troubled(
    stage: Stage,
    row: RefundRequest,
    plan: list[str],
    faults: Sequence[str],
    chance: random.Random,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Drain the queue of refunds, hours apart: the server plays some of the faults, and some processes die.

    One that dies after the call and before the note leaves its claim, which ends by itself.
    """
    plan[:] = [chance.choice(faults) for _ in range(chance.randint(1, 3))]
    for number in range(STEPS):
        with stage.inside():
            tries = refund_tries.claim(5)
        for tried in tries:
            outcome: Any = refunding.call(tried)
            with stage.inside():
                if number < KILLED_WITHIN and chance.random() < 0.4:
                    RefundRequest.objects.filter(pk=row.pk).update(lease_until=clock.real() - timedelta(seconds=1))
                else:
                    refund_tries.conclude(tried, outcome)
        monkeypatch.setattr(clock, "_offset", clock.offset() + timedelta(hours=3))

"""The clock of due times, moved by hand."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from profiles import clock

Later = Callable[[float], None]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Moves the clock of due times on, by so many hours more."""
    moved = timedelta()

    def on(hours: float) -> None:
        nonlocal moved
        moved += timedelta(hours=hours)
        monkeypatch.setattr(clock, "_offset", moved)

    return on

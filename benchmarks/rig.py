"""What the measurements share: a throwaway installation with fsync on, interleaved rounds, medians, one JSON line."""

import json
import os
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests import servers

ROUNDS = 5


@contextmanager
def installation() -> Iterator[servers.Installation]:
    """An installation of its own, migrated; this process speaks to it through Django too."""
    with servers.Installation() as made:
        made.manage("migrate")
        for name in list(os.environ):
            if name.startswith(("DATABASE_", "AWS_", "STORAGE_", "EMAIL_")):
                del os.environ[name]
        os.environ.update(made.environment(), DJANGO_SETTINGS_MODULE="config.settings", LOG_LEVEL="ERROR")
        import django

        django.setup()
        yield made


def rounds(contenders: Mapping[str, Callable[[], float]], *, count: int = ROUNDS) -> dict[str, list[float]]:
    """Run each contender `count` times in turn, the order reversed every other round; one more round warms up."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(count + 1):
        names = list(contenders) if number % 2 == 0 else list(contenders)[::-1]
        for name in names:
            value = contenders[name]()
            if number:
                found[name].append(value)
    return found


def spread(values: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(values), 3), "min": round(min(values), 3), "max": round(max(values), 3)}


def ratio(ours: list[float], floor: list[float]) -> float:
    """The median of the ratios round by round, so that a machine that drifts does not count."""
    return round(statistics.median(a / b for a, b in zip(ours, floor, strict=True)), 4)


def emit(**figures: Any) -> None:
    json.dump(figures, sys.stdout)
    sys.stdout.write("\n")
    sys.stdout.flush()

"""Many threads at one moment, each with a connection of its own, which is closed at the end."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

T = TypeVar("T")
SECONDS = 300
"""Nobody is slower, on any machine: who waits longer, waits for ever."""


def at_once(works: Sequence[Callable[[], T]], *, threads: int = 0) -> list[T | Exception]:
    """Do all of these, the first ones at the same moment; what each returned or raised, in order."""
    threads = threads or len(works)
    start = threading.Barrier(min(threads, len(works)))
    begun = threading.local()

    def run(work: Callable[[], T]) -> T | Exception:
        if not getattr(begun, "yes", False):
            begun.yes = True
            start.wait(SECONDS)
        try:
            return work()
        except Exception as error:  # noqa: BLE001 (what befell a thread is its answer)
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, works, timeout=SECONDS))

"""What one page took: by the clock, by the processor, and in SQL. Both processes measure with it."""

import time
from typing import Any

from django.db import connection
from django.test import Client


def page(client: Client, url: str) -> dict[str, Any]:
    """The page twice: timed alone, then with its statements counted and timed."""
    began, busy = time.perf_counter(), time.process_time()
    response = client.get(url)
    took = {"ms": (time.perf_counter() - began) * 1000, "cpu_ms": (time.process_time() - busy) * 1000}
    spent: list[float] = []

    def timed(execute: Any, *given: Any) -> Any:
        asked = time.perf_counter()
        try:
            return execute(*given)
        finally:
            spent.append((time.perf_counter() - asked) * 1000)

    with connection.execute_wrapper(timed):
        client.get(url)
    return {**took, "sql_ms": sum(spent), "queries": len(spent), "status": response.status_code}

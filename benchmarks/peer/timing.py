"""What one page took: by the clock, by the processor, and in SQL. Both processes measure with it."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest import mock

from django.db import connection
from django.test import Client

from profiles import prepared


def page(client: Client, url: str) -> dict[str, Any]:
    """The page twice: timed alone, then with its statements counted and timed."""
    began, busy = time.perf_counter(), time.process_time()
    response = client.get(url)
    took = {"ms": (time.perf_counter() - began) * 1000, "cpu_ms": (time.process_time() - busy) * 1000}
    spent: list[float] = []

    def timed(execute: Callable[..., Any], *given: Any) -> Any:
        asked = time.perf_counter()
        try:
            return execute(*given)
        finally:
            spent.append((time.perf_counter() - asked) * 1000)

    # Statements told by name pass by the driver's cursor; a plain admin has none.
    by_name = {name: partial(timed, getattr(prepared, name)) for name in ("fetch", "begin")}
    with connection.execute_wrapper(timed), mock.patch.multiple(prepared, **by_name):
        client.get(url)
    return {**took, "sql_ms": sum(spent), "queries": len(spent), "status": response.status_code}

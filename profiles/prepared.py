"""Statements that the database plans once for a connection, and that get their values apart from their text."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from psycopg import Cursor

NEVER_BY_ITSELF = 2**31 - 1


def fetch(statement: str, values: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """All rows of a statement that is run often and takes longer to plan than to run; bytes travel as bytes.

    Not for what the database plans better with the values at hand. Raises Django's database errors.
    """
    own = connections[DEFAULT_DB_ALIAS]  # looked up once: behind the name stands a thread's own
    own.ensure_connection()
    if own.connection.prepare_threshold is None:
        # Django switches preparing off for the whole connection: `prepare=True` alone would do nothing.
        own.connection.prepare_threshold = NEVER_BY_ITSELF
    began = time.monotonic()
    with own.wrap_database_errors, Cursor(own.connection) as cursor:
        rows = cursor.execute(statement, values, prepare=True).fetchall()
    if own.queries_logged:  # whoever counts statements counts these too
        own.queries_log.append({"sql": statement, "time": f"{time.monotonic() - began:.3f}"})
    return rows


def fetch_again(
    statement: str, values: Sequence[Any] | Mapping[str, Any], *, unless: Callable[[], bool] = lambda: False
) -> list[tuple[Any, ...]]:
    """The same, once more where the connection had died while it rested: only for what may be told twice.

    It is not told again where `unless` knows that it was done and only its answer lost: then there are no rows.
    """
    try:
        return fetch(statement, values)
    except OperationalError:
        own = connections[DEFAULT_DB_ALIAS]
        if own.in_atomic_block:
            raise
        own.close()
        return [] if unless() else fetch(statement, values)

"""Taking due rows of a queue: many at once, and alone what workers died of, so that it takes no others with it."""

from collections.abc import Sequence
from typing import Any

from django.db import connection


def take(statement: str, values: Sequence[Any], limit: int) -> list[tuple[Any, ...]]:
    """The rows that this statement claims. After `values` it gets whether to take what workers died of, and how many.

    Such a row is taken by itself, and only when nothing else is due.
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, False, limit])
        if not (rows := cursor.fetchall()):
            cursor.execute(statement, [*values, True, 1])
            rows = cursor.fetchall()
    return rows

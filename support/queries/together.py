"""Reads rows of several sorts in one statement: a page with fifteen of them would else ask the database fifteen times.

Each queryset keeps its own SQL, order and limit; its rows come as JSON, and become the model's objects by Django's own
way of making them, related ones included.
"""

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from django.db.models.sql.compiler import SQLCompiler

from profiles import prepared

# What the driver would have made of a column's value, by the sort of its field. The others come as JSON has them.
MADE_OF_TEXT: Mapping[str, Callable[[str], Any]] = {
    "BinaryField": lambda text: bytes.fromhex(text.removeprefix("\\x")),
    "DateField": date.fromisoformat,
    "DateTimeField": datetime.fromisoformat,
    "DecimalField": Decimal,
    "JSONField": str,
    "UUIDField": uuid.UUID,
}
# JSON has no exact form of these: their text is taken.
AS_TEXT = frozenset({"BinaryField", "DecimalField", "JSONField"})


Ask = Callable[[str, Sequence[Any]], Sequence[tuple[Any, ...]]]


def read(**querysets: QuerySet[Any]) -> dict[str, list[Any]]:
    """The rows of every queryset by its name, each as `list(queryset)` would give them; one statement for all."""
    return _read(querysets, _ask)


def read_often(**querysets: QuerySet[Any]) -> dict[str, list[Any]]:
    """The same, planned once for a connection: for what a page always asks in the same words."""
    return _read(querysets, prepared.fetch)


def _ask(statement: str, parameters: Sequence[Any]) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def _read(querysets: Mapping[str, QuerySet[Any]], ask: Ask) -> dict[str, list[Any]]:
    compilers: dict[str, SQLCompiler] = {}
    parts: list[str] = []
    parameters: list[Any] = []
    for name, rows in querysets.items():
        compiler = rows.query.get_compiler(connection=connection)
        try:
            sql, own = compiler.as_sql(with_col_aliases=True)
        except EmptyResultSet:
            continue
        compilers[name] = compiler
        parameters += own
        columns = ", ".join(_column(place, sort) for place, sort in enumerate(_sorts(compiler), 1))
        parts.append(
            f"SELECT '{name}' AS sort, row_number() OVER () AS place, row_to_json(r)::text AS row"
            f" FROM (SELECT {columns} FROM ({sql}) q) r"
        )
    if not parts:
        return {name: [] for name in querysets}
    found = ask(f"{' UNION ALL '.join(parts)} ORDER BY 2", parameters)
    given: dict[str, list[str]] = {name: [] for name in querysets}
    for name, _, row in found:
        given[name].append(row)
    return {name: _made(querysets[name], compilers[name], texts) if texts else [] for name, texts in given.items()}


def _sorts(compiler: SQLCompiler) -> list[str]:
    return [column.field.get_internal_type() for column, _, _ in compiler.select]


def _column(place: int, sort: str) -> str:
    return f"q.col{place}::text AS col{place}" if sort in AS_TEXT else f"q.col{place}"


def _made(rows: QuerySet[Any], compiler: SQLCompiler, found: list[str]) -> list[Any]:
    makers = [MADE_OF_TEXT.get(sort) for sort in _sorts(compiler)]
    values = [
        [value if make is None or value is None else make(value) for make, value in zip(makers, row, strict=True)]
        for row in (json.loads(text).values() for text in found)
    ]
    return list(_Given(rows, compiler, values))


class _Given:
    """Django's own iteration over a queryset, with the rows that were read already in the place of its statement."""

    def __init__(self, rows: QuerySet[Any], compiler: SQLCompiler, values: list[list[Any]]) -> None:
        self._rows = rows
        self._compiler = compiler
        self._values = values

    def __iter__(self) -> Any:
        compiler: Any = self._compiler
        compiler.execute_sql = lambda *_, **__: [self._values]
        rows: Any = self._rows._chain()  # type: ignore[attr-defined]
        rows.query.get_compiler = lambda *_, **__: compiler
        return iter(rows._iterable_class(rows))

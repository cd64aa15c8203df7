"""Reads rows of several sorts in one statement: a page with fifteen of them would else ask the database fifteen times.

Each queryset keeps its own SQL, order and limit; its rows come as JSON, and become the model's objects by Django's own
way of making them, related ones included. The statement is written once for the process and planned once for a
connection: only its values are told anew.
"""

import copy
import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from django.db.models.sql.compiler import SQLCompiler

from profiles import prepared
from profiles.in_arrays import Place
from profiles.prepared_queries import spelled

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


class Reading:
    """Querysets that are always asked in the same words; `make` gives them by name, with a `Place` for each value.

    What a queryset would prefetch is not read.
    """

    def __init__(self, make: Callable[[], Mapping[str, QuerySet[Any]]]) -> None:
        self._make = make

    def read(self, **values: Any) -> dict[str, list[Any]]:
        """The rows of every queryset by its name, each as `list(queryset)` would give them; one statement for all."""
        found: dict[str, list[Any]] = {name: [] for name in self._querysets}
        if not self._parts:
            return found
        told = [spelled(values[one.name]) if isinstance(one, Place) else one for one in self._parameters]
        rows = prepared.fetch_again(self._statement, told)
        if len(self._parts) == 1:
            ((name, part),) = self._parts.items()
            return {**found, name: part.made(rows)}
        for name, _, row in rows:
            found[name].append(row)
        return {name: self._parts[name].made_of(texts) if texts else [] for name, texts in found.items()}

    @cached_property
    def _querysets(self) -> Mapping[str, QuerySet[Any]]:
        return self._make()

    @cached_property
    def _parts(self) -> Mapping[str, "_Part"]:
        """Those that can hold anything."""
        found = ((name, _Part.of(rows)) for name, rows in self._querysets.items())
        return {name: part for name, part in found if part is not None}

    @cached_property
    def _parameters(self) -> Sequence[Any]:
        return [one for part in self._parts.values() for one in part.parameters]

    @cached_property
    def _statement(self) -> str:
        if len(self._parts) == 1:
            return next(iter(self._parts.values())).sql
        return f"{' UNION ALL '.join(part.as_json(name) for name, part in self._parts.items())} ORDER BY 2"


@dataclass(frozen=True, slots=True)
class _Part:
    """A queryset with its SQL."""

    rows: QuerySet[Any]
    compiler: SQLCompiler
    sql: str
    parameters: tuple[Any, ...]
    sorts: tuple[str, ...]
    """The sort of each column's field."""

    @classmethod
    def of(cls, rows: QuerySet[Any]) -> "_Part | None":
        compiler = rows.query.get_compiler(connection=connection)
        try:
            sql, parameters = compiler.as_sql(with_col_aliases=True)
        except EmptyResultSet:
            return None
        sorts = tuple(column.field.get_internal_type() for column, _, _ in compiler.select)
        return cls(rows, compiler, sql, tuple(parameters), sorts)

    def as_json(self, name: str) -> str:
        columns = ", ".join(
            f"q.col{place}::text AS col{place}" if sort in AS_TEXT else f"q.col{place}"
            for place, sort in enumerate(self.sorts, 1)
        )
        return (
            f"SELECT '{name}' AS sort, row_number() OVER () AS place, row_to_json(r)::text AS row"
            f" FROM (SELECT {columns} FROM ({self.sql}) q) r"
        )

    def made_of(self, texts: Iterable[str]) -> list[Any]:
        makers = [MADE_OF_TEXT.get(sort) for sort in self.sorts]
        return self.made(
            [value if make is None or value is None else make(value) for make, value in zip(makers, row, strict=True)]
            for row in (json.loads(text).values() for text in texts)
        )

    def made(self, values: Iterable[Sequence[Any]]) -> list[Any]:
        """Django's own iteration over the queryset, with the rows that were read in the place of its statement."""
        compiler: Any = copy.copy(self.compiler)
        compiler.execute_sql = lambda *_, **__: [values]
        rows: Any = self.rows._chain()  # type: ignore[attr-defined]
        rows.query.get_compiler = lambda *_, **__: compiler
        return list(rows._iterable_class(rows))

"""Querysets that a step asks in every batch: Django writes their SQL once, and the database plans it once a connection.

A queryset is built, compiled and planned anew each time that it is asked. For one order that is most of the time of a
settle step; for a batch it is little, and the same statement serves both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from inspect import signature
from typing import Any, Generic, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import QuerySet
from django.db.models.query import FlatValuesListIterable, ModelIterable, ValuesListIterable, get_related_populators
from psycopg import sql

from profiles import prepared
from profiles.bulk import array_literal, array_of_numbers
from profiles.in_arrays import Place

Row = TypeVar("Row")
_PLACE = re.compile(r"%(.)", re.DOTALL)


class PreparedQuery(Generic[Row]):
    """A queryset of the default database with places for values; called with them, it is asked.

    `build` gets a `Place` for each of its parameters, and everything else that it names stays as it is for ever: no
    clock, no setting. The queryset yields models (with `select_related`), or `values_list` of several columns or flat.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Row]]) -> None:
        self._build = build
        self._names = list(signature(build).parameters)

    def __call__(self, *values: Any) -> list[Row]:
        """The rows; whole numbers and texts are told one by one, or as a collection for `__in`.

        Nothing is asked where a collection is empty. Raises Django's database errors.
        """
        if not all(value for value in values if _many(value)):
            return []
        told = dict(zip(self._names, map(spelled, values), strict=True))
        return self._reader(prepared.fetch_again(self._statement, told))

    @cached_property
    def _compiled(self) -> tuple[Any, Any]:
        queryset = self._build(*map(Place, self._names))
        assert not queryset._prefetch_related_lookups, "A prepared query cannot prefetch."  # type: ignore[attr-defined]
        return queryset, queryset.query.get_compiler(DEFAULT_DB_ALIAS)

    @cached_property
    def _statement(self) -> str:
        _, compiler = self._compiled
        return _written_out(compiler)

    @cached_property
    def _reader(self) -> Callable[[Sequence[Any]], list[Row]]:
        """What makes rows of the database's into those of the queryset."""
        queryset, compiler = self._compiled
        assert self._statement  # only a compiled query knows its columns
        kind, converted = queryset._iterable_class, _converter(compiler)
        if kind is FlatValuesListIterable:
            return lambda rows: [row[0] for row in converted(rows)]
        if kind is ValuesListIterable:
            return lambda rows: [*map(tuple, converted(rows))]  # type: ignore[list-item]  # Row is a tuple
        assert kind is ModelIterable, f"A prepared query cannot yield {kind.__name__}."
        assert not compiler.annotation_col_map, "A prepared query cannot annotate."
        return lambda rows: _models(compiler, converted(rows))


def written_out(rows: QuerySet[Any, Any]) -> str:
    """The SQL of a queryset with its places by name; raises EmptyResultSet where it can have no rows.

    Values that never change stand written out: an index may be of them alone.
    """
    return _written_out(rows.query.get_compiler(DEFAULT_DB_ALIAS))


def _written_out(compiler: Any) -> str:
    words, parameters = compiler.as_sql()
    left = iter(parameters)

    def written(found: re.Match[str]) -> str:
        if found[1] != "s":
            return found[0]
        value = next(left)
        if isinstance(value, Place):
            return f"%({value.name})s"
        literal = sql.Literal(value).as_string(connections[DEFAULT_DB_ALIAS].connection)
        return literal.replace("%", "%%")

    return _PLACE.sub(written, words)


def as_it_opens(rows: QuerySet[Any, Row]) -> list[Row]:
    """The rows of a queryset that is the same each time, such as a list without a filter: planned once a connection.

    For few querysets, each of which takes a place among the session's statements. One that names a value, annotates or
    prefetches is asked and planned as ever.
    """
    compiler = rows.query.get_compiler(DEFAULT_DB_ALIAS)
    try:
        words, parameters = compiler.as_sql()
    except EmptyResultSet:
        return []
    is_plain = rows._iterable_class is ModelIterable and not compiler.annotation_col_map
    if parameters or not is_plain or rows._prefetch_related_lookups:  # type: ignore[attr-defined]
        return list(rows)
    found: list[Row] = _models(compiler, _converter(compiler)(prepared.fetch(words, ())))
    return found


def _converter(compiler: Any) -> Callable[[Sequence[Any]], Any]:
    """What makes the columns of an answer into Python's values."""
    converters = compiler.get_converters([column for column, *_ in compiler.select])
    return lambda rows: compiler.apply_converters(rows, converters) if converters else rows


def _models(compiler: Any, rows: Any) -> list[Any]:
    """As Django makes them of an answer: the first columns are the model's own."""
    known = compiler.klass_info
    model, columns = known["model"], known["select_fields"]
    start, end = columns[0], columns[-1] + 1
    names = [column.target.attname for column, *_ in compiler.select[start:end]]
    related = get_related_populators(known, compiler.select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]  # of a later Django
    found = []
    for row in rows:
        made = model.from_db(DEFAULT_DB_ALIAS, names, row[start:end])
        for populator in related:
            populator.populate(row, made)
        found.append(made)
    return found


def _many(value: Any) -> bool:
    return isinstance(value, Collection) and not isinstance(value, str | bytes)


def spelled(value: Any) -> Any:
    """As text of which the database makes what stands there: the driver tells another type for a greater number."""
    if _many(value):
        each = dict.fromkeys(value)
        return array_of_numbers(each) if all(isinstance(one, int) for one in each) else array_literal(each)
    return str(value) if isinstance(value, int) else value

"""Bulk statements with one parameter a column: what Django's ORM writes as one a value or a CASE an attribute.

Measured on batches of 500 orders, `bulk_create` and `bulk_update` spend more time building SQL than PostgreSQL
spends running it; these build the same short statement for one row or a thousand.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.models.expressions import DatabaseDefault
from psycopg import Cursor

from profiles import prepared
from profiles.secrets import SecretField

REPLAN_AFTER = 1000
"""Rows a session has inserted when it first plans its statements anew; then after twice as many each time."""
FEW = 16
"""Rows that are written by a statement planned once; to plan one for more is little beside running it."""
_BETWEEN, _NULL = "\x1f", "\x1e"
_APART = r"E'\x1f', E'\x1e'"
_SPELLED = frozenset({str, int, bool, Decimal, datetime, date, UUID, type(None)})
"""Types whose `str` the database reads as it was meant."""
_inserted: weakref.WeakKeyDictionary[Any, tuple[int, int]] = weakref.WeakKeyDictionary()


@contextmanager
def cursor() -> Iterator[Cursor[Any]]:
    """One on the connection itself: arrays of many values travel in binary form, not as an escaped text of them."""
    own = connections[DEFAULT_DB_ALIAS]
    own.ensure_connection()
    with own.wrap_database_errors, Cursor(own.connection) as made:
        yield made


def insert(model: type[models.Model], rows: Iterable[models.Model], *, ignore_conflicts: bool = False) -> int:
    """Write new rows in one statement and give each its id; returns how many were written.

    Columns with a default of the database are left to it unless some row has a value of its own. With
    `ignore_conflicts` a row that is known already is passed over, and no ids are given.
    """
    batch = list(rows)
    if not batch:
        return 0
    fields = [f for f in model._meta.local_concrete_fields if not f.primary_key and _given(f, batch)]
    columns = [(field, [*map(attrgetter(field.attname), batch)]) for field in fields]
    ids = _insert(model, len(batch), columns, ignore_conflicts)
    if not ignore_conflicts:
        alias = connection.alias  # looked up for this thread each time it is asked for
        for row, pk in zip(batch, ids, strict=True):
            row.pk = pk
            row._state.adding = False
            row._state.db = alias
    return len(ids)


def insert_columns(
    model: type[models.Model], columns: Mapping[str, Sequence[Any]], *, ignore_conflicts: bool = False
) -> list[int]:
    """Write new rows given as columns of one length by name of attribute; returns their ids, in their order.

    What is not named has its default. With `ignore_conflicts` a row that is known already is passed over, and has no
    id among those returned. For rows by the hundred thousand: a row needs no object.
    """
    count = len(next(iter(columns.values())))
    if not count:
        return []
    fields = [f for f in model._meta.local_concrete_fields if not f.primary_key]
    given = [(field, columns[field.attname]) for field in fields if field.attname in columns]
    assert len(given) == len(columns), set(columns) - {field.attname for field, _ in given}
    rest = [f for f in fields if f.attname not in columns and f.db_default is models.NOT_PROVIDED]
    return _insert(
        model, count, [*given, *((field, [field.get_default()] * count) for field in rest)], ignore_conflicts
    )


def _insert(
    model: type[models.Model], count: int, columns: Sequence[tuple[Any, Sequence[Any]]], ignore_conflicts: bool
) -> list[int]:
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field, _ in columns)
    written = _Columns(columns)
    table = connection.ops.quote_name(model._meta.db_table)
    unnest, aliases = ", ".join(["%s::int[]", *written.arrays]), ", ".join(["n", *written.aliases])
    taken = ", ".join(written.taken)
    sql = f"INSERT INTO {table} ({names}) SELECT {taken} FROM unnest({unnest}) AS v({aliases}) ORDER BY n"
    parameters = [*written.alike, array_of_numbers(range(count)), *written.apart]
    _grown(count)
    sql += " ON CONFLICT DO NOTHING" if ignore_conflicts else ""
    key = connection.ops.quote_name(str(model._meta.pk.column))
    sql = f"{sql} RETURNING {key}"
    if written.always_the_same:
        return [pk for (pk,) in prepared.fetch(sql, parameters)]
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [pk for (pk,) in cursor.fetchall()]


def update(model: type[models.Model], rows: Iterable[models.Model], fields: Sequence[str]) -> int:
    """Write these fields of these rows in one statement, by id; returns how many rows there were."""
    batch = list(rows)
    if not batch:
        return 0
    columns: list[Any] = [model._meta.get_field(name) for name in fields]
    written = _Columns([(field, [*map(attrgetter(field.attname), batch)]) for field in columns])
    pairs = zip((connection.ops.quote_name(f.column) for f in columns), written.taken, strict=True)
    sets = ", ".join(f"{name} = {taken}" for name, taken in pairs)
    unnest, aliases = ", ".join(["%s::bigint[]", *written.arrays]), ", ".join(["id", *written.aliases])
    table = connection.ops.quote_name(model._meta.db_table)
    sql = f"UPDATE {table} t SET {sets} FROM unnest({unnest}) AS v({aliases}) WHERE t.id = v.id"
    parameters = [*written.alike, array_of_numbers(row.pk for row in batch), *written.apart]
    if written.always_the_same:
        return prepared.run(sql, parameters)
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)


class _Columns:
    """The columns of a batch as SQL: what all rows have alike is sent once, the rest as one text a column.

    A text that the server splits costs a sixth of an array whose elements are quoted one by one. Of few rows the words
    are the same whatever the values: each column is sent once where there is one row, and as a text where there are
    more. The database need not plan them again.
    """

    def __init__(self, columns: Sequence[tuple[Any, Sequence[Any]]]) -> None:
        self.taken: list[str] = []
        self.alike: list[Any] = []
        self.arrays: list[str] = []
        self.aliases: list[str] = []
        self.apart: list[Any] = []
        count = len(columns[0][1]) if columns else 0
        self.always_the_same = 0 < count <= FEW
        for field, values in columns:
            convert, cast = _converter(field), _cast(field)
            first = values[0]
            if count == 1 or (not self.always_the_same and values.count(first) == count):
                self.taken.append(_out(f"%s::{cast}", field))
                self.alike.append(None if first is None else _written(convert(first)))
                continue
            alias = f"c{len(self.aliases)}"
            self.taken.append(_out(alias, field))
            self.aliases.append(alias)
            told = list(values)
            if convert is not _plain or not _SPELLED.issuperset(map(type, told)):
                told = [None if value is None else convert(value) for value in told]
            joined = _joined(told)
            if joined is None:
                self.always_the_same = False
            self.arrays.append(f"%s::{cast}[]" if joined is None else f"string_to_array(%s, {_APART})::{cast}[]")
            self.apart.append(told if joined is None else joined)


def _written(value: Any) -> Any:
    """As text of which the cast makes what it is: the driver would name another type for a greater number."""
    return str(value) if type(value) in _SPELLED else value


def _joined(values: Sequence[Any]) -> str | None:
    """The values in one text that `_APART` takes apart again; None for those that have no plain text of their own."""
    if not _SPELLED.issuperset(map(type, values)):
        return None
    joined = _BETWEEN.join([_NULL if value is None else str(value) for value in values])
    # A value may hold the very letters that part values.
    if joined.count(_BETWEEN) != len(values) - 1 or joined.count(_NULL) != values.count(None):
        return None
    return joined


def _grown(rows: int) -> None:
    """Have this session plan its statements anew once its tables have become much larger.

    The database keeps the plans of its own checks of foreign keys as long as a session lives, or until statistics
    change. Made while a table was empty they read every row of an organization: in a first import, which fills tables
    faster than statistics are taken, that was two thirds of all time.
    """
    with cursor() as own:
        session = own.connection
        seen, due = _inserted.get(session, (0, REPLAN_AFTER))
        seen += rows
        if seen >= due:
            own.execute("DISCARD PLANS")
            due = 2 * seen
        _inserted[session] = (seen, due)


def _given(field: Any, batch: Sequence[models.Model]) -> bool:
    if field.db_default is models.NOT_PROVIDED:
        return True
    return any(not isinstance(getattr(row, field.attname), DatabaseDefault) for row in batch)


@lru_cache(maxsize=1024)
def _converter(field: Any) -> Callable[[Any], Any]:
    kind = field.get_internal_type()
    if isinstance(field, SecretField):
        return field.get_prep_value
    if kind == "JSONField":
        return as_json
    if kind == "ArrayField":
        return array_literal
    return _plain


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def as_json(value: Any) -> str:
    """As a parameter for a column or cast of jsonb."""
    return json.dumps(value)


def array_literal(values: Iterable[str]) -> str:
    """PostgreSQL's own text form of an array of texts."""
    # unnest would flatten an array of arrays, so each travels as PostgreSQL's own text form of one.
    texts = [str(value) for value in values]
    plain = '","'.join(texts)
    if texts and "\\" not in plain and plain.count('"') == 2 * len(texts) - 2:
        return f'{{"{plain}"}}'
    quoted = ('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in texts)
    return "{" + ",".join(quoted) + "}"


def array_of_numbers(values: Iterable[int | None]) -> str:
    """PostgreSQL's own text form of an array of whole numbers: the driver takes several times as long for a list."""
    return f"{{{','.join('NULL' if value is None else str(value) for value in values)}}}"


@lru_cache(maxsize=1024)
def _cast(field: Any) -> str:
    # Of texts too: a cast to a length would cut what is too long, where the column itself refuses it.
    if field.get_internal_type() in {"ArrayField", "JSONField", "CharField"}:
        return "text"
    if isinstance(field, models.ForeignKey):
        return _cast(field.target_field)
    return str(field.cast_db_type(connection))


def _out(expression: str, field: Any) -> str:
    kind = field.get_internal_type()
    if kind == "JSONField":
        return f"{expression}::jsonb"
    return f"{expression}::{field.db_type(connection)}" if kind == "ArrayField" else expression

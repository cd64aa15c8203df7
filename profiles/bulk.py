"""Bulk statements with one array a column: what Django's ORM writes as a parameter a value or a CASE an attribute.

Measured on batches of 500 orders, `bulk_create` and `bulk_update` spend more time building SQL than PostgreSQL
spends running it; these build the same short statement for one row or a thousand.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.models.expressions import DatabaseDefault
from psycopg import Cursor

from profiles.secrets import SecretField

REPLAN_AFTER = 1000
"""Rows a session has inserted when it first plans its statements anew; then after twice as many each time."""
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
    names = ", ".join(connection.ops.quote_name(str(f.column)) for f in fields)
    arrays = [_array(f, batch) for f in fields]
    unnest = ", ".join(f"%s::{_cast(f)}[]" for f in fields)
    columns = ", ".join(f"c{i}" for i in range(len(fields)))
    selected = ", ".join(_out(f"c{i}", f) for i, f in enumerate(fields))
    table = connection.ops.quote_name(model._meta.db_table)
    sql = (
        f"INSERT INTO {table} ({names}) SELECT {selected}"
        f" FROM unnest({unnest}) WITH ORDINALITY AS v({columns}, n) ORDER BY n"
    )
    _grown(len(batch))
    with connection.cursor() as cursor:
        if ignore_conflicts:
            cursor.execute(sql + " ON CONFLICT DO NOTHING", arrays)
            return int(cursor.rowcount)
        cursor.execute(sql + " RETURNING id", arrays)
        for row, (pk,) in zip(batch, cursor.fetchall(), strict=True):
            row.pk = pk
            row._state.adding = False
            row._state.db = connection.alias
    return len(batch)


def update(model: type[models.Model], rows: Iterable[models.Model], fields: Sequence[str]) -> int:
    """Write these fields of these rows in one statement, by id; returns how many rows there were."""
    batch = list(rows)
    if not batch:
        return 0
    columns: list[Any] = [model._meta.get_field(name) for name in fields]
    names = [connection.ops.quote_name(f.column) for f in columns]
    sets = ", ".join(f"{name} = {_out(f'c{i}', f)}" for i, (name, f) in enumerate(zip(names, columns, strict=True)))
    unnest = ", ".join(["%s::bigint[]", *(f"%s::{_cast(f)}[]" for f in columns)])
    aliases = ", ".join(["id", *(f"c{i}" for i in range(len(columns)))])
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} t SET {sets} FROM unnest({unnest}) AS v({aliases}) WHERE t.id = v.id",
            [[row.pk for row in batch], *(_array(f, batch) for f in columns)],
        )
        return int(cursor.rowcount)


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


def _array(field: Any, batch: Sequence[models.Model]) -> list[Any]:
    name, convert = field.attname, _converter(field)
    values = [getattr(row, name) for row in batch]
    return [None if value is None else convert(value) for value in values]


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
    quoted = ('"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
    return "{" + ",".join(quoted) + "}"


@lru_cache(maxsize=1024)
def _cast(field: Any) -> str:
    if field.get_internal_type() in {"ArrayField", "JSONField"}:
        return "text"
    if isinstance(field, models.ForeignKey):
        return _cast(field.target_field)
    return str(field.cast_db_type(connection))


def _out(expression: str, field: Any) -> str:
    kind = field.get_internal_type()
    if kind == "JSONField":
        return f"{expression}::jsonb"
    return f"{expression}::{field.db_type(connection)}" if kind == "ArrayField" else expression

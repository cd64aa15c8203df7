"""Bulk statements that Django's ORM writes row by row or as one CASE an attribute: one array a column instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models


def update(model: type[models.Model], rows: Iterable[models.Model], fields: Sequence[str]) -> int:
    """Write these fields of these rows in one statement, by id; returns how many rows there were.

    `QuerySet.bulk_update` builds a CASE of every id for every field, whose cost grows with their product.
    """
    batch = list(rows)
    if not batch:
        return 0
    columns = [model._meta.get_field(name) for name in fields]
    arrays: list[Any] = [[row.pk for row in batch]]
    casts = ["bigint"]
    for field in columns:
        arrays.append([field.get_db_prep_save(getattr(row, field.attname), connection) for row in batch])
        casts.append(_cast(field))
    names = [connection.ops.quote_name(field.column) for field in columns]
    sets = ", ".join(f"{name} = {_out('v.' + name, field)}" for name, field in zip(names, columns, strict=True))
    unnest = ", ".join(f"%s::{cast}[]" for cast in casts)
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} t SET {sets} FROM unnest({unnest}) AS v(id, {', '.join(names)}) WHERE t.id = v.id",
            [_flat(values, field) for values, field in zip(arrays, [None, *columns], strict=True)],
        )
        return cursor.rowcount


def _is_nested(field: models.Field[Any, Any] | None) -> bool:
    # unnest flattens an array of arrays, and JSON adapters do not nest: both travel as JSON text.
    return field is not None and field.get_internal_type() in {"ArrayField", "JSONField"}


def _cast(field: models.Field[Any, Any]) -> str:
    if _is_nested(field):
        return "text"
    return str(field.cast_db_type(connection)) if hasattr(field, "cast_db_type") else str(field.db_type(connection))


def _out(expression: str, field: models.Field[Any, Any]) -> str:
    if not _is_nested(field):
        return expression
    if field.get_internal_type() == "JSONField":
        return f"{expression}::jsonb"
    return f"ARRAY(SELECT jsonb_array_elements_text({expression}::jsonb))::{field.db_type(connection)}"


def _flat(values: list[Any], field: models.Field[Any, Any] | None) -> list[Any]:
    if not _is_nested(field):
        return values
    import json

    plain = [getattr(value, "obj", value) for value in values]
    return [json.dumps(value) for value in plain]

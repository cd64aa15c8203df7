"""Giving stored secrets the first of ENCRYPTION_KEYS, in batches and while others write."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.conf import settings
from django.db import connection, models

from profiles import secrets
from profiles.secrets import SecretField

BATCH = 500


@dataclass
class Count:
    """What was found of one column of one organization."""

    seen: int = 0
    rotated: int = 0
    outdated: int = 0
    """Still under another key, or not to be read at all."""
    unreadable: int = 0


def fields() -> list[tuple[type[models.Model], SecretField]]:
    """Every column that holds secrets."""
    return [
        (model, field)
        for model in apps.get_models()
        if model._meta.managed and not model._meta.proxy
        for field in model._meta.local_concrete_fields
        if isinstance(field, SecretField)
    ]


def count(model: type[models.Model], field: SecretField, *, told: Callable[[int], None] = lambda count: None) -> Count:
    """How many secrets of this column there are, and how many are not under the first key. Needs the context set."""
    found = Count()
    for rows in _batches(model, field):
        for _, token in rows:
            found.seen += 1
            if not _is_current(token):
                found.outdated += 1
                found.unreadable += _rotated(token) is None
        told(len(rows))
    return found


def rotate(
    model: type[models.Model], field: SecretField, after: int = 0, *, limit: int = BATCH
) -> tuple[Count, int | None]:
    """Put the next rows of this column under the first key; gives the id to go on after, None at the end.

    A row that somebody else writes meanwhile is left to them: they write under their own first key.
    """
    rows = _read(model, field, after, limit)
    found = Count(seen=len(rows))
    changes: list[tuple[int, str, str]] = []
    for pk, token in rows:
        if _is_current(token):
            continue
        found.outdated += 1
        fresh = _rotated(token)
        if fresh is None:
            found.unreadable += 1
        else:
            changes.append((pk, token, fresh))
    found.rotated = _write(model, field, changes)
    return found, rows[-1][0] if len(rows) == limit else None


def _batches(model: type[models.Model], field: SecretField) -> Iterator[list[tuple[int, str]]]:
    after = 0
    while rows := _read(model, field, after, BATCH):
        yield rows
        after = rows[-1][0]


def _read(model: type[models.Model], field: SecretField, after: int, limit: int) -> list[tuple[int, str]]:
    """The stored texts, as they are."""
    table, key, column = _names(model, field)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {key}, {column} FROM {table} WHERE {key} > %s AND {column} <> '' ORDER BY {key} LIMIT %s",
            [after, limit],
        )
        return [(int(pk), str(token)) for pk, token in cursor.fetchall()]


def _write(model: type[models.Model], field: SecretField, changes: list[tuple[int, str, str]]) -> int:
    if not changes:
        return 0
    table, key, column = _names(model, field)
    parts: list[Any] = [list(part) for part in zip(*changes, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} t SET {column} = v.fresh FROM unnest(%s::bigint[], %s::text[], %s::text[])"
            f" AS v(id, former, fresh) WHERE t.{key} = v.id AND t.{column} = v.former",
            parts,
        )
        return int(cursor.rowcount)


def _names(model: type[models.Model], field: SecretField) -> tuple[str, str, str]:
    """Table, key and column, quoted."""
    quote = connection.ops.quote_name
    return quote(model._meta.db_table), quote(str(model._meta.pk.column)), quote(str(field.column))


def _is_current(token: str) -> bool:
    try:
        Fernet(settings.ENCRYPTION_KEYS[0]).decrypt(token.encode())
    except InvalidToken:
        return False
    return True


def _rotated(token: str) -> str | None:
    try:
        return secrets.rotate(token)
    except InvalidToken:
        return None

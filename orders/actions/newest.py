"""Keeping the newest word of each fact a provider numbers: payments, refunds, disputes, payouts, movements."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from django.db import models

from profiles import bulk

UNTOLD: tuple[object, ...] = ("", None, [])


Row = TypeVar("Row", bound=models.Model)


def keep(
    model: type[Row],
    rows: Iterable[Row],
    *,
    fields: Sequence[str],
    version: Callable[[Row], Any],
    fill: Callable[[Row, Row], bool],
    succeed: Callable[[Row, Row], None],
) -> list[tuple[Row, bool]]:
    """Write each row unless a newer word stands; returns the rows written, and whether each was known before.

    The greatest `version` wins, whatever the order. `fill` gives the winner what only the other told, and says whether
    it gave anything; `succeed` makes a newer row the known one. Three statements for any number of rows.
    """
    newest: dict[tuple[int, str], Row] = {}
    for row in rows:
        key = _key(row)
        other = newest.get(key, row)
        newer, older = (other, row) if version(row) <= version(other) else (row, other)
        fill(newer, older)
        newest[key] = newer
    if not newest:
        return []
    known = {
        _key(row): row
        for row in model._base_manager.select_for_update(no_key=True)
        .filter(channel_id__in={channel for channel, _ in newest}, external_id__in={name for _, name in newest})
        .order_by("pk")
    }
    fresh: list[Row] = []
    changed: list[Row] = []
    for key, row in newest.items():
        former = known.get(key)
        if former is None:
            fresh.append(row)
        elif version(former) < version(row):
            row.pk = former.pk
            succeed(row, former)
            fill(row, former)
            changed.append(row)
        elif fill(former, row):
            changed.append(former)
    bulk.insert(model, fresh)
    bulk.update(model, changed, fields)
    return [(row, False) for row in fresh] + [(row, True) for row in changed]


def fill(newer: Row, older: Row, names: Sequence[str]) -> bool:
    """What only the older word tells is kept beside the newer, whichever came first; true if anything was."""
    filled = [name for name in names if getattr(newer, name) in UNTOLD and getattr(older, name) not in UNTOLD]
    for name in filled:
        setattr(newer, name, getattr(older, name))
    return bool(filled)


def _key(row: models.Model) -> tuple[int, str]:
    return getattr(row, "channel_id"), getattr(row, "external_id")  # noqa: B009 - any model that has them

"""The loop about imported files: a portion of rows at a time, each a transaction, until the file is done."""

import logging
import time
from collections.abc import Callable, Iterator
from functools import partial

from django.db import InterfaceError, OperationalError, connection

from orders.actions import estimates, import_rows, import_undos, imports
from orders.files import gatherings, texts
from orders.files.dialects import Recipe
from orders.files.gatherings import Apart
from orders.models import Import
from orders.queries import imports as contents
from profiles import tenancy
from profiles.actions import turns

log = logging.getLogger(__name__)
PORTION = 2000
# Deliveries and mail do not wait longer for a large file than this; then it goes on at the next round.
AT_MOST_SECONDS = 20
Told = Callable[[int], None]


def files(organization_id: int, *, seconds: int = AT_MOST_SECONDS, told: Told = lambda count: None) -> int:
    """Work on the import that waits longest; returns how many rows were worked, 0 where none waits."""
    with tenancy.organization(organization_id):
        imported = imports.claim()
    if imported is None:
        return 0
    try:
        return _work(imported, time.monotonic() + seconds, told)
    except texts.Refused as refused:
        with tenancy.organization(organization_id):
            imports.refuse(imported, str(refused))
    except Exception as error:
        if isinstance(error, InterfaceError | OperationalError) and not connection.is_usable():
            raise  # the claim runs out by itself
        log.exception("import.failed", extra={"import": imported.pk})
        with tenancy.organization(organization_id):
            imports.postpone(imported, error=f"{type(error).__name__}: {error}"[:500])
    return 1


def _work(imported: Import, until: float, told: Told) -> int:
    worked = 0
    portions = _undoing(imported) if imported.state == Import.State.UNDOING else _reading(imported)
    while True:
        with tenancy.organization(imported.organization_id):
            act = next(portions, None)
            if act is None:
                imports.finish(imported)
                return worked or 1
            if time.monotonic() > until:
                imports.rest(imported)
                return worked or 1
        turns.take(imported.organization_id, act)
        count = len(act.args[1])
        worked += count
        told(count)
        with tenancy.organization(imported.organization_id):
            if imported.state == Import.State.TAKING and estimates.due(worked):
                estimates.refresh()


def _reading(imported: Import) -> "Iterator[partial[None]]":
    recipe = Recipe.of(imported.recipe)
    apart = Apart(contents.below(imported, recipe), recipe)
    rows = contents.below(imported, recipe)
    for portion in gatherings.portions(rows, recipe, size=PORTION, apart=apart, after=imported.position):
        yield partial(import_rows.work, imported, portion)


def _undoing(imported: Import) -> "Iterator[partial[None]]":
    while True:
        portion = import_undos.due(imported, PORTION)
        if not portion:
            return
        yield partial(import_undos.work, imported, portion)

"""Whose turn it is to decide who is who: any number of batches at once, or a merge with nobody beside it.

A merge moves rows that other transactions hold while they wait for its customers. Alone it cannot meet one of them half
way, so that no person's press and no repeated batch ever ends in a deadlock.
"""

import logging
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError
from psycopg.errors import DeadlockDetected

from profiles import prepared, tenancy

log = logging.getLogger(__name__)
T = TypeVar("T")
LOCK_SPACE = 0x7024


def together(organization_id: int) -> None:
    """Before the first lock of a transaction that settles: beside others of its kind, never beside a merge."""
    _lock("pg_advisory_xact_lock_shared", organization_id)


def alone(organization_id: int) -> None:
    """Before the first lock of a transaction that has to be the only one: it waits for those that are at work."""
    _lock("pg_advisory_xact_lock", organization_id)


def take(organization_id: int, act: Callable[[], T]) -> T:
    """Do it in one transaction of this organization; where it and another were in each other's way, again and alone."""
    try:
        with tenancy.organization(organization_id):
            return act()
    except OperationalError as error:
        if not deadlocked(error):
            raise
    log.info("turn.alone")
    with tenancy.organization(organization_id):
        alone(organization_id)
        return act()


def beside(organization_id: int, act: Callable[[], T]) -> T:
    """The same for what a worker does: beside others of its kind, never beside a merge."""

    def with_others() -> T:
        together(organization_id)
        return act()

    return take(organization_id, with_others)


def deadlocked(error: Exception) -> bool:
    """Whether the database broke a deadlock at this transaction's cost; done again alone, it goes through."""
    return isinstance(error, OperationalError) and isinstance(error.__cause__, DeadlockDetected)


def _lock(function: str, organization_id: int) -> None:
    prepared.run(f"SELECT {function}(%s::int, hashint8(%s::bigint))", [LOCK_SPACE, str(organization_id)])

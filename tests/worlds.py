"""What takes long to build is built once for all tests of a file; each of them leaves it as it was found.

A world is built in a transaction around those of the tests, which roll back to where it was complete. Only for files
none of whose tests commits.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.db import connection, transaction
from django.test import override_settings

from config import files

T = TypeVar("T")


@dataclass(frozen=True)
class World(Generic[T]):
    """What was built, and the STORAGES with its files, which each test sets as its own."""

    made: T
    storages: dict[str, Any]

    def enter(self, settings: Any) -> T:
        """For one test: a copy of its own of what was built, and the files."""
        settings.STORAGES = self.storages
        return copy.deepcopy(self.made)


def once(build: Callable[[], T], *, blocker: Any, folder: Any) -> Iterator[World[T]]:
    """The body of a fixture of a whole module; it wants `django_db_setup`, its users want `db`."""
    storages = {**settings.STORAGES, "default": files.folder(folder)}
    with blocker.unblock(), transaction.atomic():
        with override_settings(STORAGES=storages):
            made = build()
        with connection.cursor() as cursor:
            # Checked now, and not again after each test.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        try:
            yield World(made, storages)
        finally:
            transaction.set_rollback(True)

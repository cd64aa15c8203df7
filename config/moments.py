"""How moments come from the database: read by the interpreter's own reader of ISO 8601 rather than taken apart here.

A page has some hundreds of moments, a batch of orders some thousands. The loader that Django registers spells each out
by a regular expression and replaces its time zone: that takes three times as long.
"""

from datetime import UTC, datetime
from typing import Any

from django.db.backends.postgresql.psycopg_any import BaseTzLoader
from django.db.backends.signals import connection_created
from psycopg.abc import Buffer


class MomentLoader(BaseTzLoader):
    """A `timestamptz` as a moment in UTC, of a session whose time zone is UTC.

    What the quick reader does not know (infinity, years before 1 or after 9999, another session's zone) is left to
    Django's, which raises psycopg's DataError where no moment can say it.
    """

    timezone = UTC

    def load(self, data: Buffer) -> datetime:
        try:
            moment = datetime.fromisoformat(str(data, "ascii"))
        except ValueError:
            return self._slowly(data)
        return moment if moment.tzinfo is UTC else self._slowly(data)

    def _slowly(self, data: Buffer) -> datetime:
        moment: datetime = super().load(data)
        return moment


def _register(connection: Any, **_: Any) -> None:
    if connection.timezone is UTC:  # for another Django keeps its own, and would replace this one at each cursor
        connection.connection.adapters.register_loader("timestamptz", MomentLoader)


def install() -> None:
    """Have every connection made from now on read moments so."""
    connection_created.connect(_register, dispatch_uid="config.moments")

"""The one clock of due times and expiries: the database's, moved by AFTERSALE_NOW in development and tests.

Leases, schedules' own bookkeeping and the age of signatures never use it: they read the real time.
"""

from datetime import datetime, timedelta

from django.conf import settings

from profiles import prepared

_offset: timedelta | None = None


def offset() -> timedelta:
    """How far this process's clock stands from the database's; measured once, at the process's first question."""
    global _offset
    if _offset is None:
        instant: datetime | None = settings.AFTERSALE_NOW
        _offset = timedelta(0) if instant is None else instant - _database_time()
    return _offset


def now() -> datetime:
    """The present instant in UTC: the database's clock plus the process's offset."""
    offset()  # before the question: it may have to ask one itself
    return moved(_database_time())


def moved(at: datetime) -> datetime:
    """What `now` would have said when the database's clock said `at`: for a statement that brought the time with it."""
    return at + offset()


def real() -> datetime:
    """The database's own time, without the offset: for leases and our own queues' bookkeeping."""
    return _database_time()


def _database_time() -> datetime:
    ((found,),) = prepared.fetch("select clock_timestamp()", ())
    return found

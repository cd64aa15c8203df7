"""Locks on things that may have no row yet: each falls into one of so many buckets, and those in one wait in turn.

They are held until the transaction ends. A space tells the sorts of things apart, so that they never wait for another
sort.
"""

import zlib
from collections.abc import Iterable

from profiles import bulk, prepared

BUCKETS = 4096
# In the order of the buckets, so that two who want the same ones meet at the first.
_LOCK = "SELECT count(pg_advisory_xact_lock(%s::int, b)) FROM unnest(%s::int[]) AS b"


def numbered(space: int, numbers: Iterable[int]) -> None:
    """Wait until nobody else holds one of these; one statement, whatever there is."""
    _take(space, {number % BUCKETS for number in numbers})


def named(space: int, names: Iterable[str], *, buckets: int = BUCKETS) -> None:
    """The same for things that are known by name; fewer buckets where a batch has many of them."""
    _take(space, {zlib.crc32(name.encode()) % buckets for name in names})


def _take(space: int, buckets: set[int]) -> None:
    prepared.fetch(_LOCK, [space, bulk.array_of_numbers(sorted(buckets))])

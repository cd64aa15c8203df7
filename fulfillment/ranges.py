"""Reads the Range header of a download, so that an interrupted one can go on where it stopped (RFC 9110, 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

LONGEST_HEADER: Final = 64
_SINGLE: Final = re.compile(r"\s*bytes\s*=\s*([0-9]*)\s*-\s*([0-9]*)\s*", re.ASCII | re.IGNORECASE)


class Span(NamedTuple):
    """The bytes from `start` up to, not including, `stop`."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        """How many bytes are sent."""
        return self.stop - self.start

    def content_range(self, size: int) -> str:
        """The Content-Range header of the 206 answer."""
        return f"bytes {self.start}-{self.stop - 1}/{size}"


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """The range begins behind the end of the file: 416."""

    size: int

    @property
    def content_range(self) -> str:
        """The Content-Range header of the 416 answer."""
        return f"bytes */{self.size}"


def parse(
    header: str | None, size: int, *, if_range: str | None = None, etag: str | None = None
) -> Span | Unsatisfiable | None:
    """What of a file of `size` bytes is asked for; None is the whole file.

    Several ranges, another unit and malformed text give the whole file, so that 299 ranges cost no more than one
    request. With an If-Range that is not exactly the strong `etag`, the file may have changed: the whole file too.
    """
    if not header or len(header) > LONGEST_HEADER or (if_range is not None and not _unchanged(if_range, etag)):
        return None
    found = _SINGLE.fullmatch(header)
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        return _ending(int(last), size)
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size:
        return Unsatisfiable(size)
    return Span(start, min(int(last) + 1, size) if last else size)


def _ending(count: int, size: int) -> Span | Unsatisfiable | None:
    if count == 0:
        return Unsatisfiable(size)
    return Span(max(0, size - count), size) if size else None


def _unchanged(if_range: str, etag: str | None) -> bool:
    return etag is not None and etag.startswith('"') and if_range.strip() == etag

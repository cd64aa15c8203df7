"""What a file store can say of a file, and a stream of its bytes that is closed however the reading ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

CHUNK: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """The file lies there; `checksum` is its SHA-256 in hex where the store kept it or it was counted anew."""

    size: int
    checksum: str | None = None
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """The store answers and has no such file."""


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The store gives no answer to rely on."""

    reason: str


Finding: TypeAlias = Found | Missing | Unreachable


class StoreFailed(Exception):
    """The file store did not do what was asked; the message is a sentence."""


class Readable(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


class Stream:
    """`length` bytes of an opened source in pieces; `close` may come at any time, as a web server does it."""

    def __init__(self, source: Readable, length: int) -> None:
        self._source = source
        self._left = length

    def __iter__(self) -> Iterator[bytes]:
        try:
            while self._left > 0:
                piece = self._source.read(min(CHUNK, self._left))
                if not piece:
                    raise StoreFailed("The file ended before its announced length.")
                self._left -= len(piece)
                yield piece
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the source."""
        self._source.close()

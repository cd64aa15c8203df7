"""Several files as one zip that is written while it is sent: names that cannot clash, and a length told beforehand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zipfile import ZIP_STORED, ZipFile, ZipInfo

LARGEST_PLAIN: Final = 2**31 - 1
LONGEST_NAME: Final = 150
# What the format spends on a member of a stream: its header, what follows its bytes, and its line in the directory.
_HEADER, _AFTER, _LINE, _END = 30, 16, 46, 22


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the archive; `read` opens its bytes and may raise before the first of them or later."""

    name: str
    size: int
    made_at: datetime
    read: Callable[[], Iterable[bytes]]


def names(wanted: Sequence[str]) -> list[str]:
    """A plain, distinct file name for each: no path, no control signs, and none that differs by letter case alone."""
    taken: set[str] = set()
    found = []
    for name in wanted:
        plain = re.sub(r'[\x00-\x1f\x7f-\x9f"\\/:*?<>|\u2028\u2029\ud800-\udfff]', "_", name).strip(" .") or "file"
        stem, dot, ending = plain.rpartition(".")
        if not stem or len(ending) > 20:
            stem, dot, ending = plain, "", ""
        stem, number = stem[:LONGEST_NAME], 1
        chosen = f"{stem}{dot}{ending}"
        while chosen.casefold() in taken:
            number += 1
            chosen = f"{stem} ({number}){dot}{ending}"
        taken.add(chosen.casefold())
        found.append(chosen)
    return found


def length(members: Sequence[Member]) -> int | None:
    """How many bytes the archive has; None where it is so large that the format itself changes."""
    told = [len(member.name.encode()) for member in members]
    whole = sum(_HEADER + n + m.size + _AFTER + _LINE + n for n, m in zip(told, members, strict=True)) + _END
    return whole if whole <= LARGEST_PLAIN else None


def stream(members: Sequence[Member]) -> Iterator[bytes]:
    """The archive piece by piece, each file as it is: books and pictures are packed already.

    Where a file fails midway the error goes up and no directory is written: what was sent opens nowhere.
    """
    pipe = _Pipe()
    archive = ZipFile(pipe, "w", ZIP_STORED)
    for member in members:
        info = ZipInfo(member.name, member.made_at.timetuple()[:6])
        info.external_attr, info.file_size = 0o600 << 16, member.size
        sent = 0
        with archive.open(info, "w") as target:
            for piece in member.read():
                target.write(piece)
                sent += len(piece)
                yield from pipe.taken()
            if sent != member.size:
                raise ValueError(f"{member.name} has {sent} bytes instead of {member.size}.")
        yield from pipe.taken()
    archive.close()
    yield from pipe.taken()


class _Pipe:
    """What an archive is written into: nobody can go back in it."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """There is nothing to let go of."""

    def taken(self) -> Iterator[bytes]:
        """What was written since the last call."""
        pieces, self._pieces = self._pieces, []
        yield from (piece for piece in pieces if piece)

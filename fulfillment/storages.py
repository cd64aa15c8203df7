"""The two file stores by name: where a version's file lies, whether it is whole, and the ways to its bytes."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from tempfile import TemporaryFile
from types import ModuleType
from typing import IO, Any, Final
from urllib.parse import quote

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage
from django.core.files.storage import storages as configured
from storages.backends.s3 import S3Storage

from fulfillment.providers import disk, s3
from fulfillment.providers.findings import CHUNK, Finding, Found, Missing, StoreFailed, Stream, Unreachable

__all__ = [
    "DEFAULT",
    "LEFT_OUT",
    "SECOND",
    "Finding",
    "Found",
    "Missing",
    "Saved",
    "StoreFailed",
    "Stream",
    "Unreachable",
    "VersionTaken",
    "aliases",
    "checksum",
    "chunks",
    "content_disposition",
    "copy",
    "inspect",
    "open_local",
    "path_of",
    "save_version",
    "temporary_url",
    "without",
]

DEFAULT: Final = "default"
SECOND: Final = "second"
LONGEST_ADDRESS_SECONDS: Final = 300
LEFT_OUT: Final = "It was left out, because it is away."
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


_away: ContextVar[frozenset[str]] = ContextVar("away", default=frozenset())


class VersionTaken(Exception):
    """Another file already lies where this version's file belongs; versions are never overwritten."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A stored file; `absent` names the stores that did not take it, with their reasons."""

    path: str
    size: int
    checksum: str
    absent: tuple[tuple[str, str], ...] = ()

    @property
    def in_second(self) -> bool:
        """Whether the second store exists and holds a copy."""
        return SECOND in aliases() and SECOND not in dict(self.absent)


def aliases(in_second: bool = True) -> tuple[str, ...]:
    """The configured stores in the order in which they are asked; with `in_second` false the first alone."""
    known = (DEFAULT, SECOND) if in_second and SECOND in settings.STORAGES else (DEFAULT,)
    return tuple(alias for alias in known if alias not in _away.get())


@contextmanager
def without(alias: str) -> Iterator[None]:
    """Within the block this store counts as gone, for this thread alone: a drill takes it away from nobody else."""
    token = _away.set(_away.get() | {alias})
    try:
        yield
    finally:
        _away.reset(token)


def path_of(product_slug: str, version: str, filename: str, *, organization: str) -> str:
    """Where a version's file lies: `<organization>/ebooks/<slug>/<version>/file.<format>`."""
    ending = filename.rsplit(".", 1)[-1].lower() if "." in filename else ""
    ending = ending if re.fullmatch(r"[a-z0-9]{1,20}", ending) else "bin"
    return f"{_part(organization)}/ebooks/{_part(product_slug)}/{_part(version)}/file.{ending}"


def save_version(
    product_slug: str,
    version: str,
    filename: str,
    content: File[bytes],
    *,
    organization: str,
    content_type: str = "application/octet-stream",
    stores: Sequence[str] | None = None,
) -> Saved:
    """Store a version's file in every store, or in these alone, and say where and what it is.

    One store is enough; `copy` fills the other later. Raises StoreFailed when none took it, VersionTaken when another
    file lies there already. The same file again is no error.
    """
    path = path_of(product_slug, version, filename, organization=organization)
    digest, size = checksum(content), content.size
    failures = {alias: LEFT_OUT for alias in aliases() if stores is not None and alias not in stores}
    for alias in (alias for alias in aliases() if alias not in failures):
        try:
            _put(alias, path, content, content_type=content_type, digest=digest)
        except StoreFailed as error:
            failures[alias] = str(error)
    if len(failures) == len(aliases()):
        raise StoreFailed(" ".join(failures.values()))
    return Saved(path, size, digest, tuple(failures.items()))


def copy(path: str, *, source: str, target: str, content_type: str = "application/octet-stream") -> None:
    """Bring a file that one store has into the other; raises StoreFailed or VersionTaken."""
    found = inspect(source, path)
    if not isinstance(found, Found):
        raise StoreFailed(f"The file is not in the store {source}.")
    with TemporaryFile() as held:
        held.writelines(chunks(source, path, stop=found.size))
        content = File(held)
        _put(target, path, content, content_type=content_type, digest=checksum(content))


def inspect(alias: str, path: str, *, thorough: bool = False) -> Finding:
    """Whether the file is there and what is known of it; `thorough` reads it all and counts its checksum anew."""
    storage, dialect = _store(alias)
    found: Finding = dialect.look(storage, path)
    if not thorough or not isinstance(found, Found):
        return found
    try:
        return Found(found.size, _sha256(chunks(alias, path, stop=found.size)), found.etag)
    except (StoreFailed, OSError) as error:
        return Unreachable(str(error))


def checksum(file: File[bytes]) -> str:
    """The SHA-256 of a file in hex, read piece by piece; the file then stands at its beginning again."""
    file.seek(0)
    digest = _sha256(iter(lambda: file.read(CHUNK), b""))
    file.seek(0)
    return digest


def temporary_url(
    alias: str, path: str, *, filename: str, content_type: str, seconds: int = LONGEST_ADDRESS_SECONDS
) -> str | None:
    """A signed address that gives the file under its right name for a while; None where it must be streamed."""
    if not 0 < seconds <= LONGEST_ADDRESS_SECONDS:
        raise ValueError(f"A file's address lives at most {LONGEST_ADDRESS_SECONDS} seconds, not {seconds}.")
    storage, dialect = _store(alias)
    shown = content_disposition(filename)
    return dialect.address(storage, path, disposition=shown, content_type=content_type, seconds=seconds)


def chunks(alias: str, path: str, *, start: int = 0, stop: int) -> Stream:
    """The bytes from `start` up to `stop` in pieces; raises StoreFailed before the first of them."""
    storage, dialect = _store(alias)
    return dialect.read(storage, path, start=start, stop=stop)


def open_local(path: str, *, alias: str = DEFAULT) -> IO[bytes]:
    """The file of a local store, opened for reading; raises FileNotFoundError."""
    storage, dialect = _store(alias)
    if dialect is not disk:
        raise FileNotFoundError(f"The store {alias} is not a local folder.")
    return open(storage.path(path), "rb")  # noqa: PTH123


def content_disposition(filename: str) -> str:
    """The header that names a download: in plain letters for old programs, in its own letters for all others."""
    name = re.sub(r'[\x00-\x1f\x7f"\\/:*?<>|\u2028\u2029]', "_", filename).strip(" .")[:150] or "download"
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode() or "download"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='', errors='replace')}"


def _put(alias: str, path: str, content: File[bytes], *, content_type: str, digest: str) -> None:
    storage, dialect = _store(alias)
    found = inspect(alias, path, thorough=True)
    if isinstance(found, Found):
        if found.checksum == digest:
            return
        raise VersionTaken(f"{path} already holds another file; store the new one as a new version.")
    if isinstance(found, Unreachable):
        raise StoreFailed(f"The file store {alias} does not answer: {found.reason}")
    content.seek(0)
    dialect.put(storage, path, content, content_type=content_type, checksum=digest)


def _store(alias: str) -> tuple[Any, ModuleType]:
    storage = configured[alias]
    if isinstance(storage, S3Storage):
        return storage, s3
    if isinstance(storage, FileSystemStorage):
        return storage, disk
    raise StoreFailed(f"The store {alias} is of a kind that is not known here.")


def _sha256(pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _part(text: str) -> str:
    """One step of a path. What had to be changed carries a mark of what it was, so that no two become one."""
    if _PLAIN.fullmatch(text) and not text.endswith("."):
        return text
    mark = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '-', plain).strip('-_')[:60]}-{mark}".lstrip("-")

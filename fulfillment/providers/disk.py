"""The file store in a local folder: whole files or none, never half of one."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from stat import S_ISREG

from django.core.exceptions import SuspiciousFileOperation
from django.core.files import File
from django.core.files.storage import FileSystemStorage

from fulfillment.providers.findings import Finding, Found, Missing, StoreFailed, Stream, Unreachable


def look(storage: FileSystemStorage, path: str) -> Finding:
    """Size of the file; its content is not read."""
    try:
        target = _path(storage, path)
        if target is None:
            return Missing()
        try:
            status = target.stat()
        except FileNotFoundError:
            gone = not Path(storage.location).is_dir()
            return Unreachable("the folder of the file store is gone.") if gone else Missing()
    except (NotADirectoryError, ValueError):
        return Missing()
    except OSError as error:
        return Unreachable(f"the folder of the file store cannot be read ({error.strerror}).")
    if not S_ISREG(status.st_mode):
        return Missing()
    return Found(status.st_size, etag=f'"{status.st_mtime_ns:x}-{status.st_size:x}"')


def put(storage: FileSystemStorage, path: str, content: File[bytes], *, content_type: str, checksum: str) -> None:
    """Write the file beside its place and move it there once it is whole and on the disk; raises StoreFailed."""
    target = _path(storage, path)
    if target is None:
        raise StoreFailed("The path leads out of the file store.")
    try:
        draft = Path(storage.path(storage.save(f"{path}.{secrets.token_hex(4)}.part", content)))
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.replace(target)
    except OSError as error:
        raise StoreFailed(f"The file could not be written to the file store ({error.strerror}).") from error


def read(storage: FileSystemStorage, path: str, *, start: int, stop: int) -> Stream:
    """The bytes from `start` up to `stop`; raises StoreFailed before the first of them."""
    target = _path(storage, path)
    try:
        if target is None:
            raise FileNotFoundError(2, "No such file")
        source = target.open("rb")
    except (OSError, ValueError) as error:
        raise StoreFailed(f"The file cannot be read from the file store ({type(error).__name__}).") from error
    source.seek(start)
    return Stream(source, stop - start)


def address(storage: FileSystemStorage, path: str, *, disposition: str, content_type: str, seconds: int) -> None:
    """A local file has no address of its own: it is streamed."""
    return


def _path(storage: FileSystemStorage, path: str) -> Path | None:
    try:
        return Path(storage.path(path))
    except (SuspiciousFileOperation, ValueError):
        return None

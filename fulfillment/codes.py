"""Six digits that prove a mailbox: made at random, kept as a keyed hash, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Final

LENGTH: Final = 6
TRIES: Final = 5
MASK: Final = "••••••"
_FORM: Final = re.compile(rf"[0-9]{{{LENGTH}}}", re.ASCII)


def make() -> str:
    """A new code; leading zeros count."""
    return f"{secrets.randbelow(10**LENGTH):0{LENGTH}}"


def digest(code: str, *, about: str, key: str) -> bytes:
    """What is stored. So few digits are guessed from a plain hash, so that `key` is the installation's own secret."""
    return hmac.digest(key.encode(), f"{about}\n{code}".encode("utf-8", "surrogatepass"), hashlib.sha256)


def matches(typed: str, *, about: str, key: str, kept: bytes) -> bool:
    """Whether these are the digits; spaces and dashes between them are forgiven."""
    code = re.sub(r"[\s-]", "", typed)
    if not _FORM.fullmatch(code):
        return False
    return hmac.compare_digest(digest(code, about=about, key=key), kept)

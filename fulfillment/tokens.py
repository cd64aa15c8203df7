"""Makes, recognises, hashes and masks the secrets of download links."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from typing import Final

BYTES: Final = 32
LENGTH: Final = 2 * BYTES
FRAGMENT: Final = 6
_FORM: Final = re.compile(rf"[0-9a-f]{{{LENGTH}}}")


def make() -> str:
    """A new secret: 32 random bytes as 64 characters that need no escaping in an address."""
    return secrets.token_hex(BYTES)


def digest(secret: str) -> bytes:
    """The SHA-256 under which a link is stored and found; text of any form is taken, it only matches nothing."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def well_formed(text: str) -> bool:
    """Whether this could be a secret of ours at all, so that noise never reaches the database."""
    return _FORM.fullmatch(text) is not None


def fragment(secret: str) -> str:
    """The first characters, by which staff and a customer can speak of a link without giving it away."""
    return secret[:FRAGMENT]


def masked(secret: str) -> str:
    """The secret as it may be shown and kept: its fragment, the rest hidden."""
    return f"{fragment(secret)}…"


def hide(text: str, *, given: Iterable[str]) -> str:
    """The text with each of the given secrets masked, as the kept copy of a message holds it."""
    for secret in sorted(filter(None, given), key=len, reverse=True):
        text = text.replace(secret, masked(secret))
    return text

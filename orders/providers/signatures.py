"""Keyed hashes over raw bytes, compared in constant time."""

import base64
import hashlib
import hmac
from collections.abc import Sequence


def sha256(secret: bytes, signed: bytes) -> bytes:
    return hmac.digest(secret, signed, hashlib.sha256)


def any_base64(given: str, body: bytes, secrets: Sequence[str]) -> bool:
    """Whether the header's text is the base64 HMAC-SHA256 of the body under any secret that is not empty."""
    claimed = ascii_bytes(given)
    if not claimed:
        return False
    return any_equal([claimed], [base64.b64encode(sha256(key, body)) for key in keys(secrets)])


def any_hex(given: str, prefix: str, signed: bytes, secrets: Sequence[str], *, algorithm: str = "sha256") -> bool:
    """Whether the header's text is the prefix and the hex HMAC of what was signed, under any secret."""
    claimed = ascii_bytes(given)
    if not claimed.startswith(prefix.encode("ascii")):
        return False
    expected = [hmac.new(key, signed, algorithm).hexdigest().encode("ascii") for key in keys(secrets)]
    return any_equal([claimed[len(prefix) :]], expected)


def any_equal(claimed: Sequence[bytes], expected: Sequence[bytes]) -> bool:
    """Whether one of each is the same, looking at all of them."""
    found = False
    for right in expected:
        for one in claimed:
            found |= hmac.compare_digest(one, right)
    return found


def ascii_bytes(text: str) -> bytes:
    """The header's bytes; none where it holds anything but ASCII, which no signature does."""
    return text.encode("ascii") if text.isascii() else b""


def keys(secrets: Sequence[str]) -> list[bytes]:
    """The secrets as bytes, without empty ones."""
    return [secret.encode("utf-8", "surrogatepass") for secret in secrets if secret.strip()]

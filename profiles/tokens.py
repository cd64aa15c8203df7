"""The hash under which an API token is stored and found."""

import hashlib


def digest(secret: str) -> bytes:
    """SHA-256 of the token; its 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()

"""Standard Webhooks 1.0: signing what we send and checking what is sent to us by the same scheme."""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence

from orders.providers import signatures

HEADERS = frozenset({"webhook-id", "webhook-timestamp", "webhook-signature"})
TOLERANCE_SECONDS = 300
MAX_SIGNATURES = 20
PREFIX = "whsec_"

_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


class BadSecret(ValueError):
    """Not a Standard Webhooks secret: `whsec_` and base64."""


def key(secret: str) -> bytes:
    """The bytes that sign; raises `BadSecret`."""
    text = secret.strip().removeprefix(PREFIX)
    try:
        found = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not found:
        raise BadSecret("The secret must be whsec_ followed by base64.")
    return found


def secret(random: bytes) -> str:
    """The text under which 24 to 64 random bytes are handed to the other side."""
    return PREFIX + base64.b64encode(random).decode("ascii")


def sign(secret: str, *, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature, `v1,<base64>`; the timestamp is that of the attempt in seconds. Raises `BadSecret`."""
    signed = f"{message_id}.{timestamp}.".encode("ascii") + body
    return "v1," + base64.b64encode(signatures.sha256(key(secret), signed)).decode("ascii")


def headers(secrets: Sequence[str], *, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers, signed with every secret that lives."""
    signed = " ".join(sign(one, message_id=message_id, timestamp=timestamp, body=body) for one in secrets)
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": signed}


def verify(body: bytes, given: Mapping[str, str], secrets: Sequence[str], *, now: float) -> bool:
    """Whether any secret signed these bytes within five minutes of `now`, before or after. Never raises."""
    message_id, stamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    entries = given.get("webhook-signature", "").split(" ")
    if not message_id or not message_id.isascii() or not _TIMESTAMP.fullmatch(stamp):
        return False
    if abs(now - int(stamp)) > TOLERANCE_SECONDS or len(entries) > MAX_SIGNATURES:
        return False
    claimed = [signatures.ascii_bytes(entry) for entry in entries if entry.startswith("v1,")]
    signed = f"{message_id}.{stamp}.".encode("ascii") + body
    expected = [b"v1," + base64.b64encode(signatures.sha256(one, signed)) for one in _keys(secrets)]
    return signatures.any_equal(claimed, expected)


def timestamp(given: Mapping[str, str]) -> int | None:
    """The attempt's time in seconds since 1970, which is signed; None where there is none."""
    stamp = given.get("webhook-timestamp", "")
    return int(stamp) if _TIMESTAMP.fullmatch(stamp) else None


def _keys(secrets: Sequence[str]) -> list[bytes]:
    found = []
    for one in secrets:
        try:
            found.append(key(one))
        except BadSecret:
            continue
    return found

"""What one delivery says, with the channel it came through."""

import hashlib
from dataclasses import dataclass

from orders.messages import Message
from orders.models import Channel


@dataclass(frozen=True, slots=True)
class Said:
    """One message and the channel it came through."""

    channel: Channel
    message: Message


def digest(message: Message) -> str:
    """Tells two messages of one version apart, the same way whichever came first."""
    return hashlib.sha256(repr(message).encode()).hexdigest()

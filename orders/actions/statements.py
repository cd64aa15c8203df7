"""What one delivery says, with the channel it came through."""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from orders.messages import Authority, Message, OrderMessage
from orders.models import Channel

_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Said:
    """One message and the channel it came through."""

    channel: Channel
    message: Message


def digest(message: Message) -> str:
    """Tells two messages of one version apart, the same way whichever came first.

    Of what a file says only the content counts: the same row in another file is the same word.
    """
    if isinstance(message, OrderMessage) and message.authority == Authority.FILE:
        message = replace(message, version=_ANY_TIME, rank=0, quiet=False)
    return hashlib.sha256(repr(message).encode()).hexdigest()

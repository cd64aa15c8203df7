"""What one delivery says, with the channel it came through."""

import hashlib
from dataclasses import dataclass

from orders.files import words
from orders.messages import FROM_FILE, Authority, Message, OrderMessage, PaymentMessage
from orders.models import Channel


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
        return words.digest(message)
    if isinstance(message, PaymentMessage) and message.external_id.startswith(FROM_FILE):
        return words.digest(message)
    return hashlib.sha256(repr(message).encode()).hexdigest()

"""Why they bought: conversations and the attribution of each order."""

from attribution.models.attributions import Attribution
from attribution.models.conversations import Conversation, Message

__all__ = ["Attribution", "Conversation", "Message"]

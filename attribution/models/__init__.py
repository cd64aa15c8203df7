"""Why they bought: conversations and the attribution of each order."""

from attribution.models.attributions import Attribution
from attribution.models.conversations import Conversation, Message
from attribution.models.intents import ProductIntent
from attribution.models.store_alerts import StoreAlert

__all__ = ["Attribution", "Conversation", "Message", "ProductIntent", "StoreAlert"]

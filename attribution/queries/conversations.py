"""When customers last wrote in a chat."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Max

from attribution.models import Conversation, Message


def last_written(profile_ids: Collection[int]) -> dict[int, datetime]:
    """By customer, the last moment at which they wrote; a chat without stored messages counts by its last activity."""
    told = [
        Message.objects.filter(conversation__profile__in=profile_ids, by=Message.By.CUSTOMER)
        .values("conversation__profile_id")
        .annotate(last=Max("at"))
        .values_list("conversation__profile_id", "last"),
        Conversation.objects.filter(profile__in=profile_ids, message_count=0)
        .values("profile_id")
        .annotate(last=Max("last_activity_at"))
        .values_list("profile_id", "last"),
    ]
    found: dict[int, datetime] = {}
    for profile_id, at in (row for rows in told for row in rows):
        found[profile_id] = max(at, found.get(profile_id, at))
    return found

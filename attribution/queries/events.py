"""What the attribution app tells the event streams: a conversation as it is known, without what was written in it."""

from attribution.models import Conversation
from profiles.actions.streams import NORMALIZED, Entry, instant


def conversation(row: Conversation) -> Entry:
    """One entry; the row is locked and fresh."""
    return Entry(
        topic=NORMALIZED,
        type="conversation.updated",
        subject=f"conversation:{row.external_id}",
        profile_id=row.profile_id,
        occurred_at=row.last_activity_at,
        payload={
            "id": row.pk,
            "external_id": row.external_id,
            "channel": row.source,
            "started_at": instant(row.started_at),
            "last_activity_at": instant(row.last_activity_at),
            "ended_at": instant(row.ended_at),
            "message_count": row.message_count,
            "tags": list(row.tags),
            "profile": row.profile_id,
            "identifiers": list(row.identifiers),
        },
    )

"""Mail that came back: a provider took it, and the other side did not."""

from datetime import datetime

from fulfillment.actions import tracking
from fulfillment.models import Email
from fulfillment.tracking import Kind
from profiles.actions import audit
from profiles.actors import Actor


def record(email: Email, *, reason: str, at: datetime, by: Actor) -> bool:
    """Note that this message came back, once; false if that was known. Its link still works for who has it."""
    if Email.objects.filter(pk=email.pk, bounced_at__isnull=False).exists():
        return False
    tracking.say(email, Kind.BOUNCED, provider=tracking.STAFF, at=at, words=reason)
    email.refresh_from_db(fields=["bounced_at", "bounce"])
    audit.record("email.bounced", by=by, subject=email, profile_id=email.profile_id, order_id=email.order_id)
    return True

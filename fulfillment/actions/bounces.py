"""Mail that came back: a provider took it, and the other side did not."""

from datetime import datetime

from fulfillment.models import Email
from profiles.actions import audit
from profiles.actors import Actor


def record(email: Email, *, reason: str, at: datetime, by: Actor) -> bool:
    """Note that this message came back, once; false if that was known. Its link still works for who has it."""
    noted = Email.objects.filter(pk=email.pk, bounced_at__isnull=True).update(bounced_at=at, bounce=reason[:2000])
    if noted:
        email.refresh_from_db(fields=["bounced_at", "bounce"])
        audit.record("email.bounced", by=by, subject=email, profile_id=email.profile_id, order_id=email.order_id)
    return bool(noted)

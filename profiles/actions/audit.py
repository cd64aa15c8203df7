"""The audit log's one door: every act records itself here, inside its own transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import models

from profiles import clock
from profiles.actors import Actor, Invalid
from profiles.models import AuditEntry


class ReasonMissing(Invalid):
    """A person changes something only with a reason."""


def require_reason(because: str) -> str:
    """The reason without surrounding space; raises ReasonMissing."""
    reason = because.strip()
    if len(reason) < 3:
        raise ReasonMissing("Please give a reason: it stands in the audit log beside your name.")
    return reason


def record(
    action: str,
    *,
    by: Actor,
    subject: models.Model | None = None,
    because: str = "",
    details: Mapping[str, Any] | None = None,
    profile_id: int | None = None,
    order_id: int | None = None,
    organization_id: int | None = None,
    at: datetime | None = None,
) -> AuditEntry:
    """Write one row of who did what and why, now or at the moment that a page has asked for already.

    Personal data by reference only: ids, never addresses.
    """
    owner: Any = organization_id if organization_id is not None else getattr(subject, "organization_id", None)
    return AuditEntry.objects.create(
        organization_id=owner,
        at=at or clock.now(),
        actor_id=by.user_id,
        actor_label=by.label,
        action=action,
        subject_type=subject._meta.label_lower if subject is not None else "",
        subject_id=subject.pk if subject is not None else None,
        profile_id=profile_id,
        order_id=order_id,
        reason=because,
        details=dict(details or {}),
        act=by.act,
        request_id=by.request_id,
    )

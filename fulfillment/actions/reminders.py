"""Reminding guests of what waits for them: once after a week, once after three, and when a person presses the button.

Stopped by a claim, by a refund or revocation (there is nothing left to claim), and by an address that sends mail back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import connection

from fulfillment.actions import claims, suppressions
from fulfillment.actions.claims import Reach
from fulfillment.actions.invitations import REMIND_AFTER
from fulfillment.models import Claim, Email, Entitlement
from profiles import clock
from profiles.actions import audit
from profiles.actors import Actor
from profiles.models import Profile

BY = Actor.system("claim reminders")
LEASE = timedelta(hours=1)
EFFECT = "claim_reminder"

_CLAIM = """
UPDATE fulfillment_claim SET remind_at = %s
 WHERE id = ANY(ARRAY(SELECT id FROM fulfillment_claim WHERE remind_at <= %s
                       ORDER BY remind_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED))
RETURNING id
"""


@dataclass
class Reminded:
    """What one press did: to whom a reminder goes, and who was passed over, each with the sentence why."""

    sent: list[Email] = field(default_factory=list)
    passed_over: list[tuple[int, str]] = field(default_factory=list)


def claim_due(limit: int) -> list[int]:
    """Take up to `limit` invitations whose reminder is due; one that fails comes due again after an hour."""
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [now + LEASE, now, limit])
        return [row[0] for row in cursor.fetchall()]


def work(claim_ids: Sequence[int]) -> None:
    """Send the reminders of these invitations, at most one a step and customer, and set when to look again."""
    now = clock.now()
    rows = Claim.objects.select_for_update(of=("self",), no_key=True).select_related("profile").filter(pk__in=claim_ids)
    for claim in rows.order_by("pk"):
        step = 1 if now < claim.created_at + REMIND_AFTER[1] else 2
        found = ready(claim.profile)
        if not found.cannot:
            _remind(claim.profile, found, step)
        again = claim.created_at + REMIND_AFTER[1]
        claim.remind_at = again if step == 1 and not found.cannot else None
        claim.save(update_fields=["remind_at"])


def _remind(profile: Profile, found: Reach, step: int) -> None:
    effect = f"{EFFECT}:{profile.pk}:{step}"
    if Email.objects.filter(effect_key=effect).exists():
        return
    mail = claims.write(profile, found, effect, Email.Template.REMINDER, by=BY)
    audit.record("claim.reminded", by=BY, subject=mail, profile_id=profile.pk, details={"step": step})


def ready(profile: Profile) -> Reach:
    """Where a reminder to this customer would go, or why none goes."""
    if profile.claimed_at:
        return Reach(cannot="The library is claimed.")
    waiting = Entitlement.objects.filter(profile=profile, status=Entitlement.Status.PENDING_CLAIM)
    if not waiting.exists():
        return Reach(cannot="Nothing waits to be claimed.")
    found = claims.reach(profile)
    if found.to and Email.objects.filter(profile=profile, to=found.to, bounced_at__isnull=False).exists():
        return Reach(cannot="Mail to the address came back.")
    if suppressions.silenced([found.to]):
        return Reach(cannot="The customer wants no such mail.")
    return found


def remind(profile_ids: Sequence[int], *, by: Actor, because: str, key: str) -> Reminded:
    """A person reminds these customers now; `key` makes a double press one mail each. Made-up shops' are only kept."""
    by.require("resend")
    reason = audit.require_reason(because)
    done = Reminded()
    for profile in Profile.objects.filter(pk__in=list(profile_ids)).order_by("pk"):
        effect = f"{EFFECT}:{profile.pk}:{key}"[:160]
        found = ready(profile)
        if found.cannot:
            done.passed_over.append((profile.pk, found.cannot))
        elif not Email.objects.filter(effect_key=effect).exists():
            mail = claims.write(profile, found, effect, Email.Template.REMINDER, by=by)
            audit.record("claim.reminded", by=by, subject=mail, because=reason, profile_id=profile.pk)
            done.sent.append(mail)
    return done

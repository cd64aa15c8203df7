"""Which organizations have work that is due, and which facts wait to be settled."""

from django.db import models

from profiles.models.base import Tenant


class DueWork(models.Model):
    """Routing table: organization → when its next work is due. Workers read it to know where to look; no policy."""

    organization_id = models.BigIntegerField(unique=True)
    due_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"organization {self.organization_id} at {self.due_at}"


class SettlementRequest(Tenant):
    """Facts of this subject changed: everything that depends on them has to be made to agree.

    Requests for one subject coalesce; `revision` tells a worker whether a newer request came while it worked.
    """

    class Subject(models.TextChoices):
        ORDER = "order"
        PROFILE = "profile"
        EVENT = "event"
        PAYOUT = "payout"
        MOVEMENT = "movement"

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        CLAIMED = "claimed", "Being worked on"
        DEAD = "dead", "Set aside"

    subject = models.CharField(max_length=8, choices=Subject)
    subject_id = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    revision = models.IntegerField(default=1)
    attempts = models.SmallIntegerField(default=0)
    due_at = models.DateTimeField(db_default=models.functions.Now())
    lease_until = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "subject", "subject_id"], name="settlement_unique"),
        ]
        indexes = [models.Index(fields=["organization", "state", "due_at"], name="settlement_due")]

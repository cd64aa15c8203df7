"""Things a provider only named, until its own API has told them."""

from django.db import models
from django.db.models.functions import Now

from orders.models.channels import Channel
from profiles.models import Tenant
from profiles.tenancy import TenantForeignKey


class Lookup(Tenant):
    """One thing to be read from a provider's API; its answer goes into the inbox like a delivery.

    Named again while it is being read, it is read once more: `revision` says how often it was named.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        CLAIMED = "claimed", "Being read"
        DONE = "done", "Read"
        FAILED = "failed", "Could not be read"

    channel = TenantForeignKey(Channel, on_delete=models.CASCADE, related_name="lookups")
    thing = models.CharField(max_length=20)
    external_id = models.CharField(max_length=255)
    account = models.CharField(max_length=64, blank=True, default="")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    revision = models.IntegerField(default=1)
    attempts = models.SmallIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True, default="")
    named_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "channel", "thing", "external_id"], name="lookup_unique"),
        ]
        indexes = [
            models.Index(
                fields=["organization", "due_at"],
                name="lookup_due",
                condition=models.Q(state__in=["queued", "claimed"]),
            ),
            models.Index(fields=["organization", "-named_at", "-id"], name="lookup_newest"),
            models.Index(fields=["organization", "named_at"], name="lookup_failed", condition=models.Q(state="failed")),
        ]

    def __str__(self) -> str:
        return f"{self.thing} {self.external_id}"

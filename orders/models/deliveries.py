"""The inbox: each authentic delivery as it came, stored before anything else happens to it."""

from django.db import models

from orders.models.channels import Channel
from profiles.models import Tenant
from profiles.tenancy import TenantForeignKey


class Delivery(Tenant):
    """One raw delivery and what became of it. Told apart by (channel, delivery id, SHA-256 of the body)."""

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        CLAIMED = "claimed", "Being read"
        DONE = "done", "Recorded"
        IGNORED = "ignored", "Nothing to record"
        QUARANTINED = "quarantined", "Quarantined"
        DISMISSED = "dismissed", "Dismissed"

    channel = TenantForeignKey(Channel, related_name="deliveries")
    delivery_id = models.CharField(max_length=255)
    topic = models.CharField(max_length=100, blank=True, default="")
    body = models.BinaryField()
    body_hash = models.BinaryField(max_length=32)
    headers = models.JSONField(default=dict)
    received_at = models.DateTimeField(db_default=models.functions.Now())
    state = models.CharField(max_length=12, choices=State, default=State.QUEUED, db_default="queued")
    reason = models.TextField(blank=True, default="", db_default="")
    attempts = models.SmallIntegerField(default=0, db_default=0)
    due_at = models.DateTimeField(db_default=models.functions.Now())
    lease_until = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "channel", "delivery_id", "body_hash"], name="delivery_unique"
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "due_at"],
                name="delivery_due",
                condition=models.Q(state__in=["queued", "claimed"]),
            ),
            models.Index(
                fields=["organization", "-received_at"],
                name="delivery_quarantined",
                condition=models.Q(state="quarantined"),
            ),
            models.Index(
                fields=["organization", "state", "-received_at"],
                name="delivery_set_aside",
                condition=models.Q(state__in=["ignored", "dismissed"]),
            ),
            models.Index(fields=["organization", "-received_at", "-id"], name="delivery_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.topic or 'delivery'} {self.delivery_id}"

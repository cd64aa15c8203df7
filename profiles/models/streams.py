"""What happened, waiting to be told to others: the outbox of the event streams, and how their way out does."""

import uuid

from django.db import models
from django.db.models.functions import Now

from profiles.models.base import Tenant

# Every id of an event is made within this name, so that no other scheme of ours can make the same.
EVENT_IDS = uuid.UUID("6f1d5f0e-3c0b-5b5c-9c39-7f5d2a4be9d1")


class StreamEntry(Tenant):
    """One event: written with the change it tells of, published in the order of ids, told again only if it differs.

    `profile_id` is whom it was about when it was written; a merge does not rewrite what was told. After its time the
    payload goes, and of each subject the last row stays to say what was told last.
    """

    topic = models.CharField(max_length=30)
    type = models.CharField(max_length=60)
    subject = models.CharField(max_length=600, help_text="What it is about, unique in its organization.")
    revision = models.IntegerField(help_text="How often this subject was told, beginning with 1.")
    profile_id = models.BigIntegerField(null=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    payload = models.TextField(help_text="JSON, as it is sent; empty once its time is over.")
    digest = models.UUIDField(help_text="Of type, customer and payload: what is told is told once.")
    published_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "event"
        constraints = [
            models.UniqueConstraint(fields=["organization", "topic", "subject", "revision"], name="streamentry_unique"),
        ]
        indexes = [
            models.Index(
                fields=["organization", "id"],
                name="streamentry_waiting",
                condition=models.Q(published_at__isnull=True),
            ),
            # Not kept while an event waits, so that writing one costs no more for it.
            models.Index(
                fields=["organization", "published_at"],
                name="streamentry_kept",
                condition=models.Q(published_at__isnull=False) & ~models.Q(payload=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.subject}"

    @property
    def event_id(self) -> uuid.UUID:
        """The id every delivery, retry and replay of this event carries."""
        return uuid.uuid5(EVENT_IDS, f"{self.organization_id}|{self.topic}|{self.subject}|{self.revision}")


class StreamCircuit(models.Model):
    """What is remembered of Redis' health: one row. It belongs to the installation, not to a tenant."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    failures = models.IntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return "Redis"


class StreamBacklog(models.Model):
    """Routing table: organization → since when its oldest event waits, while Redis takes none. No customer data."""

    organization_id = models.BigIntegerField(unique=True)
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"organization {self.organization_id} since {self.since}"

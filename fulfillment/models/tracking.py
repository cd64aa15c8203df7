"""What mail services report of messages: the events, the routes by which they are found, and those that came early."""

from django.db import models
from django.db.models.functions import Now

from fulfillment.models.emails import Email
from fulfillment.tracking import WORDS, Kind
from profiles.models import Tenant
from profiles.tenancy import TenantForeignKey


class EmailEvent(Tenant):
    """One report about one message, kept once. `settled_at` is empty until the message's own row agrees with it."""

    email = TenantForeignKey(Email, on_delete=models.CASCADE, related_name="events")
    provider = models.CharField(max_length=20, help_text="Who reported it; 'staff' for a person's word.")
    kind = models.CharField(max_length=12, choices=[(str(kind), words) for kind, words in WORDS.items()])
    at = models.DateTimeField(help_text="By the service's own time.")
    key = models.CharField(max_length=64, help_text="The same for the same report.")
    words = models.CharField(max_length=2000, blank=True, default="", help_text="Addresses are left out.")
    received_at = models.DateTimeField(db_default=Now())
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "provider", "key"], name="emailevent_unique"),
        ]
        indexes = [
            models.Index(fields=["organization", "email", "at"], name="emailevent_of_email"),
            models.Index(
                fields=["organization", "received_at"],
                name="emailevent_unsettled",
                condition=models.Q(settled_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.email_id})"

    @property
    def sort(self) -> Kind:
        return Kind(self.kind)


class EmailRoute(models.Model):
    """Routing table: SHA-256 of a name of a message → organization and message. No policy.

    A name that two messages bear leads to none of them (`email_id` empty).
    """

    digest = models.BinaryField(max_length=32, unique=True)
    organization_id = models.BigIntegerField()
    email_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(db_default=Now(), db_index=True)

    def __str__(self) -> str:
        return f"e-mail {self.email_id or '-'}"


class EmailEcho(models.Model):
    """Routing table: a report that came before its message was known by this name, kept for an hour. No policy."""

    digest = models.BinaryField(max_length=32)
    provider = models.CharField(max_length=20)
    kind = models.CharField(max_length=12)
    at = models.DateTimeField()
    key = models.CharField(max_length=64)
    words = models.CharField(max_length=500, blank=True, default="")
    received_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["digest", "key"], name="emailecho_unique")]

    def __str__(self) -> str:
        return f"{self.kind} by {self.provider}"

"""Who else is told: the endpoints of other systems, and every event each of them was sent."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from profiles.history import tracked
from profiles.models.base import Tenant
from profiles.models.streams import StreamEntry
from profiles.secrets import SecretField
from profiles.tenancy import TenantForeignKey


@tracked("WebhookEndpointEvent", without=["secret", "former_secret", "failing_since", "rests_until"])
class WebhookEndpoint(Tenant):
    """An address that is sent the events of its topics, signed by the Standard Webhooks scheme.

    During a rotation the former secret signs too. It is switched off by a person, by its own 410, or after failing for
    days; `why` says which.
    """

    class State(models.TextChoices):
        ENABLED = "enabled", "Sending"
        DISABLED = "disabled", "Switched off"

    name = models.CharField(max_length=100)
    url = models.CharField(max_length=500)
    topics = ArrayField(models.CharField(max_length=30))
    secret = SecretField(editable=False)
    former_secret = SecretField(blank=True, default="", editable=False)
    former_secret_until = models.DateTimeField(null=True, editable=False)
    state = models.CharField(max_length=8, choices=State, default=State.ENABLED)
    disabled_at = models.DateTimeField(null=True)
    by_itself = models.BooleanField(default=False, help_text="Switched off by us rather than by a person.")
    why = models.CharField(max_length=500, blank=True, default="")
    failing_since = models.DateTimeField(null=True, help_text="Since when every try failed.")
    rests_until = models.DateTimeField(null=True, help_text="It gave no answer: left alone until then.")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "webhook endpoint"
        constraints = [
            models.UniqueConstraint(fields=["organization", "url"], name="webhookendpoint_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class WebhookDelivery(Tenant):
    """One event on its way to one endpoint. An attempt counts before the call, so that no crash hides one."""

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        CLAIMED = "claimed", "Being sent"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"

    endpoint = TenantForeignKey(WebhookEndpoint, related_name="deliveries")
    entry = TenantForeignKey(StreamEntry, related_name="deliveries")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    attempts = models.SmallIntegerField(default=0)
    tries = models.JSONField(default=list, help_text="Each attempt: at, status, ms, error, answer.")
    created_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "webhook delivery"
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(fields=["organization", "endpoint", "entry"], name="webhookdelivery_unique"),
        ]
        indexes = [
            models.Index(
                fields=["organization", "endpoint", "state", "due_at"],
                name="webhookdelivery_due",
                condition=models.Q(state__in=["queued", "claimed"]),
            ),
            models.Index(fields=["organization", "-created_at", "-id"], name="webhookdelivery_newest"),
            models.Index(fields=["organization", "state", "-created_at"], name="webhookdelivery_state"),
            models.Index(fields=["organization", "entry"], name="webhookdelivery_of_entry"),
            models.Index(
                fields=["organization", "done_at"],
                name="webhookdelivery_done",
                condition=models.Q(done_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entry_id} to {self.endpoint_id}"

    @property
    def last(self) -> dict[str, object]:
        """The last attempt as it was noted; {} where none has ended yet."""
        return self.tries[-1] if self.tries else {}


class WebhookRoute(models.Model):
    """Routing table: organizations that have an endpoint, so that the sender knows where to look. No policy."""

    organization_id = models.BigIntegerField(unique=True)

    def __str__(self) -> str:
        return f"organization {self.organization_id}"

"""The link from an order to the conversation that led to it, with every former result kept."""

from django.db import models

from attribution.models.conversations import Conversation
from orders.models import Order
from profiles.models import Tenant
from profiles.tenancy import TenantForeignKey


class Attribution(Tenant):
    """One result for an order. Exactly one is current; a person's override stands until a person lifts it."""

    class Method(models.TextChoices):
        SESSION = "session_match", "Session match"
        PROXIMITY = "time_proximity", "Time proximity"
        EMAIL = "email_match", "E-mail match"
        NONE = "no_match", "No match"

    order = TenantForeignKey(Order, on_delete=models.CASCADE, related_name="attributions")
    conversation = TenantForeignKey(Conversation, null=True, blank=True, related_name="attributions")
    method = models.CharField(max_length=16, choices=Method)
    confidence_cents = models.SmallIntegerField(help_text="Confidence × 100.")
    joined_by = models.CharField(max_length=10, blank=True, default="", help_text="profile or email")
    factors = models.JSONField(default=dict)
    assists = models.JSONField(default=list, help_text="Conversations that also fitted, without revenue.")
    algorithm_version = models.CharField(max_length=20)
    current = models.BooleanField(default=True)
    overridden_by = models.CharField(max_length=200, blank=True, default="")
    override_reason = models.TextField(blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "order"], name="attribution_current", condition=models.Q(current=True)
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "order", "-at"], name="attribution_of_order"),
            models.Index(
                fields=["organization", "conversation"],
                name="attribution_of_conversation",
                condition=models.Q(current=True),
            ),
        ]

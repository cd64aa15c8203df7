"""Every message to a customer, kept as it was sent, and the row that is its place in the queue."""

from django.db import models
from django.db.models.functions import Now

from fulfillment.models.entitlements import Entitlement
from orders.models import Order
from profiles.models import Profile, Tenant
from profiles.secrets import SecretField
from profiles.tenancy import TenantForeignKey


class Email(Tenant):
    """One message, once for each effect key. The stored text masks link secrets; `secrets` holds them encrypted
    only until a provider accepts the message (kept mail: until the link expires)."""

    follows = "order"

    class Template(models.TextChoices):
        RECEIPT = "receipt", "Receipt"
        DELIVERY = "delivery", "Delivery"
        CLAIM = "claim", "Claim"
        REMINDER = "reminder", "Reminder"
        REFUND = "refund", "Refund"
        CANCELLATION = "cancellation", "Cancellation"
        EMAIL_CHANGE = "email_change", "Change of address"
        FOLLOWUP = "followup", "Follow-up"
        TEST = "test", "Test to a colleague"

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        CLAIMED = "claimed", "Being sent"
        SENT = "sent", "Accepted by provider"
        KEPT = "kept", "Kept, no provider"
        UNKNOWN = "unknown", "Maybe accepted"
        FAILED = "failed", "Refused"
        CANCELLED = "cancelled", "Not sent"

    CARRYING = (Template.RECEIPT, Template.DELIVERY)
    # What is no part of a purchase, though it may remind of one: it can be unsubscribed from by one click.
    UNASKED = (Template.REMINDER, Template.FOLLOWUP)

    effect_key = models.CharField(max_length=160)
    template = models.CharField(max_length=14, choices=Template)
    to = models.CharField(max_length=320)
    about = models.CharField(
        max_length=600, blank=True, default="", help_text="channel/external id of what it is about."
    )
    order = TenantForeignKey(Order, null=True, blank=True, related_name="emails")
    profile = TenantForeignKey(Profile, null=True, blank=True, related_name="emails")
    entitlement = TenantForeignKey(Entitlement, null=True, blank=True, related_name="emails")
    subject = models.CharField(max_length=300)
    text = models.TextField()
    html = models.TextField()
    secrets = SecretField(blank=True, default="")
    secrets_until = models.DateTimeField(null=True)
    message_id = models.CharField(max_length=200)
    instead = models.CharField(
        max_length=300,
        blank=True,
        default="",
        db_default="",
        help_text="Why it is not in the seller's own words.",
    )
    by_person = models.BooleanField(default=False)
    never_send = models.BooleanField(default=False, help_text="Made-up data: its mail is kept, never sent.")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    attempts = models.SmallIntegerField(default=0)
    deaths = models.SmallIntegerField(default=0, db_default=0, help_text="How many workers died while they had it.")
    due_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True)
    provider = models.CharField(max_length=20, blank=True, default="")
    provider_message_id = models.CharField(max_length=200, blank=True, default="")
    last_error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True)
    # What its provider reported, derived from all its events (fulfillment/tracking.py).
    taken_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    deferred_at = models.DateTimeField(null=True)
    soft_bounced_at = models.DateTimeField(null=True)
    bounced_at = models.DateTimeField(null=True, help_text="Came back, or was not sent by the service.")
    bounce = models.TextField(blank=True, default="")
    complained_at = models.DateTimeField(null=True)
    unsubscribed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "e-mail"
        verbose_name_plural = "e-mails"
        constraints = [models.UniqueConstraint(fields=["organization", "effect_key"], name="email_unique")]
        indexes = [
            models.Index(
                fields=["organization", "due_at"],
                name="email_due",
                condition=models.Q(state__in=["queued", "claimed", "unknown"]),
            ),
            models.Index(fields=["organization", "-created_at", "-id"], name="email_newest"),
            models.Index(fields=["organization", "order", "-created_at"], name="email_of_order"),
            models.Index(fields=["organization", "profile", "-created_at"], name="email_of_profile"),
            models.Index(fields=["organization", "state", "-created_at"], name="email_state"),
            # Nearly every mail is a receipt: each other sort is found among the few.
            models.Index(
                fields=["organization", "template", "-created_at", "-id"],
                name="email_of_template",
                condition=~models.Q(template="receipt"),
            ),
            models.Index(
                fields=["organization", "order"],
                name="email_receipted",
                condition=models.Q(template="receipt", state__in=["sent", "kept"]),
            ),
            models.Index(
                fields=["organization", "provider", "-done_at"],
                name="email_of_provider",
                condition=~models.Q(provider=""),
            ),
            models.Index(
                fields=["organization", "to"], name="email_came_back", condition=models.Q(bounced_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.subject

    @property
    def given_up(self) -> bool:
        """Tried twice without a verdict: nothing but a report or a person's word says more."""
        return self.state == self.State.UNKNOWN and self.attempts > 1


class Circuit(models.Model):
    """What is remembered of a mail provider's health. Providers belong to the installation, not to a tenant.

    `rested_until` is a person's word and stands above what the breaker finds out.
    """

    provider = models.CharField(max_length=20, unique=True)
    failures = models.IntegerField(default=0)
    opened_at = models.DateTimeField(null=True)
    probing_until = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True, default="")
    last_error_at = models.DateTimeField(null=True)
    rested_until = models.DateTimeField(null=True)
    rested_by = models.CharField(max_length=200, blank=True, default="")
    rested_because = models.TextField(blank=True, default="")
    strangers = models.BigIntegerField(default=0, db_default=0, help_text="Reports about messages that are not ours.")

    def __str__(self) -> str:
        return self.provider

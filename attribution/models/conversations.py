"""A chat with the seller and the moments at which somebody wrote."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from profiles.models import Fact, Tenant
from profiles.tenancy import TenantForeignKey


class Conversation(Fact):
    """One chat, by the source's own id. Without stored messages it counts as one at its start and one at its end."""

    moment = "started_at"

    external_id = models.CharField(max_length=255)
    source = models.CharField(max_length=100, default="api", help_text="Where the chat took place.")
    email = models.CharField(max_length=320, blank=True, default="")
    phone = models.CharField(max_length=40, blank=True, default="")
    email_raw = models.CharField(max_length=400, blank=True, default="")
    phone_raw = models.CharField(max_length=200, blank=True, default="")
    name = models.CharField(max_length=300, blank=True, default="")
    started_at = models.DateTimeField()
    last_activity_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    message_count = models.IntegerField(default=0)
    tags = ArrayField(models.TextField(), default=list, blank=True)
    arrived_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "external_id"], name="conversation_unique"),
        ]
        indexes = [
            models.Index(fields=["organization", "-started_at", "-id"], name="conversation_newest"),
            models.Index(fields=["organization", "profile", "-last_activity_at"], name="conversation_of_profile"),
            models.Index(fields=["organization", "email"], name="conversation_email", condition=~models.Q(email="")),
            models.Index(fields=["organization", "phone"], name="conversation_phone", condition=~models.Q(phone="")),
            models.Index(
                fields=["organization", "-started_at", "-id"],
                name="conversation_unattached",
                condition=models.Q(profile__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.external_id


class Message(Tenant):
    """A moment at which the customer, an agent or a bot wrote."""

    class By(models.TextChoices):
        CUSTOMER = "customer", "Customer"
        AGENT = "agent", "Agent"
        BOT = "bot", "Bot"

    conversation = TenantForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages")
    at = models.DateTimeField()
    by = models.CharField(max_length=8, choices=By)
    text = models.TextField(blank=True, default="")
    text_hash = models.CharField(max_length=64, help_text="Tells two messages of one instant apart.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "conversation", "at", "by", "text_hash"], name="message_unique"
            ),
        ]

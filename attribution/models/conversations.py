"""A chat with the seller and the moments at which somebody wrote."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from orders.models import Channel
from profiles.models import Fact, Tenant
from profiles.tenancy import TenantForeignKey


class Conversation(Fact):
    """One chat, by the source's own id. Without stored messages it counts as one at its start and one at its end."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        SNOOZED = "snoozed", "Snoozed"
        CLOSED = "closed", "Closed"

    moment = "started_at"

    channel = TenantForeignKey(
        Channel, null=True, blank=True, related_name="conversations", help_text="None where a program tells of it."
    )
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
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN, db_default=Status.OPEN)
    message_count = models.IntegerField(default=0)
    labels = ArrayField(models.TextField(), default=list, db_default=[], blank=True, help_text="As the source tags it.")
    tags = ArrayField(models.TextField(), default=list, blank=True, help_text="What was asked for.")
    enquiries: Any = models.JSONField(
        default=list, db_default=[], blank=True, help_text="What was asked for, and how it is known."
    )
    words: Any = models.JSONField(
        default=dict, db_default={}, blank=True, help_text="The newest word for each thing, see words.py."
    )
    arrived_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "channel", "external_id"], name="conversation_unique", nulls_distinct=False
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-started_at", "-id"], name="conversation_newest"),
            models.Index(fields=["organization", "external_id"], name="conversation_named"),
            models.Index(fields=["organization", "profile", "-last_activity_at"], name="conversation_of_profile"),
            models.Index(fields=["organization", "email"], name="conversation_email", condition=~models.Q(email="")),
            models.Index(fields=["organization", "phone"], name="conversation_phone", condition=~models.Q(phone="")),
            models.Index(
                fields=["organization", "-started_at", "-id"],
                name="conversation_unattached",
                condition=models.Q(profile__isnull=True),
            ),
            # What an array contains is asked after the policy, and so of no index of its elements.
            models.Index(
                fields=["organization", "-started_at", "-id"],
                name="conversation_asked_product",
                condition=models.Q(tags__contains=["product_inquiry"]),
            ),
            models.Index(
                fields=["organization", "-started_at", "-id"],
                name="conversation_asked_price",
                condition=models.Q(tags__contains=["price_check"]),
            ),
        ]

    def __str__(self) -> str:
        return self.external_id


class Message(Tenant):
    """A moment at which the customer, an agent or a bot wrote.

    The text is kept as long as the organization's terms say; what it asked for stays, without the sentence.
    """

    class By(models.TextChoices):
        CUSTOMER = "customer", "Customer"
        AGENT = "agent", "Agent"
        BOT = "bot", "Bot"

    conversation = TenantForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages")
    external_id = models.CharField(
        max_length=255, blank=True, default="", db_default="", help_text="The source's own id."
    )
    version = models.DateTimeField(null=True, help_text="Of two words about one message the newer stands.")
    at = models.DateTimeField()
    by = models.CharField(max_length=8, choices=By)
    text = models.TextField(blank=True, default="")
    text_hash = models.CharField(max_length=64, help_text="Tells two messages of one instant apart.")
    enquiries: Any = models.JSONField(default=list, db_default=[], blank=True, help_text="What it asks for.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "conversation", "at", "by", "text_hash"],
                name="message_unique",
                condition=models.Q(external_id=""),
            ),
            models.UniqueConstraint(
                fields=["organization", "conversation", "external_id"],
                name="message_unique_by_id",
                condition=~models.Q(external_id=""),
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "conversation", "at"], name="message_of_conversation"),
            models.Index(fields=["organization", "at"], name="message_with_text", condition=~models.Q(text="")),
        ]

"""What is written to a customer after a purchase or a gift, each at most once, and how they say they want no more."""

from django.db import models
from django.db.models.functions import Now

from fulfillment.followups import KINDS, WORDS
from fulfillment.models.emails import Email
from fulfillment.models.entitlements import Entitlement
from fulfillment.models.services import Service
from orders.models import Line, Order, Product
from profiles.models import Profile, Tenant
from profiles.tenancy import TenantForeignKey

KIND_CHOICES = [(str(kind), words) for kind, words in KINDS.items()]
OFFERING = [(str(kind), KINDS[kind]) for kind in KINDS if kind.offers]


class Followup(Tenant):
    """One mail planned for one order, one gift or one service that was given by hand, once for each `source_key`.

    A gift is what no line of an order gave, named by its first entitlement (`fulfillment/followups.py: occasion`).
    What is planned for a service that was bought belongs to its order; the key's first part names it (`about`).
    `why` says what stopped it or why it was passed over; one that the facts stopped waits again when they change back.
    """

    follows = "order"

    class State(models.TextChoices):
        WAITING = "waiting", "Planned"
        SENT = "sent", "Sent"
        STOPPED = "stopped", "Stopped"
        SKIPPED = "skipped", "Not needed"

    source_key = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=KIND_CHOICES)
    profile = TenantForeignKey(Profile, null=True, related_name="followups")
    order = TenantForeignKey(Order, null=True, on_delete=models.CASCADE, related_name="followups")
    entitlement = TenantForeignKey(Entitlement, null=True, on_delete=models.CASCADE, related_name="followups")
    service = TenantForeignKey(Service, null=True, on_delete=models.CASCADE, related_name="followups")
    line = TenantForeignKey(Line, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    why = models.CharField(
        max_length=14, blank=True, default="", choices=[(str(why), words) for why, words in WORDS.items()]
    )
    note = models.CharField(max_length=300, blank=True, default="", help_text="Who stopped it, and the reason given.")
    planned_at = models.DateTimeField()
    due_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, help_text="When it was sent, stopped or passed over.")
    email = TenantForeignKey(Email, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        verbose_name = "follow-up"
        constraints = [
            models.UniqueConstraint(fields=["organization", "source_key"], name="followup_unique"),
            models.CheckConstraint(
                condition=models.Q(order__isnull=False, entitlement__isnull=True)
                | models.Q(order__isnull=True, entitlement__isnull=False, service__isnull=True)
                | models.Q(order__isnull=True, entitlement__isnull=True, service__isnull=False),
                name="followup_of_one",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "due_at"], name="followup_due", condition=models.Q(state="waiting")),
            models.Index(fields=["organization", "-due_at", "-id"], name="followup_newest"),
            models.Index(fields=["organization", "state", "-due_at"], name="followup_state"),
            models.Index(fields=["organization", "order"], name="followup_of_order"),
            models.Index(
                fields=["organization", "entitlement"],
                name="followup_of_gift",
                condition=models.Q(entitlement__isnull=False),
            ),
            models.Index(
                fields=["organization", "service"],
                name="followup_of_service",
                condition=models.Q(service__isnull=False),
            ),
            models.Index(fields=["organization", "profile", "-due_at"], name="followup_of_profile"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.matter})"

    @property
    def given(self) -> Entitlement | Service | None:
        """What it is about that no order gave; None where it belongs to an order."""
        return None if self.order_id else self.entitlement or self.service

    @property
    def matter(self) -> str:
        """By what is known what it is about: "order:12", "gift:34" by the gift's first entitlement, or "service:56"."""
        if self.order_id:
            return f"order:{self.order_id}"
        return f"gift:{self.entitlement_id}" if self.entitlement_id else f"service:{self.service_id}"


class Offer(Tenant):
    """What buyers of a product are shown two weeks or a month later; none means no such mail."""

    product = TenantForeignKey(Product, on_delete=models.CASCADE, related_name="offers")
    kind = models.CharField(max_length=10, choices=OFFERING)
    offered = TenantForeignKey(Product, on_delete=models.CASCADE, related_name="+")
    url = models.CharField(max_length=500, help_text="Where it can be bought.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "product", "kind"], name="offer_unique")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} after {self.product_id}"


class PageRoute(models.Model):
    """Routing table: SHA-256 of an unsubscribe or intake address → organization, message or service. No policy."""

    digest = models.BinaryField(max_length=32, unique=True)
    organization_id = models.BigIntegerField()
    email_id = models.BigIntegerField(null=True)
    service_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"message {self.email_id or '-'} service {self.service_id or '-'}"

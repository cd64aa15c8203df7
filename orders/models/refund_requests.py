"""Refunds asked for here: our intention, kept until the provider has made it exactly once. The fact is `Refund`."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from orders.models.orders import Order
from profiles.models import Tenant
from profiles.tenancy import TenantForeignKey


class RefundRequest(Tenant):
    """One refund to be made. `reference` is what the provider knows it by, the same on each try.

    `doubtful`: a try may have come through without our knowing, so that the provider is asked before the next.
    """

    class State(models.TextChoices):
        AWAITING = "awaiting", "Waits for a second person"
        QUEUED = "queued", "Waiting to be sent"
        CLAIMED = "claimed", "Being sent"
        UNKNOWN = "unknown", "No answer yet"
        DONE = "done", "Made"
        FAILED = "failed", "Refused"
        CANCELLED = "cancelled", "Given up"

    OPEN = (State.AWAITING, State.QUEUED, State.CLAIMED, State.UNKNOWN)
    TRANSITIONS = {
        State.AWAITING: (State.QUEUED, State.DONE, State.CANCELLED),
        State.QUEUED: (State.CLAIMED, State.CANCELLED),
        State.CLAIMED: (State.QUEUED, State.UNKNOWN, State.DONE, State.FAILED),
        State.UNKNOWN: (State.CLAIMED, State.QUEUED, State.CANCELLED, State.DONE),
        State.FAILED: (State.QUEUED, State.CANCELLED, State.DONE),
        # The provider's late word that it was made after all is a fact, whatever was decided meanwhile.
        State.CANCELLED: (State.DONE,),
        State.DONE: (),
    }

    order = TenantForeignKey(Order, related_name="refund_requests")
    key = models.CharField(max_length=300, help_text="What makes a repeated press the same request.")
    reference = models.UUIDField(default=uuid.uuid4, editable=False)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    covered_lines = ArrayField(models.TextField(), default=list, blank=True, help_text="line external id × quantity")
    reason = models.TextField()
    by = models.CharField(max_length=200)
    by_user_id = models.BigIntegerField(null=True)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    doubtful = models.BooleanField(default=False)
    attempts = models.IntegerField(default=0)
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    provider_refund_id = models.CharField(max_length=255, blank=True, default="")
    last_error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "key"], name="refundrequest_unique"),
            models.UniqueConstraint(fields=["organization", "reference"], name="refundrequest_reference"),
            models.CheckConstraint(condition=models.Q(amount_minor__gt=0), name="refundrequest_positive"),
        ]
        indexes = [
            models.Index(
                fields=["organization", "due_at"],
                name="refundrequest_due",
                condition=models.Q(state__in=["queued", "claimed", "unknown"]),
            ),
            models.Index(fields=["organization", "order", "created_at"], name="refundrequest_of_order"),
            models.Index(fields=["organization", "-created_at", "-id"], name="refundrequest_newest"),
        ]

    def __str__(self) -> str:
        return f"Refund of order {self.order_id}"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

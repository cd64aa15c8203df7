"""The durable work that turns an entitlement into something delivered."""

from django.db import models
from django.db.models.functions import Now

from fulfillment.models.entitlements import Entitlement
from profiles.models import Tenant
from profiles.tenancy import TenantForeignKey


class Job(Tenant):
    """One job an entitlement. Which state may follow which stands in TRANSITIONS; `actions.jobs` is the one way."""

    class State(models.TextChoices):
        PENDING_PAYMENT = "pending_payment", "Waiting for payment"
        PENDING_PROCESSING = "pending_processing", "Waiting to be prepared"
        PENDING_STORAGE = "pending_storage", "Waiting for the file store"
        PENDING_EMAIL = "pending_email", "Waiting for the e-mail"
        COMPLETED = "completed", "Delivered"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    TRANSITIONS = {
        State.PENDING_PAYMENT: {State.PENDING_PROCESSING, State.CANCELLED},
        State.PENDING_PROCESSING: {
            State.PENDING_STORAGE,
            State.PENDING_EMAIL,
            State.COMPLETED,
            State.FAILED,
            State.CANCELLED,
        },
        State.PENDING_STORAGE: {State.PENDING_PROCESSING, State.PENDING_EMAIL, State.FAILED, State.CANCELLED},
        State.PENDING_EMAIL: {State.PENDING_PROCESSING, State.COMPLETED, State.FAILED, State.CANCELLED},
        State.COMPLETED: {State.PENDING_PROCESSING, State.CANCELLED},
        State.FAILED: {State.PENDING_PROCESSING, State.CANCELLED},
        State.CANCELLED: {State.PENDING_PROCESSING},
    }
    DUE = (State.PENDING_PROCESSING, State.PENDING_STORAGE)

    entitlement = TenantForeignKey(Entitlement, on_delete=models.CASCADE, related_name="jobs")
    state = models.CharField(max_length=20, choices=State, default=State.PENDING_PROCESSING)
    attempts = models.SmallIntegerField(default=0)
    deaths = models.SmallIntegerField(default=0, db_default=0, help_text="How many workers died while they had it.")
    due_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())
    completed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "entitlement"], name="job_unique")]
        indexes = [
            models.Index(
                fields=["organization", "due_at"],
                name="job_due",
                condition=models.Q(state__in=["pending_processing", "pending_storage"]),
            ),
            models.Index(fields=["organization", "state", "-changed_at"], name="job_state"),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()} ({self.entitlement_id})"

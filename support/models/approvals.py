"""Acts over a limit, which wait for a second person's yes (SPEC SUP-13)."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from orders.models import Order
from profiles.models import Tenant
from profiles.secrets import SecretField
from profiles.tenancy import TenantForeignKey


class Approval(Tenant):
    """One act that was asked for: which, on what, in numbers, by whom and why; then who decided, and what came of it.

    `arguments` are ids and figures only; what is personal is `held` encrypted and forgotten with the decision.
    `asked_by_id` is the person answerable: of a token, who issued it.
    """

    class Kind(models.TextChoices):
        REFUND = "refund", "Refund"
        BULK = "bulk", "Act on many rows"
        MERGE = "merge", "Merge of two customers"
        EMAIL_CHANGE = "email_change", "Change of an e-mail address"

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        APPROVED = "approved", "Approved"
        DECLINED = "declined", "Declined"
        EXPIRED = "expired", "Expired"

    kind = models.CharField(max_length=12, choices=Kind)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    key = models.CharField(max_length=300, help_text="What makes a repeated press the same question.")
    title = models.CharField(max_length=300)
    will = ArrayField(models.TextField(), default=list, blank=True)
    arguments = models.JSONField(default=dict)
    held = SecretField(blank=True, default="", help_text="Personal data the act needs, until it is decided.")
    order = TenantForeignKey(Order, null=True, blank=True, related_name="approvals")
    asked_by = models.CharField(max_length=200)
    asked_by_id = models.BigIntegerField(null=True)
    because = models.TextField()
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    decided_by = models.CharField(max_length=200, blank=True, default="")
    decided_by_id = models.BigIntegerField(null=True)
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.TextField(blank=True, default="")
    result = models.TextField(blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="approval_unique")]
        indexes = [
            models.Index(
                fields=["organization", "asked_at"],
                name="approval_waiting",
                condition=models.Q(state="waiting"),
            ),
            models.Index(fields=["organization", "-asked_at", "-id"], name="approval_newest"),
            models.Index(fields=["organization", "order"], name="approval_of_order"),
        ]

    def __str__(self) -> str:
        return self.title

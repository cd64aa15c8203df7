"""The earnings ledger: append-only money facts derived from orders and payouts, and the months that are closed."""

from django.db import models
from django.db.models.functions import Now

from orders.models.channels import Channel
from orders.models.orders import Order
from orders.models.payouts import Payout
from profiles.models import Tenant
from profiles.tenancy import TenantForeignKey


class LedgerEntry(Tenant):
    """One signed amount, never changed. What turned out otherwise is booked as a further entry of the same source.

    The sum of a source's entries is what the facts say of it now, so that the ledger can be derived again at any time.
    `month` is the month it counts in: that of `happened_at` while it was open, else the one open when it was booked
    (`late`).
    """

    class Kind(models.TextChoices):
        CAPTURED = "captured", "Payment"
        FEE = "fee", "Fee"
        REFUND = "refund", "Refund"
        DISPUTE = "dispute", "Dispute"
        DISPUTE_REVERSED = "dispute_reversed", "Dispute won back"
        PAYOUT = "payout", "Payout"
        ADJUSTMENT = "adjustment", "Adjustment"

    channel = TenantForeignKey(Channel, related_name="ledger_entries")
    order = TenantForeignKey(Order, null=True, blank=True, related_name="ledger_entries")
    payout = TenantForeignKey(Payout, null=True, blank=True, related_name="ledger_entries")
    kind = models.CharField(max_length=20, choices=Kind)
    source = models.CharField(max_length=300, help_text="The fact it is derived from, as sort:id.")
    amount_minor = models.BigIntegerField(help_text="Above zero is the seller's; below zero left the seller.")
    currency = models.CharField(max_length=3)
    test = models.BooleanField(default=False)
    happened_at = models.DateTimeField()
    booked_at = models.DateTimeField()
    month = models.DateField(help_text="First day of the month it counts in, in the organization's time zone.")
    late = models.BooleanField(default=False)
    because = models.TextField(blank=True, default="", help_text="For adjustments by a person: why.")
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~models.Q(amount_minor=0), name="ledgerentry_not_nothing"),
        ]
        indexes = [
            models.Index(fields=["organization", "order"], name="ledgerentry_of_order"),
            models.Index(fields=["organization", "payout"], name="ledgerentry_of_payout"),
            models.Index(
                fields=["organization", "source"], name="ledgerentry_of_source", condition=models.Q(order__isnull=True)
            ),
            # All that the totals of months and days read, so that they never touch the rows.
            models.Index(
                fields=["organization", "month", "channel", "kind", "currency"],
                include=["test", "amount_minor", "happened_at", "late"],
                name="ledgerentry_of_month",
            ),
            models.Index(fields=["organization", "-happened_at", "-id"], name="ledgerentry_newest"),
        ]


class Period(Tenant):
    """A closed month: nothing is booked in it any more. `totals` keeps what it came to when it was closed."""

    month = models.DateField(help_text="First day of the month.")
    closed_at = models.DateTimeField()
    closed_by = models.CharField(max_length=200)
    because = models.TextField(blank=True, default="")
    totals = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "month"], name="period_unique")]
        indexes = [models.Index(fields=["organization", "-month"], name="period_newest")]

    def __str__(self) -> str:
        return f"{self.month:%B %Y}"

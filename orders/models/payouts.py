"""What a provider paid out to the seller's bank, and the lines each payout is made of."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from orders import messages
from orders.models.channels import Channel
from orders.models.orders import Order
from profiles.models import Tenant
from profiles.tenancy import TenantForeignKey


class Payout(Tenant):
    """One transfer between a provider's balance and the bank, newest word of it.

    `amount_minor` is the deposit; below zero where the provider took money back. `gross_minor` and `fee_minor` are
    what the provider itself says of the whole (a file does), None where only the lines tell. `complete` says that all
    of its lines are known, so that a sum that does not agree is a difference and not a gap.
    """

    class Status(models.TextChoices):
        PENDING = messages.PayoutStatus.PENDING.value, "On its way"
        PAID = messages.PayoutStatus.PAID.value, "Paid"
        FAILED = messages.PayoutStatus.FAILED.value, "Failed"

    channel = TenantForeignKey(Channel, related_name="payouts")
    external_id = models.CharField(max_length=255)
    status = models.CharField(max_length=10, choices=Status)
    amount_minor = models.BigIntegerField()
    gross_minor = models.BigIntegerField(null=True, blank=True)
    fee_minor = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3)
    at = models.DateTimeField(help_text="When it was made, by the provider's clock.")
    arrives_on = models.DateField(null=True, blank=True)
    destination = models.CharField(max_length=100, blank=True, default="", help_text="Tail of the bank account.")
    complete = models.BooleanField(default=False)
    order_external_ids = ArrayField(
        models.TextField(), default=list, blank=True, help_text="Orders that a file names as paid out."
    )
    from_file = models.BooleanField(default=False)
    test = models.BooleanField(default=False)
    version = models.DateTimeField()
    rank = models.SmallIntegerField(default=0)
    digest = models.CharField(max_length=64)
    arrived_at = models.DateTimeField(db_default=Now())
    # What the bank statement says, entered or imported by finance.
    bank_minor = models.BigIntegerField(null=True, blank=True)
    bank_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "channel", "external_id"], name="payout_unique"),
        ]
        indexes = [
            models.Index(fields=["organization", "-at", "-id"], name="payout_newest"),
            models.Index(fields=["organization", "external_id"], name="payout_external_id"),
        ]

    def __str__(self) -> str:
        return self.external_id


class PayoutLine(Tenant):
    """One movement of a provider's balance; without a payout it is still in transit.

    `net_minor` = `amount_minor` − `fee_minor`, in the currency of the balance. A line that names a payment, refund,
    dispute or order belongs to that order as soon as it is known.
    """

    class Kind(models.TextChoices):
        CAPTURED = messages.BalanceKind.CAPTURED.value, "Payment"
        REFUND = messages.BalanceKind.REFUND.value, "Refund"
        REFUND_FAILED = messages.BalanceKind.REFUND_FAILED.value, "Failed refund"
        DISPUTE = messages.BalanceKind.DISPUTE.value, "Dispute"
        DISPUTE_REVERSED = messages.BalanceKind.DISPUTE_REVERSED.value, "Dispute won back"
        FEE = messages.BalanceKind.FEE.value, "Fee"
        ADJUSTMENT = messages.BalanceKind.ADJUSTMENT.value, "Adjustment"
        CARRIED = messages.BalanceKind.CARRIED.value, "Carried balance"
        CONVERSION = messages.BalanceKind.CONVERSION.value, "Conversion"
        UNKNOWN = messages.BalanceKind.UNKNOWN.value, "Unknown"

    channel = TenantForeignKey(Channel, related_name="payout_lines")
    external_id = models.CharField(max_length=255)
    payout = TenantForeignKey(Payout, null=True, blank=True, related_name="lines")
    payout_external_id = models.CharField(max_length=255, blank=True, default="")
    kind = models.CharField(max_length=20, choices=Kind)
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField(default=0)
    net_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    at = models.DateTimeField(help_text="When it happened, by the provider's clock.")
    source_reference = models.CharField(max_length=255, blank=True, default="", help_text="The provider's own thing.")
    payment_reference = models.CharField(max_length=255, blank=True, default="")
    order_external_id = models.CharField(max_length=255, blank=True, default="")
    order = TenantForeignKey(Order, null=True, blank=True, related_name="payout_lines")
    described = models.CharField(max_length=300, blank=True, default="")
    test = models.BooleanField(default=False)
    version = models.DateTimeField()
    rank = models.SmallIntegerField(default=0)
    digest = models.CharField(max_length=64)
    arrived_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "channel", "external_id"], name="payoutline_unique"),
            models.CheckConstraint(
                condition=models.Q(net_minor=models.F("amount_minor") - models.F("fee_minor")), name="payoutline_net"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "payout"], name="payoutline_of_payout"),
            models.Index(fields=["organization", "order"], name="payoutline_of_order"),
            models.Index(
                fields=["organization", "channel"], name="payoutline_parked", condition=models.Q(order__isnull=True)
            ),
            # What waits for its payout or order is found by the name it waits under.
            models.Index(
                fields=["organization", "payout_external_id"],
                name="payoutline_awaits_payout",
                condition=models.Q(payout__isnull=True) & ~models.Q(payout_external_id=""),
            ),
            models.Index(
                fields=["organization", "order_external_id"],
                name="payoutline_awaits_order",
                condition=models.Q(order__isnull=True) & ~models.Q(order_external_id=""),
            ),
            models.Index(
                fields=["organization", "payment_reference"],
                name="payoutline_awaits_payment",
                condition=models.Q(order__isnull=True) & ~models.Q(payment_reference=""),
            ),
            models.Index(
                fields=["organization", "source_reference"],
                name="payoutline_awaits_source",
                condition=models.Q(order__isnull=True) & ~models.Q(source_reference=""),
            ),
            models.Index(
                fields=["organization", "currency"],
                name="payoutline_in_transit",
                condition=models.Q(payout__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.external_id

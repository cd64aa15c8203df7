"""Payments, refunds and disputes by the provider's own ids, and the totals of each customer derived from them.

A fact may arrive before the order it belongs to: `order` is empty until the order comes.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from orders import messages
from orders.models.channels import Channel
from orders.models.orders import Order
from profiles.models import Profile, Tenant
from profiles.tenancy import TenantForeignKey


class MoneyFact(Tenant):
    """What payments, refunds and disputes share: identity at the provider, references to the order, version."""

    channel = TenantForeignKey(Channel, related_name="%(class)ss")
    external_id = models.CharField(max_length=255)
    order = TenantForeignKey(Order, null=True, blank=True, related_name="%(class)ss")
    order_external_id = models.CharField(max_length=255, blank=True, default="")
    payment_reference = models.CharField(max_length=255, blank=True, default="")
    charge_reference = models.CharField(max_length=255, blank=True, default="")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    at = models.DateTimeField(help_text="When it happened, by the provider's clock.")
    test = models.BooleanField(default=False)
    version = models.DateTimeField()
    rank = models.SmallIntegerField(default=0)
    digest = models.CharField(max_length=64)
    arrived_at = models.DateTimeField(db_default=Now())

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(fields=["organization", "channel", "external_id"], name="%(class)s_unique"),
            models.CheckConstraint(condition=models.Q(amount_minor__gte=0), name="%(class)s_not_negative"),
        ]
        indexes = [
            models.Index(fields=["organization", "order"], name="%(class)s_of_order"),
            models.Index(fields=["organization", "external_id"], name="%(class)s_external_id"),
            models.Index(
                fields=["organization", "channel"], name="%(class)s_parked", condition=models.Q(order__isnull=True)
            ),
            models.Index(
                fields=["organization", "charge_reference"],
                name="%(class)s_charge",
                condition=~models.Q(charge_reference=""),
            ),
        ]

    def __str__(self) -> str:
        return self.external_id


class Payment(MoneyFact):
    class Status(models.TextChoices):
        PENDING = messages.PaymentStatus.PENDING.value, "Pending"
        CAPTURED = messages.PaymentStatus.CAPTURED.value, "Captured"
        FAILED = messages.PaymentStatus.FAILED.value, "Failed"

    status = models.CharField(max_length=10, choices=Status)
    method = models.CharField(max_length=60, blank=True, default="")
    last4 = models.CharField(max_length=4, blank=True, default="")
    fee_minor = models.BigIntegerField(null=True)

    class Meta(MoneyFact.Meta):
        abstract = False
        indexes = [
            *(index for index in MoneyFact.Meta.indexes if index.name != "%(class)s_of_order"),
            models.Index(
                fields=["organization", "order"],
                include=["amount_minor", "currency", "status"],
                name="payment_of_order",
            ),
            models.Index(fields=["organization", "last4"], name="payment_last4", condition=~models.Q(last4="")),
        ]


class Refund(MoneyFact):
    """`order_minor` is the amount in the order's own currency, by the payload or by the order's own rate."""

    class Status(models.TextChoices):
        PENDING = messages.RefundStatus.PENDING.value, "Pending"
        SUCCEEDED = messages.RefundStatus.SUCCEEDED.value, "Succeeded"
        FAILED = messages.RefundStatus.FAILED.value, "Failed"

    status = models.CharField(max_length=10, choices=Status)
    shop_amount_minor = models.BigIntegerField(null=True)
    shop_currency = models.CharField(max_length=3, blank=True, default="")
    order_minor = models.BigIntegerField(null=True)
    reason = models.TextField(blank=True, default="")
    covered_lines = ArrayField(models.TextField(), default=list, blank=True, help_text="line external id × quantity")

    class Meta(MoneyFact.Meta):
        abstract = False
        indexes = [*MoneyFact.Meta.indexes, models.Index(fields=["organization", "at"], name="refund_at")]


class Dispute(MoneyFact):
    class Status(models.TextChoices):
        OPENED = messages.DisputeStatus.OPENED.value, "Open"
        WON = messages.DisputeStatus.WON.value, "Won"
        LOST = messages.DisputeStatus.LOST.value, "Lost"

    status = models.CharField(max_length=10, choices=Status)
    reason = models.CharField(max_length=100, blank=True, default="")
    evidence_due_at = models.DateTimeField(null=True)

    class Meta(MoneyFact.Meta):
        abstract = False
        indexes = [*MoneyFact.Meta.indexes, models.Index(fields=["organization", "at"], name="dispute_at")]


class ProfileTotal(Tenant):
    """A customer's statistics in one currency, always equal to a recount (SPEC PRO-7).

    Counted: orders paid or later, not test, not cancelled. `base_minor` is None while a rate of a day is missing.
    """

    profile = TenantForeignKey(Profile, on_delete=models.CASCADE, related_name="totals")
    currency = models.CharField(max_length=3)
    orders = models.IntegerField(default=0)
    gross_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    net_minor = models.BigIntegerField(default=0)
    refunds = models.IntegerField(default=0)
    base_minor = models.BigIntegerField(null=True)
    first_purchase_at = models.DateTimeField(null=True)
    last_purchase_at = models.DateTimeField(null=True)

    derived = True

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "profile", "currency"], name="profiletotal_unique"),
        ]
        indexes = [models.Index(fields=["organization", "currency", "-net_minor"], name="profiletotal_highest")]


class Rate(Tenant):
    """Units of the organization's base currency for one unit of `currency` on a day, as entered; exact decimal."""

    currency = models.CharField(max_length=3)
    on = models.DateField()
    rate = models.DecimalField(max_digits=20, decimal_places=10)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "currency", "on"], name="rate_unique"),
            models.CheckConstraint(condition=models.Q(rate__gt=0), name="rate_positive"),
        ]

"""One normalised order whatever the channel, its lines, and every change of its status."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from orders.messages import OrderStatus
from orders.models.channels import Channel
from orders.models.products import Product
from profiles.models import Fact, Tenant
from profiles.tenancy import TenantForeignKey


class Order(Fact):
    """Facts as the channel gave them, newest version; then what `settle` derived from them.

    Customer data stays as it was sent. `email` and `phone` are its normalised forms, empty where there is none.
    """

    moment = "placed_at"
    settles_as = "order"

    class Status(models.TextChoices):
        PENDING = OrderStatus.PENDING.value, "Pending"
        PROCESSING = OrderStatus.PROCESSING.value, "Processing"
        SHIPPED = OrderStatus.SHIPPED.value, "Shipped"
        DELIVERED = OrderStatus.DELIVERED.value, "Delivered"
        CANCELLED = OrderStatus.CANCELLED.value, "Cancelled"
        REFUNDED = OrderStatus.REFUNDED.value, "Refunded"

    class PaymentStatus(models.TextChoices):
        UNPAID = "unpaid", "Unpaid"
        PAID = "paid", "Paid"
        PARTIALLY_REFUNDED = "partially_refunded", "Partially refunded"
        REFUNDED = "refunded", "Refunded"
        DISPUTED = "disputed", "Disputed"
        FAILED = "failed", "Failed"

    channel = TenantForeignKey(Channel, related_name="orders")
    external_id = models.CharField(max_length=255)
    number = models.CharField(max_length=100, blank=True, default="")
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField()
    discount_minor = models.BigIntegerField(default=0)
    tax_minor = models.BigIntegerField(default=0)
    shipping_minor = models.BigIntegerField(default=0)
    presentment_currency = models.CharField(max_length=3, blank=True, default="")
    presentment_total_minor = models.BigIntegerField(null=True)
    placed_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True)
    test = models.BooleanField(default=False)
    channel_status = models.CharField(max_length=12, choices=Status)
    channel_paid = models.BooleanField(default=False)
    channel_failed = models.BooleanField(default=False)
    cancelled = models.BooleanField(default=False)
    payment_reference = models.CharField(max_length=255, blank=True, default="")
    charge_reference = models.CharField(max_length=255, blank=True, default="")
    customer_name = models.CharField(max_length=300, blank=True, default="")
    email_raw = models.CharField(max_length=400, blank=True, default="")
    phone_raw = models.CharField(max_length=200, blank=True, default="")
    email = models.CharField(max_length=320, blank=True, default="")
    phone = models.CharField(max_length=40, blank=True, default="")
    region = models.CharField(max_length=2, blank=True, default="")
    locale = models.CharField(max_length=40, blank=True, default="", db_default="")
    address = models.JSONField(
        default=dict, db_default={}, blank=True, help_text="Street, more, postcode and city as they were sent."
    )
    verified_account = models.BooleanField(default=False)
    conversation_hint = models.CharField(max_length=255, blank=True, default="")
    flags = ArrayField(models.TextField(), default=list, blank=True)
    extra = models.JSONField(default=dict)
    booked = models.BooleanField(
        default=True,
        db_default=True,
        help_text="Its money counts in the ledger; off where that is booked.",
    )
    # The version of these facts: of two messages the greater (authority, version, rank, digest) wins.
    authority = models.CharField(max_length=12)
    version = models.DateTimeField()
    rank = models.SmallIntegerField(default=0)
    digest = models.CharField(max_length=64)
    arrived_at = models.DateTimeField(db_default=Now())
    # Said when the order was first known, and never changed:
    from_file = models.BooleanField(default=False, db_default=False, help_text="First known from a file.")
    quiet = models.BooleanField(
        default=False, db_default=False, help_text="No mail goes out by itself: the buyer had theirs long ago."
    )
    # Derived by settle:
    status = models.CharField(max_length=12, choices=Status, default=Status.PENDING)
    payment_status = models.CharField(max_length=20, choices=PaymentStatus, default=PaymentStatus.UNPAID)
    captured_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    disputed_minor = models.BigIntegerField(default=0, help_text="Lost in disputes.")
    base_rate = models.DecimalField(
        max_digits=30, decimal_places=15, null=True, help_text="Base currency's minor units for one of this order's."
    )
    needs_person = models.CharField(max_length=200, blank=True, default="", help_text="Why a person has to look.")
    settled_at = models.DateTimeField(null=True)
    # Set by staff for this order's mail only; the facts stay.
    delivery_email = models.CharField(max_length=320, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "channel", "external_id"], name="order_unique"),
            models.CheckConstraint(condition=models.Q(total_minor__gte=0), name="order_total_not_negative"),
            models.CheckConstraint(condition=models.Q(refunded_minor__gte=0), name="order_refunded_not_negative"),
        ]
        indexes = [
            models.Index(fields=["organization", "-placed_at", "-id"], name="order_newest"),
            models.Index(fields=["organization", "profile", "-placed_at"], name="order_of_profile"),
            models.Index(fields=["organization", "email"], name="order_email"),
            models.Index(fields=["organization", "phone"], name="order_phone", condition=~models.Q(phone="")),
            models.Index(fields=["organization", "number"], name="order_number"),
            models.Index(fields=["organization", "external_id"], name="order_external_id"),
            models.Index(
                fields=["organization", "payment_reference"],
                name="order_payment_reference",
                condition=~models.Q(payment_reference=""),
            ),
            models.Index(
                fields=["organization", "charge_reference"],
                name="order_charge_reference",
                condition=~models.Q(charge_reference=""),
            ),
            models.Index(fields=["organization", "payment_status", "-placed_at"], name="order_payment_status"),
            models.Index(fields=["organization", "status", "-placed_at"], name="order_status"),
            models.Index(
                fields=["organization", "-placed_at"], name="order_needs_person", condition=~models.Q(needs_person="")
            ),
            # All that a comparison of every order reads, in the order in which their payments lie.
            models.Index(
                fields=["organization", "id"],
                include=["placed_at", "profile", "total_minor", "currency", "payment_status", "cancelled", "from_file"],
                name="order_compared",
            ),
            models.Index(
                fields=["organization", "-placed_at", "-id"],
                name="order_unattached",
                condition=models.Q(profile__isnull=True),
            ),
            # The search by fragment looks through them: the index of words has what is settled.
            models.Index(
                fields=["organization", "-placed_at", "-id"],
                name="order_unsettled",
                condition=models.Q(settled_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.number or self.external_id

    @property
    def net_minor(self) -> int:
        """What the seller keeps of it: captured, less refunds, less disputes lost."""
        return self.captured_minor - self.refunded_minor - self.disputed_minor

    @property
    def mail_to(self) -> str:
        return self.delivery_email or self.email_raw


class Line(Tenant):
    """One line of an order; mapped to a product or waiting for someone to map it."""

    order = TenantForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    external_id = models.CharField(max_length=255)
    position = models.SmallIntegerField(default=0)
    sku = models.CharField(max_length=200, blank=True, default="")
    title = models.CharField(max_length=500, blank=True, default="")
    quantity = models.IntegerField()
    total_minor = models.BigIntegerField()
    listing_ids = ArrayField(models.TextField(), default=list, blank=True)
    product = TenantForeignKey(Product, null=True, blank=True, related_name="lines")
    removed = models.BooleanField(default=False, help_text="Not in the newest version of the order.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "order", "external_id"], name="line_unique"),
            models.CheckConstraint(condition=models.Q(quantity__gt=0), name="line_quantity_positive"),
        ]
        indexes = [
            models.Index(
                fields=["organization", "sku"], name="line_unmapped", condition=models.Q(product__isnull=True)
            ),
            models.Index(fields=["organization", "product"], name="line_of_product"),
            models.Index(fields=["organization", "order"], include=["id", "product", "removed"], name="line_of_order"),
        ]

    def __str__(self) -> str:
        return self.title or self.sku


class StatusChange(Tenant):
    """One change of an order's status or payment status, with the facts that caused it."""

    order = TenantForeignKey(Order, on_delete=models.CASCADE, related_name="status_changes")
    field = models.CharField(max_length=14)
    former = models.CharField(max_length=20)
    now = models.CharField(max_length=20)
    cause = models.CharField(max_length=300)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["organization", "order", "at"], name="statuschange_of_order")]

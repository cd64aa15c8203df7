"""The right to a product: derived from the money facts, or held by a person's decision."""

from django.db import models
from django.db.models.functions import Now

from orders.models import Line, Order, Product
from profiles.history import tracked
from profiles.models import Profile, Tenant
from profiles.tenancy import TenantForeignKey


@tracked("EntitlementEvent")
class Entitlement(Tenant):
    """One right, once for each source. `decision` is a person's word, which settle keeps until a person lifts it."""

    follows = "order"

    class Status(models.TextChoices):
        PENDING_CLAIM = "pending_claim", "Waiting to be claimed"
        ACTIVE = "active", "Active"
        SUSPENDED = "suspended", "Suspended"
        REVOKED = "revoked", "Revoked"
        EXPIRED = "expired", "Expired"

    class Source(models.TextChoices):
        ORDER = "order", "Order"
        MANUAL = "manual", "Granted by hand"
        COUPON = "coupon", "Coupon"
        REWARD = "reward", "Mission reward"
        BUNDLE = "bundle", "Bundle"

    class Decision(models.TextChoices):
        NONE = "", "By the facts"
        REVOKED = "revoked", "Revoked by a person"
        GRANTED = "granted", "Kept by a person"

    OF_LINES = (Source.ORDER, Source.BUNDLE)
    DOWNLOADABLE = (Status.PENDING_CLAIM, Status.ACTIVE)

    profile = TenantForeignKey(Profile, related_name="entitlements")
    order = TenantForeignKey(Order, null=True, blank=True, related_name="entitlements")
    line = TenantForeignKey(Line, null=True, blank=True, related_name="entitlements")
    product = TenantForeignKey(Product, related_name="entitlements")
    source = models.CharField(max_length=8, choices=Source, default=Source.ORDER)
    source_key = models.CharField(max_length=80, help_text="What grants it; each source grants once.")
    status = models.CharField(max_length=14, choices=Status)
    because = models.CharField(max_length=300, blank=True, default="", help_text="Why the status is what it is.")
    decision = models.CharField(max_length=8, choices=Decision, blank=True, default=Decision.NONE)
    decision_reason = models.TextField(blank=True, default="")
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "source_key"], name="entitlement_unique"),
        ]
        indexes = [
            models.Index(fields=["organization", "-created_at", "-id"], name="entitlement_newest"),
            models.Index(fields=["organization", "profile", "-created_at"], name="entitlement_of_profile"),
            models.Index(
                fields=["organization", "source", "-created_at", "-id"],
                name="entitlement_of_source",
                condition=~models.Q(source="order"),
            ),
            models.Index(
                fields=["organization", "order"],
                include=["line", "status", "decision", "source"],
                name="entitlement_of_order",
            ),
            models.Index(
                fields=["organization", "profile"],
                name="entitlement_given",
                condition=models.Q(line__isnull=True),
            ),
            models.Index(fields=["organization", "product", "-created_at"], name="entitlement_of_product"),
            models.Index(fields=["organization", "status", "-created_at"], name="entitlement_status"),
        ]

    def __str__(self) -> str:
        return f"{self.product} for {self.profile_id}"

    @property
    def downloadable(self) -> bool:
        return self.status in self.DOWNLOADABLE

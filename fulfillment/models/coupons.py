"""Coupons, and each use of one by a customer."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from fulfillment import discounts
from orders.models import Order, Product
from profiles.history import tracked
from profiles.models import Event, Profile, Tenant
from profiles.tenancy import TenantForeignKey


@tracked("CouponEvent")
class Coupon(Tenant):
    """A code and its terms. `used` counts redemptions and reservations; no statement takes it beyond the limit."""

    class Kind(models.TextChoices):
        FULL = "full", "Free of charge"
        PERCENT = "percent", "Percent off"
        AMOUNT = "amount", "Amount off"

    code = models.CharField(max_length=60, help_text="As it was typed.")
    normalised = models.CharField(max_length=60, editable=False)
    kind = models.CharField(max_length=8, choices=Kind)
    percent = models.PositiveSmallIntegerField(default=0)
    amount_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3, blank=True, default="")
    skus = ArrayField(models.TextField(), default=list, blank=True, help_text="Empty: every product.")
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    limit = models.PositiveIntegerField(null=True, blank=True, help_text="Uses in all; empty: any number.")
    limit_each = models.PositiveSmallIntegerField(default=1, help_text="Uses of one customer.")
    minimum_minor = models.BigIntegerField(default=0)
    active = models.BooleanField(default=True)
    campaign = models.CharField(max_length=200, blank=True, default="")
    used = models.PositiveIntegerField(default=0, editable=False)
    # A personal code that stands for a use of another coupon.
    parent = TenantForeignKey("self", null=True, blank=True, related_name="personal")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "normalised"], name="coupon_unique"),
            models.CheckConstraint(condition=models.Q(percent__lte=100), name="coupon_percent"),
        ]
        indexes = [models.Index(fields=["organization", "-created_at", "-id"], name="coupon_newest")]

    def __str__(self) -> str:
        return self.code

    @property
    def terms(self) -> discounts.Terms:
        return discounts.Terms(
            kind=discounts.Kind(self.kind),
            percent=self.percent,
            amount_minor=self.amount_minor,
            currency=self.currency,
            skus=tuple(self.skus),
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            minimum_minor=self.minimum_minor,
            active=self.active,
        )


@tracked("RedemptionEvent", without=["email"])
class Redemption(Tenant):
    """One use of a coupon. `profile` moves with merges; `holder`, whose it was at the time, does not.

    So two customers who both redeemed may become one: both rows stay, and the second is the one that came by the merge.
    """

    follows = "event"

    class State(models.TextChoices):
        RESERVED = "reserved", "Reserved"
        REDEEMED = "redeemed", "Redeemed"
        RELEASED = "released", "Not used in time"
        REVOKED = "revoked", "Revoked"

    LIVE = (State.RESERVED, State.REDEEMED)

    coupon = TenantForeignKey(Coupon, related_name="redemptions")
    event = TenantForeignKey(Event, related_name="redemptions")
    profile = TenantForeignKey(Profile, related_name="redemptions")
    holder = models.BigIntegerField(editable=False)
    slot = models.PositiveSmallIntegerField(default=1, editable=False, help_text="Which use of this customer it is.")
    key = models.CharField(max_length=300, help_text="What makes a repeated call the same redemption.")
    email = models.CharField(max_length=320, blank=True, default="", help_text="As it was typed, normalised.")
    product = TenantForeignKey(Product, null=True, blank=True, related_name="redemptions")
    order = TenantForeignKey(Order, null=True, blank=True, related_name="redemptions")
    source_keys = ArrayField(models.TextField(), default=list, blank=True, help_text="The entitlements it granted.")
    state = models.CharField(max_length=8, choices=State)
    reference = models.CharField(max_length=200, blank=True, default="", help_text="The checkout's own name for it.")
    amount_minor = models.BigIntegerField(null=True)
    discount_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, blank=True, default="")
    redeemed_at = models.DateTimeField()
    reserved_until = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    because = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "key"], name="redemption_unique"),
            models.UniqueConstraint(
                fields=["organization", "coupon", "holder", "slot"],
                name="redemption_once",
                condition=models.Q(state__in=["reserved", "redeemed"]),
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-redeemed_at", "-id"], name="redemption_newest"),
            models.Index(fields=["organization", "coupon", "-redeemed_at"], name="redemption_of_coupon"),
            models.Index(fields=["organization", "profile", "-redeemed_at"], name="redemption_of_profile"),
            models.Index(
                fields=["organization", "reserved_until"],
                name="redemption_reserved",
                condition=models.Q(state="reserved"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.coupon_id} by {self.profile_id}"

    @property
    def came_by_merge(self) -> bool:
        """Whether another customer redeemed it, who has become one with this one since."""
        return self.holder != self.profile_id

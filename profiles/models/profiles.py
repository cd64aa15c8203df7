"""A customer, and the normalised ways to recognise them."""

from django.db import models
from django.db.models.functions import Now

from profiles.history import tracked
from profiles.models.base import Tenant
from profiles.tenancy import TenantForeignKey


class Profile(Tenant):
    """One customer. An absorbed profile keeps its id for ever and points at its survivor in one hop."""

    name = models.CharField(max_length=300, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    merged_into = TenantForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="absorbed_set")
    claimed_at = models.DateTimeField(null=True, blank=True)
    strength = models.SmallIntegerField(default=0)

    class Meta:
        constraints = [
            # The survivor is the older one, so redirects can never form a cycle.
            models.CheckConstraint(
                condition=models.Q(merged_into__isnull=True) | models.Q(merged_into__lt=models.F("id")),
                name="profile_merges_into_older",
            ),
            models.CheckConstraint(condition=models.Q(strength__range=(0, 100)), name="profile_strength_range"),
        ]
        indexes = [
            # Of the living alone, so that a page far down the list is found without a look at any customer before it.
            models.Index(
                fields=["organization", "-created_at", "-id"],
                name="profile_newest",
                condition=models.Q(merged_into__isnull=True),
            ),
            models.Index(
                fields=["organization", "merged_into"],
                name="profile_absorbed",
                condition=models.Q(merged_into__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"Customer {self.pk}"


@tracked("IdentifierEvent")
class Identifier(Tenant):
    """One normalised way to recognise a customer; unique in its organization and kind."""

    class Kind(models.TextChoices):
        PHONE = "phone", "Phone"
        EMAIL = "email", "E-mail"
        LOYALTY = "loyalty", "Loyalty id"
        DEVICE = "device", "Device"
        COOKIE = "cookie", "Cookie"
        RAW_PHONE = "phone_raw", "Phone as typed"
        OTHER = "other", "Other"

    class Status(models.TextChoices):
        ACTIVE = "active", "Used for matching"
        SHARED = "shared", "Shared by many"
        BLOCKED = "blocked", "Blocked"

    kind = models.CharField(max_length=12, choices=Kind)
    value = models.CharField(max_length=400, help_text="Normalised; what matching compares.")
    spelled = models.CharField(max_length=420, help_text="As the snapshot spells it: kind:value.")
    raw = models.CharField(max_length=400, blank=True, default="", help_text="As it was sent.")
    profile = TenantForeignKey(
        Profile, null=True, related_name="identifiers", help_text="Nobody, where the value is shared or blocked."
    )
    status = models.CharField(max_length=8, choices=Status, default=Status.ACTIVE)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    added_by_staff = models.BooleanField(default=False)
    set_aside_at = models.DateTimeField(null=True, editable=False)
    because = models.CharField(max_length=300, blank=True, default="", help_text="Why it joins nobody.")
    verified_at = models.DateTimeField(
        null=True, editable=False, help_text="When the customer proved that it is theirs; the first makes a claim."
    )
    preferred_at = models.DateTimeField(null=True, editable=False, help_text="When the customer chose it for mail.")
    retired_at = models.DateTimeField(
        null=True, editable=False, help_text="Since when it still recognises the customer, and no mail goes there."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "kind", "value"], name="identifier_unique"),
        ]
        indexes = [
            models.Index(fields=["organization", "profile"], name="identifier_of_profile"),
            models.Index(
                fields=["organization", "-set_aside_at", "-id"],
                name="identifier_set_aside",
                condition=models.Q(set_aside_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.spelled

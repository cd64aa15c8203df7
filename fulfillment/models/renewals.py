"""Links that are made anew and mailed, one row for each right, so that thousands need no transaction of their own."""

from django.db import models

from fulfillment.models.entitlements import Entitlement
from profiles.models import Tenant
from profiles.tenancy import TenantForeignKey


class Renewal(Tenant):
    """One owner who gets one mail with a new link: after an outage, or because there is a new version."""

    class Why(models.TextChoices):
        OUTAGE = "outage", "Links made anew"
        VERSION = "version", "New version offered"

    entitlement = TenantForeignKey(Entitlement, on_delete=models.CASCADE, related_name="renewals")
    why = models.CharField(max_length=10, choices=Why)
    effect_key = models.CharField(max_length=160, help_text="Also of its mail: each goes out once.")
    before = models.DateTimeField(null=True, help_text="Mailed links made before this die with it; empty: none does.")
    due_at = models.DateTimeField(null=True, help_text="Empty once it is done.")
    outcome = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "effect_key"], name="renewal_unique")]
        indexes = [
            models.Index(
                fields=["organization", "due_at"], name="renewal_due", condition=models.Q(due_at__isnull=False)
            ),
            models.Index(fields=["organization", "entitlement"], name="renewal_of_entitlement"),
        ]

    def __str__(self) -> str:
        return self.effect_key

"""Word to the staff of a store: a customer is there, and wants something."""

from django.db import models

from orders.models import Order
from profiles.models import Tenant
from profiles.tenancy import TenantForeignKey


class StoreAlert(Tenant):
    """One visit (by the order it is derived from) and one product whose intent was high at that moment (SPEC PRO-10).

    It comes and goes with the facts until a person acknowledged it; then it stays. Its customer is its order's.
    """

    order = TenantForeignKey(Order, on_delete=models.CASCADE, related_name="store_alerts")
    sku = models.CharField(max_length=255)
    store = models.CharField(max_length=500)
    score = models.SmallIntegerField()
    because = models.CharField(max_length=400, help_text="What the customer did: looked at EBOOK-1 3 times this week.")
    at = models.DateTimeField(help_text="When the customer was at the store.")
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.CharField(max_length=200, blank=True, default="")
    note = models.TextField(blank=True, default="")

    class Meta:
        verbose_name = "store alert"
        constraints = [
            models.UniqueConstraint(fields=["organization", "order", "sku"], name="storealert_unique"),
            models.CheckConstraint(condition=models.Q(score__range=(0, 100)), name="storealert_score_range"),
        ]
        indexes = [
            models.Index(fields=["organization", "-at", "-id"], name="storealert_newest"),
            models.Index(
                fields=["organization", "-at", "-id"],
                name="storealert_open",
                condition=models.Q(acknowledged_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sku} at {self.store}"

"""What a customer seems to want: derived from what they looked at, put in a cart and asked about."""

from typing import Any

from django.db import models

from orders.models import Order
from profiles.models import Profile, Tenant
from profiles.tenancy import TenantForeignKey


class ProductIntent(Tenant):
    """One customer and one product, by the SKU or product id their events name (SPEC PRO-10).

    Derived wholly from facts by `attribution.intents`. `points` is what the signals add up to at `last_at`; from then
    on they decay by themselves, so that nothing has to be written as time passes.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        CONVERTED = "converted", "Converted"

    profile = TenantForeignKey(Profile, on_delete=models.CASCADE, related_name="intents")
    sku = models.CharField(max_length=255)
    state = models.CharField(max_length=10, choices=State)
    points = models.IntegerField()
    counts: Any = models.JSONField(default=dict, help_text="How often, by the type of event.")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    order = TenantForeignKey(Order, null=True, blank=True, on_delete=models.CASCADE, related_name="intents")
    converted_at = models.DateTimeField(null=True)

    derived = True

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "profile", "sku"], name="productintent_unique"),
            models.CheckConstraint(
                condition=models.Q(state="converted", order__isnull=False, converted_at__isnull=False)
                | models.Q(state="open", order__isnull=True, converted_at__isnull=True),
                name="productintent_converted_by_an_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sku}, {self.get_state_display().lower()}"

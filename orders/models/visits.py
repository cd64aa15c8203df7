"""A customer in a store: derived from what they bought there."""

from django.db import models

from orders.models.orders import Order
from profiles.models import Profile, Tenant
from profiles.tenancy import TenantForeignKey


class StoreVisit(Tenant):
    """One visit an order at a till; it follows the order's customer (SPEC PRO-10).

    Derived wholly from the order: a refund leaves it, a test order or one without a customer makes none.
    """

    order = TenantForeignKey(Order, on_delete=models.CASCADE, related_name="visits")
    profile = TenantForeignKey(Profile, on_delete=models.CASCADE, related_name="visits")
    store_id = models.CharField(max_length=500, blank=True, default="")
    store_name = models.CharField(max_length=500, blank=True, default="")
    visited_at = models.DateTimeField()

    derived = True

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "order"], name="storevisit_unique")]
        indexes = [models.Index(fields=["organization", "profile", "-visited_at"], name="storevisit_of_profile")]

    def __str__(self) -> str:
        return self.store

    @property
    def store(self) -> str:
        """What people call the store, else the till's own id of it."""
        return self.store_name or self.store_id

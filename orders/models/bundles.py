"""What a bundle is made of."""

from django.db import models
from django.db.models.functions import Now

from orders.models.products import Product
from profiles.history import tracked
from profiles.models import Tenant
from profiles.tenancy import TenantForeignKey


@tracked("BundleItemEvent")
class BundleItem(Tenant):
    """One product inside a bundle, once. A component may be a bundle itself; circles are refused."""

    bundle = TenantForeignKey(Product, on_delete=models.CASCADE, related_name="items")
    component = TenantForeignKey(Product, on_delete=models.CASCADE, related_name="part_of")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "bundle", "component"], name="bundleitem_unique"),
        ]
        indexes = [models.Index(fields=["organization", "component"], name="bundleitem_of_component")]

    def __str__(self) -> str:
        return f"{self.component} in {self.bundle}"

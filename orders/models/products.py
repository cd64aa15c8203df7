"""The catalogue: what is sold, and the names each channel has for it."""

from django.db import models
from django.db.models.functions import Now

from profiles.history import tracked
from profiles.models import Tenant
from profiles.tenancy import TenantForeignKey


@tracked("ProductEvent")
class Product(Tenant):
    """One thing that is sold, by its SKU."""

    class Kind(models.TextChoices):
        EBOOK = "ebook", "E-book"
        DIGITAL = "digital", "Digital product"
        SERVICE = "service", "Service"
        TRAINING = "training", "Training"
        IMAGE = "image", "Image"
        BUNDLE = "bundle", "Bundle"

    DIGITAL = frozenset({Kind.EBOOK, Kind.DIGITAL, Kind.TRAINING, Kind.IMAGE})
    # What a paid line brings its buyer by itself: a right to files, or work.
    DELIVERED = DIGITAL | {Kind.SERVICE}

    sku = models.CharField("SKU", max_length=100)
    title = models.CharField(max_length=300)
    kind = models.CharField(max_length=10, choices=Kind)
    price_minor = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "sku"], name="product_sku_unique")]

    def __str__(self) -> str:
        return self.sku


@tracked("ListingEvent")
class Listing(Tenant):
    """A channel kind's own id (variant, product or price) for a product. A listing wins over a SKU."""

    product = TenantForeignKey(Product, on_delete=models.CASCADE, related_name="listings")
    kind = models.CharField(max_length=12)
    external_id = models.CharField(max_length=255)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "kind", "external_id"], name="listing_unique"),
        ]
        indexes = [models.Index(fields=["organization", "product"], name="listing_of_product")]

    def __str__(self) -> str:
        return f"{self.kind}:{self.external_id}"

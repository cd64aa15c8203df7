"""Pages of shops that are looked at: where a product is shown, or its checkout begins."""

from django.db import models
from django.db.models.functions import Now

from orders.models.channels import Channel
from orders.models.products import Product
from profiles.models import Tenant
from profiles.tenancy import TenantForeignKey


class StorefrontPage(Tenant):
    """One address of a channel, and what was found there when it was last looked at."""

    class Purpose(models.TextChoices):
        PRODUCT = "product", "Product page"
        CHECKOUT = "checkout", "Checkout"

    class State(models.TextChoices):
        NEW = "new", "Not looked at yet"
        WELL = "well", "Agrees"
        DIFFERS = "differs", "Differs"
        AWAY = "away", "Does not answer"

    channel = TenantForeignKey(Channel, on_delete=models.CASCADE, related_name="storefront_pages")
    product = TenantForeignKey(
        Product, on_delete=models.CASCADE, null=True, blank=True, related_name="storefront_pages"
    )
    purpose = models.CharField(max_length=10, choices=Purpose, default=Purpose.PRODUCT)
    url = models.URLField(max_length=1000)
    derived = models.BooleanField(default=False, help_text="Made from a listing; nobody typed it.")
    state = models.CharField(max_length=10, choices=State, default=State.NEW)
    trouble = models.TextField(blank=True, default="")
    status_code = models.SmallIntegerField(default=0)
    title_seen = models.CharField(max_length=300, blank=True, default="")
    price_seen = models.CharField(max_length=300, blank=True, default="", help_text="As it is written there.")
    checked_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, editable=False, help_text="When it is to be looked at; real time.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "channel", "url"], name="storefrontpage_unique"),
        ]
        indexes = [
            models.Index(fields=["organization", "state"], name="storefrontpage_state"),
            models.Index(fields=["organization", "product"], name="storefrontpage_of_product"),
            models.Index(
                fields=["organization", "due_at"], name="storefrontpage_due", condition=models.Q(due_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.url

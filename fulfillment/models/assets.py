"""The files of a product, on versioned paths that are never overwritten."""

from django.db import models
from django.db.models.functions import Now

from orders.models import Product
from profiles.models import Tenant
from profiles.tenancy import TenantForeignKey


class Asset(Tenant):
    """One file of one version of a product in one format, with the size and SHA-256 it must have in the store."""

    class Verdict(models.TextChoices):
        WHOLE = "whole", "Whole"
        MISSING = "missing", "Missing"
        DAMAGED = "damaged", "Damaged"
        UNREACHABLE = "unreachable", "Not reached"

    product = TenantForeignKey(Product, on_delete=models.CASCADE, related_name="assets")
    version = models.CharField(max_length=40)
    format = models.CharField(max_length=20, help_text="File ending in lower case: pdf, epub.")
    filename = models.CharField(max_length=255, help_text="The name the customer's file gets.")
    content_type = models.CharField(max_length=100, default="application/octet-stream")
    path = models.CharField(max_length=500, help_text="Where it lies in the store.")
    size = models.BigIntegerField(help_text="Bytes.")
    sha256 = models.CharField(max_length=64)
    in_second = models.BooleanField(default=False, help_text="The second storage holds a copy.")
    current = models.BooleanField(default=True, help_text="Delivered to new owners.")
    withdrawn = models.BooleanField(default=False, db_default=False, help_text="Taken back: nobody is given it again.")
    created_at = models.DateTimeField(db_default=Now())
    verify_at = models.DateTimeField(null=True, help_text="When every store is read next; nothing while none is due.")
    verified_at = models.DateTimeField(null=True)
    verdicts = models.JSONField(
        default=dict, db_default={}, help_text="What each store gave when it was last read: Verdict."
    )
    fault = models.CharField(
        max_length=700, blank=True, default="", db_default="", help_text="What is wrong with it; '' if nothing."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "product", "version", "format"], name="asset_unique"),
        ]
        indexes = [
            models.Index(fields=["organization", "product", "current"], name="asset_of_product"),
            models.Index(
                fields=["organization", "verify_at"],
                name="asset_to_verify",
                condition=models.Q(verify_at__isnull=False),
            ),
            models.Index(
                fields=["organization", "-created_at"],
                name="asset_at_fault",
                condition=~models.Q(fault=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.filename} ({self.version})"

"""How far each channel's provider has been asked what its webhooks may have missed."""

from django.db import models

from orders.models.channels import Channel
from profiles.models import Tenant
from profiles.tenancy import TenantForeignKey


class Backfill(Tenant):
    """One row a channel. Everything until `good_until` has been told to us; `cursor` is where a cut run goes on."""

    channel = TenantForeignKey(Channel, on_delete=models.CASCADE, related_name="backfills")
    good_until = models.DateTimeField()
    cursor = models.JSONField(default=dict, blank=True)
    due_at = models.DateTimeField(null=True, blank=True, help_text="When a worker asks next; empty while none has to.")
    lease_until = models.DateTimeField(null=True, blank=True)
    ran_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True, default="")
    told = models.IntegerField(default=0, help_text="Facts read in the last run.")
    missed = models.IntegerField(default=0, help_text="Orders of the last run that nobody had told us of.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "channel"], name="backfill_unique")]
        indexes = [models.Index(fields=["organization", "due_at"], name="backfill_due")]

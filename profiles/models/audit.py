"""Who did what, when and why: append-only, one row an act."""

from django.conf import settings
from django.db import models

from profiles.models.base import Tenant


class AuditEntry(Tenant):
    """One act of a person or of the system. The database refuses to change or delete it."""

    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, db_index=False, related_name="+"
    )
    actor_label = models.CharField(max_length=200)
    action = models.CharField(max_length=60, help_text="What happened, as noun.verb: entitlement.revoked.")
    subject_type = models.CharField(max_length=40)
    subject_id = models.BigIntegerField(null=True)
    profile_id = models.BigIntegerField(null=True, help_text="The customer concerned, for their timeline.")
    order_id = models.BigIntegerField(null=True, help_text="The order concerned, for its timeline.")
    reason = models.TextField(blank=True, default="")
    details = models.JSONField(default=dict)
    act = models.UUIDField(help_text="Ties together all effects of one press of a button.")
    request_id = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        verbose_name = "audit entry"
        verbose_name_plural = "audit log"
        indexes = [
            models.Index(fields=["organization", "-at", "-id"], name="audit_newest"),
            models.Index(fields=["organization", "action", "-at", "-id"], name="audit_of_action"),
            models.Index(fields=["organization", "actor", "-at", "-id"], name="audit_of_actor"),
            models.Index(fields=["organization", "profile_id", "-at"], name="audit_of_profile"),
            models.Index(fields=["organization", "order_id", "-at"], name="audit_of_order"),
        ]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor_label}"

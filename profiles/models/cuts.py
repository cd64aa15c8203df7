"""Identifiers that a person took off matching, with what that separated, so that it can be joined again."""

from django.db import models

from profiles.models.base import Tenant
from profiles.models.profiles import Identifier, Profile
from profiles.tenancy import TenantForeignKey


class Cut(Tenant):
    """One press of "Cut": the identifier joins nobody any more, and those whom it alone had joined stand apart.

    `merges` are the merges it took back, `apart` the customers that left; "Use again" joins exactly these.
    """

    identifier = TenantForeignKey(Identifier, on_delete=models.CASCADE, related_name="cuts")
    profile = TenantForeignKey(Profile, related_name="cuts")
    at = models.DateTimeField()
    actor_label = models.CharField(max_length=200)
    reason = models.TextField()
    merges = models.JSONField(default=list, help_text="Ids of the merges it took back.")
    apart = models.JSONField(default=list, help_text="Ids of the customers that left.")
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.CharField(max_length=200, blank=True, default="")
    undo_reason = models.TextField(blank=True, default="")

    journal_stays = True

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "identifier"],
                name="cut_stands_once",
                condition=models.Q(undone_at__isnull=True),
            ),
        ]
        indexes = [models.Index(fields=["organization", "profile"], name="cut_of_profile")]

    def __str__(self) -> str:
        return f"Cut {self.pk} of {self.identifier_id}"

"""Staff of an organization and what each role may do (SPEC SUP-5)."""

from django.conf import settings
from django.db import models

from profiles.history import tracked
from profiles.models.base import Tenant


class Role(models.TextChoices):
    AGENT = "agent", "Support agent"
    LEAD = "lead", "Support lead"
    FINANCE = "finance", "Finance"
    ENGINEER = "engineer", "Platform engineer"
    AUDITOR = "auditor", "Auditor (reads only)"


class StaffRoute(models.Model):
    """Routing table: staff user → the organizations they belong to. No customer data, no policy."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="routes")
    organization_id = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "organization_id"], name="staffroute_unique")]

    def __str__(self) -> str:
        return f"user {self.user_id} in organization {self.organization_id}"


@tracked("MembershipEvent", without=["user"])
class Membership(Tenant):
    """A user's role in one organization."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False, related_name="+")
    role = models.CharField(max_length=10, choices=Role)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "user"], name="membership_unique")]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()}"

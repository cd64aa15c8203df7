"""How a guest becomes the owner of a library: invitations, sign-in links and the sessions they open; hashes only."""

from django.db import models

from orders.models import Order
from profiles.models import Profile, Tenant
from profiles.tenancy import TenantForeignKey


class ClaimRoute(models.Model):
    """Routing table: SHA-256 of an invitation, sign-in link, session or address change → organization. No policy."""

    digest = models.BinaryField(max_length=32, unique=True)
    organization_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"claim in organization {self.organization_id}"


class Claim(Tenant):
    """One address that was mailed: an invitation, which only mails a sign-in link, or such a link, which opens once.

    An invitation is also the row by which its customer is reminded: at `remind_at`, by the clock of due times.
    """

    follows = "order"

    class Kind(models.TextChoices):
        INVITATION = "invitation", "Invitation"
        SIGN_IN = "sign_in", "Sign-in link"
        AUTH0 = "auth0", "Sign-in by Auth0"

    kind = models.CharField(max_length=10, choices=Kind)
    profile = TenantForeignKey(Profile, on_delete=models.CASCADE, related_name="claims")
    order = TenantForeignKey(Order, on_delete=models.CASCADE, null=True, blank=True, related_name="claims")
    to = models.CharField(max_length=320, help_text="Where it was mailed.")
    digest = models.BinaryField(max_length=32)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, help_text="An invitation lives as long as what was bought.")
    used_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True, help_text="When a newer link took its place.")
    browser = models.BinaryField(max_length=32, null=True, help_text="Hash of the cookie of the browser that asked.")
    network = models.CharField(max_length=45, blank=True, default="", help_text="Where it was asked for, coarse.")
    agent = models.CharField(max_length=200, blank=True, default="")
    remind_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "digest"], name="claim_unique")]
        indexes = [
            models.Index(fields=["organization", "profile", "-created_at"], name="claim_of_profile"),
            models.Index(fields=["organization", "order"], name="claim_of_order"),
            models.Index(
                fields=["organization", "remind_at"],
                name="claim_reminder_due",
                condition=models.Q(remind_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of customer {self.profile_id}"


class LibrarySession(Tenant):
    """One browser in which a customer's library is open. It does not move with a merge: it ends with its customer."""

    journal_stays = True

    profile = TenantForeignKey(Profile, on_delete=models.CASCADE, related_name="library_sessions")
    digest = models.BinaryField(max_length=32)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    by = models.CharField(max_length=40, help_text="What opened it.")
    network = models.CharField(max_length=45, blank=True, default="", help_text="Where it was opened, coarse.")
    agent = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "digest"], name="librarysession_unique")]
        indexes = [models.Index(fields=["organization", "profile", "-started_at"], name="librarysession_of_profile")]

    def __str__(self) -> str:
        return f"Library of customer {self.profile_id}"


class Unclaimed(Profile):
    """A customer who bought as a guest and has not opened their library yet, as the desk lists them."""

    class Meta:
        proxy = True
        verbose_name = "unclaimed customer"

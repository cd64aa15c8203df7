"""Secret, expiring, revocable addresses of a file. Only the hash of a secret is stored."""

from django.db import models

from fulfillment.models.assets import Asset
from fulfillment.models.entitlements import Entitlement
from profiles.models import Tenant
from profiles.tenancy import TenantForeignKey


class LinkRoute(models.Model):
    """Routing table: SHA-256 of a link's or download session's secret → organization and row. No policy."""

    digest = models.BinaryField(max_length=32, unique=True)
    organization_id = models.BigIntegerField()
    link_id = models.BigIntegerField(null=True)
    session_id = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return f"link {self.link_id or '-'} session {self.session_id or '-'}"


class DownloadLink(Tenant):
    """One address that was given out, for whom, until when, how often used."""

    class Kind(models.TextChoices):
        MAILED = "mailed", "Sent by e-mail"
        TEMPORARY = "temporary", "Given out by staff"
        LIBRARY = "library", "Opened in the library"
        STAFF = "staff", "Opened by staff"

    # Nobody holds the secret of these: downloads are counted on them.
    UNHELD = (Kind.LIBRARY, Kind.STAFF)

    entitlement = TenantForeignKey(Entitlement, on_delete=models.CASCADE, related_name="links")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.MAILED)
    digest = models.BinaryField(max_length=32)
    hint = models.CharField(max_length=8, help_text="First characters of the secret, to recognise it by.")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    use_limit = models.IntegerField(null=True, blank=True)
    uses = models.IntegerField(default=0)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_because = models.CharField(max_length=300, blank=True, default="")
    created_by = models.CharField(max_length=200, blank=True, default="")
    reason = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(use_limit__isnull=True) | models.Q(uses__lte=models.F("use_limit")),
                name="downloadlink_uses_within_limit",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "entitlement", "-created_at"], name="downloadlink_of_entitlement"),
            models.Index(fields=["organization", "hint"], name="downloadlink_hint"),
        ]

    def __str__(self) -> str:
        return f"{self.hint}…"


class DownloadSession(Tenant):
    """Thirty minutes in which one confirmed use may fetch, resume and repeat one file, or all of them as one zip."""

    link = TenantForeignKey(DownloadLink, on_delete=models.CASCADE, related_name="sessions")
    asset = TenantForeignKey(Asset, null=True, related_name="+", help_text="Empty: every current file as one zip.")
    digest = models.BinaryField(max_length=32)
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    address = models.CharField(
        max_length=45, blank=True, default="", help_text="Network the request came from, coarse."
    )
    agent = models.CharField(max_length=200, blank=True, default="")
    requests = models.IntegerField(default=0)
    staff = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="Who of the desk opened it as the customer would; else ''.",
    )

    class Meta:
        indexes = [models.Index(fields=["organization", "link", "-started_at"], name="downloadsession_of_link")]

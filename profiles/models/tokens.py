"""API tokens of an organization, and the memory that makes a repeated call harmless."""

from django.db import models

from profiles.models.base import Tenant
from profiles.tenancy import TenantForeignKey


class ApiToken(Tenant):
    """A secret for the API with its scopes; only the SHA-256 of the secret is stored."""

    name = models.CharField(max_length=100)
    scopes = models.JSONField(default=list)
    digest = models.BinaryField(max_length=32, editable=False)
    hint = models.CharField(max_length=8, help_text="The token's last characters, to recognise it by.")
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["organization", "-created_at"], name="apitoken_newest")]

    def __str__(self) -> str:
        return self.name


class TokenRoute(models.Model):
    """Routing table: hash of an API token → organization and token. No customer data, no policy."""

    digest = models.BinaryField(max_length=32, unique=True)
    organization_id = models.BigIntegerField()
    token_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"token {self.token_id}"


class IdempotencyKey(Tenant):
    """The answer once given to a POST with this key: a repeat gets the same answer, another body is refused."""

    token = TenantForeignKey(ApiToken, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64)
    status = models.SmallIntegerField(null=True)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "token", "key"], name="idempotencykey_unique")]

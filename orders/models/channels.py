"""A connected source of purchases or conversations, and the routes by which its deliveries find it."""

from django.db import models

from profiles.history import tracked
from profiles.models import Tenant
from profiles.secrets import SecretField
from profiles.tenancy import TenantForeignKey

SECRETS = ("secret", "former_secret", "credentials")


def sealed(path: str = "channel") -> tuple[str, ...]:
    """The secrets of a related channel, for `defer`: to open them takes longer than to read the rest of the row."""
    return tuple(f"{path}__{name}" for name in SECRETS)


@tracked("ChannelEvent", without=list(SECRETS))
class Channel(Tenant):
    """One connected source. Its secret verifies deliveries; during a rotation the former one does too."""

    class Kind(models.TextChoices):
        STRIPE = "stripe", "Stripe"
        SHOPIFY = "shopify", "Shopify"
        WOOCOMMERCE = "woocommerce", "WooCommerce"
        SHOPIER = "shopier", "Shopier"
        ETSY = "etsy", "Etsy"
        SQUARE = "square", "Square"
        CLOVER = "clover", "Clover"
        POS = "pos", "Point of sale"
        CHATWOOT = "chatwoot", "Chatwoot"
        INTERCOM = "intercom", "Intercom"
        WHATSAPP = "whatsapp", "WhatsApp"
        API = "api", "API"
        CSV = "csv", "Files"

    TALKS = frozenset({Kind.CHATWOOT, Kind.INTERCOM, Kind.WHATSAPP})
    """Sources of conversations: they take no orders."""

    kind = models.CharField(max_length=12, choices=Kind)
    domain = models.CharField(max_length=253)
    key = models.CharField(max_length=43, editable=False, help_text="Public part of the webhook address.")
    secret = SecretField(blank=True, default="")
    former_secret = SecretField(blank=True, default="", editable=False)
    former_secret_until = models.DateTimeField(null=True, editable=False)
    credentials = SecretField(blank=True, default="", help_text="JSON of the provider's credentials.")
    test = models.BooleanField(default=False, help_text="Test mode: its facts never count.")
    domain_verified = models.BooleanField(default=False)
    calls_provider = models.BooleanField(default=True, help_text="Off: no call to the provider, now or on a schedule.")
    currency = models.CharField(max_length=3, blank=True, default="")
    region = models.CharField(max_length=2, blank=True, default="")
    connected_at = models.DateTimeField()
    handshake_code = models.CharField(
        max_length=64, blank=True, default="", editable=False, help_text="What the provider asked to be told again."
    )
    built_in = models.BooleanField(default=False)
    made_up = models.BooleanField(default=False, help_text="Made-up data: its customers' mail is kept, never sent.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "kind", "domain"], name="channel_unique"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        return f"{self.kind}:{self.domain}"

    @property
    def webhook_path(self) -> str:
        return f"/api/webhooks/{self.kind}/{self.key}"


class ChannelRoute(models.Model):
    """Routing table: key of a webhook address → organization and channel. No policy."""

    key = models.CharField(max_length=43, unique=True)
    organization_id = models.BigIntegerField()
    channel_id = models.BigIntegerField()
    kind = models.CharField(max_length=12)

    def __str__(self) -> str:
        return f"{self.kind} channel {self.channel_id}"


class DomainRoute(models.Model):
    """Routing table: (kind, domain) → channel, for deliveries that name only their shop. No policy.

    Only verified domains count, and only while exactly one channel holds the domain.
    """

    kind = models.CharField(max_length=12)
    domain = models.CharField(max_length=253)
    organization_id = models.BigIntegerField()
    channel_id = models.BigIntegerField()
    verified = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "domain", "organization_id"], name="domainroute_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}:{self.domain}"


class ChannelDay(Tenant):
    """Deliveries refused on one day: the count is all that is kept of them."""

    channel = TenantForeignKey(Channel, on_delete=models.CASCADE, related_name="days")
    on = models.DateField()
    refused = models.IntegerField(default=0)
    last_refused_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "channel", "on"], name="channelday_unique")]

"""Connecting a source of purchases and rotating its secret."""

import json
import re
import secrets
from collections.abc import Mapping
from datetime import timedelta

from orders.actions import lookups
from orders.models import Channel, ChannelRoute, DomainRoute
from orders.money import UnknownCurrency, currency_code
from profiles import clock
from profiles.actions import audit
from profiles.actors import Actor, Invalid
from profiles.models import Organization

ROTATION = timedelta(hours=24)
CREDENTIALS: Mapping[str, set[str]] = {
    "stripe": {"api_key"},
    "shopify": {"access_token", "client_id", "client_secret"},
    "woocommerce": {"consumer_key", "consumer_secret"},
    "shopier": {"access_token", "api_base"},
    "etsy": {"keystring", "shared_secret", "access_token", "refresh_token", "shop_id", "api_base"},
    "square": {"access_token", "api_base", "currency"},
    "clover": {"access_token", "api_base", "currency"},
    "pos": {"currency", "region"},
    "chatwoot": set(),
    "intercom": set(),
    "whatsapp": {"verify_token"},
    "api": set(),
    "csv": {"currency", "region"},
}
"""What may be connected, and which credentials each takes."""
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:\d+)?")


def connect(
    organization: Organization,
    *,
    kind: str,
    domain: str,
    by: Actor,
    secret: str | None = None,
    credentials: Mapping[str, str] | None = None,
    calls_provider: bool = True,
    made_up: bool = False,
    built_in: bool = False,
    because: str = "",
) -> Channel:
    """Connect a source, or change what is given: the key stays, the former secret verifies for 24 h more."""
    by.require("connect")
    if kind not in CREDENTIALS:
        raise Invalid(f"{kind} is no kind of channel; choose one of {', '.join(CREDENTIALS)}.")
    domain = domain.strip().lower().rstrip("/")
    if not _DOMAIN.fullmatch(domain):
        raise Invalid(f"{domain or 'Nothing'} is no domain: give the host alone, such as shop.example.")
    given = dict(credentials or {})
    if unknown := sorted(set(given) - CREDENTIALS[kind]):
        raise Invalid(f"{kind} takes no credential {', '.join(unknown)}.")
    if kind == "shopify" and not secret:
        secret = given.get("client_secret")
    channel = Channel.objects.select_for_update(no_key=True).filter(kind=kind, domain=domain).first()
    created = channel is None
    if channel is None:
        channel = Channel(
            organization=organization,
            kind=kind,
            domain=domain,
            key=secrets.token_urlsafe(24),
            connected_at=clock.now(),
            secret=secret or _secret(kind),
            built_in=built_in,
            made_up=made_up,
        )
    elif secret and secret != channel.secret:
        channel.former_secret, channel.former_secret_until = channel.secret, clock.now() + ROTATION
        channel.secret = secret
    _take_credentials(channel, given)
    channel.domain_verified, channel.calls_provider = True, calls_provider
    channel.save()
    lookups.revive(channel)
    ChannelRoute.objects.get_or_create(
        key=channel.key, defaults={"organization_id": organization.pk, "channel_id": channel.pk, "kind": kind}
    )
    DomainRoute.objects.update_or_create(
        kind=kind, domain=domain, organization_id=organization.pk, defaults={"channel_id": channel.pk, "verified": True}
    )
    audit.record(
        "channel.connected" if created else "channel.changed",
        by=by,
        subject=channel,
        because=because,
        details={"kind": kind, "domain": domain, "new_secret": bool(secret), "credentials": sorted(given)},
    )
    return channel


def built_in(organization: Organization) -> Channel:
    """The channel of `POST /api/orders` and `deliver`: api:manual."""
    channel = Channel.objects.filter(kind="api", domain="manual").first()
    return channel or connect(
        organization, kind="api", domain="manual", by=Actor.system("set-up"), calls_provider=False, built_in=True
    )


def note_handshake(channel_id: int, code: str) -> None:
    """The provider asks whose address this is: its code is shown at the channel, to be told to the provider.

    Anybody who knows the address may say so; nothing follows from it but what the page shows.
    """
    Channel.objects.filter(pk=channel_id).exclude(handshake_code=code).update(handshake_code=code)


def _secret(kind: str) -> str:
    """A secret of ours, where the provider lets us choose it: letters and digits alone, as WooCommerce needs."""
    if kind in ("api", "pos"):
        from orders.providers import standard

        return standard.secret(secrets.token_bytes(32))
    return secrets.token_hex(32)


def _take_credentials(channel: Channel, given: Mapping[str, str]) -> None:
    if not given:
        return
    known: dict[str, str] = json.loads(channel.credentials) if channel.credentials else {}
    known.update(given)
    if "currency" in given:
        try:
            channel.currency = currency_code(given["currency"])
        except UnknownCurrency as error:
            raise Invalid(str(error)) from error
    if "region" in given:
        channel.region = given["region"].upper()[:2]
    if channel.kind == "stripe" and "api_key" in given:
        channel.test = given["api_key"].startswith(("sk_test_", "rk_test_"))
    if channel.kind in ("square", "clover") and "api_base" in given:
        channel.test = "sandbox" in given["api_base"]
    channel.credentials = json.dumps(known)

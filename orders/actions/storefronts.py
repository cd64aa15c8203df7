"""Which pages of the shops are looked at, and what is written of a look (SPEC CHN-10, CHN-13)."""

from collections.abc import Callable, Sequence

from django.conf import settings
from django.db import connection

from orders import storefronts as pages
from orders.models import Channel, Listing, Product, StorefrontPage
from orders.providers.storefronts import Fetched
from profiles import bulk, clock
from profiles.actions import audit, settlement
from profiles.actors import Actor, Invalid
from profiles.models import Organization
from profiles.providers import outgoing

State, Purpose = StorefrontPage.State, StorefrontPage.Purpose
FIELDS = ["state", "trouble", "status_code", "title_seen", "price_seen", "checked_at", "due_at"]
LEASE_SECONDS = 120

# Where a listing's own page is, by the channel's kind; of the others only people know the address.
ADDRESSES: dict[str, Callable[[Channel, str], str]] = {
    "woocommerce": lambda channel, name: f"https://{channel.domain}/wp-json/wc/store/v1/products/{name}",
    "shopier": lambda channel, name: f"https://www.shopier.com/{name}",
}

_CLAIM = """
UPDATE orders_storefrontpage SET due_at = statement_timestamp() + make_interval(secs => %s)
 WHERE id = ANY(ARRAY(SELECT id FROM orders_storefrontpage WHERE due_at <= statement_timestamp()
                       ORDER BY due_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED))
RETURNING id
"""


def watch(
    channel: Channel, url: str, *, product: Product | None, by: Actor, because: str, checkout: bool = False
) -> StorefrontPage:
    """Have this page looked at from now on; the same again changes what it is about. Raises Invalid."""
    by.require("connect")
    reason = audit.require_reason(because)
    url = url.strip()
    if product is None and not checkout:
        raise Invalid("Say which product the page shows, or that it is a checkout.")
    if len(url) > 1000:
        raise Invalid("The address is longer than 1000 characters.")
    try:
        outgoing.check(url, inside=not settings.PRODUCTION)
    except outgoing.Forbidden as forbidden:
        raise Invalid(str(forbidden)) from forbidden
    except outgoing.Unreachable:
        pass  # it may answer tomorrow; today's look says so
    page, _ = StorefrontPage.objects.update_or_create(
        channel=channel,
        url=url,
        defaults={
            "organization_id": channel.organization_id,
            "product": product,
            "purpose": Purpose.CHECKOUT if checkout else Purpose.PRODUCT,
            "derived": False,
            "state": State.NEW,
            "trouble": "",
        },
    )
    audit.record("storefront.watched", by=by, subject=page, because=reason, details={"url": url})
    return page


def forget(page: StorefrontPage, *, by: Actor, because: str) -> None:
    """Look at this page no more. Inverse: watch."""
    by.require("connect")
    reason = audit.require_reason(because)
    if page.derived:
        raise Invalid("It follows from a listing of the catalogue: take the listing away instead.")
    audit.record("storefront.forgotten", by=by, subject=page, because=reason, details={"url": page.url})
    page.delete()


def derive(organization: Organization) -> None:
    """Have a page for each listing whose address follows from it; pages of listings that are gone go too."""
    wanted: dict[tuple[int, str], int] = {}
    channels = [row for row in Channel.objects.filter(kind__in=ADDRESSES, made_up=False) if not row.built_in]
    for listing in Listing.objects.filter(kind__in={channel.kind for channel in channels}):
        for channel in channels:
            if channel.kind == listing.kind and listing.external_id.isdecimal():
                wanted[channel.pk, ADDRESSES[channel.kind](channel, listing.external_id)] = listing.product_id
    known = {(page.channel_id, page.url): page for page in StorefrontPage.objects.filter(channel__in=channels)}
    fresh = [
        StorefrontPage(organization=organization, channel_id=channel_id, url=url, product_id=product_id, derived=True)
        for (channel_id, url), product_id in wanted.items()
        if (channel_id, url) not in known
    ]
    bulk.insert(StorefrontPage, fresh, ignore_conflicts=True)
    gone = [page.pk for key, page in known.items() if page.derived and key not in wanted]
    if gone:
        StorefrontPage.objects.filter(pk__in=gone).delete()


def all_of(organization: Organization, *, channel: Channel | None = None) -> list[StorefrontPage]:
    """Every page of the organization, or of one channel, with its channel and product."""
    derive(organization)
    rows = StorefrontPage.objects.select_related("channel", "product").order_by("channel", "url")
    return list(rows.filter(channel=channel) if channel else rows)


def sweep(organization_id: int) -> int:
    """Have the pages of every channel that may be called by itself looked at soon; returns how many. Nightly."""
    derive(Organization.objects.get(pk=organization_id))
    own = StorefrontPage.objects.filter(channel__calls_provider=True, channel__made_up=False)
    count = own.update(due_at=clock.real())
    if count:
        settlement.wake(organization_id)
    return count


def ask(organization: Organization, *, by: Actor, because: str) -> int:
    """Have every page looked at now, because a person asked; returns how many."""
    by.require("connect")
    reason = audit.require_reason(because)
    derive(organization)
    count = StorefrontPage.objects.update(due_at=clock.real())
    if count:
        settlement.wake(organization.pk)
    audit.record("storefront.asked", by=by, because=reason, details={"pages": count}, organization_id=organization.pk)
    return count


def claim(limit: int) -> list[StorefrontPage]:
    """Take up to `limit` due pages for two minutes; commit before the first call. A look that dies is due again."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [LEASE_SECONDS, limit])
        taken = [pk for (pk,) in cursor.fetchall()]
    return list(StorefrontPage.objects.filter(pk__in=taken).select_related("channel", "product").order_by("pk"))


def note(looked: Sequence[tuple[StorefrontPage, Fetched]]) -> None:
    """Write what was found on these pages."""
    now = clock.now()
    for page, fetched in looked:
        seen = pages.read(fetched.body, charset=fetched.charset) if not fetched.trouble else pages.Seen()
        page.status_code, page.checked_at, page.due_at = fetched.status, now, None
        page.title_seen, page.price_seen = seen.title, f"{seen.price} {seen.currency}".strip()[:300]
        page.state, page.trouble = State.WELL, ""
        if fetched.trouble:
            page.state, page.trouble = State.AWAY, fetched.trouble
        elif page.purpose == Purpose.PRODUCT and page.product is not None:
            product = page.product
            odd = pages.differences(
                seen, title=product.title, price_minor=product.price_minor, currency=product.currency
            )
            if odd:
                page.state, page.trouble = State.DIFFERS, " ".join(odd)
    bulk.update(StorefrontPage, [page for page, _ in looked], FIELDS)

"""Looking at the shops' pages: nightly, from the desk and by command; nothing is fetched inside a transaction."""

import time
from collections.abc import Callable, Sequence

from django.conf import settings

from orders.actions import storefronts
from orders.models import Channel, StorefrontPage
from orders.providers.storefronts import fetch
from profiles import tenancy
from profiles.models import Organization

BATCH = 5
AT_MOST_SECONDS = 20
"""No page is begun later in a round: with the slowest the round ends before its claim does."""


def pages(organization_id: int) -> int:
    """Look at some of the pages that are due: one more queue of `config.drains`; returns how many were claimed."""
    with tenancy.organization(organization_id):
        claimed = storefronts.claim(BATCH)
    began = time.monotonic()
    for page in claimed:
        if time.monotonic() - began < AT_MOST_SECONDS:
            _look(organization_id, [page])
    return len(claimed)


def verify(
    organization_id: int, *, channel: Channel | None = None, told: Callable[[int], None] = lambda count: None
) -> list[StorefrontPage]:
    """Look at every page of the organization, or of one channel, now; returns them with what was found."""
    with tenancy.organization(organization_id):
        found = storefronts.all_of(Organization.objects.get(pk=organization_id), channel=channel)
    for page in found:
        _look(organization_id, [page])
        told(1)
    return found


def _look(organization_id: int, some: Sequence[StorefrontPage]) -> None:
    looked = [(page, fetch(page.url, inside=not settings.PRODUCTION)) for page in some]
    with tenancy.organization(organization_id):
        storefronts.note(looked)

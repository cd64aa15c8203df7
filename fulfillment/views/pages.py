"""What the customer's pages have in common: nothing of them is stored, told to others or found by search engines."""

import hashlib
import ipaddress
import time
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.formats import get_format
from django.utils.translation import gettext

from fulfillment import notices
from fulfillment.actions import stores
from fulfillment.models import Asset
from profiles import clock
from profiles.models import Organization

AN_HOUR = 3600


def masked(address: str) -> str:
    """An address as its owner knows it again and a stranger does not: a•••@example.org; empty stays empty."""
    name, at, domain = address.partition("@")
    return f"{name[:1]}•••{at}{domain}" if at else ""


def network(request: HttpRequest) -> str:
    """The network a request came from."""
    return network_of(getattr(request, "client_address", ""))


@lru_cache(maxsize=1024)
def network_of(address: str) -> str:
    """The network and not the address: enough to see a pattern, too little to find a person. '' for no address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 48), strict=False))


PRIVATE = (
    ("Cache-Control", "no-store, private"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Robots-Tag", "noindex, nofollow"),
)


def private(answer: HttpResponseBase) -> HttpResponseBase:
    """Nothing of these pages is stored by proxies, told to other sites or found by search engines."""
    for name, value in PRIVATE:
        answer[name] = value
    return answer


def unknown(request: HttpRequest) -> HttpResponseBase:
    """One page for everything that is no address of ours, whoever asks."""
    return private(render(request, "download/unknown.html", status=404))


def limited(request: HttpRequest) -> HttpResponseBase:
    """Too many tries; says nothing of what was tried."""
    answer = render(request, "download/limited.html", status=429)
    answer["Retry-After"] = str(AN_HOUR)
    return private(answer)


def wrong_method(*allowed: str) -> HttpResponseBase:
    """405 for everything but these."""
    return HttpResponse(status=405, headers={"Allow": ", ".join(allowed)})


def of_seller(organization: Organization) -> dict[str, Any]:
    """What every page says of the seller, and of what is out of order just now."""
    posted = organization.policies.get(notices.POLICY)
    return {
        "organization_name": organization.name,
        "support_email": organization.support_email,
        "notice": notices.read(posted, now=clock.now()) if posted else "",
    }


def size_text(size: int) -> str:
    """Bytes as the page's language writes them: exact below 1 kB, else one decimal, by integer arithmetic."""
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= scale:
            tenths = (size * 10 + scale // 2) // scale
            return f"{tenths // 10}{get_format('DECIMAL_SEPARATOR')}{tenths % 10} {unit}"
    return gettext("%(size)s bytes") % {"size": size}


def store_of(asset: Asset) -> str | None:
    """The first store that has this file whole; None if no store can give it now. Asks the network."""
    return stores.Health().where(asset)


def is_forged(request: HttpRequest) -> bool:
    """Whether another site made the browser send this.

    By the browser's own word (Sec-Fetch-Site). Django's token would need the referrer or origin, which these pages
    withhold; cookies are SameSite=Lax besides.
    """
    site = request.headers.get("Sec-Fetch-Site", "")
    if site:
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin", "null")
    return origin != "null" and urlsplit(origin).netloc != request.get_host()


def is_too_often(what: str, about: str, *, at_most: int) -> bool:
    """Count one try of this within the hour; true beyond so many. What is counted is kept as a hash."""
    hour = int(time.time()) // AN_HOUR
    key = f"pages:{what}:{hour}:{hashlib.sha256(about.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
    count = int(cache.get(key, 0)) + 1
    cache.set(key, count, AN_HOUR)
    return count > at_most

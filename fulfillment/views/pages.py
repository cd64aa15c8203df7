"""What the customer's pages have in common: nothing of them is stored, told to others or found by search engines."""

import ipaddress

from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import add_never_cache_headers


def masked(address: str) -> str:
    """An address as its owner knows it again and a stranger does not: a•••@example.org; empty stays empty."""
    name, at, domain = address.partition("@")
    return f"{name[:1]}•••{at}{domain}" if at else ""


def network(request: HttpRequest) -> str:
    """The network a request came from, not the address: enough to see a pattern, too little to find a person."""
    try:
        address = ipaddress.ip_address(getattr(request, "client_address", ""))
    except ValueError:
        return ""
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 48), strict=False))


def private(answer: HttpResponseBase) -> HttpResponseBase:
    """Nothing of these pages is stored by proxies, told to other sites or found by search engines."""
    add_never_cache_headers(answer)
    answer["Cache-Control"] = "no-store, private"
    answer["Referrer-Policy"] = "no-referrer"
    answer["X-Robots-Tag"] = "noindex, nofollow"
    return answer

"""The door for providers' deliveries: verify over the raw bytes, keep, answer. Nothing is parsed here.

The path is slim on purpose: no session, no ORM object, one statement for a delivery, and the channel's secrets
remembered for some seconds (a rejected signature always reads them anew, so a rotation is felt at once).
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.http.request import RawPostDataException
from django.views.decorators.csrf import csrf_exempt

from orders.actions import deliveries
from orders.models import Channel, ChannelRoute, DomainRoute
from orders.providers import PROVIDERS
from orders.providers.contract import Provider
from profiles import tenancy

log = logging.getLogger(__name__)

LARGEST_BODY = 5_242_880
REMEMBERED_SECONDS = 10.0
RETRY_AFTER_SECONDS = "5"
_STORED = b'{"received": true}'


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is needed to verify a delivery to one address."""

    organization_id: int
    channel_id: int
    kind: str
    secrets: tuple[str, ...]
    former_until: datetime | None
    read_at: float


_endpoints: dict[str, Endpoint] = {}


@csrf_exempt
def receive(request: HttpRequest, kind: str, key: str) -> HttpResponse:
    """200 stored or already stored; 401 signature; 404 unknown channel; 413 too large; 405 other methods; 503 ours."""
    provider = PROVIDERS.get(kind)
    if provider is None:
        return _answer(404)
    return _receive(request, provider, lambda fresh: _endpoint(kind, key, fresh=fresh))


@csrf_exempt
def receive_by_domain(request: HttpRequest, kind: str) -> HttpResponse:
    """The same, the channel found by the source-domain header: it must be verified for exactly one channel."""
    provider = PROVIDERS[kind]

    def find(fresh: bool) -> Endpoint | None:
        domain = provider.source_domain(_headers(request))
        key = _key_of(kind, domain) if domain else None
        return _endpoint(kind, key, fresh=fresh) if key else None

    return _receive(request, provider, find)


def _receive(request: HttpRequest, provider: Provider, find) -> HttpResponse:  # type: ignore[no-untyped-def]
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    try:
        endpoint: Endpoint | None = find(False)
        if endpoint is None:
            return _answer(404)
        body = _body(request)
        if body is None:
            return _answer(413)
        headers = _headers(request)
        if provider.is_ping(body, headers):
            return _answer(200)
        if not _verified(provider, endpoint, body, headers):
            endpoint = find(True)
            if endpoint is None or not _verified(provider, endpoint, body, headers):
                return _refuse(endpoint)
        delivery_id, topic = provider.identify(body, headers)
        deliveries.store(
            endpoint.organization_id,
            endpoint.channel_id,
            delivery_id=delivery_id,
            topic=topic,
            body=body,
            headers={name: value for name, value in headers.items() if name in provider.KEPT_HEADERS},
        )
    except Error:
        # Not kept, or not known whether kept: the sender has to try again, and the same delivery is kept once.
        log.warning("delivery.database_away")
        return _answer(503, retry=True)
    return HttpResponse(_STORED, content_type="application/json")


def _body(request: HttpRequest) -> bytes | None:
    """The raw bytes; None if there are more than are taken, by their own word or, in a chunked body, by counting."""
    declared = request.META.get("CONTENT_LENGTH") or ""
    if declared.isdigit() and int(declared) > LARGEST_BODY:
        return None
    try:
        if declared.isdigit():
            body = request.read(int(declared))
        elif "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
            body = request.environ["wsgi.input"].read(LARGEST_BODY + 1)  # type: ignore[attr-defined]
        else:
            body = b""
    except (OSError, RawPostDataException):
        return None
    return body if len(body) <= LARGEST_BODY else None


def _headers(request: HttpRequest) -> Mapping[str, str]:
    found = {
        name[5:].replace("_", "-").lower(): value for name, value in request.META.items() if name.startswith("HTTP_")
    }
    found["content-type"] = request.META.get("CONTENT_TYPE", "")
    return found


def _verified(provider: Provider, endpoint: Endpoint, body: bytes, headers: Mapping[str, str]) -> bool:
    secrets = endpoint.secrets
    if endpoint.former_until is not None and endpoint.former_until.timestamp() <= time.time():
        secrets = secrets[:1]
    return provider.verify(body, headers, [s for s in secrets if s], now=time.time())


def _refuse(endpoint: Endpoint | None) -> HttpResponse:
    if endpoint is not None:
        with tenancy.organization(endpoint.organization_id):
            deliveries.count_refusal(endpoint.organization_id, endpoint.channel_id)
    return _answer(401)


def _endpoint(kind: str, key: str, *, fresh: bool) -> Endpoint | None:
    known = _endpoints.get(key)
    if known is not None and not fresh and time.monotonic() - known.read_at < REMEMBERED_SECONDS:
        return known if known.kind == kind else None
    route = ChannelRoute.objects.filter(key=key, kind=kind).first() if len(key) <= 43 and "\0" not in key else None
    if route is None:
        return None
    with tenancy.organization(route.organization_id):
        channel = Channel.objects.get(pk=route.channel_id)
    found = Endpoint(
        organization_id=route.organization_id,
        channel_id=route.channel_id,
        kind=kind,
        secrets=(channel.secret, channel.former_secret),
        former_until=channel.former_secret_until,
        read_at=time.monotonic(),
    )
    if len(_endpoints) > 10_000:
        _endpoints.clear()
    _endpoints[key] = found
    return found


def _key_of(kind: str, domain: str) -> str | None:
    if "\0" in domain:
        return None
    routes = list(DomainRoute.objects.filter(kind=kind, domain=domain.lower(), verified=True)[:2])
    if len(routes) != 1:
        return None
    return (
        ChannelRoute.objects.filter(channel_id=routes[0].channel_id, organization_id=routes[0].organization_id)
        .values_list("key", flat=True)
        .first()
    )


def _answer(status: int, *, retry: bool = False) -> HttpResponse:
    titles = {200: "Received", 401: "Not authentic", 404: "Unknown address", 413: "Too large", 503: "Try again"}
    body = f'{{"type": "about:blank", "title": "{titles[status]}", "status": {status}, "detail": "{titles[status]}."}}'
    kind = "application/json" if status == 200 else "application/problem+json"
    answer = HttpResponse(body, status=status, content_type=kind)
    if retry:
        answer["Retry-After"] = RETRY_AFTER_SECONDS
    return answer

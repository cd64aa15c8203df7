"""The door for providers' deliveries: verify over the raw bytes, keep, answer. Nothing is parsed here.

`answer` knows no framework, so that the web server can call it without Django's layers (config/wsgi.py): no session, no
ORM object, one statement for a delivery, and the channel's secrets remembered for some seconds (a rejected signature
always reads them anew, so a rotation is felt at once).
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from orders.actions import channels, deliveries
from orders.models import Channel, ChannelRoute, DomainRoute
from orders.providers import PROVIDERS
from orders.providers.contract import JSON_ANSWER, Provider
from orders.queries import refunding
from profiles import clock, tenancy

log = logging.getLogger(__name__)

LARGEST_BODY = 5_242_880
LONGEST_QUERY = 4000
REMEMBERED_SECONDS = 10.0
BY_DOMAIN = ("woocommerce", "shopify")
_TITLES = {401: "Not authentic", 404: "Unknown address", 405: "Not allowed", 413: "Too large", 503: "Try again"}
_MORE = {405: {"Allow": "POST"}, 503: {"Retry-After": "5"}}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered: nothing of it says anything about other tenants."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


KEPT = Answer(200, *JSON_ANSWER)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is needed to verify a delivery to one address."""

    organization_id: int
    channel_id: int
    kind: str
    key: str
    secrets: tuple[str, ...]
    token: str
    former_until: datetime | None
    read_at: float


class Headers(Mapping[str, str]):
    """A request's headers by lower-case name, looked up where WSGI keeps them: most are never asked for."""

    def __init__(self, meta: Mapping[str, Any]) -> None:
        self.meta = meta

    def __getitem__(self, name: str) -> str:
        return str(self.meta[_key(name)])

    def get(self, name: str, default: Any = None) -> Any:
        return self.meta.get(_key(name), default)

    def __iter__(self) -> Iterator[str]:
        named = (key[5:].replace("_", "-").lower() for key in self.meta if key.startswith("HTTP_"))
        return iter([*named, *(["content-type"] if "CONTENT_TYPE" in self.meta else [])])

    def __len__(self) -> int:
        return sum(1 for _ in self)


@lru_cache(maxsize=256)
def _key(name: str) -> str:
    return "CONTENT_TYPE" if name == "content-type" else f"HTTP_{name.upper().replace('-', '_')}"


_endpoints: dict[str, Endpoint] = {}
Find = Callable[[bool], Endpoint | None]


def answer(method: str, kind: str, key: str, meta: Mapping[str, Any]) -> Answer:
    """200 stored or already stored; 401 signature; 404 unknown channel; 413 too large; 405 other methods; 503 ours.

    `meta` is the request as WSGI tells it. The key `order-created` means: find the channel by its source domain,
    which must be verified for exactly one.
    """
    provider = PROVIDERS.get(kind)
    if provider is None:
        return _problem(404)
    challenged = method == "GET" and provider.CHALLENGES and "hub." in str(meta.get("QUERY_STRING", ""))
    if method != "POST" and not challenged:
        return _problem(405)
    headers = Headers(meta)

    def find(fresh: bool) -> Endpoint | None:
        if key == "order-created" and kind in BY_DOMAIN:
            domain = provider.source_domain(headers)
            found = _key_of(kind, domain) if domain else None
            return _endpoint(kind, found, fresh=fresh) if found else None
        return _endpoint(kind, key, fresh=fresh)

    try:
        if challenged:
            return _challenge(provider, find(True), meta)
        return _take(provider, find, headers, meta)
    except Error:
        # Not kept, or not known whether kept: the sender has to try again, and the same delivery is kept once.
        log.warning("delivery.database_away", exc_info=True)
        return _problem(503)


@csrf_exempt
def receive(request: HttpRequest, kind: str, key: str) -> HttpResponse:
    """The same through Django's layers."""
    found = answer(request.method or "", kind, key, request.META)
    return HttpResponse(found.body, status=found.status, content_type=found.content_type, headers=dict(found.headers))


def _take(provider: Provider, find: Find, headers: Mapping[str, str], meta: Mapping[str, Any]) -> Answer:
    endpoint = find(False)
    if endpoint is None:
        return _problem(404)
    body = _body(meta)
    if body is None:
        return _problem(413)
    if provider.is_ping(body, headers):
        return KEPT
    if code := provider.handshake(body, headers):
        with tenancy.organization(endpoint.organization_id):
            channels.note_handshake(endpoint.channel_id, code)
        return KEPT
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
        headers={name: value for name in provider.KEPT_HEADERS if (value := headers.get(name)) is not None},
    )
    said = provider.answer(headers)
    return KEPT if said is JSON_ANSWER else Answer(200, *said)


def _challenge(provider: Provider, endpoint: Endpoint | None, meta: Mapping[str, Any]) -> Answer:
    """The provider tries a new address with GET: what it wants to read, as plain text."""
    if endpoint is None:
        return _problem(404)
    asked = dict(parse_qsl(str(meta.get("QUERY_STRING", ""))[:LONGEST_QUERY]))
    told = provider.challenge(asked, endpoint.token)
    return Answer(200, told.encode("ascii"), "text/plain; charset=utf-8") if told else _problem(401)


def _body(meta: Mapping[str, Any]) -> bytes | None:
    """The raw bytes; None if there are more than are taken, by their own word or, in a chunked body, by counting."""
    declared = str(meta.get("CONTENT_LENGTH") or "")
    stream = meta["wsgi.input"]
    if declared.isdigit():
        if len(declared) > 12 or int(declared) > LARGEST_BODY:
            return None
        return _read(stream, int(declared))
    if "chunked" in str(meta.get("HTTP_TRANSFER_ENCODING", "")).lower():
        body = _read(stream, LARGEST_BODY + 1)
        return body if len(body) <= LARGEST_BODY else None
    return b""


def _read(stream: Any, size: int) -> bytes:
    pieces, left = [], size
    while left > 0 and (piece := stream.read(left)):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _verified(provider: Provider, endpoint: Endpoint, body: bytes, headers: Mapping[str, str]) -> bool:
    secrets = endpoint.secrets
    # The end of a rotation is an expiry and follows our clock; the age of a signature follows the real one.
    here = time.time() + clock.offset().total_seconds()
    if endpoint.former_until is not None and endpoint.former_until.timestamp() <= here:
        secrets = secrets[:1]
    if provider.SIGNS_ADDRESS:
        body = f"{settings.BASE_URL}/api/webhooks/{endpoint.kind}/{endpoint.key}".encode() + body
    return provider.verify(body, headers, [s for s in secrets if s], now=time.time())


def _refuse(endpoint: Endpoint | None) -> Answer:
    if endpoint is not None:
        with tenancy.organization(endpoint.organization_id):
            deliveries.count_refusal(endpoint.organization_id, endpoint.channel_id)
    return _problem(401)


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
        key=key,
        secrets=(channel.secret, channel.former_secret),
        # Where none was agreed upon, the part of the address that nobody can guess.
        token=refunding.credentials(channel).get("verify_token") or channel.key,
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
    route = ChannelRoute.objects.filter(channel_id=routes[0].channel_id, organization_id=routes[0].organization_id)
    return route.values_list("key", flat=True).first()


def _problem(status: int) -> Answer:
    title = _TITLES[status]
    body = f'{{"type": "about:blank", "title": "{title}", "status": {status}, "detail": "{title}."}}'
    return Answer(status, body.encode(), "application/problem+json", _MORE.get(status, {}))

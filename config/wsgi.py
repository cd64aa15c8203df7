"""The application as web servers call it; deliveries and presses of a download button pass by Django's layers."""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from django.core.wsgi import get_wsgi_application

from config import environment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

try:
    _django = get_wsgi_application()
except environment.Refused as refusal:
    sys.exit(str(refusal))

from django.conf import settings
from django.db import Error, connection
from django.http.request import split_domain_port, validate_host

from config import metrics, middleware
from fulfillment.views import downloads, pages
from orders import webhooks

PREFIX = "/api/webhooks/"
ROUTE = "api/webhooks/<str:kind>/<str:key>"
OF_DOWNLOADS = "/download/"
ROUTE_OF_DOWNLOADS = "download/<str:secret>"
Start = Callable[..., Any]
Environ = dict[str, Any]

log = logging.getLogger(__name__)


def application(environ: Environ, start_response: Start) -> Iterable[bytes]:
    path = environ.get("PATH_INFO", "")
    if path.startswith(PREFIX):
        return _delivery(path, environ, start_response)
    if path.startswith(OF_DOWNLOADS) and environ["REQUEST_METHOD"] == "POST":
        return _download(path, environ, start_response)
    return _django(environ, start_response)


def _delivery(path: str, environ: Environ, start_response: Start) -> Iterable[bytes]:
    kind, _, key = path[len(PREFIX) :].partition("/")
    # What is no delivery's address (setup, a slash too many) is Django's to answer.
    if not key or "/" in key or not _known_host(environ):
        return _django(environ, start_response)
    began = time.perf_counter()
    method = environ["REQUEST_METHOD"]
    answer = None
    try:
        answer = webhooks.answer(method, kind, key, environ)
    finally:
        if answer is not webhooks.KEPT:
            # An error may have left the connection broken; a fresh one is opened for the next request.
            connection.close_if_unusable_or_obsolete()
    metrics.request_answered(method, ROUTE, answer.status, time.perf_counter() - began)
    headers = {
        "Content-Type": answer.content_type,
        "Content-Length": str(len(answer.body)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Request-ID": os.urandom(16).hex(),
        **answer.headers,
    }
    start_response(_PHRASES[answer.status], list(headers.items()))
    return [answer.body] if method != "HEAD" else [b""]


def _download(path: str, environ: Environ, start_response: Start) -> Iterable[bytes]:
    # Whatever needs a page, and who has to come again over TLS, is Django's to answer.
    secure = _is_secure(environ)
    if not _known_host(environ) or (settings.SECURE_SSL_REDIRECT and not secure):
        return _django(environ, start_response)
    began, status, leads_to = time.perf_counter(), 303, None
    try:
        address, agent = middleware.address_of(environ), environ.get("HTTP_USER_AGENT", "")
        leads_to = downloads.answer(path, address=address, agent=agent)
    except Error:
        log.warning("download.database_away", exc_info=True)
        connection.close_if_unusable_or_obsolete()
        status = 503
    if leads_to is None and status == 303:
        return _django(environ, start_response)
    metrics.request_answered("POST", ROUTE_OF_DOWNLOADS, status, time.perf_counter() - began)
    body = b"Please try again in a moment." if leads_to is None else b""
    headers = [
        ("Location", leads_to) if leads_to else ("Retry-After", "5"),
        ("Content-Length", str(len(body))),
        *pages.PRIVATE,
        *_OF_PAGES,
        ("X-Request-ID", os.urandom(16).hex()),
    ]
    if secure and settings.SECURE_HSTS_SECONDS:
        lasts = f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains; preload"
        headers.append(("Strict-Transport-Security", lasts))
    start_response(_PHRASES[status], headers)
    return [body]


# What Django's layers say of each page; an answer without markup needs no source of any.
_OF_PAGES = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
)


def _is_secure(environ: Environ) -> bool:
    told = settings.SECURE_PROXY_SSL_HEADER
    if told and told[0] in environ:
        return str(environ[told[0]]).split(",", 1)[0].strip() == told[1]
    return bool(environ["wsgi.url_scheme"] == "https")


_PHRASES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_hosts: dict[str, bool] = {}


def _known_host(environ: dict[str, Any]) -> bool:
    host = environ.get("HTTP_HOST", "")
    known = _hosts.get(host)
    if known is None:
        domain, _ = split_domain_port(host)
        known = bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)
        if len(_hosts) < 1000:
            _hosts[host] = known
    return known

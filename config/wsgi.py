"""The application as web servers call it; deliveries pass by Django's layers, everything else through them."""

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
from django.db import connection
from django.http.request import split_domain_port, validate_host

from config import metrics
from orders import webhooks

PREFIX = "/api/webhooks/"
ROUTE = "api/webhooks/<str:kind>/<str:key>"
Start = Callable[..., Any]


def application(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
    path = environ.get("PATH_INFO", "")
    if not path.startswith(PREFIX):
        return _django(environ, start_response)
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

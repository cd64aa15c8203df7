"""What every request passes: its id and its line in the log, and the content policy of its page."""

import re
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from config import metrics

GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

log = structlog.get_logger("aftersale.requests")


class RequestLog:
    """Gives the request an id that every log line of it carries, and writes one line when it is answered.

    The line has the route and not the path, because paths carry the customers' links; nor address nor user.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
        # For the doors below, which may not know the wiring.
        request.client_address = client_address(request)  # type: ignore[attr-defined]
        began = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
            seconds = time.perf_counter() - began
            route = request.resolver_match.route if request.resolver_match else ""
            metrics.request_answered(request.method or "", route, response.status_code, seconds)
            log.info(
                "answered",
                method=request.method,
                route=route,
                status=response.status_code,
                ms=round(seconds * 1000, 1),
            )
        response["X-Request-ID"] = request_id
        return response


class ContentSecurityPolicy(CSPMiddleware):
    """The strict policy everywhere, except where a path of settings has a policy of its own."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if not report_only and parts.config is None:
            for prefix, directives in settings.CONTENT_SECURITY_POLICY_OF_PATHS.items():
                if request.path_info.startswith(prefix):
                    parts.config = directives
                    break
        return parts


def client_address(request: HttpRequest) -> str:
    """The address a request came from, as the outermost of our own proxies saw it."""
    return address_of(request.META)


def address_of(meta: Mapping[str, Any]) -> str:
    """The same of a request as WSGI tells it."""
    proxies: int = settings.TRUSTED_PROXIES
    if proxies:
        hops = [hop.strip() for hop in meta.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
        if len(hops) >= proxies:
            return str(hops[-proxies])
    return str(meta.get("REMOTE_ADDR", ""))

"""What every endpoint does: find the token's organization, check its scope, answer a repeated call the same, settle.

The whole request runs in one transaction inside the organization's context. What a write touches is settled right
after it, so that its answer already tells the agreed state.
"""

import hashlib
import json
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.exceptions import NotAuthenticated, ParseError, PermissionDenied
from rest_framework.pagination import CursorPagination
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from profiles import tenancy
from profiles.actions import turns
from profiles.actors import Actor, Invalid, Refusal
from profiles.models import ApiToken, IdempotencyKey, Organization, TokenRoute
from profiles.tokens import digest
from support.api.reading import StrictJSON

LONGEST_KEY = 255
Settle = Callable[[int], None]


class KeyReused(Refusal):
    title = "Idempotency key used before"


@dataclass(frozen=True)
class Bearer:
    """Whoever holds the token; stands in for DRF's user."""

    token: ApiToken
    organization: Organization
    is_authenticated: ClassVar[bool] = True

    @property
    def pk(self) -> int:
        return int(self.token.pk)


class TokenThrottle(SimpleRateThrottle):
    """A ceiling for each token."""

    scope = "token"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        bearer: object = request.user
        return f"throttle:token:{bearer.pk}" if isinstance(bearer, Bearer) else None


class Pages(CursorPagination):
    """Cursor pages: `cursor` and `page_size` (at most 200); a page costs the same at any depth."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self.get_next_link()})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["results", "next"],
            "properties": {"results": schema, "next": {"type": "string", "format": "uri", "nullable": True}},
        }


class Endpoint(APIView):
    """`resource` names the scope: `<resource>:read` for GET, `<resource>:write` for POST."""

    resource: ClassVar[str]
    parser_classes = [StrictJSON]
    renderer_classes = [JSONRenderer]
    throttle_classes = [TokenThrottle]
    authentication_classes: Sequence[Any] = []
    http_method_names = ["get", "post", "head", "options"]
    inside = False
    remembered = 0
    reread: Callable[[], Any] | None = None
    """Set by a write: tells its row again once everything agrees."""
    status_of: Callable[[Any], int] | None = None
    """Set by a write whose status follows from what `reread` tells."""
    settle: Settle | None = None
    """Given by the wiring: makes everything agree after a write."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        bearer_route = self._route(request)
        if bearer_route is None:
            self.bearer = None
            return self._rendered(super().dispatch(request, *args, **kwargs))
        with suppress(RequestDataTooBig):
            request.body  # noqa: B018 (once read it can be read again, where the turn has to be taken twice)

        def answered() -> HttpResponseBase:
            self.bearer = self._bearer(bearer_route)
            self.inside, self.reread, self.status_of, self.remembered = True, None, None, 0
            answer: Any = super(Endpoint, self).dispatch(request, *args, **kwargs)
            done = request.method in ("GET", "HEAD") or answer.status_code >= 300
            return self._rendered(answer) if done else answer

        answer: Any = turns.take(bearer_route.organization_id, answered)
        if getattr(answer, "is_rendered", True):
            return answer
        if self.settle is not None:
            self.settle(bearer_route.organization_id)
        with tenancy.organization(bearer_route.organization_id):
            if self.reread is not None:
                answer.data = self.reread()
                if self.status_of is not None:
                    answer.status_code = self.status_of(answer.data)
                IdempotencyKey.objects.filter(pk=self.remembered).update(
                    answer=json.loads(json.dumps(answer.data)), status=answer.status_code
                )
            return self._rendered(answer)

    def _rendered(self, answer: Any) -> HttpResponseBase:
        # Rendering reads rows; outside of the context it would find none.
        if isinstance(answer, Response) and not answer.is_rendered:
            answer.render()
        answer["Cache-Control"] = "no-store"
        return answer

    @staticmethod
    def _route(request: HttpRequest) -> TokenRoute | None:
        kind, _, secret = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not secret.strip():
            return None
        return TokenRoute.objects.filter(digest=digest(secret.strip())).first()

    @staticmethod
    def _bearer(route: TokenRoute) -> Bearer | None:
        token = ApiToken.objects.filter(pk=route.token_id, revoked_at__isnull=True).first()
        if token is None:
            return None
        return Bearer(token, Organization.objects.get(pk=route.organization_id))

    def perform_authentication(self, request: Request) -> None:
        if self.bearer is None:
            raise NotAuthenticated("Give a valid API token: Authorization: Bearer …")
        request.user = self.bearer  # type: ignore[assignment]
        request.auth = self.bearer.token

    def get_authenticate_header(self, request: Request) -> str:
        return "Bearer"

    def check_permissions(self, request: Request) -> None:
        verb = "read" if request.method in ("GET", "HEAD", "OPTIONS") else "write"
        wanted = f"{self.resource}:{verb}"
        assert self.bearer is not None
        if not {wanted, "*"} & set(self.bearer.token.scopes):
            raise PermissionDenied(f"This token lacks the scope {wanted}.")

    # What the methods use -------------------------------------------------------------------------------------

    @property
    def organization(self) -> Organization:
        assert self.bearer is not None
        return self.bearer.organization

    def actor(self, request: Request) -> Actor:
        assert self.bearer is not None
        return Actor(
            label=f"API token {self.bearer.token.name}",
            role="token",
            token_id=self.bearer.token.pk,
            request_id=request.headers.get("X-Request-ID", "")[:64],
            scopes=frozenset(self.bearer.token.scopes),
        )

    def page(self, request: Request, rows: Any, tell: Callable[[Sequence[Any]], list[Any]], *, order: str) -> Response:
        """One page of these rows, newest first, told as documents."""
        if "page" in request.query_params:
            raise ParseError("Pages are by cursor: follow `next`.")
        pages: Any = Pages()
        pages.ordering = (order, "-id")
        found: Sequence[Any] = pages.paginate_queryset(rows, request, self) or []
        answer: Response = pages.get_paginated_response(tell(found))
        return answer

    @staticmethod
    def body(request: Request) -> dict[str, Any]:
        """The JSON object sent; the parser takes nothing else."""
        return request.data if isinstance(request.data, dict) else {}

    def told(self, request: Request) -> bytes:
        """The same as the inbox keeps it; one spelling, whatever the order of its fields."""
        return json.dumps(self.body(request), default=str, sort_keys=True).encode()

    def once(self, request: Request, act: Callable[[str], tuple[Any, int]]) -> Response:
        """Do it once for an Idempotency-Key: a repeat gets the first answer, another body is refused with 409.

        `act` gets the key (one of its own where none was given) and returns the answer's data and status.
        """
        key = request.headers.get("Idempotency-Key", "").strip()
        if len(key) > LONGEST_KEY or "\0" in key:
            raise Invalid("An Idempotency-Key has at most 255 characters.")
        if not key:
            data, status = act(uuid.uuid4().hex)
            return Response(data, status=status)
        assert self.bearer is not None
        asked = json.dumps([request.path, request.data], sort_keys=True, default=str)
        wanted = hashlib.sha256(asked.encode()).hexdigest()
        # A second call at the same moment waits here until the first has committed.
        row, mine = IdempotencyKey.objects.get_or_create(
            organization=self.organization, token=self.bearer.token, key=key, defaults={"request_hash": wanted}
        )
        if not mine:
            if row.request_hash != wanted:
                raise KeyReused("This Idempotency-Key was used before for another request.")
            return Response(row.answer, status=row.status or 200)
        data, status = act(f"{self.bearer.token.pk}:{key}")
        row.answer, row.status = json.loads(json.dumps(data)), status
        row.save(update_fields=["answer", "status"])
        self.remembered = row.pk
        return Response(data, status=status)


def instant(request: Request, name: str) -> Any:
    """A query parameter as an instant; dates are their first moment in UTC."""
    from orders import parsing

    text = request.query_params.get(name, "").strip()
    if not text:
        return None
    try:
        return parsing.instant(text if "T" in text or " " in text else f"{text}T00:00:00Z")
    except ValueError as error:
        raise ParseError(f"{name} is no instant such as 2026-11-21T09:30:00Z.") from error


def plain(request: Request, name: str) -> str:
    """A query parameter as text that a database can be asked for."""
    return request.query_params.get(name, "").replace("\0", "").strip()[:400]

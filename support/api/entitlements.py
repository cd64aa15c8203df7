"""Entitlements: list, and the verbs of the desk's buttons by the same actions."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from fulfillment.actions import emails, entitlements
from fulfillment.models import Entitlement
from profiles import identifiers
from profiles.actors import Actor
from profiles.models import Identifier
from support.api import rows
from support.api.endpoints import Endpoint, instant, plain
from support.api.orders import FILTERS
from support.api.profiles import reason
from support.queries import documents, lookups

ROWS = Entitlement.objects.select_related("product", "order__channel", "profile")


class Entitlements(Endpoint):
    resource = "entitlements"

    @extend_schema(operation_id="entitlements_list", parameters=FILTERS, responses=rows.EntitlementRow(many=True))
    def get(self, request: Request) -> Response:
        found = ROWS.all()
        for kind in ("email", "phone"):
            if text := plain(request, kind):
                known = identifiers.normalise(kind, text, region=self.organization.region)
                value = known.value if known and not known.source else ""
                found = found.filter(profile__in=Identifier.objects.filter(kind=kind, value=value).values("profile_id"))
        if external_id := plain(request, "external_id"):
            found = found.filter(order__external_id=external_id)
        if status := plain(request, "status"):
            found = found.filter(status=status)
        if since := instant(request, "since"):
            found = found.filter(created_at__gte=since)
        if until := instant(request, "until"):
            found = found.filter(created_at__lt=until)
        return self.page(request, found, lambda page: documents.entitlements(list(page)), order="-created_at")


class Verb(Endpoint):
    """One button of the desk on one entitlement."""

    resource = "entitlements"

    @staticmethod
    def do(row: Entitlement, by: Actor, because: str) -> object:
        raise NotImplementedError

    def press(self, request: Request, pk: int) -> Response:
        def act(key: str) -> tuple[Any, int]:
            self.do(lookups.found(ROWS.all(), pk), self.actor(request), reason(request))
            self.reread = lambda: documents.entitlements([ROWS.get(pk=pk)])[0]
            return self.reread(), 200

        return self.once(request, act)


class Revoke(Verb):
    @staticmethod
    def do(row: Entitlement, by: Actor, because: str) -> object:
        return entitlements.revoke(row, by=by, because=because)

    @extend_schema(operation_id="entitlements_revoke", request=rows.ReasonBody, responses=rows.EntitlementRow)
    def post(self, request: Request, pk: int) -> Response:
        return self.press(request, pk)


class Restore(Verb):
    @staticmethod
    def do(row: Entitlement, by: Actor, because: str) -> object:
        return entitlements.restore(row, by=by, because=because)

    @extend_schema(operation_id="entitlements_restore", request=rows.ReasonBody, responses=rows.EntitlementRow)
    def post(self, request: Request, pk: int) -> Response:
        return self.press(request, pk)


class Resend(Endpoint):
    resource = "entitlements"

    @extend_schema(operation_id="entitlements_resend", request=rows.ReasonBody, responses=rows.ResentRow)
    def post(self, request: Request, pk: int) -> Response:
        def act(key: str) -> tuple[Any, int]:
            row = lookups.found(ROWS.all(), pk)
            mail = emails.resend(row, by=self.actor(request), because=reason(request), key=key)
            return {"id": mail.pk, "to": mail.to, "template": mail.template, "state": mail.state}, 200

        return self.once(request, act)

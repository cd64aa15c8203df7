"""Customers: list, one, their timeline, and merging two."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from profiles import identifiers
from profiles.actions import merges
from profiles.actors import Invalid
from profiles.models import Identifier, Merge, Profile
from support.api import rows
from support.api.endpoints import Endpoint, instant, plain
from support.queries import documents, lookups, timelines

FILTERS = [
    OpenApiParameter(name, str)
    for name in ("email", "phone", "external_id", "status", "since", "until", "cursor", "page_size")
]


class Profiles(Endpoint):
    resource = "profiles"

    @extend_schema(operation_id="profiles_list", parameters=FILTERS, responses=rows.ProfileRow(many=True))
    def get(self, request: Request) -> Response:
        found = Profile.objects.filter(merged_into__isnull=True)
        for kind in ("email", "phone"):
            if text := plain(request, kind):
                known = identifiers.normalise(kind, text, region=self.organization.region)
                value = known.value if known and not known.source else ""
                owners = Identifier.objects.filter(kind=kind, value=value, status=Identifier.Status.ACTIVE)
                found = found.filter(pk__in=owners.values("profile_id"))
        if external_id := plain(request, "external_id"):
            found = found.filter(orders__external_id=external_id)
        if status := plain(request, "status"):
            found = found.filter(claimed_at__isnull=status != "claimed")
        if since := instant(request, "since"):
            found = found.filter(created_at__gte=since)
        if until := instant(request, "until"):
            found = found.filter(created_at__lt=until)
        return self.page(request, found, lambda page: documents.profiles(list(page)), order="-created_at")


class OneProfile(Endpoint):
    resource = "profiles"

    @extend_schema(operation_id="profiles_read", responses=rows.ProfileRow)
    def get(self, request: Request, pk: int) -> Response:
        return Response(documents.profiles([lookups.profile(pk)])[0])


class Timeline(Endpoint):
    resource = "profiles"

    @extend_schema(operation_id="profiles_timeline", responses=rows.TimelineRow(many=True))
    def get(self, request: Request, pk: int) -> Response:
        told = [
            {
                "id": f"{number}-{row.ref or row.type}",
                "at": documents.instant(row.at),
                "type": row.type,
                "title": row.title,
                "source": row.source,
            }
            for number, row in enumerate(timelines.of_profile(lookups.profile(pk)))
        ]
        return Response({"results": told, "next": None})


class MergeProfiles(Endpoint):
    resource = "profiles"

    @extend_schema(operation_id="profiles_merge", request=rows.MergeBody, responses=rows.MergeRow)
    def post(self, request: Request, pk: int) -> Response:
        body = self.body(request)
        other, verified = body.get("profile"), body.get("verified")
        if isinstance(other, bool) or not isinstance(other, int):
            raise Invalid("profile: give the id of the other customer.")
        if not isinstance(verified, list) or not all(isinstance(point, str) for point in verified):
            raise Invalid("verified: give a list of the data points you verified.")

        def act(key: str) -> tuple[Any, int]:
            lookups.found(Profile.objects.all(), pk)
            lookups.found(Profile.objects.all(), other)
            row = merges.merge_by_staff(pk, other, by=self.actor(request), because=reason(request), verified=verified)
            return {"id": row.pk, "survivor": row.survivor_id, "absorbed": row.absorbed_id}, 200

        return self.once(request, act)


class Merges(Endpoint):
    resource = "merges"

    @extend_schema(operation_id="merges_list", responses=rows.MergeRow(many=True))
    def get(self, request: Request) -> Response:
        return self.page(request, Merge.objects.all(), lambda page: documents.merges(list(page)), order="-at")


class UndoMerge(Endpoint):
    resource = "merges"

    @extend_schema(operation_id="merges_undo", request=rows.ReasonBody, responses=rows.MergeRow)
    def post(self, request: Request, pk: int) -> Response:
        def act(key: str) -> tuple[Any, int]:
            row = merges.undo(lookups.found(Merge.objects.all(), pk), by=self.actor(request), because=reason(request))
            return documents.merges([row])[0], 200

        return self.once(request, act)


def reason(request: Request) -> str:
    """The body's reason; the action refuses an empty one."""
    text = Endpoint.body(request).get("reason", "")
    if not isinstance(text, str):
        raise Invalid("reason: give a text.")
    return text

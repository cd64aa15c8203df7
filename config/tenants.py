"""Which organization a member of staff works in: the context that each page of the desk runs in, rendering included."""

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST

from config import drains
from profiles import clock, prepared, tenancy
from profiles.actions import audit
from profiles.actors import Actor, NotPermitted, Refusal
from profiles.models import Membership, Organization, Role, StaffRoute
from profiles.prepared_queries import PreparedQuery
from support.admin.base import one_moment
from support.admin.dialogs import way_back

log = logging.getLogger(__name__)

PREFIX = "/admin/"
SESSION_KEY = "organization"
SETTLE_SECONDS = 1.0
WITHOUT_ORGANIZATION = ("logout/", "login/", "password_change/", "password_change/done/", "jsi18n/")


class StaffOrganization:
    """Opens the chosen organization around the whole view, and turns every refusal into a red line.

    What a view did before it failed is undone with it. After a change, what depends on it
    is made to agree, so that the next page shows the result.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PREFIX) or not may_enter(request.user):
            return self.get_response(request)
        here: Any = request
        asked_at, here.organizations = choices(here.user)
        chosen = _chosen(here)
        if chosen is None:
            here.organization, here.membership, here.actor = None, None, _actor(here.user, "")
            if request.path_info.removeprefix(PREFIX) in WITHOUT_ORGANIZATION:
                return self.get_response(request)
            return render(request, "admin/no_organization.html", {"title": "No organization"}, status=403)
        with tenancy.organization(chosen):
            here.membership = next(iter(_MEMBERSHIP(here.user.pk)), None)
            member = here.membership is not None
            here.organization = here.membership.organization if member else Organization.objects.get(pk=chosen)
            here.actor = _actor(here.user, _role(here.user, here.membership))
            with one_moment(asked_at):
                response = self.get_response(request)
        if request.method == "POST" and response.status_code < 400 and not hasattr(request, "failed"):
            _settle(chosen)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        here: Any = request
        if getattr(here, "organization", None) is None:
            return None
        here.failed = True
        if transaction.get_connection().in_atomic_block:
            transaction.set_rollback(True)
        if isinstance(exception, Http404):
            return _nothing_there(request, str(exception))
        if not isinstance(exception, Refusal):
            return None
        target = way_back(request)
        if request.method == "GET" and request.path == target:
            return None  # the first page itself refuses: going there would never end
        messages.error(request, str(exception))
        if request.headers.get("HX-Request"):
            return HttpResponse(headers={"HX-Redirect": target})
        return redirect(target)


def may_enter(user: Any) -> bool:
    """Whether this is staff, with the second factor where it is asked for."""
    if not (user.is_authenticated and user.is_active and user.is_staff):
        return False
    return not settings.STAFF_MFA or user.is_verified()


# With the moment of the page, which every one asks: it costs no question of its own.
_CHOICES = """
SELECT m.at, r.id, r.slug FROM (SELECT clock_timestamp() AS at) m
  LEFT JOIN profiles_organizationroute r ON {which} ORDER BY r.slug
"""
_ALL = _CHOICES.format(which="true")
_OWN = _CHOICES.format(which="r.id IN (SELECT organization_id FROM profiles_staffroute WHERE user_id = %(user)s)")


_MEMBERSHIP = PreparedQuery(lambda user: Membership.objects.filter(user=user).select_related("organization")[:1])


def choices(user: User) -> tuple[datetime, dict[int, str]]:
    """The present instant, and the organizations this member of staff may work in, id → slug: all for a superuser."""
    found = prepared.fetch(_ALL if user.is_superuser else _OWN, {"user": user.pk})
    return clock.moved(found[0][0]), {pk: slug for _, pk, slug in found if pk is not None}


def _nothing_there(request: HttpRequest, sentence: str) -> HttpResponse:
    """A page of the desk that asks the database nothing: its transaction is over."""
    from config.desk import desk

    said = sentence if sentence.startswith("There is ") else "There is no page at this address."
    return TemplateResponse(
        request, "admin/not_found.html", {**desk.each_context(request), "title": "Not found", "said": said}, status=404
    )


@require_POST
@csrf_protect
def choose(request: HttpRequest) -> HttpResponse:
    """Work in another organization from now on; who does not belong to it acts across, which is on record there."""
    here: Any = request
    wanted = request.POST.get("organization", "")
    if not wanted.isdigit() or int(wanted) not in getattr(here, "organizations", {}):
        raise NotPermitted("You do not belong to that organization.")
    chosen = int(wanted)
    with tenancy.organization(chosen):
        name = Organization.objects.get(pk=chosen).name
        if not Membership.objects.filter(user_id=here.user.pk).exists():
            audit.record("staff.acted_across", by=_actor(here.user, Role.ENGINEER), organization_id=chosen)
    request.session[SESSION_KEY] = chosen
    messages.success(request, f"You work in {name} now.")
    return redirect("admin:index")


def _chosen(request: Any) -> int | None:
    wanted = request.session.get(SESSION_KEY)
    if isinstance(wanted, int) and wanted in request.organizations:
        return wanted
    if request.user.is_superuser:
        own = StaffRoute.objects.filter(user_id=request.user.pk).values_list("organization_id", flat=True).first()
        if own is not None and own in request.organizations:
            return own
    return next(iter(request.organizations), None)


def _role(user: User, membership: Membership | None) -> str:
    if user.is_superuser:
        return Role.ENGINEER
    return membership.role if membership is not None else ""


def _actor(user: User, role: str) -> Actor:
    request_id = structlog.contextvars.get_contextvars().get("request_id", "")
    label = (user.get_full_name() or user.get_username())[:200]
    return Actor(label=label, role=str(role), user_id=user.pk, request_id=request_id)


def _settle(organization_id: int) -> None:
    """Do now, for a moment, what the change asked for; a worker does the rest."""
    began = time.monotonic()
    try:
        while time.monotonic() - began < SETTLE_SECONDS and drains.settlements(organization_id):
            pass
    except Exception:
        log.exception("desk.settle_failed")

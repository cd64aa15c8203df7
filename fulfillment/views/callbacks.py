"""Where Auth0 leads back to: a page with a button, whose press finishes the sign-in that this browser began."""

import logging
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from fulfillment.actions import address_proofs, claims
from fulfillment.models import Claim, LibrarySession
from fulfillment.providers import auth0
from fulfillment.views import asking, pages, sessions
from fulfillment.views.claims import library_url
from profiles import identifiers, tenancy
from profiles.actions import proofs
from profiles.actors import Actor, Refusal

log = logging.getLogger(__name__)

PRESSES_AN_HOUR = 12


@csrf_exempt  # the state is the secret that a forged request would lack, and it is bound to this browser
def finish(request: HttpRequest) -> HttpResponseBase:
    """GET shows the button and uses nothing up; POST has the code checked and opens the library."""
    if request.method not in ("GET", "HEAD", "POST"):
        return pages.wrong_method("GET", "HEAD", "POST")
    given = request.POST if request.method == "POST" else request.GET
    state, code = given.get("state", ""), given.get("code", "")
    organization_id = claims.route(state)
    if organization_id is None or pages.is_forged(request):
        return pages.unknown(request)
    with tenancy.organization(organization_id):
        claim = claims.find(state)
        if claim is None or claim.kind != Claim.Kind.AUTH0:
            return pages.unknown(request)
        session = sessions.of(request, organization_id)
        context = _context(claim, state, code)
        try:
            claims.check(claim)
        except Refusal as refusal:
            return _ended(request, context, str(refusal))
    if not code or not sessions.is_same_browser(request, claim.browser):
        # Auth0's link was opened elsewhere: only the browser that asked may finish.
        return _ended(request, context, "Please open this link in the browser in which you asked for it.")
    if request.method != "POST":
        return pages.private(render(request, "claim/sign_in.html", {**context, "same_browser": True}))
    if pages.is_too_often("callback", state, at_most=PRESSES_AN_HOUR):
        return pages.limited(request)
    identity = _identity(state, code)
    if identity is None:
        return _ended(request, context, "The sign-in could not be finished.")
    with tenancy.organization(organization_id):
        return _opened(request, claim, session, identity, context)


def _identity(state: str, code: str) -> auth0.Identity | None:
    tenant = auth0.configured(settings.AUTH0_DOMAIN, settings.AUTH0_CLIENT_ID, settings.AUTH0_CLIENT_SECRET)
    if tenant is None:
        return None
    try:
        return auth0.finish(
            tenant,
            code=code,
            nonce=asking.nonce(state),
            redirect_uri=asking.callback(),
            inside=not settings.PRODUCTION,
        )
    except auth0.Failed as failed:
        log.warning("auth0.failed", extra={"error": str(failed)})
        return None


def _opened(
    request: HttpRequest,
    claim: Claim,
    session: LibrarySession | None,
    identity: auth0.Identity,
    context: dict[str, Any],
) -> HttpResponseBase:
    """The library, where the proved address is the one asked for; another is proof of a second address only."""
    proved = identifiers.mailable(identity.email) or ""
    answer = HttpResponseRedirect(library_url(claim.organization), status=303)
    try:
        if proved != claim.to:
            claims.spend(claim)
            if session is None or session.profile_id != claim.profile_id:
                return _ended(request, context, "You signed in by another address than the one this library is of.")
            attached = proofs.attach(session.profile_id, proved, by=Actor.customer(), how="Auth0, signed in by it")
            opened = address_proofs.reopened(session, attached)
            return pages.private(sessions.begin(answer, opened) if opened else answer)
        if session is not None and session.profile_id != claim.profile_id:
            return pages.private(render(request, "claim/other.html", context, status=409))
        asker, _ = sessions.asker(request)
        return pages.private(sessions.begin(answer, claims.confirm(claim, asker=asker)))
    except Refusal as refusal:
        return _ended(request, context, str(refusal))


def _ended(request: HttpRequest, context: dict[str, Any], sentence: str) -> HttpResponseBase:
    return pages.private(
        render(request, "claim/ended.html", {**context, "what": "unfinished", "sentence": sentence}, status=410)
    )


def _context(claim: Claim, state: str, code: str) -> dict[str, Any]:
    return {
        **pages.of_seller(claim.organization),
        "masked_email": pages.masked(claim.to),
        "renew_url": f"/claim/{state}/renew",
        "sign_out_url": f"{library_url(claim.organization)}sign-out",
        "then": "",
        "hidden": {"state": state, "code": code[:500]},
    }

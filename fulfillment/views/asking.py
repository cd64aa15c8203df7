"""Asking for a sign-in: by Auth0 where it is configured and answers, else by a link of our own."""

import logging

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from fulfillment.actions import claims, invitations
from fulfillment.actions.claims import Asker
from fulfillment.models import Claim
from fulfillment.providers import auth0
from fulfillment.views import pages, sessions
from profiles import tenancy
from profiles.models import Organization, Profile

log = logging.getLogger(__name__)


def ask(
    request: HttpRequest, organization: Organization, profile: Profile | None, *, to: str, preferred: str = ""
) -> HttpResponseBase:
    """Mail a sign-in to this customer, if it is one; the page says the same in any case. `to` is shown as it is."""
    asker, secret = sessions.asker(request)
    if profile is not None and not _by_auth0(organization.pk, profile, asker, preferred, request):
        with tenancy.organization(organization.pk):
            claims.ask(profile, asker=asker, preferred=preferred)
    context = {**pages.of_seller(organization), "shown_address": to, "minutes": int(claims.LIVES.total_seconds()) // 60}
    return pages.private(sessions.recognise(render(request, "claim/sent.html", context), secret))


def _by_auth0(organization_id: int, profile: Profile, asker: Asker, preferred: str, request: HttpRequest) -> bool:
    """Whether Auth0 took it over. The request is made between two transactions, so that none waits for it."""
    tenant = auth0.configured(settings.AUTH0_DOMAIN, settings.AUTH0_CLIENT_ID, settings.AUTH0_CLIENT_SECRET)
    if tenant is None:
        return False
    with tenancy.organization(organization_id):
        issued = claims.begin(profile, Claim.Kind.AUTH0, asker=asker, preferred=preferred)
    if issued is None:
        return True
    try:
        auth0.start(
            tenant,
            email=issued.claim.to,
            state=issued.secret,
            nonce=nonce(issued.secret),
            redirect_uri=callback(),
            client_address=str(getattr(request, "client_address", "")),
            inside=not settings.PRODUCTION,
        )
    except auth0.Failed as failed:
        log.warning("auth0.failed", extra={"error": str(failed)})
        return False
    return True


def nonce(state: str) -> str:
    """What the id token has to carry: follows from the state, which only the browser and Auth0 have seen."""
    return auth0.nonce(state, key=settings.SECRET_KEY)


def callback() -> str:
    """Where Auth0 leads back to."""
    return invitations.address("auth0/callback")

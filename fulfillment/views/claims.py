"""The claim pages: an invitation asks for a sign-in link, the link's own page opens the library by its button."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from fulfillment import browsers
from fulfillment.actions import claims
from fulfillment.actions.claims import LinkReplaced, LinkUsed
from fulfillment.models import Claim, LibrarySession
from fulfillment.views import asking, pages, sessions
from profiles import tenancy
from profiles.actors import Refusal
from profiles.models import Organization

PRESSES_AN_HOUR = 12
FROM_ONE_NETWORK = 60


@csrf_exempt  # the address itself is the secret that a forged request would lack; forged ones are refused besides
def page(request: HttpRequest, secret: str) -> HttpResponseBase:
    """GET and HEAD show what the address is good for and use nothing up; POST asks, or opens the library."""
    if request.method not in ("GET", "HEAD", "POST"):
        return pages.wrong_method("GET", "HEAD", "POST")
    organization_id = claims.route(secret)
    if organization_id is None:
        return pages.unknown(request)
    press = request.method == "POST" and not pages.is_forged(request)
    if press and _is_too_often(request, secret):
        return pages.limited(request)
    with tenancy.organization(organization_id):
        claim = claims.find(secret)
        if claim is None or claim.kind == Claim.Kind.AUTH0:
            return pages.unknown(request)
        session = sessions.of(request, organization_id)
        if claim.kind == Claim.Kind.SIGN_IN:
            return _sign_in(request, claim, secret, session, press=press)
        titles = [one.product.title for one in claims.owned(claim.profile_id)]
        to = claims.address_of(claim.profile_id, preferred=claim.to)
        context = {
            **pages.of_seller(claim.organization),
            "titles": list(dict.fromkeys(titles)),
            "masked_email": pages.masked(to),
            "library_url": library_url(claim.organization) if _is_of(session, claim) else "",
        }
        if not titles:
            return pages.private(render(request, "claim/over.html", context, status=410))
    if not press:
        return pages.private(render(request, "claim/invitation.html", context))
    return asking.ask(request, claim.organization, claim.profile, to=pages.masked(to), preferred=to)


@csrf_exempt
def renew(request: HttpRequest, secret: str) -> HttpResponseBase:
    """The button of a dead sign-in link: another one, to the same address on record."""
    if request.method != "POST":
        return pages.wrong_method("POST")
    organization_id = claims.route(secret)
    if organization_id is None or pages.is_forged(request):
        return pages.unknown(request)
    if _is_too_often(request, secret):
        return pages.limited(request)
    with tenancy.organization(organization_id):
        claim = claims.find(secret)
        if claim is None:
            return pages.unknown(request)
        to = claims.address_of(claim.profile_id, preferred=claim.to)
    return asking.ask(request, claim.organization, claim.profile, to=pages.masked(to), preferred=to)


def library_url(organization: Organization) -> str:
    """The library of a seller."""
    return f"/library/{organization.slug}/"


def _sign_in(
    request: HttpRequest, claim: Claim, secret: str, session: LibrarySession | None, *, press: bool
) -> HttpResponseBase:
    """The sign-in link's own page, or what its button does."""
    context = _context(request, claim, secret)
    if session is not None and session.profile_id == claim.profile_id:
        # A second press of the button, or the link once more in the same browser: it is open already.
        return pages.private(HttpResponseRedirect(library_url(claim.organization), status=303))
    try:
        claims.check(claim)
        if session is not None:
            # Nobody is signed in as somebody else without having signed out; the link stays good.
            return pages.private(render(request, "claim/other.html", context, status=409 if press else 200))
        if not press:
            return pages.private(render(request, "claim/sign_in.html", context))
        asker, _ = sessions.asker(request)
        opened = claims.confirm(claim, asker=asker)
    except Refusal as refusal:
        return _ended(request, context, refusal)
    answer = HttpResponseRedirect(library_url(claim.organization), status=303)
    return pages.private(sessions.begin(answer, opened))


def _ended(request: HttpRequest, context: dict[str, Any], refusal: Refusal) -> HttpResponseBase:
    what = "used" if isinstance(refusal, LinkUsed) else "replaced" if isinstance(refusal, LinkReplaced) else "expired"
    own = {"what": what, "sentence": str(refusal)}
    return pages.private(render(request, "claim/ended.html", {**context, **own}, status=410))


def _context(request: HttpRequest, claim: Claim, secret: str) -> dict[str, Any]:
    return {
        **pages.of_seller(claim.organization),
        "masked_email": pages.masked(claim.to),
        "renew_url": f"/claim/{secret}/renew",
        "sign_out_url": f"{library_url(claim.organization)}sign-out",
        "then": f"/claim/{secret}",
        "same_browser": sessions.is_same_browser(request, claim.browser),
        "asked_at": claim.created_at,
        "asked_by": browsers.named(claim.agent),
        "asked_from": claim.network,
    }


def _is_of(session: LibrarySession | None, claim: Claim) -> bool:
    return session is not None and session.profile_id == claim.profile_id


def _is_too_often(request: HttpRequest, secret: str) -> bool:
    if pages.is_too_often("claim", secret, at_most=PRESSES_AN_HOUR):
        return True
    network = pages.network(request)
    return bool(network) and pages.is_too_often("claim-network", network, at_most=FROM_ONE_NETWORK)

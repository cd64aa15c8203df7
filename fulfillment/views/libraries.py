"""The library: what a customer owns, its files, and the receipts; without a session, a form that mails the way in."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from fulfillment import tokens
from fulfillment.actions import claims, email_changes, libraries, services, stores
from fulfillment.actions.downloads import NotGiven, TooManyUses
from fulfillment.actions.links import LinkExpired, LinkRevoked
from fulfillment.models import LibrarySession
from fulfillment.queries import libraries as shelves
from fulfillment.queries.libraries import Item, Version, Work
from fulfillment.views import asking, pages, sessions
from fulfillment.views.claims import library_url
from profiles import identifiers, tenancy
from profiles.actors import NotFound
from profiles.models import Organization, OrganizationRoute

ASKED_AN_HOUR = 6
FROM_ONE_NETWORK = 60
FORMS_AN_HOUR = 20


def index(request: HttpRequest) -> HttpResponseBase:
    """Where no seller is named: the library that is open in this browser, or how to get to one."""
    if request.method not in ("GET", "HEAD"):
        return pages.wrong_method("GET", "HEAD")
    found = []
    for organization_id in sessions.organizations(request):
        with tenancy.organization(organization_id):
            if sessions.of(request, organization_id) is not None:
                found.append(Organization.objects.get(pk=organization_id))
    if len(found) == 1:
        return pages.private(HttpResponseRedirect(library_url(found[0])))
    sellers = [{"name": one.name, "url": library_url(one)} for one in found]
    return pages.private(render(request, "library/index.html", {"sellers": sellers}))


@csrf_exempt  # see pages.is_forged
def page(request: HttpRequest, slug: str) -> HttpResponseBase:
    """With a session the library; without one a form, whose answer is the same for every address."""
    if request.method not in ("GET", "HEAD", "POST"):
        return pages.wrong_method("GET", "HEAD", "POST")
    organization_id = route(slug)
    if organization_id is None:
        return pages.unknown(request)
    with tenancy.organization(organization_id):
        organization = Organization.objects.get(pk=organization_id)
        session = sessions.of(request, organization_id)
        if session is not None and request.method != "POST":
            return pages.private(render(request, "library/page.html", _context(organization, session)))
    if request.method != "POST" or pages.is_forged(request):
        return pages.private(render(request, "library/sign_in.html", pages.of_seller(organization)))
    return _ask(request, organization)


@csrf_exempt
def sign_out(request: HttpRequest, slug: str) -> HttpResponseBase:
    """End the session of this browser; from the page of another customer's link, back to that."""
    if request.method != "POST":
        return pages.wrong_method("POST")
    organization_id = route(slug)
    if organization_id is None or pages.is_forged(request):
        return pages.unknown(request)
    with tenancy.organization(organization_id):
        session = sessions.of(request, organization_id)
        if session is not None:
            libraries.close(session)
    folder, _, secret = request.POST.get("then", "").rpartition("/")
    back = f"/claim/{secret}" if folder == "/claim" and tokens.well_formed(secret) else f"/library/{slug}/"
    return pages.private(sessions.end(HttpResponseRedirect(back, status=303), organization_id))


@csrf_exempt
def file(request: HttpRequest, slug: str, entitlement_id: int, asset_id: int | None = None) -> HttpResponseBase:
    """A file's button, without one that of all as a zip: counted and checked like a mailed link, then the file under
    its own short-lived address."""
    if request.method != "POST":
        return pages.wrong_method("POST")
    organization_id = route(slug)
    if organization_id is None or pages.is_forged(request):
        return pages.unknown(request)
    with tenancy.organization(organization_id):
        session = sessions.of(request, organization_id)
        if session is None:
            return pages.private(HttpResponseRedirect(f"/library/{slug}/", status=303))
        seller = pages.of_seller(session.organization)
        try:
            entitlement, files = libraries.owned_files(session.profile_id, entitlement_id, asset_id)
        except NotFound:
            return pages.unknown(request)
        seller |= {"product_title": entitlement.product.title, "retry_url": f"/library/{slug}/"}
    # The store is asked outside of any transaction, and before anything is counted.
    health = stores.Health()
    if any(health.where(asset) is None for asset in files):
        answer = render(request, "download/unavailable.html", seller, status=503)
        answer["Retry-After"] = "60"
        return pages.private(answer)
    try:
        with tenancy.organization(organization_id):
            secret = libraries.download(
                session.profile_id,
                entitlement_id,
                asset_id,
                network=pages.network(request),
                agent=request.headers.get("User-Agent", ""),
            )
    except TooManyUses:
        return pages.limited(request)
    except (LinkExpired, LinkRevoked, NotGiven):
        reason = shelves.why(entitlement)
        return pages.private(render(request, "download/revoked.html", {**seller, "reason": reason}, status=410))
    return pages.private(HttpResponseRedirect(f"/download/file/{secret}", status=303))


@csrf_exempt
def form(request: HttpRequest, slug: str, service_id: int) -> HttpResponseBase:
    """A service's button: its form under a new address of its own."""
    if request.method != "POST":
        return pages.wrong_method("POST")
    organization_id = route(slug)
    if organization_id is None or pages.is_forged(request):
        return pages.unknown(request)
    with tenancy.organization(organization_id):
        session = sessions.of(request, organization_id)
        if session is None:
            return pages.private(HttpResponseRedirect(f"/library/{slug}/", status=303))
        if pages.is_too_often("library-form", f"{organization_id} {session.profile_id}", at_most=FORMS_AN_HOUR):
            return pages.limited(request)
        try:
            issued = services.open_form(session.profile_id, service_id)
        except NotFound:
            return pages.unknown(request)
    return pages.private(HttpResponseRedirect(f"/intake/{issued.secret}", status=303))


def receipt(request: HttpRequest, slug: str, order_id: int) -> HttpResponseBase:
    """One order as a bill to print."""
    if request.method not in ("GET", "HEAD"):
        return pages.wrong_method("GET", "HEAD")
    organization_id = route(slug)
    if organization_id is None:
        return pages.unknown(request)
    with tenancy.organization(organization_id):
        session = sessions.of(request, organization_id)
        if session is None:
            return pages.private(HttpResponseRedirect(f"/library/{slug}/"))
        bill = shelves.bill(session.profile, order_id)
        if bill is None:
            return pages.unknown(request)
        context = {
            **pages.of_seller(session.organization),
            "bill": bill,
            "customer_name": bill.order.customer_name or session.profile.name,
            "back_url": f"/library/{slug}/",
        }
    return pages.private(render(request, "library/receipt.html", context))


def route(slug: str) -> int | None:
    """The seller of this address."""
    return OrganizationRoute.objects.filter(slug=slug).values_list("pk", flat=True).first()


def _ask(request: HttpRequest, organization: Organization) -> HttpResponseBase:
    typed = request.POST.get("email", "")[:400].strip()
    address = identifiers.mailable(typed)
    if not address:
        context = {**pages.of_seller(organization), "typed": typed, "wrong": True}
        return pages.private(render(request, "library/sign_in.html", context, status=400))
    network = pages.network(request)
    if pages.is_too_often("library", f"{organization.pk} {address}", at_most=ASKED_AN_HOUR) or (
        network and pages.is_too_often("library-network", network, at_most=FROM_ONE_NETWORK)
    ):
        return pages.limited(request)
    with tenancy.organization(organization.pk):
        profile = claims.customer_of(address)
    return asking.ask(request, organization, profile, to=address, preferred=address)


def _context(organization: Organization, session: LibrarySession) -> dict[str, Any]:
    library = shelves.of(session.profile)
    home = library_url(organization)
    return {
        **pages.of_seller(organization),
        "customer_name": session.profile.name,
        "masked_email": pages.masked(claims.address_of(session.profile_id)),
        "items": [_item(item, home) for item in library.items],
        "works": [_work(one, home) for one in library.works],
        "receipts": [
            {
                "number": str(one.order),
                "placed_at": one.order.placed_at,
                "total_text": one.total_text,
                "state": one.state,
                "url": f"{home}receipt/{one.order.pk}",
            }
            for one in library.receipts
        ],
        "change": email_changes.open_of(session.profile_id),
        "sign_out_url": f"{home}sign-out",
        "addresses_url": f"{home}addresses",
    }


def _item(item: Item, home: str) -> dict[str, Any]:
    return {
        "title": item.title,
        "kind": item.kind,
        "state": item.state,
        "why": item.why,
        "since": item.since,
        "order_number": str(item.order) if item.order else "",
        "latest": _version(item.latest, item, home) if item.latest else None,
        "all_url": f"{home}file/{item.entitlement.pk}/all" if item.several else "",
        "earlier": [_version(one, item, home) for one in item.earlier],
    }


def _work(work: Work, home: str) -> dict[str, Any]:
    row = work.service
    return {
        "title": work.title,
        "part_of": work.part_of,
        "said": work.said,
        "state": row.state,
        "since": (row.order.paid_at or row.order.placed_at) if row.order else row.created_at,
        "order_number": str(row.order) if row.order else "",
        "form": work.form,
        "form_url": f"{home}service/{row.pk}" if work.form else "",
    }


def _version(version: Version, item: Item, home: str) -> dict[str, Any]:
    return {
        "name": version.name,
        "is_new": version.is_new,
        "files": [
            {
                "format": asset.format,
                "label": asset.format.upper(),
                "size_text": pages.size_text(asset.size),
                "action_url": f"{home}file/{item.entitlement.pk}/{asset.pk}",
            }
            for asset in version.files
        ],
    }

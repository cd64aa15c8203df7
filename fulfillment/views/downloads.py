"""The customer's download pages: opening a link uses nothing up, the button does, and the file keeps its right name."""

import re
from functools import partial
from itertools import chain
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from fulfillment import ranges, storages, zips
from fulfillment.actions import downloads, emails, links, stores
from fulfillment.actions.links import LinkExpired, LinkRevoked, LinkUsedUp
from fulfillment.models import Asset, DownloadLink, DownloadSession
from fulfillment.queries import libraries as shelves
from fulfillment.queries import versions
from fulfillment.views import pages
from profiles import clock, tenancy
from profiles.actors import NotFound, Refusal
from profiles.models import Organization

ADDRESS_SECONDS = 300
RENEWALS_APART = "%Y-%m-%dT%H"
Answer = HttpResponseBase


@csrf_exempt  # the address itself is the secret that a forged request would lack
def page(request: HttpRequest, secret: str, asset_id: int | None = None, everything: bool = False) -> Answer:
    """GET and HEAD show the page and use nothing up; POST counts one use and leads to the file."""
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD, POST"})
    refused: Refusal | None = None
    if request.method == "POST":
        network, agent = pages.network(request), request.headers.get("User-Agent", "")
        try:
            session = downloads.confirm(secret, asset_id, everything=everything, network=network, agent=agent)
        except Refusal as refusal:
            refused = refusal
        else:
            return pages.private(HttpResponseRedirect(_address(session), status=303))
    return _shown(request, secret, refused)


PRESSED = re.compile(r"/download/([0-9a-f]{64})(?:/(?:(all)|([0-9]{1,18})))?")


def answer(path: str, *, address: str, agent: str) -> str | None:
    """Where the press of a button on a download page leads, for a web server that calls it without Django's layers.

    None for everything that a page has to answer: no press of ours, or one that is refused. Nothing is used up then.
    """
    pressed = PRESSED.fullmatch(path)
    if pressed is None:
        return None
    secret, everything, asset = pressed.groups()
    asset_id, network = int(asset) if asset else None, pages.network_of(address)
    try:
        session = downloads.confirm(secret, asset_id, everything=bool(everything), network=network, agent=agent)
    except Refusal:
        return None
    return _address(session)


@csrf_exempt
def renew(request: HttpRequest, secret: str) -> Answer:
    """The expired page's button: a new link to the address on record, at most one an hour."""
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    route = links.route(secret)
    if route is None or route.link_id is None:
        return pages.private(render(request, "download/unknown.html", status=404))
    with tenancy.organization(route.organization_id):
        organization = Organization.objects.get(pk=route.organization_id)
        link = DownloadLink.objects.select_related(
            "entitlement__product", "entitlement__order__channel", "entitlement__profile"
        ).get(pk=route.link_id)
        context = _context(organization, link, secret)
        if not link.entitlement.downloadable:
            reason = shelves.why_dead(link)
            return pages.private(render(request, "download/revoked.html", {**context, "reason": reason}, status=410))
        emails.renew(link.entitlement, key=f"renewed:{clock.now():{RENEWALS_APART}}")
    return pages.private(render(request, "download/renewed.html", context))


def file(request: HttpRequest, secret: str) -> Answer:
    """The file itself, within the session a confirmed use opened; the right is checked at each request."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
    route = links.route(secret)
    if route is None or route.session_id is None:
        return pages.private(render(request, "download/unknown.html", status=404))
    with tenancy.organization(route.organization_id):
        organization = Organization.objects.get(pk=route.organization_id)
        session = DownloadSession.objects.select_related(
            "asset", "link__entitlement__product", "link__entitlement__order"
        ).get(pk=route.session_id)
        link = session.link
        context = _context(organization, link, "")
        if link.revoked_at or not link.entitlement.downloadable:
            reason = shelves.why_dead(link)
            return pages.private(render(request, "download/revoked.html", {**context, "reason": reason}, status=410))
        if session.expires_at <= clock.now():
            return pages.private(render(request, "download/expired.html", context, status=410))
        links.count_request(session)
        asset = session.asset
        current = [] if asset else versions.of(link.entitlement.product_id, since=session.started_at).current
    if asset is None:
        return _everything(request, link.entitlement.product.sku, current, context)
    alias = pages.store_of(asset)
    if alias is None:
        return _unavailable(request, context)
    url = storages.temporary_url(
        alias, asset.path, filename=asset.filename, content_type=asset.content_type, seconds=ADDRESS_SECONDS
    )
    if url is not None:
        return pages.private(HttpResponseRedirect(url))
    try:
        return _stream(request, asset, alias)
    except storages.StoreFailed:
        return _unavailable(request, context)


def _shown(request: HttpRequest, secret: str, refused: Refusal | None) -> Answer:
    """The page of a link: with its buttons, or with the reason why it gives nothing or a press was `refused`."""
    route = links.route(secret)
    if route is None or route.link_id is None:
        return pages.unknown(request)
    with tenancy.organization(route.organization_id):
        organization = Organization.objects.get(pk=route.organization_id)
        link = (
            DownloadLink.objects.select_related(
                "entitlement__product", "entitlement__order__channel", "entitlement__profile"
            )
            .filter(pk=route.link_id)
            .first()
        )
        if link is None or isinstance(refused, NotFound):
            return pages.unknown(request)
        context = _context(organization, link, secret)
        try:
            links.check(link)
        except (LinkExpired, LinkUsedUp, LinkRevoked) as refusal:
            return _refused(request, {**context, "reason": shelves.why_dead(link)}, refusal)
        found = versions.of(link.entitlement.product_id, since=link.entitlement.created_at)
        context["files"] = [_file(asset, secret) for asset in found.current]
        context["earlier"] = [_file(asset, secret) for asset in found.earlier]
        context["all_url"] = f"/download/{secret}/all" if len(found.current) > 1 else ""
    if refused is None:
        return pages.private(render(request, "download/page.html", context))
    if isinstance(refused, downloads.TooManyUses):
        limited = render(request, "download/limited.html", context, status=429)
        limited["Retry-After"] = "3600"
        return pages.private(limited)
    if not found.current:
        return pages.unknown(request)
    # The store is away, or the link has come to life since it was pressed.
    return _unavailable(request, context)


def _address(session: str) -> str:
    """Where a press leads, by 303: the browser fetches it with GET, and the link's own secret leaves the address."""
    return f"/download/file/{session}"


def _refused(request: HttpRequest, context: dict[str, Any], refusal: Refusal) -> Answer:
    """The page that says why a link gives nothing now, and what would."""
    if isinstance(refusal, LinkRevoked):
        return pages.private(render(request, "download/revoked.html", context, status=410))
    own = {"used_up": isinstance(refusal, LinkUsedUp), "expired_at": context["expires_at"]}
    return pages.private(render(request, "download/expired.html", {**context, **own}, status=410))


def _stream(request: HttpRequest, asset: Asset, alias: str) -> Answer:
    etag = f'"{asset.sha256}"'
    span = ranges.parse(request.headers.get("Range"), asset.size, if_range=request.headers.get("If-Range"), etag=etag)
    if isinstance(span, ranges.Unsatisfiable):
        return pages.private(HttpResponse(status=416, headers={"Content-Range": span.content_range}))
    start, stop = (span.start, span.stop) if span else (0, asset.size)
    headers = {
        "Content-Disposition": storages.content_disposition(asset.filename),
        "Content-Length": str(stop - start),
        "Accept-Ranges": "bytes",
        "ETag": etag,
    }
    if span:
        headers["Content-Range"] = span.content_range(asset.size)
    status = 206 if span else 200
    if request.method == "HEAD":
        answer: HttpResponseBase = HttpResponse(status=status, content_type=asset.content_type)
    else:
        body = storages.chunks(alias, asset.path, start=start, stop=stop)
        answer = StreamingHttpResponse(body, status=status, content_type=asset.content_type)
    for name, value in headers.items():
        answer[name] = value
    return pages.private(answer)


def _everything(request: HttpRequest, name: str, assets: list[Asset], context: dict[str, Any]) -> Answer:
    """All files as one zip, written while it is sent; no part of it can be asked for alone."""
    health = stores.Health()
    where = [health.where(asset) for asset in assets]
    if not assets or None in where:
        return _unavailable(request, context)
    members = [
        zips.Member(plain, asset.size, asset.created_at, partial(storages.chunks, alias, asset.path, stop=asset.size))
        for plain, asset, alias in zip(zips.names([a.filename for a in assets]), assets, where, strict=True)
        if alias is not None
    ]
    if request.method == "HEAD":
        answer: HttpResponseBase = HttpResponse(content_type="application/zip")
    else:
        pieces = zips.stream(members)
        try:
            first = next(pieces)  # opens the first file: an outage is still told as one
        except storages.StoreFailed:
            return _unavailable(request, context)
        answer = StreamingHttpResponse(chain([first], pieces), content_type="application/zip")
    answer["Content-Disposition"] = storages.content_disposition(f"{name}.zip")
    answer["Accept-Ranges"] = "none"
    if (length := zips.length(members)) is not None:
        answer["Content-Length"] = str(length)
    return pages.private(answer)


def _unavailable(request: HttpRequest, context: dict[str, Any]) -> Answer:
    answer = render(request, "download/unavailable.html", context, status=503)
    answer["Retry-After"] = "60"
    return pages.private(answer)


def _context(organization: Organization, link: DownloadLink, secret: str) -> dict[str, Any]:
    entitlement = link.entitlement
    to = emails.address(entitlement)
    return {
        **pages.of_seller(organization),
        "product_title": entitlement.product.title,
        "product_kind": entitlement.product.kind,
        "order_number": str(entitlement.order) if entitlement.order else "",
        "expires_at": link.expires_at,
        "uses_left": None if link.use_limit is None else max(0, link.use_limit - link.uses),
        "renew_url": f"/download/{secret}/renew" if secret and to else "",
        "retry_url": f"/download/{secret}" if secret else "",
        "masked_email": pages.masked(to),
        "files": [],
    }


def _file(asset: Asset, secret: str) -> dict[str, Any]:
    return {
        "format": asset.format,
        "label": asset.format.upper(),
        "size_text": pages.size_text(asset.size),
        "version": asset.version,
        "filename": asset.filename,
        "action_url": f"/download/{secret}/{asset.pk}",
    }

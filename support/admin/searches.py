"""The one search box: a page of results with the reason of each, the palette's list, and the picker of a dialog."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from orders.models import Order
from profiles.models import Profile
from support.admin.base import address_of, masked
from support.queries import search as finding
from support.queries.search import Hit

MODELS = {"order": Order, "profile": Profile}
WORDS = {"order": "Order", "profile": "Customer"}
ICONS = {"order": "receipt_long", "profile": "person"}
SHOWN = 50
IN_PALETTE = 12


@dataclass(frozen=True, slots=True)
class Result:
    kind: str
    word: str
    id: int
    title: str
    description: str
    link: str
    icon: str


def search(request: HttpRequest, *, site: Any) -> HttpResponse:
    """`q`: the page; `s`: the palette; `pick`: the customers a dialog may choose from."""
    if "s" in request.GET:
        return _palette(request)
    if "pick" in request.GET:
        return _picker(request)
    asked = request.GET.get("q", "").strip()
    hits = _find(request, asked, SHOWN)
    if len(hits) == 1:
        return redirect(hits[0].link)
    context = {**site.each_context(request), "title": "Search", "asked": asked, "results": hits}
    return TemplateResponse(request, "admin/search.html", context)


def _palette(request: HttpRequest) -> HttpResponse:
    """The palette's answer is never kept: what one organization finds is not for the next."""
    hits = _find(request, request.GET["s"].strip(), IN_PALETTE)
    return TemplateResponse(request, "admin/palette.html", {"results": hits}, headers={"HX-Trigger": "search"})


def _picker(request: HttpRequest) -> HttpResponse:
    without = request.GET.get("without", "")
    hits = [h for h in _find(request, request.GET.get("q", "").strip(), IN_PALETTE) if h.kind == "profile"]
    context = {"results": [h for h in hits if str(h.id) != without], "to": request.GET["pick"], "asked": True}
    return TemplateResponse(request, "admin/dialogs/picked.html", context)


def _find(request: HttpRequest, asked: str, at_most: int) -> list[Result]:
    actor = request.actor  # type: ignore[attr-defined]
    if not asked or not actor.may("view"):
        return []
    found = finding.find(asked, organization=request.organization, at_most=at_most)  # type: ignore[attr-defined]
    return [_result(hit, request) for hit in found]


def _result(hit: Hit, request: HttpRequest) -> Result:
    name, dot, known = hit.label.partition(" · ")
    if hit.kind == "profile":
        name = masked(name, request)
    shown = ", ".join(masked(part, request) for part in known.split(", ")) if known else ""
    because = hit.because if request.actor.may("view_pii") else "matches"  # type: ignore[attr-defined]
    return Result(
        kind=hit.kind,
        word=WORDS[hit.kind],
        id=hit.id,
        title=f"{name}{dot}{shown}",
        description=because,
        link=address_of(MODELS[hit.kind], hit.id),
        icon=ICONS[hit.kind],
    )

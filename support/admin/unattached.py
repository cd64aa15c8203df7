"""What nobody is known for: orders, conversations and events without a customer, each to be linked by hand."""

from typing import Any
from urllib.parse import urlencode

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from attribution.models import Conversation
from orders.models import Order
from profiles.actors import Actor, NotPermitted
from support.admin import dialogs
from support.admin.acts_of_links import LINKS
from support.admin.base import address_of, masked, redacted, when
from support.admin.dialogs import url_of
from support.queries import unattached

CHIPS = {"": "All", "order": "Orders", "conversation": "Conversations", "event": "Events"}
PAGES: dict[str, type[Model]] = {"order": Order, "conversation": Conversation}
ICONS = {"order": "receipt_long", "conversation": "forum", "event": "bolt"}


def page(request: HttpRequest, *, site: Any) -> HttpResponse:
    """Newest first; `kind` narrows, `after` goes on where the former page ended."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not actor.may("view"):
        raise NotPermitted("Your role may not see this desk.")
    kind = request.GET.get("kind", "")
    kind = kind if kind in CHIPS else ""
    found = unattached.page(kind, after=request.GET.get("after", ""))
    here = url_of("unattached")
    context = {
        **site.each_context(request),
        "title": "Unattached",
        "rows": [_row(row, actor, request) for row in found.rows],
        "chips": [
            {"display": words, "selected": name == kind, "query_string": f"{here}?{urlencode({'kind': name})}"}
            for name, words in CHIPS.items()
        ],
        "kind": CHIPS[kind].lower(),
        "later": bool(request.GET.get("after")),
        "newest": f"{here}?{urlencode({'kind': kind})}",
        "older": f"{here}?{urlencode({'kind': kind, 'after': found.next})}" if found.next else "",
    }
    return TemplateResponse(request, "admin/unattached.html", context)


def _row(row: unattached.Row, actor: Actor, request: HttpRequest) -> dict[str, Any]:
    return {
        "row": row,
        "icon": ICONS[row.kind],
        "title": redacted(row.title, request),
        "detail": redacted(row.detail, request),
        "known": [masked(value, request) for value in row.known[:4]],
        "at": when(row.at),
        "url": address_of(PAGES[row.kind], row.id) if row.kind in PAGES else "",
        "link": dialogs.button(LINKS[row.kind], row.id, actor),
    }

"""The lists of the day, the week and the month: how each item stands, the button that does it, who did it when."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from profiles.actors import Actor, NotPermitted
from support.admin import dialogs
from support.admin.base import moment, when, word
from support.admin.dialogs import url_of
from support.checklists import Cadence
from support.queries import checklists
from support.queries.checklists import Live

TITLES = {Cadence.DAILY: "Today", Cadence.WEEKLY: "This week", Cadence.MONTHLY: "This month"}
STATES = {True: ("Well", "well"), False: ("Needs work", "bad"), None: ("For you to say", "waiting")}


def page(request: HttpRequest, *, site: Any) -> HttpResponse:
    """One list; `list` chooses which."""
    here: Any = request
    actor: Actor = here.actor
    if not actor.may("view"):
        raise NotPermitted("Your role may not see this desk.")
    named = request.GET.get("list", "")
    cadence = Cadence(named) if named in [str(one) for one in Cadence] else Cadence.DAILY
    now, organization = moment(), here.organization
    rows = [_row(live, actor, organization.pk) for live in checklists.of(cadence, organization, now, actor)]
    done = sum(row["done"] for row in rows)
    context = {
        **site.each_context(request),
        "title": "Checklists",
        "chips": [
            {"display": words, "selected": one is cadence, "query_string": f"{url_of('checklists')}?list={one}"}
            for one, words in TITLES.items()
        ],
        "rows": rows,
        "done": done,
        "left": len(rows) - done,
        "period": _period(cadence, checklists.period_of(cadence, organization, now)),
        "command": f"manage.py ops {cadence} --organization {organization.slug}",
        "by_itself": sum(row["live"].item.by_itself for row in rows),
    }
    return TemplateResponse(request, "admin/checklists.html", context)


def _period(cadence: Cadence, on: Any) -> str:
    if cadence is Cadence.MONTHLY:
        return f"{on:%B %Y}"
    return f"Week from {on:%-d %B %Y}" if cadence is Cadence.WEEKLY else f"{on:%A, %-d %B %Y}"


def _row(live: Live, actor: Actor, organization_id: int) -> dict[str, Any]:
    words, tone = STATES[live.stand.well]
    tick = live.tick
    done = live.stand.well is True or bool(tick and not tick.failed)
    name = "untick" if tick else "tick"
    button = dialogs.button(name, organization_id, actor)
    url = url_of(live.stand.page) if live.stand.page else ""
    return {
        "live": live,
        "state": word("", words, tone),
        "done": done,
        "tick": tick,
        "ticked": when(tick.done_at) if tick else "",
        "url": f"{url}?{live.stand.query}" if url and live.stand.query else url,
        "act": {"label": button.label, "url": f"{button.url}?item={live.item.code}"} if button else None,
    }

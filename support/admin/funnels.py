"""From a button to a purchase: the steps events tell, by post, attachment and resolution, with what they brought."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from support import boards
from support.admin import exports
from support.admin.base import amount, grouped, when
from support.admin.board_files import Sheets, about, major
from support.admin.boards import Choice, exported, head, permitted
from support.funnels import STEPS, Row
from support.queries import funnels
from support.queries.funnels import Funnel, Money

EVERY = 10_000
"""So many names of each dimension are in a file."""
WORDS = {"clicks": "Button clicks", "checkouts": "Checkouts begun", "conversions": "Conversions"}
TYPES = [(words, ", ".join(STEPS[step])) for step, words in {**WORDS, "reviews": "Reviews"}.items()]


def page(request: HttpRequest, *, site: Any) -> HttpResponse:
    """The funnel of the range, or with `export` the same as a file."""
    actor = permitted(request)
    choice = Choice.read(request)
    if kind := exported(request):
        found = funnels.of(choice.asked, shown=EVERY)
        return exports.answer(choice.named("funnel"), kind, _sheets(found, choice))
    found = funnels.of(choice.asked)
    was = funnels.total(choice.asked.before) if choice.compared else None
    total = found.total
    context = {
        **site.each_context(request),
        "title": "From a click to a purchase",
        **head(choice, actor, "funnel"),
        "empty": not (total.clicks or total.checkouts or total.conversions or total.reviews),
        "types": TYPES,
        "figures": _figures(found, was, choice),
        "steps": _steps(total, choice),
        "tables": [
            _table("post", "Posts", "post", found.posts, found, choice),
            _table("attachment", "Attachments", "attachment", found.attachments, found, choice),
            _table("resolution", "Popular resolutions", "resolution", found.resolutions, found, choice),
        ],
        "money": _money(found.money),
        "unreadable": [
            {"id": one.event_id, "at": when(one.occurred_at), "said": f"{one.total} {one.currency}".strip()}
            for one in found.money.examples
        ],
    }
    return TemplateResponse(request, "admin/funnel.html", context)


def _figures(found: Funnel, was: Row | None, choice: Choice) -> list[dict[str, Any]]:
    total, before = found.total, was or Row()

    def figure(name: str, value: Any, url: str, note: str, change: boards.Change | None) -> dict[str, Any]:
        return {"name": name, "value": value, "url": url, "note": note, "change": change if was else None}

    points = None
    if total.whole_rate is not None and before.whole_rate is not None:
        points = boards.change(total.whole_rate, before.whole_rate, points=True)
    average, average_was = total.average_minor, before.average_minor
    return [
        figure("Revenue of conversions", amount(total.net_minor, choice.currency, strong=True),
               choice.events("conversions"),
               f"{boards.counted(total.orders, 'conversion')} brought {choice.currency}, after refunds",
               boards.change(total.net_minor, before.net_minor)),
        figure("Average order", amount(average, choice.currency, strong=True), "", "Revenue by conversion",
               boards.change(average or 0, average_was or 0)),
        figure("From click to purchase", boards.rate(total.whole_rate), "",
               f"{boards.counted(total.conversions, 'conversion')} of {boards.counted(total.clicks, 'click')}", points),
        figure("Reviews", f"{total.reviews:,}", choice.events("reviews"), "Written in these days",
               boards.change(total.reviews, before.reviews)),
    ]  # fmt: skip


def _steps(total: Row, choice: Choice) -> list[dict[str, Any]]:
    counts = {name: getattr(total, name) for name in WORDS}
    top = max(counts.values())
    rates = {
        "clicks": "",
        "checkouts": f"{boards.rate(total.checkout_rate)} of clicks",
        "conversions": f"{boards.rate(total.paid_rate)} of checkouts, {boards.rate(total.whole_rate)} of clicks",
    }
    return [
        {
            "name": WORDS[name],
            "count": f"{count:,}",
            "url": choice.events(name) if count else "",
            "width": boards.height(count, top),
            "rate": rates[name],
        }
        for name, count in counts.items()
    ]


def _table(dimension: str, title: str, noun: str, rows: Sequence[Row], found: Funnel, choice: Choice) -> dict[str, Any]:
    names = found.names.get(dimension, 0)
    top = max((row.net_minor if dimension != "resolution" else row.clicks for row in rows), default=0)
    return {
        "id": dimension,
        "title": title,
        "noun": noun,
        "more": max(names - len(rows), 0),
        "rows": [
            {
                "name": row.name,
                "counts": [
                    {
                        "text": f"{getattr(row, step):,}",
                        "url": choice.events(step, None, **{dimension: row.name}) if getattr(row, step) else "",
                    }
                    for step in WORDS
                ],
                "checkout_rate": boards.rate(row.checkout_rate),
                "paid_rate": boards.rate(row.paid_rate),
                "net": amount(row.net_minor, choice.currency),
                "average": amount(row.average_minor, choice.currency),
                "width": boards.height(row.net_minor if dimension != "resolution" else row.clicks, top),
            }
            for row in rows
        ],
    }


def _money(found: Money) -> list[str]:
    """Where the money of the conversions is from, in sentences; what brought none says why."""
    told = (
        (found.known, "named an order we know: what it kept after refunds counts"),
        (found.told, "named no order we know: the sum they told counts"),
        (found.not_counted, "named an order that is not in revenue: unpaid or cancelled"),
        (found.elsewhere, "were in another currency"),
        (found.silent, "named no order we know and told no sum"),
        (found.unreadable, "told a sum nobody can read, and are left out of the revenue"),
    )
    return [f"{count:,} {words}" for count, words in told if count]


def _sheets(found: Funnel, choice: Choice) -> Sheets:
    heads = ["Clicks", "Checkouts", "Conversions", "Reviews", "Checkout rate %", "Paid rate %", "Orders", "Net"]

    def row(one: Row) -> list[Any]:
        rates = ["" if rate is None else rate for rate in (one.checkout_rate, one.paid_rate)]
        counts = [one.clicks, one.checkouts, one.conversions, one.reviews]
        return [one.name or "Total", *counts, *rates, one.orders, major(one.net_minor, choice)]

    unreadable = [[one.event_id, one.occurred_at.isoformat(), one.total, one.currency] for one in found.money.examples]
    return {
        "Total": [["", *heads], row(found.total)],
        "Posts": [["Post", *heads], *map(row, found.posts)],
        "Attachments": [["Attachment", *heads], *map(row, found.attachments)],
        "Resolutions": [["Resolution", *heads], *map(row, found.resolutions)],
        "Sums nobody can read": [["Event", "At", "Sum", "Currency"], *unreadable],
        "About": [*about(choice), ["Money", "; ".join(_money(found.money)) or grouped("0")]],
    }

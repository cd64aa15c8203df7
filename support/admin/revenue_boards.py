"""The first board: what was bought, how much of it came of conversations, compared with before (SPEC ATT-7)."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from attribution.models import Attribution, Conversation
from orders.models import Channel
from support import boards, ranges
from support.admin import exports
from support.admin.base import amount, grouped
from support.admin.board_files import revenue
from support.admin.boards import Choice, columns, exported, head, permitted, step_words
from support.admin.dialogs import url_of
from support.analytics import BANDS, TOP, Day, Figures, Product, Sum
from support.queries import analytics

BAND_WORDS = {"high": "High, 85 % and more", "medium": "Medium, 65 to 85 %", "low": "Low, 50 to 65 %"}
KINDS = dict(Channel.Kind.choices)
METHODS = dict(Attribution.Method.choices)


def page(request: HttpRequest, *, site: Any) -> HttpResponse:
    """The board, or with `export` the same as a file."""
    actor = permitted(request)
    choice = Choice.read(request)
    found = analytics.figures(choice.asked)
    if kind := exported(request):
        return exports.answer(choice.named("revenue"), kind, revenue(found, choice))
    before = analytics.figures(choice.asked.before) if choice.compared else None
    drawn = before if before and before.total.orders else None
    silent = not found.conversations and not Conversation.objects.exists()
    context = {
        **site.each_context(request),
        "title": "Revenue, and why they bought",
        **head(choice, actor, "board"),
        "empty": not found.total.orders and not found.conversations,
        "silent": silent,
        "channels_url": url_of("orders_channel_changelist"),
        "figures": _figures(found, before, choice),
        "columns": columns(choice, _over_time(found, drawn, choice)),
        "top": _top(found, drawn, choice),
        "has_before": drawn is not None,
        "days": _days(found, choice),
        "bands": [
            _bar(BAND_WORDS[name], found.by_band.get(name, Sum()), found.attributed, choice.orders(band=name), choice)
            for name in BANDS
        ],
        "methods": [
            _bar(words, found.by_method[name], found.attributed, choice.orders(method=name), choice)
            for name, words in METHODS.items()
            if name in found.by_method
        ],
        "platforms": _platforms(found, choice),
        "channels": _channels(found, choice),
        "products": [_product(one, found, choice) for one in found.products[:TOP]],
        "products_more": max(len(found.products) - TOP, 0),
        "chat": _chat(found, choice),
        "uplift": _uplift(found),
    }
    return TemplateResponse(request, "admin/board.html", context)


def _figures(found: Figures, before: Figures | None, choice: Choice) -> list[dict[str, Any]]:
    total, attributed = found.total, found.attributed
    led, talked = boards.counted(attributed.orders, "order"), boards.counted(found.conversations, "conversation")
    was = before or Figures()
    compared = before is not None

    def figure(name: str, value: Any, url: str, note: str, change: boards.Change | None) -> dict[str, Any]:
        return {"name": name, "value": value, "url": url, "note": note, "change": change if compared else None}

    def sum_of(minor: int | None) -> Any:
        return amount(minor, choice.currency, strong=True)

    change = boards.change
    average, average_was = _average(total), _average(was.total)
    share = boards.percent_of(attributed.net_minor, total.net_minor)
    return [
        figure("Revenue", sum_of(total.net_minor), choice.orders(),
               f"{_text(total.gross_minor, choice)} gross, {_text(total.refunded_minor, choice)} refunded or lost",
               change(total.net_minor, was.total.net_minor)),
        figure("Orders", f"{total.orders:,}", choice.orders(), "Paid, no tests, none cancelled",
               change(total.orders, was.total.orders)),
        figure("Average order", sum_of(average), choice.orders(), "Revenue by order, after refunds",
               change(average or 0, average_was or 0)),
        figure("Revenue after a conversation", sum_of(attributed.net_minor), choice.orders(attributed="yes"),
               f"{share} of all, {led}",
               change(attributed.net_minor, was.attributed.net_minor)),
        figure("Conversations", f"{found.conversations:,}", choice.conversations(), "Started in these days",
               change(found.conversations, was.conversations)),
        figure("Conversion rate", boards.rate(found.conversion_rate), choice.orders(attributed="yes"),
               f"{led} after {talked}",
               change(found.conversion_rate, was.conversion_rate, points=True) if was.conversations else None),
        figure("Conversations that led to an order", f"{found.converted:,}",
               choice.conversations(converted=choice.currency),
               f"{found.converted_rate} % of those started in these days", change(found.converted, was.converted)),
    ]  # fmt: skip


def _text(minor: int, choice: Choice) -> str:
    return grouped(choice.text(minor))


def _average(one: Sum) -> int | None:
    return boards.average(one.net_minor, one.orders)


# Over time ---------------------------------------------------------------------------------------------------------


def _stepped(days: Iterable[Day], choice: Choice, *, later: timedelta = timedelta()) -> dict[date, tuple[Sum, Sum]]:
    """The days in the steps of the chart, by the first day of each; days of the range before are moved `later`."""
    found: dict[date, tuple[Sum, Sum]] = {first: (Sum(), Sum()) for first, _ in ranges.steps(choice.span)}
    for one in days:
        step = max(ranges.step_of(one.day + later, choice.span.step), choice.span.start)
        found[step][0].add(one.total)
        found[step][1].add(one.attributed)
    return found


def _both(
    found: Figures, before: Figures | None, choice: Choice
) -> list[tuple[tuple[date, date], Sum, Sum, int | None]]:
    here = _stepped(found.by_day, choice)
    later = timedelta(days=choice.span.days)
    was = _stepped(before.by_day, choice, later=later) if before else {}
    return [(days, *here[days[0]], was[days[0]][0].net_minor if before else None) for days in ranges.steps(choice.span)]


def _over_time(
    found: Figures, before: Figures | None, choice: Choice
) -> Iterable[tuple[tuple[date, date], int, int, int | None, str, str]]:
    for days, total, attributed, was in _both(found, before, choice):
        says = (
            f"{step_words(days, choice.span.step)}: {_text(total.net_minor, choice)} {choice.currency}, "
            f"{boards.counted(total.orders, 'order')}, {_text(attributed.net_minor, choice)} after a conversation"
        )
        says += f"; before: {_text(was, choice)}" if was is not None else ""
        yield days, total.net_minor, attributed.net_minor, was, says, choice.orders(days)


def _top(found: Figures, before: Figures | None, choice: Choice) -> list[str]:
    """What stands beside the chart: its top and its middle."""
    values = [value for _, total, _, was in _both(found, before, choice) for value in (total.net_minor, was or 0)]
    top = boards.ceiling(values)
    return [_text(top, choice), _text(top // 2, choice)] if top else []


def _days(found: Figures, choice: Choice) -> list[dict[str, Any]]:
    """The same as a table, the newest first."""
    return [
        {
            "days": step_words(days, choice.span.step),
            "url": choice.orders(days),
            "orders": f"{total.orders:,}",
            "net": amount(total.net_minor, choice.currency),
            "attributed": amount(attributed.net_minor, choice.currency),
            "refunded": amount(total.refunded_minor, choice.currency),
        }
        for days, total, attributed, _ in reversed(_both(found, None, choice))
        if total.orders
    ]


# Parts of the whole ------------------------------------------------------------------------------------------------


def _bar(name: str, one: Sum, whole: Sum, url: str, choice: Choice) -> dict[str, Any]:
    return {
        "name": name,
        "url": url if one.orders else "",
        "orders": f"{one.orders:,}",
        "net": amount(one.net_minor, choice.currency),
        "share": boards.percent_of(one.net_minor, whole.net_minor),
        "width": boards.height(one.net_minor, whole.net_minor),
    }


def _platforms(found: Figures, choice: Choice) -> list[dict[str, Any]]:
    ordered = sorted(found.by_platform.items(), key=lambda item: (-item[1].net_minor, item[0]))
    return [
        _bar(KINDS.get(name, name), one, found.total, choice.orders(platform=name), choice) for name, one in ordered
    ]


def _channels(found: Figures, choice: Choice) -> list[dict[str, Any]]:
    """By channel, with the part that came of conversations."""
    labels = {row.pk: row.label for row in choice.channels}
    rows = []
    for pk, one in sorted(found.by_channel.items(), key=lambda item: (-item[1].net_minor, item[0])):
        led = found.attributed_by_channel.get(pk, Sum())
        row = _bar(labels.get(pk, "–"), one, found.total, choice.orders(channel=pk), choice)
        rows.append(
            row
            | {
                "led": amount(led.net_minor, choice.currency),
                "led_share": boards.percent_of(led.net_minor, one.net_minor),
                "led_url": choice.orders(channel=pk, attributed="yes") if led.orders else "",
            }
        )
    return rows


def _product(one: Product, found: Figures, choice: Choice) -> dict[str, Any]:
    known = {"product": one.product_id} if one.product_id else {"sold": f"{one.sku}\n{one.title}"}
    return {
        "name": one.title or one.sku or "Without a name",
        "sku": one.sku,
        "mapped": one.product_id is not None,
        "url": choice.orders(**known),
        "quantity": f"{one.quantity:,}",
        "net": amount(one.net_minor, choice.currency),
        "share": boards.percent_of(one.net_minor, found.total.net_minor),
        "width": boards.height(one.net_minor, found.total.net_minor),
    }


def _chat(found: Figures, choice: Choice) -> list[dict[str, Any]]:
    """What chatting brings: one order with it and without, and what a conversation came to."""
    total, led = found.total, found.attributed
    without = Sum(
        total.orders - led.orders, total.gross_minor - led.gross_minor, total.refunded_minor - led.refunded_minor
    )
    with_it, alone = _average(led), _average(without)
    rows = [
        ("An order after a conversation", with_it, choice.orders(attributed="yes"),
         boards.counted(led.orders, "order")),
        ("An order without one", alone, choice.orders(attributed="no"), boards.counted(without.orders, "order")),
        ("Revenue of one conversation", boards.average(led.net_minor, found.conversations), choice.conversations(),
         boards.counted(found.conversations, "conversation")),
    ]  # fmt: skip
    top = max((value or 0 for _, value, _, _ in rows), default=0)
    return [
        {
            "name": name,
            "value": amount(value, choice.currency),
            "url": url,
            "note": note,
            "width": boards.height(value or 0, top),
        }
        for name, value, url, note in rows
    ]


def _uplift(found: Figures) -> str:
    """By how many percent an order after a conversation is larger than one without; "" where either is missing."""
    alone = found.total.orders - found.attributed.orders
    rest = found.total.net_minor - found.attributed.net_minor
    if not alone or not found.attributed.orders or rest <= 0:
        return ""
    one, other = found.attributed.net_minor * alone, rest * found.attributed.orders
    if one == other:
        return "As much as an order without one"
    larger = "larger" if one > other else "smaller"
    return f"{boards.percent_of(abs(one - other), other)} {larger} than an order without one"

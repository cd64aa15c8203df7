"""Six rates that say whether the business grows, by week and by channel, each with what it is made of (SPEC ATT-8)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from support import boards
from support.admin import exports
from support.admin.base import amount
from support.admin.board_files import Sheets, about, major
from support.admin.boards import Choice, columns, exported, head, permitted
from support.analytics import Asked, Growth, percent
from support.queries import analytics, funnels

Days = tuple[date, date]


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate of `Growth.rates`: its two counts by name, in words, and where the rows of each stand."""

    name: str
    title: str
    part: str
    whole: str
    of: str
    good: bool = True


RATES = (
    Rate("checkout_start", "Checkout start rate", "checkouts", "clicks", "begun of {} clicks"),
    Rate("paid_conversion", "Paid conversion rate", "conversions", "checkouts", "paid of {} checkouts"),
    Rate("refund", "Refund rate", "refunded", "orders", "refunded of {} orders", good=False),
    Rate("delivery_success", "Delivery success rate", "delivered", "jobs", "delivered of {} deliveries"),
    Rate("review", "Review rate", "reviews", "orders", "written for {} orders"),
    Rate("repeat_purchase", "Repeat purchase rate", "repeated", "with_customer", "again of {} orders with a customer"),
)
LONGEST = 53
"""Weeks in the small charts and in the table: a year; of a longer range the last, the others one press away."""
COUNTS = ("clicks", "checkouts", "conversions", "orders", "refunded", "jobs", "delivered", "reviews", "with_customer",
          "repeated")  # fmt: skip


def page(request: HttpRequest, *, site: Any) -> HttpResponse:
    """The rates of the range in all, by week and by channel, beside those of the range before."""
    actor = permitted(request)
    choice = Choice.read(request, usual="90d")
    weeks, channels = _counted(choice.asked)
    if kind := exported(request):
        return exports.answer(choice.named("growth"), kind, _sheets(weeks, channels, choice))
    total = _total(weeks)
    before = _total(_counted(choice.asked.before)[0]) if choice.compared else None
    labels = {row.pk: row.label for row in choice.channels}
    mondays = sorted(weeks, reverse=True)
    context = {
        **site.each_context(request),
        "title": "Growth",
        **head(choice, actor, "growth"),
        "empty": not any(getattr(total, name) for name in COUNTS),
        "no_steps": not (total.clicks or total.checkouts or total.conversions),
        "rates": [_rate(rate, total, before, weeks, choice) for rate in RATES],
        "heads": [rate.title for rate in RATES],
        "weeks": [
            {
                "name": f"{monday:%-d %b %Y}",
                "url": choice.orders(_week(monday, choice)),
                "net": amount(weeks[monday].net_minor, choice.currency),
                "cells": [_cell(rate, weeks[monday], choice, _week(monday, choice)) for rate in RATES],
            }
            for monday in mondays[:LONGEST]
        ],
        "earlier": _earlier(mondays[LONGEST:], choice),
        "channels": [
            {
                "name": labels.get(pk, "Not connected any more"),
                "url": choice.orders(channel=pk) if pk else "",
                "net": amount(one.net_minor, choice.currency),
                "cells": [_cell(rate, one, choice, None, pk) for rate in RATES],
            }
            for pk, one in sorted(channels.items(), key=lambda item: (-item[1].net_minor, item[0]))
        ],
    }
    return TemplateResponse(request, "admin/growth.html", context)


def _counted(asked: Asked) -> tuple[dict[date, Growth], dict[int, Growth]]:
    """What orders and events say, by week (every week of the range that has anything) and by channel."""
    weeks, channels = dict(analytics.growth_by_week(asked)), analytics.growth_by_channel(asked)
    funnels.growth(asked, weeks=weeks, channels=channels)
    return weeks, channels


def _total(weeks: Mapping[date, Growth]) -> Growth:
    total = Growth()
    for one in weeks.values():
        for name in (*COUNTS, "net_minor"):
            setattr(total, name, getattr(total, name) + getattr(one, name))
    return total


def _week(monday: date, choice: Choice) -> Days:
    """The days of a week that are in the range."""
    return max(monday, choice.span.start), min(monday + timedelta(days=6), choice.span.last)


def _earlier(mondays: Sequence[date], choice: Choice) -> dict[str, str] | None:
    """The weeks the table leaves out, newest first, and the address that shows them."""
    if not mondays:
        return None
    first, last = max(mondays[-1], choice.span.start), mondays[0] + timedelta(days=6)
    return {
        "words": f"{len(mondays):,} earlier week{'' if len(mondays) == 1 else 's'}",
        "span": f"{first:%-d %b %Y} to {last:%-d %b %Y}",
        "query": choice.query(**{"from": f"{first}", "until": f"{last}"}),
    }


def _rate(
    rate: Rate, total: Growth, before: Growth | None, weeks: Mapping[date, Growth], choice: Choice
) -> dict[str, Any]:
    value, cell = total.rates[rate.name], _cell(rate, total, choice, None)
    was = before.rates[rate.name] if before is not None else None
    monday = choice.span.start - timedelta(days=choice.span.start.weekday())
    mondays = []
    while monday < choice.span.end:
        mondays.append(monday)
        monday += timedelta(days=7)
    trend = (_column(rate, week, weeks.get(week, Growth()), choice) for week in mondays[-LONGEST:])
    return cell | {
        "title": rate.title,
        "change": boards.change(value, was, points=True) if value is not None and was is not None else None,
        "trend": columns(choice, trend),
    }


def _column(rate: Rate, monday: date, one: Growth, choice: Choice) -> tuple[Days, int, int, None, str, str]:
    days, value = _week(monday, choice), one.rates[rate.name]
    whole = getattr(one, rate.whole)
    says = f"Week of {monday:%-d %b %Y}: {boards.rate(value)}"
    says += f", {getattr(one, rate.part):,} {rate.of.format(f'{whole:,}')}" if whole else ", nothing to count"
    url = _url(rate.whole, choice, days, None)
    return days, int(value * 100) if value is not None else 0, 0, None, says, url


def _cell(rate: Rate, one: Growth, choice: Choice, days: Days | None, channel: int | None = None) -> dict[str, Any]:
    part, whole = getattr(one, rate.part), getattr(one, rate.whole)
    return {
        "value": boards.rate(one.rates[rate.name]),
        "counted": bool(part or whole),
        "part": f"{part:,}",
        "part_url": _url(rate.part, choice, days, channel) if part else "",
        "whole": f"{whole:,}",
        "whole_url": _url(rate.whole, choice, days, channel) if whole else "",
        "of": rate.of.partition("{}")[0].strip(),
        "what": rate.of.partition("{}")[2].strip(),
    }


def _url(count: str, choice: Choice, days: Days | None, channel: int | None) -> str:
    """The rows of a count: orders, deliveries or events."""
    if channel == funnels.NOWHERE:
        return ""
    shop = {"channel": channel} if channel else {}
    match count:
        case "orders":
            return choice.orders(days, **shop)
        case "refunded":
            return choice.orders(days, **{**shop, "counted": "refunded"})
        case "with_customer" | "repeated":
            return choice.orders(days, **shop, buyer="again" if count == "repeated" else "known")
        case "jobs" | "delivered":
            found = {"channel": choice.channel.pk if choice.channel else None, "currency": choice.currency, **shop}
            return choice.rows("fulfillment_job", days, **found, orders="done" if count == "delivered" else "all")
    return choice.events(count, days, **shop)


def _sheets(weeks: Mapping[date, Growth], channels: Mapping[int, Growth], choice: Choice) -> Sheets:
    labels = {row.pk: row.label for row in choice.channels}
    titles = [f"{rate.title} %" for rate in RATES]
    names = [name.replace("_", " ").capitalize() for name in COUNTS]

    def row(first: str, one: Growth) -> list[Any]:
        counts = [getattr(one, name) for name in COUNTS]
        rates = [
            percent(getattr(one, rate.part), getattr(one, rate.whole)) if getattr(one, rate.whole) else ""
            for rate in RATES
        ]
        return [first, *rates, *counts, major(one.net_minor, choice)]

    return {
        "Weeks": [
            ["Week from", *titles, *names, "Net"],
            *(row(f"{monday}", weeks[monday]) for monday in sorted(weeks)),
            row("Total", _total(weeks)),
        ],
        "Channels": [
            ["Channel", *titles, *names, "Net"],
            *(row(labels.get(pk, "Not connected any more"), one) for pk, one in sorted(channels.items())),
        ],
        "About": about(choice),
    }

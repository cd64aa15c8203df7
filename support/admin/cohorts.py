"""Who came back: customers by the month of their first purchase, in a table whose shades say what its figures say."""

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from support import boards
from support.admin import exports
from support.admin.base import amount, grouped, moment
from support.admin.board_files import Sheets, about, major
from support.admin.boards import Choice, exported, head, permitted
from support.analytics import Cell, Cohort
from support.queries import analytics

SHOWS = {"customers": "Customers who came back", "revenue": "Revenue"}
DAY = timedelta(days=1)
DARKEST = 60
"""How much of the accent the fullest cell takes, in percent: ink stays legible on it in light and dark."""


def page(request: HttpRequest, *, site: Any) -> HttpResponse:
    """`show` is "customers" or "revenue"; months are whole, those that the range touches."""
    actor = permitted(request)
    choice = Choice.read(request, usual="12m", more=("show",))
    # Nobody comes back in months that have not come.
    today = moment().astimezone(ZoneInfo(choice.asked.zone)).date()
    end = max(min(choice.asked.end, today + DAY), choice.asked.start + DAY)
    found = analytics.cohorts(replace(choice.asked, end=end))
    if kind := exported(request):
        return exports.answer(choice.named("cohorts"), kind, _sheets(found, choice))
    show = request.GET.get("show", "")
    show = show if show in SHOWS else "customers"
    most = max((cell.net_minor for cohort in found for cell in cohort.cells), default=0)
    context = {
        **site.each_context(request),
        "title": "Who came back",
        **head(choice, actor, "cohorts"),
        "compared_words": "",
        "show": show,
        "shows": [{"words": words, "query": choice.query(show=name), "here": name == show} for name, words in
                  SHOWS.items()],
        "ages": range(max((len(cohort.cells) for cohort in found), default=0)),
        "cohorts": [_row(cohort, show, most, choice) for cohort in found],
        "average": _average(found, show, choice),
    }  # fmt: skip
    return TemplateResponse(request, "admin/cohorts.html", context)


def _row(cohort: Cohort, show: str, most: int, choice: Choice) -> dict[str, Any]:
    days = _month(cohort.month, 0)
    return {
        "month": f"{cohort.month:%b %Y}",
        "customers": f"{cohort.customers:,}",
        "url": choice.orders(days, cohort=f"{cohort.month:%Y-%m}"),
        "net": amount(sum(cell.net_minor for cell in cohort.cells), choice.currency),
        "cells": [_cell(cell, cohort, show, most, choice) for cell in cohort.cells],
    }


def _cell(cell: Cell, cohort: Cohort, show: str, most: int, choice: Choice) -> dict[str, Any]:
    days = _month(cohort.month, cell.months)
    part, whole = (cell.customers, cohort.customers) if show == "customers" else (cell.net_minor, most)
    net = grouped(choice.text(cell.net_minor))
    return {
        "text": boards.percent_of(part, whole) if show == "customers" else net,
        "heat": _heat(part, whole),
        "url": choice.orders(days, cohort=f"{cohort.month:%Y-%m}") if cell.orders else "",
        "says": f"{days[0]:%B %Y}: {cell.customers:,} of {boards.counted(cohort.customers, 'customer')}, "
        f"{boards.counted(cell.orders, 'order')}, {net} {choice.currency}",
    }


def _heat(part: int, whole: int) -> str:
    return f"{boards.permille(min(max(part, 0), whole), whole) * DARKEST // 1000}%"


def _average(found: Sequence[Cohort], show: str, choice: Choice) -> list[str]:
    """The last row: of all customers whose cohort is that old, how many came back; or what they brought."""
    told = []
    for age in range(max((len(cohort.cells) for cohort in found), default=0)):
        old = [cohort for cohort in found if len(cohort.cells) > age]
        if show == "customers":
            told.append(boards.percent_of(_sum(c.cells[age].customers for c in old), _sum(c.customers for c in old)))
        else:
            told.append(grouped(choice.text(_sum(c.cells[age].net_minor for c in old))))
    return told


def _sum(values: Iterable[int]) -> int:
    return sum(values)


def _month(first: date, later: int) -> tuple[date, date]:
    number = first.year * 12 + first.month - 1 + later
    year, month = number // 12, number % 12 + 1
    return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])


def _sheets(found: Sequence[Cohort], choice: Choice) -> Sheets:
    heads = ["First bought in", "Month", "Months after", "Customers", "Of the cohort %", "Orders", "Net"]
    rows = [
        [
            f"{cohort.month:%Y-%m}",
            f"{_month(cohort.month, cell.months)[0]:%Y-%m}",
            cell.months,
            cell.customers,
            boards.share(cell.customers, cohort.customers),
            cell.orders,
            major(cell.net_minor, choice),
        ]
        for cohort in found
        for cell in cohort.cells
    ]
    return {"Cohorts": [heads, *rows], "About": about(choice)}

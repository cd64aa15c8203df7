"""Charts of the last months: what came in, went back and was paid out, and the rates of what went back (SPEC FIN-4)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from orders import money
from support import boards
from support.admin.base import amount, grouped
from support.admin.boards import drawn
from support.queries.month_reports import Point


@dataclass(frozen=True, slots=True)
class Series:
    """One chart: `value` is its columns' height, in minor units or for a rate in permille; `part` a share of it."""

    name: str
    title: str
    value: Callable[[Point], int]
    words: str
    part: Callable[[Point], int] | None = None
    part_words: str = ""
    rate: bool = False


SERIES = (
    Series(
        "revenue",
        "Revenue",
        lambda point: point.captured_minor,
        "captured",
        lambda point: point.net_minor,
        "of it left after refunds, chargebacks and fees",
    ),
    Series("refunds", "Refunds", lambda point: point.refunded_minor, "refunded"),
    Series("chargebacks", "Chargebacks", lambda point: point.disputed_minor, "lost in disputes"),
    Series("payouts", "Payouts", lambda point: point.paid_out_minor, "paid out"),
    Series("refund_rate", "Refund rate", lambda point: point.refund_permille, "of what was captured", rate=True),
    Series(
        "chargeback_rate", "Chargeback rate", lambda point: point.dispute_permille, "of what was captured", rate=True
    ),
)


def share(permille: int) -> str:
    """32 → 3.2 %"""
    return f"{permille // 10}.{permille % 10} %"


def charts(
    points: Sequence[Point], currency: str, *, address: Callable[[Point], str], running: bool = False
) -> list[dict[str, Any]]:
    """A chart a series of these months, the last one in figures beside the one before it; none of nothing.

    While the last month is `running` it is not compared: half a month is less than a whole one.
    """
    if not any(series.value(point) for series in SERIES for point in points):
        return []
    return [_chart(series, points, currency, address, running) for series in SERIES]


def rows(points: Sequence[Point], currency: str, *, address: Callable[[Point], str]) -> list[dict[str, Any]]:
    """The same as a table, the newest first."""
    return [
        {
            "name": f"{point.month:%B %Y}",
            "url": address(point),
            "cells": [_shown(series, series.value(point), currency) for series in SERIES],
        }
        for point in reversed(points)
    ]


def _chart(
    series: Series, points: Sequence[Point], currency: str, address: Callable[[Point], str], running: bool
) -> dict[str, Any]:
    *former, last = points
    value = series.value(last)
    change = None
    if former and not running:
        before = series.value(former[-1])
        change = (
            boards.change(Decimal(value) / 10, Decimal(before) / 10, points=True)
            if series.rate
            else boards.change(value, before)
        )
    columns = drawn(
        (
            _name(point, first=point is points[0]),
            series.value(point),
            series.part(point) if series.part else 0,
            None,
            _says(series, point, currency),
            address(point),
        )
        for point in points
    )
    return {
        "id": f"chart-{series.name}",
        "title": series.title,
        "value": _shown(series, value, currency),
        "month": f"{last.month:%B %Y}" + (" so far" if running else ""),
        "change": change,
        "parted": series.part is not None,
        "top": _scale(series, points, currency),
        "columns": columns,
    }


def _name(point: Point, *, first: bool) -> str:
    return f"{point.month:%b %y}" if first or point.month.month == 1 else f"{point.month:%b}"


def _shown(series: Series, value: int, currency: str) -> Any:
    return share(value) if series.rate else amount(value, currency)


def _text(series: Series, value: int, currency: str) -> str:
    return share(value) if series.rate else f"{grouped(money.to_text(value, currency))} {currency}"


def _says(series: Series, point: Point, currency: str) -> str:
    said = f"{point.month:%B %Y}: {_text(series, series.value(point), currency)} {series.words}"
    if series.part is not None:
        said += f", {_text(series, series.part(point), currency)} {series.part_words}"
    return said


def _scale(series: Series, points: Sequence[Point], currency: str) -> list[str]:
    """What stands beside a chart: its top and its middle."""
    top = boards.ceiling(series.value(point) for point in points)
    if not top:
        return []
    if series.rate:
        return [f"{Decimal(top) / 10} %", f"{Decimal(top) / 20} %"]
    return [grouped(money.to_text(top, currency)), grouped(money.to_text(top // 2, currency))]

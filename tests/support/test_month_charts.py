"""The charts of months: exact in words, each month there, rates in points, nothing drawn of nothing, a fixed cost."""

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from orders.queries.earnings import Month, Sum
from support.admin import month_charts
from support.queries import month_reports
from support.queries.month_reports import Point
from tests.desk import Desk, Sign


def month(at: date, *sums: tuple[str, int], closed: bool = False, currency: str = "EUR") -> Month:
    kept = [Sum("the shop", kind, currency, minor, 1) for kind, minor in sums]
    return Month(at, closed=closed, sums=kept)


OCTOBER = month(
    date(2026, 10, 1), ("captured", 100_000), ("refund", -3_200), ("dispute", -2_000), ("fee", -4_000), closed=True
)
NOVEMBER = month(
    date(2026, 11, 1), ("captured", 50_000), ("refund", -500), ("dispute_reversed", 2_000), ("payout", -9_000)
)


def charts(*months: Month, currency: str = "EUR", running: bool = False) -> dict[str, Any]:
    points = month_reports.trend(months, currency)
    found = month_charts.charts(points, currency, address=lambda point: f"/{point.month:%Y-%m}", running=running)
    return {one["title"]: one for one in found}


def test_each_column_says_its_sum_and_leads_to_its_month() -> None:
    found = charts(NOVEMBER, OCTOBER)
    assert list(found) == ["Revenue", "Refunds", "Chargebacks", "Payouts", "Refund rate", "Chargeback rate"]
    first = found["Revenue"]["columns"][0]
    assert first["says"] == (
        "October 2026: 1,000.00 EUR captured, 908.00 EUR of it left after refunds, chargebacks and fees"
    )
    assert (first["whole"], first["part"], first["url"]) == ("100.0%", "90.8%", "/2026-10")
    assert found["Revenue"]["top"] == ["1,000.00", "500.00"]
    assert found["Payouts"]["columns"][1]["says"] == "November 2026: 90.00 EUR paid out"


def test_a_rate_is_compared_in_points_and_a_sum_in_percent() -> None:
    found = charts(OCTOBER, NOVEMBER)
    assert (found["Refund rate"]["value"], found["Refund rate"]["top"]) == ("1.0 %", ["5 %", "2.5 %"])
    assert found["Refund rate"]["change"].words == "2.2 points less than before"
    assert found["Revenue"]["change"].words == "50.0 % less than before"
    # What was won back is above what was lost: below nought no column stands.
    assert found["Chargebacks"]["columns"][1]["whole"] == "0.0%"
    assert "−20.00 EUR" in found["Chargebacks"]["columns"][1]["says"]


def test_a_month_that_runs_is_not_compared() -> None:
    found = charts(OCTOBER, NOVEMBER, running=True)
    assert found["Revenue"]["change"] is None and found["Revenue"]["month"] == "November 2026 so far"


def test_nothing_is_drawn_of_nothing_and_of_another_currency() -> None:
    assert charts() == {} == charts(OCTOBER, currency="JPY")
    both = month(date(2026, 10, 1), ("captured", 100_000))
    both.sums.append(Sum("the shop", "captured", "JPY", 5_000, 1))
    assert charts(both, currency="JPY")["Revenue"]["top"] == ["5,000", "2,500"]


def test_the_table_says_what_the_charts_say_the_newest_first() -> None:
    points = month_reports.trend([OCTOBER, NOVEMBER], "EUR")
    newest, oldest = month_charts.rows(points, "EUR", address=lambda point: f"/{point.month:%Y-%m}")
    assert (newest["name"], oldest["url"]) == ("November 2026", "/2026-10")
    assert newest["cells"][4] == "1.0 %" and len(oldest["cells"]) == len(month_charts.SERIES)


@given(st.sets(st.integers(0, 40), max_size=8), st.integers(0, 40))
def test_the_trend_has_every_month_once_whatever_months_are_known(numbers: set[int], until: int) -> None:
    def at(number: int) -> date:
        return date(2023 + number // 12, 1 + number % 12, 1)

    last_closed = max(numbers, default=0) - 2
    months = [month(at(n), ("captured", 100 * (n + 1)), closed=n <= last_closed) for n in numbers]
    points = month_reports.trend(months, "EUR", until=at(until))
    known = [n for n in numbers if n <= until]
    expected = list(range(min(known), max(known) + 1))[-month_reports.MONTHS :] if known else []
    assert [point.month for point in points] == [at(n) for n in expected]
    assert [point.captured_minor for point in points] == [100 * (n + 1) if n in numbers else 0 for n in expected]
    assert all(not point.closed for point, n in zip(points, expected, strict=True) if n > last_closed)


def test_the_months_page_draws_them_with_a_table_at_a_fixed_cost(desk: Desk, sign: Sign) -> None:
    client, url, counts = sign("finance"), desk.url("orders_period_changelist"), []
    client.get(url)
    for number in range(2):
        with CaptureQueriesContext(connection) as found:
            page = client.get(url)
        counts.append(len(found))
        desk.buy(id=77 + number, name=f"#LP{77 + number}")
    assert counts[0] == counts[1] <= 25
    assert [one["title"] for one in page.context["charts"]] == page.context["chart_heads"]
    html = page.content.decode()
    assert "The charts as a table, EUR" in html
    column = page.context["charts"][0]["columns"][-1]
    assert client.get(column["url"]).status_code == 200 and column["says"] in html


@pytest.mark.parametrize("currency", ["USD", "", "'", "x" * 500])
def test_a_currency_in_which_nothing_was_booked_shows_the_usual(desk: Desk, sign: Sign, currency: str) -> None:
    page = sign("finance").get(desk.url("orders_period_changelist"), {"currency": currency})
    assert page.status_code == 200 and page.context["chart_currency"] == "EUR"


def test_a_point_of_nothing_has_no_rate() -> None:
    point = Point(date(2026, 1, 1), False, 0, 500, 500, 0)
    assert (point.refund_permille, point.dispute_permille) == (0, 0)

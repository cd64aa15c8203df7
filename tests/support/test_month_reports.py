"""The month as finance looks at it: each figure counted by hand, leading to its rows, exported without formulas."""

import csv
import io
import zipfile
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fulfillment.models import Entitlement
from orders.messages import DisputeStatus
from orders.models import Order, Payout, Product
from profiles import clock
from support import spreadsheets
from support.queries import month_reports
from support.queries.month_reports import Asked, Report
from tests.desk import Desk, Sign
from tests.money import START, dispute, order, refund, tell
from tests.stage import DOMAINS, Stage

DIGITAL = sorted(str(kind) for kind in Product.DIGITAL)
MONTH = date(2026, 11, 1)


def test_numbers_are_numbers_and_texts_are_never_formulas():
    text = spreadsheets.rows([["=1+1", -5, "-5", "@x", "\tx", None]])
    assert next(csv.reader(io.StringIO(text))) == ["'=1+1", "'-5", "'-5", "'@x", "'\tx", ""]
    book = spreadsheets.workbook({"Sheet": [["Name", "Sum"], ["=HYPERLINK(1)", 5]]})
    with zipfile.ZipFile(io.BytesIO(book)) as whole:
        sheet = whole.read("xl/worksheets/sheet1.xml").decode()
        texts = whole.read("xl/sharedStrings.xml").decode()
    assert "<f>" not in sheet and "<v>5</v>" in sheet and "'=HYPERLINK(1)" in texts


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


def report(stage: Stage, month: date = MONTH, **more: Any) -> Report:
    with stage.inside():
        asked = Asked(organization=stage.organization, month=month, currency=more.pop("currency", "EUR"), **more)
        return month_reports.of(asked, digital=DIGITAL)


def test_an_empty_month_is_all_noughts(stage):
    found = report(stage, date(2020, 1, 1))
    assert (found.total.orders, found.total.net_minor, found.products, found.channels) == (0, 0, [], [])
    assert found.total.refund_permille == 0 and found.bank.payouts == 0


def test_every_figure_is_the_sum_of_its_orders(desk: Desk) -> None:
    with desk.inside():
        Order.objects.update(placed_at="2026-11-03T10:00:00Z")
        row = Order.objects.select_related("channel").get()
    found = report(desk.stage)
    rights = 0
    with desk.inside():
        rights = Entitlement.objects.filter(order=row).count()
    assert (found.total.orders, found.total.gross_minor, found.total.net_minor) == (1, row.total_minor, row.net_minor)
    assert found.total.granted == found.total.lines == rights
    assert sum(one.revenue_minor for one in found.products) == row.total_minor
    assert [one.label for one in found.channels] == [row.channel.label]


def test_a_month_begins_and_ends_by_the_organizations_own_clock(desk: Desk) -> None:
    for at, month in (
        ("2026-10-31T22:59:59Z", date(2026, 10, 1)),
        ("2026-10-31T23:00:00Z", MONTH),
        ("2026-11-30T22:59:59Z", MONTH),
        ("2026-11-30T23:00:00Z", date(2026, 12, 1)),
    ):
        with desk.inside():
            Order.objects.update(placed_at=at)
        assert report(desk.stage, month).total.orders == 1, at


def test_tests_cancelled_orders_and_other_currencies_are_left_out(desk: Desk) -> None:
    with desk.inside():
        Order.objects.update(placed_at="2026-11-03T10:00:00Z")
        assert report(desk.stage).total.orders == 1
        assert report(desk.stage, currency="USD").total.orders == 0
        Order.objects.update(test=True)
        assert report(desk.stage).total.orders == 0
        Order.objects.update(test=False, status="cancelled")
        assert report(desk.stage).total.orders == 0


def test_refunds_and_chargebacks_become_rates(stage) -> None:
    tell(stage, *(order(f"o-{n}", 1000) for n in range(1, 5)))
    tell(stage, refund("o-1", 500), dispute("o-2", 1000, status=DisputeStatus.LOST))
    found = report(stage, START.date().replace(day=1))
    total = found.total
    assert (total.orders, total.gross_minor, total.net_minor) == (4, 4000, 2500)
    assert (total.refunded_orders, total.refund_permille) == (1, 125)
    assert (total.disputes, total.dispute_permille) == (1, 250)
    assert found.booked["captured"] == 4000 and found.booked["refund"] == -500
    point = found.trend[-1]
    assert (point.month, point.captured_minor, point.refund_permille, point.dispute_permille) == (
        found.asked.month, 4000, 125, 250,
    )  # fmt: skip


def test_a_line_without_its_access_is_counted(desk: Desk) -> None:
    with desk.inside():
        Order.objects.update(placed_at="2026-11-03T10:00:00Z")
        before = report(desk.stage).total.granted
        first = Entitlement.objects.order_by("pk").first()
        assert first is not None
        Entitlement.objects.filter(pk=first.pk).update(line=None)
    found = report(desk.stage)
    assert found.total.granted == before - 1 and found.total.ungranted == 1


def test_payouts_stand_beside_what_the_bank_shows(stage) -> None:
    with stage.inside():
        for name, shown in (("po_1", None), ("po_2", 700), ("po_3", 690)):
            Payout.objects.create(
                organization=stage.organization, channel=stage.channels["stripe"], external_id=name, status="paid",
                amount_minor=700, currency="EUR", at="2026-11-10T00:00:00Z", version=clock.now(), digest=name,
                bank_minor=shown,
            )  # fmt: skip
    bank = report(stage).bank
    assert (bank.payouts, bank.amount_minor, bank.confirmed, bank.waiting, bank.difference_minor) == (
        3,
        2100,
        2,
        1,
        -10,
    )


# The page ----------------------------------------------------------------------------------------------------------


def this_month(desk: Desk) -> str:
    with desk.inside():
        return f"{Order.objects.get().placed_at:%Y-%m}"


def test_the_page_leads_from_each_figure_to_its_rows(desk: Desk, sign: Sign) -> None:
    client = sign("finance")
    page = client.get(desk.url("month_report"), {"month": this_month(desk)})
    html = page.content.decode()
    assert DOMAINS["shopify"] in html and "By channel" in html
    rows = page.context["rows"]
    for one in rows:
        listed = client.get(one["url"])
        assert listed.status_code == 200 and str(desk.order) in listed.content.decode()
    other = client.get(rows[0]["url"].replace(this_month(desk), "2019-01")).content.decode()
    assert str(desk.order) not in other
    for product in page.context["products"]:
        assert str(desk.order) in client.get(product["url"]).content.decode()


def test_a_page_costs_the_same_whatever_is_in_it(desk: Desk, sign: Sign) -> None:
    client = sign("finance")
    client.get(desk.url("month_report"))
    counts, month = [], this_month(desk)
    for number in range(2):
        with CaptureQueriesContext(connection) as found:
            client.get(desk.url("month_report"), {"month": month})
        counts.append(len(found))
        desk.buy(id=77 + number, name=f"#LP{77 + number}")
    assert counts[0] == counts[1] <= 25


@pytest.mark.parametrize("query", [{"month": "2026-13"}, {"month": "x"}, {"currency": "'"}, {"channel": "9" * 30}])
def test_an_odd_choice_falls_back_to_the_usual(desk: Desk, sign: Sign, query: dict) -> None:
    assert sign("finance").get(desk.url("month_report"), query).status_code == 200


def test_the_export_is_a_file_and_needs_its_permission(desk: Desk, sign: Sign) -> None:
    with desk.inside():
        Product.objects.update(title="=HYPERLINK(1)")
    month = this_month(desk)
    for kind in ("csv", "xlsx"):
        answer = sign("finance").get(desk.url("month_report"), {"month": month, "export": kind})
        assert answer["Content-Disposition"] == f'attachment; filename="report-{month}-EUR.{kind}"'
    text = sign("finance").get(desk.url("month_report"), {"month": month, "export": "csv"}).content.decode("utf-8-sig")
    assert "'=HYPERLINK(1)" in text and ",=HYPERLINK" not in text
    refused = sign("agent").get(desk.url("month_report"), {"month": month, "export": "csv"})
    assert "Content-Disposition" not in refused


def test_a_stranger_sees_noughts(desk: Desk, sign: Sign) -> None:
    other = Stage("stranger")
    page = sign("finance", other).get(desk.url("month_report"), {"month": this_month(desk)})
    assert page.context["report"].total.orders == 0 and page.context["report"].channels == []

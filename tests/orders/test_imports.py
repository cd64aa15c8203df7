"""Imports of files from the command to the facts: each row accounted for, once, whoever imports how often."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from fulfillment.models import Email, Entitlement
from orders.models import Import, ImportPart, ImportRow, Order, Payment, Refund
from tests import imports
from tests.imports import counts, csv, row, run
from tests.stage import PAYLOADS, Stage, sample

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_file_becomes_orders_with_their_money(stage: Stage, tmp_path: Path) -> None:
    result = run(stage, tmp_path, csv(row(1), row(2, status="refunded"), row(3, status="pending")))
    assert counts(result) == (3, 0, 0)
    assert [(r["line"], r["outcome"]) for r in result["rows"]] == [(2, "new"), (3, "new"), (4, "new")]
    with stage.inside():
        orders = {order.external_id: order for order in Order.objects.order_by("external_id")}
        assert [order.payment_status for order in orders.values()] == ["paid", "refunded", "unpaid"]
        assert all(order.from_file and order.quiet and order.booked for order in orders.values())
        assert list(
            Payment.objects.order_by("external_id").values_list("external_id", "amount_minor", "fee_minor")
        ) == [
            ("file:o-1", 1000, 50),
            ("file:o-2", 1000, 50),
        ]
        assert Refund.objects.get().order_minor == 1000
        assert Entitlement.objects.get(order=orders["o-1"]).status == "pending_claim"
        assert not Email.objects.exists()
        assert not ImportPart.objects.exists()


def test_the_same_file_again_changes_nothing(stage: Stage, tmp_path: Path) -> None:
    content = csv(row(1), row(2), row(3, gross="oops"))
    first = run(stage, tmp_path, content)
    before = stage.snapshot()
    again = run(stage, tmp_path, content)
    assert counts(first) == (2, 1, 0) and counts(again) == (0, 1, 2)
    assert [r["outcome"] for r in again["rows"]] == ["same", "same", "reject"]
    # Another file with the same rows is looked at row by row, and ends the same.
    other = run(stage, tmp_path, csv(row(2), row(1)))
    assert counts(other) == (0, 0, 2)
    assert stage.snapshot() == before


CASES: list[tuple[str, dict[str, str], tuple[str, ...], tuple[str, ...]]] = [
    # (what, changed cells, arguments, outcome of the row or nothing for rejected)
    ("decimal comma undeclared", {"gross": '"1.234,56"'}, (), ("reject",)),
    (
        "decimal comma declared",
        {"gross": '"1.234,56"', "fee": '"1,00"', "net": '"1.233,56"'},
        ("--decimal", "comma"),
        ("new",),
    ),
    ("brackets for below zero", {"gross": "(12.50)"}, (), ("reject",)),
    ("a sign of currency", {"gross": '"₺123,45"'}, (), ("reject",)),
    ("an exponent", {"gross": "1e3"}, (), ("reject",)),
    ("a formula", {"gross": "=29.99"}, (), ("reject",)),
    ("below zero", {"gross": "-5.00"}, (), ("reject",)),
    ("more decimals than cents", {"gross": "9.999"}, (), ("reject",)),
    ("it does not add up", {"net": "9.51"}, (), ("reject",)),
    ("a date in no declared order", {"order_date": "03/04/2025"}, (), ("reject",)),
    ("the same date, declared", {"order_date": "03/04/2025"}, ("--dates", "DMY"), ("new",)),
    ("no such day", {"order_date": "2023-02-29"}, (), ("reject",)),
    ("the number of a day", {"order_date": "45292"}, (), ("reject",)),
    ("an id that was shortened", {"order_id": "1.23457E+11"}, (), ("reject",)),
    ("zeros in front", {"order_id": "000123"}, (), ("new",)),
    ("no currency", {"currency": "XXX"}, (), ("reject",)),
    ("half a piece", {"quantity": "1.5"}, (), ("reject",)),
    ("one cell too many", {"net": "9.50,"}, (), ("reject",)),
    ("a cell too few", {"status": "paid\no-9"}, (), ("new", "reject")),
    ("a NUL byte", {"email": "a\0b@example.org"}, (), ("reject",)),
    ("a cell of 2 MB", {"email": "x" * 2_000_000}, (), ("reject",)),
]


@pytest.mark.django_db(transaction=True)
def test_each_bad_cell_is_a_row_refused_with_its_line_beside_two_that_are_kept(stage: Stage, tmp_path: Path) -> None:
    for number, (what, changes, arguments, expected) in enumerate(CASES):
        first, last = row(f"a-{number}"), row(f"z-{number}")
        if "--decimal" in arguments:
            first, last = (line.replace("10.00,0.50,9.50", '"10,00","0,50","9,50"') for line in (first, last))
        if "--dates" in arguments:
            first, last = (line.replace("2026-03-04", "04/03/2026") for line in (first, last))
        changed = {"order_id": f"c-{number}", **({} if "--dates" not in arguments else {"order_date": "04/03/2026"})}
        middle = row(1, **{**changed, **changes})
        result = run(stage, tmp_path, csv(first, middle, last), "--no-wait", *arguments)
        outcomes = [r["outcome"] for r in result["rows"]]
        assert outcomes == ["new", *expected, "new"], (what, result)
        refused = [r for r in result["rows"] if r["outcome"] == "reject"]
        assert all(r["reason"].endswith(".") and 3 <= r["line"] <= 4 for r in refused), (what, refused)
    with stage.inside():
        assert Order.objects.get(external_id="c-1").total_minor == 123456
        assert Order.objects.get(external_id="000123")
        assert Order.objects.get(external_id="c-10").placed_at.isoformat() == "2025-04-02T22:00:00+00:00"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html><table>", "web page"),
        (b"\xef\xbb\xbf <html>", "web page"),
        (b"\xd0\xcf\x11\xe0 old", "old Excel"),
        (b"PK\x03\x04 not a workbook", "Excel file"),
        (csv(row(1, email="Müller@example.org")).decode().encode("cp1252"), "not UTF-8"),
        ("\ufeff".join(["", csv(row(1)).decode()]).encode("utf-16-le")[2:], "UTF-16"),
        (b"a,b,c\n1,2,3\n", "mapping"),
        (
            csv(row(1), head="order_id,order_date,email,sku,quantity,currency,gross"),
            "lacks the columns fee, net, status",
        ),
        (",".join(f"c{n}" for n in range(10_000)).encode(), "10000 columns"),
        (csv(row(1), head=imports.HEAD + ",email"), "stands twice"),
        (csv("p,2026-01-01,EUR,1.00,0.00,1.00,", head=imports.PAYOUT_HEAD), "file of payouts"),
        (b'"unclosed\n1,2\n', "quotation mark"),
    ],
)
def test_what_is_no_such_table_is_refused_as_a_whole(
    stage: Stage, tmp_path: Path, content: bytes, sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        run(stage, tmp_path, content)
    with stage.inside():
        assert not Import.objects.exists() and not Order.objects.exists()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1254", "iso8859-9"])
def test_text_is_read_as_it_was_declared_or_proved(stage: Stage, tmp_path: Path, encoding: str) -> None:
    content = csv(row(1, name="İrem Ünlü", phone=""), head=imports.HEAD + ",name,phone").decode().encode(encoding)
    declared = () if encoding.startswith("utf") else ("--encoding", encoding)
    assert counts(run(stage, tmp_path, content, "--no-wait", *declared)) == (1, 0, 0)
    with stage.inside():
        assert Order.objects.get().customer_name == "İrem Ünlü"


def test_a_quotation_mark_that_is_not_closed_swallows_nothing(stage: Stage, tmp_path: Path) -> None:
    lines = [row(1), row(2, email='"oops@example.org'), row(3), row(4, email='"fine, really"@x'), row(5)]
    result = run(stage, tmp_path, csv(*lines), "--no-wait")
    assert [(r["line"], r["outcome"]) for r in result["rows"]] == [
        (2, "new"),
        (3, "reject"),
        (4, "new"),
        (5, "reject"),
        (6, "new"),
    ]


def test_a_cell_of_several_lines_is_one_cell_and_lines_count_as_in_the_file(stage: Stage, tmp_path: Path) -> None:
    head = imports.HEAD + ",name"
    result = run(
        stage, tmp_path, csv(row(1, name='"Ada\nLovelace"'), row(2, gross="x", name="B"), head=head), "--no-wait"
    )
    assert [(r["line"], r["outcome"]) for r in result["rows"]] == [(2, "new"), (4, "reject")]


def test_a_row_twice_and_an_amount_that_differs(stage: Stage, tmp_path: Path) -> None:
    """Within one file and between two: a repeat is known, another amount of the same order is a conflict."""
    twice = run(stage, tmp_path, csv(row(1), row(2), row(1), row(1, gross="11.00", net="10.50")), "--no-wait")
    assert [r["outcome"] for r in twice["rows"]] == ["new", "new", "same", "conflict"]
    assert twice["rows"][2]["reason"] == "The same row stands on line 2."
    later = run(stage, tmp_path, csv(row(1, gross="12.00", net="11.50"), row("o-2 \u00a0")), "--no-wait")
    assert [r["outcome"] for r in later["rows"]] == ["conflict", "update"]
    assert counts(later) == (0, 1, 1)
    with stage.inside():
        assert Order.objects.get(external_id="o-1").total_minor == 1000
        assert Order.objects.count() == 2


def test_rows_of_one_order_are_its_lines_wherever_they_stand(stage: Stage, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("config.importing.PORTION", 2)
    other = {"sku": "EBOOK-HARB-EN", "gross": "5.00", "fee": "0.25", "net": "4.75"}
    content = csv(row(1), row(2), row(3), row(4), row(1, **other), row(3, **other, status="refunded"), row(5))
    result = run(stage, tmp_path, content)
    assert [r["outcome"] for r in result["rows"]] == ["new"] * 7
    with stage.inside():
        whole, partly = Order.objects.get(external_id="o-1"), Order.objects.get(external_id="o-3")
        assert (whole.total_minor, whole.lines.count(), whole.payment_status) == (1500, 2, "paid")
        assert Payment.objects.get(order=whole).fee_minor == 75
        assert (partly.total_minor, partly.refunded_minor, partly.payment_status) == (1500, 500, "partially_refunded")
        assert dict(Entitlement.objects.filter(order=partly).values_list("product__sku", "status")) == {
            "EBOOK-TIDE-EN": "pending_claim",
            "EBOOK-HARB-EN": "revoked",
        }
    assert counts(run(stage, tmp_path, csv(*content.decode().splitlines()[:0:-1]))) == (0, 0, 7)


def test_a_status_goes_on_and_never_back(stage: Stage, tmp_path: Path) -> None:
    run(stage, tmp_path, csv(row(1, status="pending"), row(2)), "--no-wait")
    further = run(stage, tmp_path, csv(row(1), row(2, status="refunded")))
    assert [r["outcome"] for r in further["rows"]] == ["update", "update"]
    back = run(stage, tmp_path, csv(row(1, status="pending"), row(2)))
    assert [r["outcome"] for r in back["rows"]] == ["conflict", "conflict"]
    with stage.inside():
        assert list(Order.objects.order_by("external_id").values_list("payment_status", flat=True)) == [
            "paid",
            "refunded",
        ]


def test_an_unknown_status_is_not_taken_for_paid(stage: Stage, tmp_path: Path) -> None:
    result = run(stage, tmp_path, csv(row(1, status="İade")))
    assert result["rows"][0]["outcome"] == "new" and "not taken for paid" in result["rows"][0]["reason"]
    with stage.inside():
        order = Order.objects.get()
        assert order.payment_status == "unpaid" and order.flags == ["unknown_status"]
        assert not Entitlement.objects.exists()


@pytest.mark.parametrize(("record", "fee", "booked"), [("net", 50, True), ("gross", None, True), ("none", "–", False)])
def test_what_is_booked_is_what_was_asked(
    stage: Stage, tmp_path: Path, record: str, fee: int | str | None, booked: bool
) -> None:
    run(stage, tmp_path, csv(row(1)), "--no-wait", record=record)
    with stage.inside():
        assert Order.objects.get().booked is booked
        assert [p.fee_minor for p in Payment.objects.all()] == ([] if fee == "–" else [fee])


@pytest.mark.parametrize("first", ["file", "shop"])
def test_a_webhook_and_a_file_are_one_order_and_the_shop_is_right(stage: Stage, tmp_path: Path, first: str) -> None:
    body = sample("shopify/orders-paid.json")
    total, currency = body["current_total_price"], body["currency"]
    cells = {
        "order_id": str(body["id"]),
        "currency": currency,
        "gross": total,
        "fee": "",
        "net": "",
        "status": "refunded",
    }
    channel = {"channel": stage.channels["shopify"].label}

    def shop() -> None:
        assert stage.post("shopify", body, topic="orders/paid").status_code == 200
        stage.work()

    if first == "shop":
        shop()
    result = run(stage, tmp_path, csv(row(1, **cells), row(1, **{**cells, "gross": "1.00"})), **channel)
    if first == "file":
        shop()
    else:
        assert [r["outcome"] for r in result["rows"]] == ["same", "conflict"]
    with stage.inside():
        order = Order.objects.get()
        assert (order.authority, order.payment_status, order.refunded_minor) == ("2-order", "paid", 0)
        assert order.from_file is (first == "file")
        assert not Refund.objects.exclude(status="failed").exists()


@pytest.mark.parametrize("name", ["utf8-bom", "cp1254"])
def test_shopiers_own_export_is_read_in_both_its_encodings(stage: Stage, tmp_path: Path, name: str) -> None:
    content = (PAYLOADS / f"shopier/orders.export.{name}.csv").read_bytes()
    assert counts(run(stage, tmp_path, content)) == (3, 0, 0)
    with stage.inside():
        orders = list(Order.objects.order_by("external_id").prefetch_related("lines"))
        assert [(o.external_id, o.currency, o.total_minor, o.payment_status) for o in orders] == [
            ("318203990", "TRY", 124990, "refunded"),
            ("318204477", "TRY", 112490, "paid"),
            ("318204611", "USD", 2300, "paid"),
        ]
        assert [o.customer_name for o in orders] == ["İrem Ünlü", "Elif Şahin", "Çağrı Güneş"]
        assert orders[1].placed_at.isoformat() == "2026-11-11T18:17:00+00:00"
        assert [line.title for o in orders for line in o.lines.all()][1] == "Gelgit Atlası (dijital)"
        # The fee was kept back in lira; the row's own two sums are its rate.
        assert list(Payment.objects.order_by("external_id").values_list("fee_minor", flat=True)) == [7484, 6736, 138]
        assert orders[2].extra["settled TRY"] == "968.30"


def test_both_of_shopiers_encodings_hold_the_same_orders(stage: Stage, tmp_path: Path) -> None:
    for name, expected in (("utf8-bom", (3, 0, 0)), ("cp1254", (0, 0, 3))):
        content = (PAYLOADS / f"shopier/orders.export.{name}.csv").read_bytes()
        assert counts(run(stage, tmp_path, content, "--no-wait")) == expected


def test_a_dry_run_leaves_nothing_behind(stage: Stage, tmp_path: Path) -> None:
    result = run(stage, tmp_path, csv(row(1), row(2, gross="x")), "--dry-run")
    assert counts(result) == (1, 1, 0)
    with stage.inside():
        assert not Order.objects.exists() and not Import.objects.exists() and not ImportRow.objects.exists()

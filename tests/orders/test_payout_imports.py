"""Payouts from files: sums that differ are shown, an order in two payouts is a conflict, the ledger adds up once."""

from pathlib import Path

import pytest
from django.db.models import Sum

from orders.models import Import, LedgerEntry, Payout
from tests.imports import PAYOUT_HEAD, counts, csv, row, run, undo
from tests.stage import PAYLOADS, Stage

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def payouts(*rows: str) -> bytes:
    return csv(*rows, head=PAYOUT_HEAD)


def test_payouts_are_kept_with_the_orders_they_name(stage: Stage, tmp_path: Path) -> None:
    content = payouts("P-1,2026-03-10,EUR,20.00,1.00,19.00,o-1; o-2", "P-2,2026-03-17,EUR,10.00,0.50,9.49,o-3")
    result = run(stage, tmp_path, content, mode="payouts")
    assert counts(result) == (2, 0, 0)
    assert [r["reason"] for r in result["rows"]] == [
        "",
        "Gross 10.00 less fee 0.50 is 9.50, and its net says 9.49: a difference of 0.01 is shown.",
    ]
    assert counts(run(stage, tmp_path, content, mode="payouts")) == (0, 0, 2)
    with stage.inside():
        kept = Payout.objects.order_by("external_id")
        fields = ("external_id", "amount_minor", "gross_minor", "fee_minor", "status", "order_external_ids")
        assert list(kept.values_list(*fields)) == [
            ("P-1", 1900, 2000, 100, "paid", ["o-1", "o-2"]),
            ("P-2", 949, 1000, 50, "paid", ["o-3"]),
        ]


def test_an_order_in_two_payouts_is_a_conflict_within_a_file_and_between_two(stage: Stage, tmp_path: Path) -> None:
    first = "P-1,2026-03-10,EUR,20.00,1.00,19.00,o-1;o-2"
    within = run(stage, tmp_path, payouts(first, "P-2,2026-03-11,EUR,5.00,0.00,5.00,o-2"), mode="payouts")
    assert [r["outcome"] for r in within["rows"]] == ["new", "conflict"]
    assert within["rows"][1]["reason"] == "Order o-2 is in payout P-1 already."
    later = run(stage, tmp_path, payouts(first, "P-3,2026-03-12,EUR,5.00,0.00,5.00,o-1"), mode="payouts")
    assert [r["outcome"] for r in later["rows"]] == ["same", "conflict"]
    other = run(stage, tmp_path, payouts(first.replace("19.00", "18.00")), mode="payouts")
    assert [r["outcome"] for r in other["rows"]] == ["conflict"]


def test_shopiers_payouts_are_read_with_what_was_kept_back(stage: Stage, tmp_path: Path) -> None:
    content = (PAYLOADS / "shopier/payouts.export.utf8-bom.csv").read_bytes()
    result = run(stage, tmp_path, content, mode="payouts")
    assert counts(result) == (1, 0, 0) and result["rows"][0]["reason"] == ""
    with stage.inside():
        kept = Payout.objects.get()
        assert (kept.external_id, kept.amount_minor, kept.currency) == ("PO-90217", 146787, "TRY")
        assert (kept.gross_minor, kept.fee_minor, kept.destination) == (159320, 12533, "…3401")


def test_what_a_file_says_is_booked_once_and_taken_back_with_it(stage: Stage, tmp_path: Path) -> None:
    """Recording net adds gross and fee once, whatever is imported how often; `none` adds nothing."""

    def earned() -> int:
        with stage.inside():
            return LedgerEntry.objects.exclude(kind="payout").aggregate(sum=Sum("amount_minor"))["sum"] or 0

    content = csv(row(1), row(2), row(3, status="refunded"))
    run(stage, tmp_path, content)
    assert earned() == 2 * 950 - 50
    run(stage, tmp_path, content)
    run(stage, tmp_path, csv(row(2), row(1)))
    assert earned() == 2 * 950 - 50
    run(stage, tmp_path, csv(row(9)), record="none")
    assert earned() == 2 * 950 - 50
    with stage.inside():
        first = Import.objects.order_by("pk").values_list("pk", flat=True)[0]
    undo(stage, first)
    assert earned() == 0
    run(stage, tmp_path, content)
    assert earned() == 2 * 950 - 50


def test_an_undone_payout_has_failed_and_comes_back_with_its_file(stage: Stage, tmp_path: Path) -> None:
    content = payouts("P-1,2026-03-10,EUR,20.00,1.00,19.00,o-1")
    run(stage, tmp_path, content, mode="payouts")
    with stage.inside():
        number = Import.objects.get().pk
    assert undo(stage, number)["withdrawn"] == 1
    with stage.inside():
        assert Payout.objects.get().status == "failed"
    assert counts(run(stage, tmp_path, content, mode="payouts")) == (1, 0, 0)
    with stage.inside():
        assert Payout.objects.get().status == "paid"

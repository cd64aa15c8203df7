"""The ledger: always what the facts say of each source, in any order, any number of times, never counted twice."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from django.db import InternalError, ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext

from config import pipeline
from orders.messages import BalanceKind, DisputeStatus, PaymentStatus, PayoutStatus, RefundStatus
from orders.models import LedgerEntry, Order
from tests.money import (
    Books,
    at,
    booked,
    by_kind,
    dispute,
    entries,
    later,
    movement,
    order,
    payment,
    payout,
    refund,
    tell,
)
from tests.stage import Stage


@pytest.fixture
def stage(db: None) -> Stage:
    return Books()


def net(stage: Stage) -> int:
    with stage.inside():
        return Order.objects.get().net_minor


def test_a_payment_is_booked_once_whether_the_channel_or_the_payment_says_it(stage: Stage) -> None:
    tell(stage, order())
    (alone,) = entries(stage)
    assert (alone.kind, alone.amount_minor, alone.currency, alone.test, alone.late) == (
        "captured", 3120, "EUR", False, False,
    )  # fmt: skip
    assert alone.month == date(2026, 9, 1)
    tell(stage, payment())
    assert by_kind(entries(stage)) == {"captured": 3120} and net(stage) == 3120
    assert {e.source for e in entries(stage) if e.amount_minor > 0} >= {"payment:pi_o-1"}


def test_two_payments_of_one_order_are_two_entries(stage: Stage) -> None:
    tell(stage, order(paid=False), payment(amount=1120), replace(payment(amount=2000), external_id="pi_2"))
    with stage.inside():
        assert Order.objects.get().captured_minor == 1120  # the second names no order
    tell(stage, later(replace(payment(amount=2000), external_id="pi_2", order_external_id="o-1")))
    assert sorted(e.amount_minor for e in entries(stage)) == [1120, 2000] and net(stage) == 3120


def test_what_was_paid_twice_counts_as_the_order_does(stage: Stage) -> None:
    """The channel holds the order paid with its total: more payments do not make it more."""
    twice = replace(payment(), external_id="pi_again", order_external_id="o-1")
    tell(stage, order(), payment(), twice)
    assert booked(stage) == {"EUR": net(stage)} == {"EUR": 3120}


def test_refunds_and_fees_stand_beside_what_was_captured(stage: Stage) -> None:
    tell(stage, order(), payment(fee_minor=109), refund(amount=500), refund(amount=700, number=2))
    assert by_kind(entries(stage)) == {"captured": 3120, "fee": -109, "refund": -1200}
    assert booked(stage, "captured", "refund") == {"EUR": net(stage)}


def test_a_refund_that_fails_is_booked_back(stage: Stage) -> None:
    given = refund(status=RefundStatus.PENDING)
    tell(stage, order(), payment(), given)
    assert by_kind(entries(stage)) == {"captured": 3120}
    tell(stage, later(given, status=RefundStatus.SUCCEEDED, rank=1))
    tell(stage, later(given, status=RefundStatus.FAILED, rank=2, version=at(20)))
    kept = entries(stage, kind="refund")
    assert [e.amount_minor for e in kept] == [-500, 500]
    assert (kept[0].happened_at, kept[1].happened_at, kept[1].month) == (at(1), at(20), date(2026, 10, 1))


def test_a_dispute_holds_what_it_is_about_until_it_is_won(stage: Stage) -> None:
    tell(stage, order(), payment(), dispute())
    assert by_kind(entries(stage)) == {"captured": 3120, "dispute": -3120}
    tell(stage, later(dispute(), status=DisputeStatus.WON, rank=1))
    assert by_kind(entries(stage)) == {"captured": 3120, "dispute": -3120, "dispute_reversed": 3120}
    tell(stage, later(dispute(), status=DisputeStatus.LOST, rank=2, version=at(30)))
    assert by_kind(entries(stage)) == {"captured": 3120, "dispute": -3120}
    assert booked(stage) == {"EUR": net(stage)} == {"EUR": 0}


def test_an_order_found_unpaid_is_brought_to_nothing(stage: Stage) -> None:
    tell(stage, order())
    tell(stage, later(order(), paid=False, cancelled=True))
    assert by_kind(entries(stage)) == {} and len(entries(stage)) == 2


def test_an_order_whose_import_was_undone_is_brought_to_nothing(stage: Stage) -> None:
    tell(stage, order(), payment(fee_minor=10))
    tell(stage, later(order(), flags=("import_undone",)))
    assert by_kind(entries(stage)) == {}


def test_an_order_whose_money_is_told_elsewhere_is_not_booked(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Order, "booked", False, raising=False)
    tell(stage, order(), payment(fee_minor=10))
    assert entries(stage) == []


def test_a_refund_counts_in_the_currency_of_its_order(stage: Stage) -> None:
    sold = order(total=4960, presentment_currency="USD", presentment_total_minor=5357)
    tell(stage, sold, refund(amount=5357, currency="USD"))
    assert booked(stage) == {"EUR": 0} and net(stage) == 0


@pytest.mark.parametrize(("currency", "total"), [("JPY", 1500), ("KWD", 12_340), ("EUR", 8999)])
def test_every_currency_is_booked_in_its_own_minor_units(stage: Stage, currency: str, total: int) -> None:
    tell(stage, order(total=total, currency=currency), refund(amount=total - 10, currency=currency))
    assert booked(stage) == {currency: 10}


def test_test_facts_are_booked_apart(stage: Stage) -> None:
    tell(stage, order())
    tell(stage, later(order(), test=True))
    assert booked(stage, test=False) == {"EUR": 0} and booked(stage, test=True) == {"EUR": 3120}


def test_the_fee_of_a_payment_is_booked_once_by_whoever_tells_it(stage: Stage) -> None:
    tell(stage, order(), payment(fee_minor=109))
    tell(stage, movement(BalanceKind.CAPTURED, 3120, fee_minor=109))
    assert [e.amount_minor for e in entries(stage, kind="fee")] == [-109]


def test_the_providers_account_corrects_a_fee(stage: Stage) -> None:
    tell(stage, order(), payment(fee_minor=100), movement(BalanceKind.CAPTURED, 3120, fee_minor=109))
    assert booked(stage, "fee") == {"EUR": -109}


def test_a_movement_of_an_order_books_only_what_the_order_does_not_say(stage: Stage) -> None:
    tell(stage, order(), payment(), dispute())
    tell(
        stage,
        movement(BalanceKind.CAPTURED, 3120, fee_minor=109),
        movement(BalanceKind.DISPUTE, -3120, fee_minor=1500, payment_reference="", source_reference="dp_o-1"),
        movement(BalanceKind.ADJUSTMENT, -7),
    )
    assert by_kind(entries(stage)) == {"captured": 3120, "dispute": -3120, "fee": -1609, "adjustment": -7}


def test_a_fee_of_no_order_is_booked_by_itself(stage: Stage) -> None:
    tax = movement(BalanceKind.FEE, -24, name="")
    tell(stage, tax)
    assert by_kind(entries(stage)) == {"fee": -24}
    tell(stage, order(), later(tax, payment_reference="pi_o-1", rank=1))
    assert by_kind(entries(stage)) == {"captured": 3120, "fee": -24}
    assert sum(e.amount_minor for e in entries(stage, order=None)) == 0


def test_a_payment_nobody_knows_an_order_of_waits_for_it(stage: Stage) -> None:
    tell(stage, movement(BalanceKind.CAPTURED, 3120, fee_minor=109))
    assert entries(stage) == []
    tell(stage, order(), payment())
    assert by_kind(entries(stage)) == {"captured": 3120, "fee": -109}


def test_a_payout_that_fails_is_booked_back(stage: Stage) -> None:
    tell(stage, payout(3011, status=PayoutStatus.PENDING, rank=0))
    assert by_kind(entries(stage)) == {"payout": -3011}
    tell(stage, payout(3011, status=PayoutStatus.FAILED, rank=2))
    assert by_kind(entries(stage)) == {}


def test_the_fee_of_a_file_is_booked_as_far_as_no_line_tells_it(stage: Stage) -> None:
    tell(stage, payout(900, from_file=True, gross_minor=1000, fee_minor=100))
    assert by_kind(entries(stage)) == {"payout": -900, "fee": -100}


def test_settling_again_books_nothing(stage: Stage) -> None:
    tell(stage, order(), payment(fee_minor=109), refund(), dispute(), payout(100))
    before = len(entries(stage))
    for _ in range(3):
        tell(stage, order(), payment(fee_minor=109), refund(), dispute(), payout(100))
    assert len(entries(stage)) == before


def test_no_entry_is_ever_changed_or_taken_away(stage: Stage) -> None:
    tell(stage, order())
    with stage.inside():
        for act in (lambda: LedgerEntry.objects.update(amount_minor=1), lambda: LedgerEntry.objects.all().delete()):
            with pytest.raises((InternalError, ProgrammingError), match="append-only"), transaction.atomic():
                act()


def test_a_batch_of_any_size_costs_the_same_statements(stage: Stage) -> None:
    def cost(names: list[str]) -> int:
        told: list[Any] = []
        for name in names:
            told += [order(name), payment(name), refund(name), movement(BalanceKind.CAPTURED, 3120, name, fee_minor=9)]
        tell(stage, *told, settle=False)
        with stage.inside():
            ids = list(Order.objects.filter(external_id__in=names).values_list("pk", flat=True))
            with CaptureQueriesContext(connection) as counted:
                pipeline.settle(ids, stage.organization)
        return len(counted)

    assert cost(["a", "b"]) == cost([f"n-{number}" for number in range(30)])


def test_a_payment_that_failed_is_no_income(stage: Stage) -> None:
    tell(stage, order(paid=False), payment(status=PaymentStatus.FAILED, fee_minor=5))
    assert by_kind(entries(stage)) == {}

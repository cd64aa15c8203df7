"""Closing a month: it never changes again, what comes late counts in the open one, and people adjust with a reason."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from orders.actions import ledger, periods
from orders.actions.periods import AlreadyClosed, EarlierOpen, NotOver
from orders.messages import BalanceKind, RefundStatus
from orders.models import LedgerEntry, Order, Period
from orders.money import UnknownCurrency
from orders.queries import earnings, proofs_of_the_ledger
from orders.queries.earnings import Sum
from profiles import clock
from profiles.actions.audit import ReasonMissing
from profiles.actors import Actor, Invalid, NotPermitted
from profiles.models import AuditEntry
from tests.money import Books, at, booked, by_kind, entries, later, movement, order, payment, payout, refund, tell
from tests.stage import Stage

FINANCE = Actor(label="Finn", role="finance")
SEPTEMBER, OCTOBER, NOVEMBER = date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1)


@pytest.fixture
def stage(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(clock, "_offset", datetime(2026, 11, 5, 12, tzinfo=UTC) - clock.real())
    yield Books()


def close(stage: Stage, month: date, **more: Any) -> list[Period]:
    with stage.inside():
        return periods.close(stage.organization, month, **{"by": FINANCE, "because": "the books agree", **more})


def sums(stage: Stage, month: date) -> dict[str, int]:
    with stage.inside():
        return {one.kind: one.amount_minor for one in earnings.of_month(month)}


def test_a_fact_that_comes_late_counts_in_the_open_month_and_says_so(stage: Stage) -> None:
    tell(stage, order(), payment())
    close(stage, SEPTEMBER)
    tell(stage, refund(refunded_at=at(3)))
    (late,) = entries(stage, kind="refund")
    assert (late.month, late.late, late.happened_at) == (OCTOBER, True, at(3))
    assert sums(stage, SEPTEMBER) == {"captured": 3120} and sums(stage, OCTOBER) == {"refund": -500}


def test_what_happens_in_an_open_month_is_not_late(stage: Stage) -> None:
    tell(stage, order())
    close(stage, SEPTEMBER)
    tell(stage, refund(refunded_at=at(20)))
    (entry,) = entries(stage, kind="refund")
    assert (entry.month, entry.late) == (OCTOBER, False)


def test_what_turns_out_otherwise_is_taken_back_in_the_open_month(stage: Stage) -> None:
    tell(stage, order(), refund())
    close(stage, OCTOBER, with_earlier=True)
    tell(stage, later(refund(), status=RefundStatus.FAILED, rank=2))
    assert [(e.month, e.amount_minor, e.late) for e in entries(stage, kind="refund")] == [
        (SEPTEMBER, -500, False),
        (NOVEMBER, 500, True),
    ]
    assert booked(stage) == {"EUR": 3120}


def test_a_month_begins_at_midnight_where_the_seller_is(stage: Stage) -> None:
    tell(stage, order(placed_at=datetime(2026, 9, 30, 22, 30, tzinfo=UTC)))  # half past midnight in Berlin
    assert [entry.month for entry in entries(stage)] == [OCTOBER]


def test_a_closed_month_keeps_its_sums(stage: Stage) -> None:
    tell(stage, order(), payment(fee_minor=109), refund(), payout(2511))
    (period,) = close(stage, SEPTEMBER)
    with stage.inside():
        assert [Sum(**kept) for kept in period.totals["sums"]] == earnings.of_month(SEPTEMBER)
        (row,) = [row for row in earnings.months(stage.organization) if row.month == SEPTEMBER]
    assert row.closed and row.kinds() == {"EUR": {"captured": 3120, "fee": -109, "refund": -500, "payout": -2511}}
    assert row.earned() == {"EUR": 2511}


def test_the_running_month_is_not_closed(stage: Stage) -> None:
    for month in (NOVEMBER, date(2027, 1, 1)):
        with pytest.raises(NotOver):
            close(stage, month)


def test_a_month_is_closed_once(stage: Stage) -> None:
    close(stage, OCTOBER)
    for month in (SEPTEMBER, OCTOBER):
        with pytest.raises(AlreadyClosed):
            close(stage, month)


def test_an_earlier_month_with_entries_is_closed_first(stage: Stage) -> None:
    tell(stage, order())
    with pytest.raises(EarlierOpen, match="September 2026"):
        close(stage, OCTOBER)
    assert [period.month for period in close(stage, OCTOBER, with_earlier=True)] == [SEPTEMBER, OCTOBER]
    with stage.inside():
        assert AuditEntry.objects.filter(action="month.closed").count() == 2


def test_closing_needs_the_permission_and_a_reason(stage: Stage) -> None:
    with pytest.raises(NotPermitted):
        close(stage, SEPTEMBER, by=Actor(label="Agnes", role="agent"))
    with pytest.raises(ReasonMissing):
        close(stage, SEPTEMBER, because=" ")


def test_an_adjustment_is_booked_once_in_the_open_month(stage: Stage) -> None:
    tell(stage, order())
    close(stage, OCTOBER, with_earlier=True)
    press = Actor(label="Finn", role="finance")
    with stage.inside():
        found = Order.objects.select_related("channel__organization").get()
        for _ in range(2):
            periods.adjust(
                found.channel, amount_minor=-700, currency="eur", by=press, because="bank charges", order=found
            )
    (entry,) = entries(stage, kind="adjustment")
    assert (entry.amount_minor, entry.currency, entry.month, entry.because) == (-700, "EUR", NOVEMBER, "bank charges")


def test_settling_leaves_an_adjustment_alone(stage: Stage) -> None:
    tell(stage, order())
    with stage.inside():
        found = Order.objects.select_related("channel__organization").get()
        periods.adjust(found.channel, amount_minor=-700, currency="EUR", by=FINANCE, because="charges", order=found)
    tell(stage, refund())
    assert by_kind(entries(stage)) == {"captured": 3120, "adjustment": -700, "refund": -500}


@pytest.mark.parametrize(
    ("amount", "currency", "refused"), [(0, "EUR", Invalid), (10**16, "EUR", Invalid), (5, "EURO", UnknownCurrency)]
)
def test_nothing_and_no_currency_are_no_adjustment(
    stage: Stage, amount: int, currency: str, refused: type[Exception]
) -> None:
    with stage.inside(), pytest.raises(refused):
        channel = stage.channels["stripe"]
        periods.adjust(channel, amount_minor=amount, currency=currency, by=FINANCE, because="because")


def test_channels_are_told_apart_and_test_facts_left_out(stage: Stage) -> None:
    tell(stage, order("a", total=100), order("b", total=50, placed_at=at(1)), order("c", total=7, test=True))
    tell(stage, order("a", total=30), kind="api")
    with stage.inside():
        sums = sorted((one.channel, one.amount_minor) for one in earnings.of_month(SEPTEMBER))
        months = [(row.month, row.earned()) for row in earnings.months(stage.organization)]
    assert sums == [("api:till.example", 30), ("stripe:lantern.stripe.example", 150)]
    assert months == [(NOVEMBER, {}), (SEPTEMBER, {"EUR": 180})]


# The proof -------------------------------------------------------------------------------------------------------


def test_the_ledger_is_proved_by_other_means(stage: Stage) -> None:
    tell(stage, order(), payment(fee_minor=5), refund(), movement(BalanceKind.CAPTURED, 3120, fee_minor=109))
    tell(stage, movement(BalanceKind.FEE, -24, name=""), payout(3011), payout(900, "f", from_file=True, fee_minor=7))
    with stage.inside():
        assert proofs_of_the_ledger.differences(stage.organization) == []
    call_command("verify_ledger", "--organization", stage.slug)


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"kind": "captured", "source": "payment:x"}, "Order"),
        ({"kind": "fee", "source": "payment:x"}, "Fees of order"),
        ({"kind": "payout", "source": "payout:x", "order_id": None}, "payout:x"),
        ({"kind": "adjustment", "source": "person:x", "month": OCTOBER}, "Entry"),
    ],
)
def test_an_entry_that_no_fact_tells_is_found(stage: Stage, wrong: dict[str, Any], what: str) -> None:
    tell(stage, order())
    with stage.inside():
        (entry,) = LedgerEntry.objects.all()
        entry.pk = None
        for name, value in wrong.items():
            setattr(entry, name, value)
        entry.save(force_insert=True)
        (found,) = proofs_of_the_ledger.differences(stage.organization)
    assert found.what.startswith(what)
    with pytest.raises(CommandError, match="1 sums differ"):
        call_command("verify_ledger", "--organization", stage.slug, "--json")


def test_a_closed_month_that_changed_is_found(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(stage, order())
    close(stage, SEPTEMBER)
    monkeypatch.setattr(ledger, "last_closed", lambda: None)
    tell(stage, refund())
    with stage.inside():
        (found,) = proofs_of_the_ledger.differences(stage.organization)
    assert found.what == "September 2026, stripe:lantern.stripe.example, refund, closed"

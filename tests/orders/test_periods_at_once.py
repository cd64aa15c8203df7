"""A month is closed while facts of it are being settled: either they are in it, or they are late."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from orders.actions import ledger, periods
from orders.models import LedgerEntry, Order, Period
from orders.queries import earnings, proofs_of_the_ledger
from profiles import clock
from profiles.actions import turns
from profiles.actors import Actor
from tests.faults.crowd import at_once
from tests.money import Books, entries, order, payment, refund, tell, work
from tests.stage import Stage

pytestmark = pytest.mark.django_db(transaction=True)
FINANCE = Actor(label="Finn", role="finance")
SEPTEMBER = date(2026, 9, 1)


@pytest.fixture
def stage(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(clock, "_offset", datetime(2026, 11, 5, 12, tzinfo=UTC) - clock.real())
    yield Books()


def close(stage: Stage) -> None:
    with stage.inside():
        periods.close(stage.organization, SEPTEMBER, by=FINANCE, because="the books agree")


def between(monkeypatch: pytest.MonkeyPatch, *, wait: float) -> tuple[threading.Event, threading.Event]:
    """Booking stops once it has looked which months are closed, until the month is closed or the time is over."""
    looked, closed = threading.Event(), threading.Event()
    last_closed = ledger.last_closed

    def slow() -> Any:
        found = last_closed()
        if threading.current_thread().name == "booking":
            looked.set()
            closed.wait(wait)
        return found

    monkeypatch.setattr(ledger, "last_closed", slow)
    return looked, closed


def race(stage: Stage, looked: threading.Event, closed: threading.Event) -> None:
    tell(stage, order(), payment(), refund(), settle=False)

    def book() -> None:
        threading.current_thread().name = "booking"
        work(stage)

    def shut() -> None:
        looked.wait(20)
        close(stage)
        closed.set()

    assert at_once([book, shut]) == [None, None]


def differences(stage: Stage) -> list[Any]:
    with stage.inside():
        assert Period.objects.get().month == SEPTEMBER
        return proofs_of_the_ledger.differences(stage.organization)


def test_closing_waits_for_who_is_booking(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    race(stage, *between(monkeypatch, wait=0.5))
    assert differences(stage) == []
    with stage.inside():
        assert sum(one.amount_minor for one in earnings.of_month(SEPTEMBER)) == 2620


def test_without_turns_a_closed_month_would_change(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""
    monkeypatch.setattr(turns, "alone", lambda organization_id: None)
    race(stage, *between(monkeypatch, wait=20))
    assert [found.what.rpartition(",")[2] for found in differences(stage)] == [" closed", " closed"]


def test_one_order_settled_by_many_at_once_is_booked_once(stage: Stage) -> None:
    tell(stage, order(), payment(), refund(), settle=False)

    def settle() -> None:
        from config import pipeline

        with stage.inside():
            pipeline.settle([Order.objects.get().pk], stage.organization)

    assert at_once([settle] * 4) == [None] * 4
    assert sorted(entry.amount_minor for entry in entries(stage)) == [-500, 3120]


def test_without_the_lock_an_order_would_be_booked_twice(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""
    tell(stage, order(), payment(), settle=False)
    gate, sums = threading.Barrier(2, timeout=20), ledger.sums

    def slow(*arguments: Any) -> Any:
        found = sums(*arguments)
        gate.wait()
        return found

    def settle() -> None:
        from orders.actions import statuses

        with stage.inside():
            orders = list(Order.objects.select_related("channel"))
            money = statuses.read_money(orders)
            for one in orders:
                one.captured_minor = statuses.captured(one, money[one.pk])
            ledger.settle(orders, money, organization=stage.organization)

    monkeypatch.setattr(ledger, "sums", slow)
    at_once([settle, settle])
    with stage.inside():
        assert list(LedgerEntry.objects.values_list("amount_minor", flat=True)) == [3120, 3120]

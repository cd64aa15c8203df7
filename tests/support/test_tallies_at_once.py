"""Figures are counted while facts arrive, and by several workers: no change is lost and nothing counts twice."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from config import counting
from orders.actions import stale_days
from orders.models import StaleDay
from profiles.models import Organization
from support.actions import tallies
from support.models import ProductMonth
from support.queries import analytics
from tests import figures
from tests.faults.crowd import at_once
from tests.figures import Shop
from tests.money import order, tell

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 9, 14, 12, tzinfo=UTC)


@pytest.fixture
def shop(transactional_db: None) -> Iterator[Shop]:
    shop = Shop()
    tell(shop, order("o-1", 1000, placed_at=NOON))
    yield shop


def sell_another(shop: Shop, moment: datetime = NOON) -> None:
    """By somebody else, committed at once; on the same day unless another is given."""

    def act() -> None:
        tell(shop, order("o-2", 500, placed_at=moment), kind="api")

    assert at_once([act]) == [None]


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None], *, before: bool) -> None:
    """Let this happen once, right before or right after a worker counts its days."""
    count, waiting = tallies.count, [act]

    def interrupted(*arguments: Any) -> None:
        if before and waiting:
            waiting.pop()()
        count(*arguments)
        if not before and waiting:
            waiting.pop()()

    monkeypatch.setattr(tallies, "count", interrupted)


def gross(shop: Shop) -> int:
    with shop.inside():
        return analytics.figures(shop.asked()).total.gross_minor


@pytest.mark.parametrize("before", [True, False])
def test_what_is_sold_while_a_day_is_counted_is_not_lost(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    meanwhile(monkeypatch, lambda: sell_another(shop), before=before)
    assert counting.days(shop.organization.pk) == 1
    with shop.inside():
        assert StaleDay.objects.exists()
    assert gross(shop) == 1500
    assert counting.days(shop.organization.pk) == 1
    with shop.inside():
        assert not StaleDay.objects.exists()
    figures.agree(shop, shop.asked())


def test_taking_the_marks_away_after_counting_would_lose_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""

    def count_then_take(organization: Organization, *, limit: int = tallies.AT_ONCE) -> int:
        days = sorted(set(StaleDay.objects.values_list("day", flat=True)))
        tallies.count(organization, days)
        return len(stale_days.take(limit))

    meanwhile(monkeypatch, lambda: sell_another(shop), before=False)
    monkeypatch.setattr(tallies, "settle", count_then_take)
    assert counting.days(shop.organization.pk) == 1
    assert gross(shop) == 1000
    with pytest.raises(AssertionError):
        figures.agree(shop, shop.asked())


def two_workers(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """While one counts a day anew, something is sold on another day of its month and a second worker counts that."""
    assert counting.days(shop.organization.pk) == 1
    with shop.inside():
        stale_days.mark(shop.organization.pk, [NOON.date()])
    sold, counted = threading.Event(), threading.Event()
    count = tallies.count

    def slow(*arguments: Any) -> None:
        count(*arguments)
        if not sold.is_set():
            sell_another(shop, NOON + timedelta(days=3))
            sold.set()
            counted.wait(1)

    def worker(after: threading.Event | None, then: threading.Event | None) -> int:
        if after:
            after.wait(20)
        with shop.inside():
            done = tallies.settle(shop.organization, limit=1)
        if then:
            then.set()
        return done

    monkeypatch.setattr(tallies, "count", slow)
    return at_once([lambda: worker(None, None), lambda: worker(sold, counted)])


def months(shop: Shop) -> list[int]:
    with shop.inside():
        assert not StaleDay.objects.exists()
        return list(ProductMonth.objects.values_list("net_minor", flat=True))


def test_two_workers_count_one_after_the_other(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert two_workers(shop, monkeypatch) == [1, 1]
    assert sum(months(shop)) == 1500
    figures.agree(shop, shop.asked(date(2026, 9, 1), date(2026, 10, 1)))


def test_without_the_lock_both_would_write_the_same_month(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""
    monkeypatch.setattr(tallies, "_LOCK", "SELECT %s, %s")
    assert two_workers(shop, monkeypatch) == [1, 1]
    assert sum(months(shop)) == 2500

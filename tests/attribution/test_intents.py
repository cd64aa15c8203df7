"""How much a customer wants a product: the rule as tables, and what any order of the facts must not change."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution import intents
from attribution.intents import Purchase, Signal

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def signal(days: float, type_: str = "product_view") -> Signal:
    return Signal(NOON - timedelta(days=days), type_)


@pytest.mark.parametrize(
    ("told", "score"),
    [
        ([], 0),
        ([signal(0)], 30),
        ([signal(14)], 15),
        ([signal(28)], 8),
        ([signal(365)], 0),
        ([signal(0), signal(0)], 60),
        ([signal(0), signal(0), signal(0)], 90),
        ([signal(1), signal(3), signal(5)], 78),
        ([signal(7), signal(7), signal(7)], 64),
        ([signal(0, "cart"), signal(0)], 80),
        ([signal(0, "checkout_started")], 60),
        ([signal(0, "checkout_started"), signal(0, "cart")], 100),
        ([signal(0, "page_view")] * 9, 0),
        ([signal(-1)], 0),
    ],
)
def test_the_score_of_an_instant(told: list[Signal], score: int) -> None:
    assert intents.score(told, NOON) == score


def test_three_looks_in_a_week_are_high_and_two_are_not() -> None:
    assert intents.score([signal(0), signal(2), signal(4)], NOON) >= intents.HIGH
    assert intents.score([signal(0), signal(0)], NOON) < intents.HIGH


def test_points_decay_by_themselves() -> None:
    made = intents.judge([signal(3), signal(1), signal(5)], [])
    assert made is not None and made.last_at == NOON - timedelta(days=1)
    for days in (0, 1, 14, 40):
        now = NOON + timedelta(days=days)
        counted = intents.score([signal(3), signal(1), signal(5)], now)
        assert abs(intents.score_now(made.points, made.last_at, now) - counted) <= 1
    assert intents.score_now(made.points, made.last_at, made.last_at - timedelta(days=9)) == made.points


def bought(days: float, order: int = 1) -> Purchase:
    return Purchase(NOON - timedelta(days=days), order)


def test_a_purchase_after_the_intent_converts_it() -> None:
    made = intents.judge([signal(3), signal(2)], [bought(0, 2), bought(1, 1)])
    assert made is not None and made.converted_by == bought(1, 1) and made.counts == {"product_view": 2}


def test_what_is_done_after_the_purchase_is_no_intent() -> None:
    made = intents.judge([signal(3), signal(0, "cart")], [bought(1)])
    assert made is not None and made.counts == {"product_view": 1} and made.last_at == NOON - timedelta(days=3)
    assert intents.judge([signal(0), signal(1)], [bought(2)]) is None


def test_in_the_instant_of_the_purchase_it_still_counts() -> None:
    made = intents.judge([signal(1)], [bought(1)])
    assert made is not None and made.converted_by == bought(1)


def test_what_says_nothing_of_a_product_is_no_intent() -> None:
    assert intents.judge([signal(0, "page_view"), signal(0, "message")], []) is None


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ([signal(0)], "looked at B once this week"),
        ([signal(0), signal(1), signal(6.9), signal(7.1)], "looked at B three times this week"),
        ([signal(8), signal(9)], "looked at B twice lately"),
        ([signal(0), signal(1, "cart")], "put B in the cart once this week"),
        ([signal(0), signal(1), signal(1, "cart")], "looked at B twice this week"),
        ([signal(0)] * 12, "looked at B 12 times this week"),
    ],
)
def test_what_the_store_is_told(told: list[Signal], sentence: str) -> None:
    assert intents.sentence(told, "B", NOON) == sentence


def test_every_weight_has_its_words() -> None:
    assert set(intents.VERBS) == set(intents.WEIGHTS)
    counts = {"product_view": 3, "cart": 1}
    assert intents.described(counts) == "put it in the cart once, looked at it three times"


DAYS = st.floats(0, 60).map(lambda days: round(days, 3))
SIGNALS = st.lists(
    st.builds(signal, DAYS, st.sampled_from([*intents.WEIGHTS, "search"])),
    max_size=12,
)
PURCHASES = st.lists(st.builds(bought, DAYS, st.integers(1, 9)), max_size=4)


@given(SIGNALS, PURCHASES, st.randoms())
def test_any_order_of_the_facts_comes_to_the_same(told: list[Signal], purchases: list[Purchase], mixed) -> None:
    first = intents.judge(told, purchases), intents.score(told, NOON)
    mixed.shuffle(told)
    mixed.shuffle(purchases)
    assert (intents.judge(told, purchases), intents.score(told, NOON)) == first
    assert 0 <= first[1] <= 100


@given(SIGNALS, SIGNALS)
def test_more_signals_never_mean_less(told: list[Signal], more: list[Signal]) -> None:
    assert intents.score(told + more, NOON) >= intents.score(told, NOON)

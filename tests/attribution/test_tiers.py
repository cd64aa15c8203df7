"""The attribution function against the table that defines it, its edges and its promises."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution import tiers
from attribution.tiers import EMAIL_MATCH, NO_MATCH, SESSION_MATCH, TIME_PROXIMITY, Talk

PLACED = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))


def talk(age: timedelta, **facts: Any) -> Talk:
    given_or_usual: dict[str, Any] = {"conversation": "c-1", "last_message_at": PLACED - age} | facts
    return Talk(**given_or_usual)


def verdict(age: timedelta, **facts: Any) -> tuple[str, str]:
    result = tiers.judge(PLACED, talk(age, **facts))
    return result.method, str(result.confidence)


MANY = {"messages_before": 5}
ALL = {"messages_before": 5, "product_inquiry": True, "price_check": True}
TABLE = [
    (25 * MINUTE, {}, SESSION_MATCH, "0.95"),
    (45 * MINUTE, {}, SESSION_MATCH, "0.93"),
    (60 * MINUTE, {}, SESSION_MATCH, "0.90"),
    (60 * MINUTE + SECOND, {}, TIME_PROXIMITY, "0.90"),
    (10 * MINUTE, {"ended_at": PLACED - 10 * MINUTE}, TIME_PROXIMITY, "0.90"),
    (6 * HOUR, {}, TIME_PROXIMITY, "0.89"),
    (12 * HOUR, {}, TIME_PROXIMITY, "0.87"),
    (20 * HOUR, {}, TIME_PROXIMITY, "0.85"),
    (20 * HOUR, MANY, TIME_PROXIMITY, "0.90"),
    (20 * HOUR, {"product_inquiry": True}, TIME_PROXIMITY, "0.90"),
    (20 * HOUR, {"price_check": True}, TIME_PROXIMITY, "0.88"),
    (22 * HOUR, {}, TIME_PROXIMITY, "0.78"),
    (23 * HOUR, MANY, TIME_PROXIMITY, "0.79"),
    (24 * HOUR, {}, TIME_PROXIMITY, "0.70"),
    (24 * HOUR, ALL, TIME_PROXIMITY, "0.83"),
    (24 * HOUR + SECOND, {}, EMAIL_MATCH, "0.65"),
    (2 * DAY, {}, EMAIL_MATCH, "0.63"),
    (3 * DAY, {}, EMAIL_MATCH, "0.60"),
    (5 * DAY, {}, EMAIL_MATCH, "0.55"),
    (7 * DAY, {}, EMAIL_MATCH, "0.50"),
    (7 * DAY + SECOND, {}, NO_MATCH, "0.00"),
    (-121 * SECOND, {}, NO_MATCH, "0.00"),
]
EDGES = [
    (timedelta(0), {}, SESSION_MATCH, "0.95"),
    (-120 * SECOND, {}, SESSION_MATCH, "0.95"),
    (-120 * SECOND - timedelta(microseconds=1), {}, NO_MATCH, "0.00"),
    (30 * MINUTE, {}, SESSION_MATCH, "0.95"),
    (60 * MINUTE - SECOND, {}, SESSION_MATCH, "0.90"),
    (60 * MINUTE + timedelta(microseconds=1), {}, TIME_PROXIMITY, "0.90"),
    (24 * HOUR - SECOND, {}, TIME_PROXIMITY, "0.70"),
    (24 * HOUR + timedelta(microseconds=1), {}, EMAIL_MATCH, "0.65"),
    (7 * DAY - SECOND, {}, EMAIL_MATCH, "0.50"),
    (7 * DAY + timedelta(microseconds=1), {}, NO_MATCH, "0.00"),
    (10 * MINUTE, {"ended_at": PLACED}, SESSION_MATCH, "0.95"),
    (10 * MINUTE, {"ended_at": PLACED + SECOND}, SESSION_MATCH, "0.95"),
    (10 * MINUTE, {"ended_at": PLACED - SECOND}, TIME_PROXIMITY, "0.90"),
    (24 * HOUR, {"messages_before": 4}, TIME_PROXIMITY, "0.70"),
    (5 * MINUTE, ALL, SESSION_MATCH, "0.95"),
    (3 * DAY, ALL, EMAIL_MATCH, "0.60"),
]


@pytest.mark.parametrize(("age", "facts", "method", "confidence"), TABLE + EDGES)
def test_every_row_of_the_table_and_its_edges(age: timedelta, facts: Any, method: str, confidence: str) -> None:
    assert verdict(age, **facts) == (method, confidence)


def test_the_last_message_is_the_last_one_not_later_than_the_clock_skew() -> None:
    spoken = [PLACED - HOUR, PLACED + 120 * SECOND, PLACED + 121 * SECOND]
    assert tiers.last_message(PLACED, spoken) == PLACED + 120 * SECOND
    assert tiers.last_message(PLACED, spoken[2:]) is None


def test_time_is_elapsed_time_across_the_change_to_summer_time() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    order = datetime(2026, 3, 29, 3, 30, tzinfo=berlin)
    chat = Talk(conversation="c-1", last_message_at=datetime(2026, 3, 29, 1, 45, tzinfo=berlin))
    assert tiers.judge(order, chat).factors["age_seconds"] == 45 * 60
    assert tiers.judge(order, chat).method == SESSION_MATCH


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        tiers.judge(PLACED.replace(tzinfo=None), talk(HOUR))


def test_the_better_tier_wins_over_the_higher_score() -> None:
    ended = talk(2 * HOUR, conversation="boosted", **ALL)
    fresh = talk(60 * MINUTE, conversation="session")
    winner, assists = tiers.choose(PLACED, [ended, fresh])
    assert winner.conversation == "session"
    assert [assist.conversation for assist in assists] == ["boosted"]
    assert assists[0].score > winner.score


def test_the_uncapped_score_decides_between_two_that_show_the_same_confidence() -> None:
    talks = [talk(3 * HOUR, conversation="a", product_inquiry=True), talk(3 * HOUR, conversation="b", **ALL)]
    winner, assists = tiers.choose(PLACED, talks)
    assert (winner.conversation, str(winner.confidence), str(assists[0].confidence)) == ("b", "0.90", "0.90")


def test_then_the_latest_message_and_then_the_conversation_decide() -> None:
    early, late = talk(20 * MINUTE, conversation="a"), talk(10 * MINUTE, conversation="b")
    assert tiers.choose(PLACED, [early, late])[0].conversation == "b"
    twins = [talk(10 * MINUTE, conversation=name) for name in ("z", "b", "m")]
    winner, assists = tiers.choose(PLACED, twins)
    assert [winner.conversation, *(assist.conversation for assist in assists)] == ["b", "m", "z"]


def test_without_a_match_nobody_wins_and_nobody_assists() -> None:
    assert tiers.choose(PLACED, []) == (tiers.NOTHING, ())
    assert tiers.choose(PLACED, [talk(8 * DAY)]) == (tiers.NOTHING, ())


@pytest.mark.parametrize(
    ("confidence", "name"),
    [
        ("0.95", "high"),
        ("0.85", "high"),
        ("0.84", "medium"),
        ("0.65", "medium"),
        ("0.64", "low"),
        ("0.50", "low"),
        ("0.49", "none"),
        ("0.00", "none"),
    ],
)
def test_bands_come_from_the_value_alone(confidence: str, name: str) -> None:
    assert tiers.band(Decimal(confidence)) == name


@pytest.mark.parametrize(
    ("age", "facts", "told"),
    [
        (25 * MINUTE, {"joined_by": "email"}, "Chatted 25 minutes before the order; same e-mail; confidence 0.95."),
        (timedelta(0), {}, "Chatting at the moment of the order; same customer; confidence 0.95."),
        (SECOND, {}, "Chatted 1 second before the order; same customer; confidence 0.95."),
        (
            10 * MINUTE,
            {"ended_at": PLACED - 9 * MINUTE},
            "Chatted 10 minutes before the order, the conversation had ended by then; same customer; confidence 0.90.",
        ),
        (
            20 * HOUR + 5 * MINUTE,
            {"price_check": True},
            "Chatted 20 hours 5 min before the order; same customer; asked for the price (+0.03); confidence 0.88.",
        ),
        (
            2 * HOUR,
            MANY,
            "Chatted 2 hours before the order; same customer; 5 messages (+0.05); held at 0.90; confidence 0.90.",
        ),
        (3 * DAY, {}, "Chatted 3 days before the order; same customer; confidence 0.60."),
        (8 * DAY, {}, "No conversation in the seven days before the order."),
    ],
)
def test_a_result_explains_itself(age: timedelta, facts: Any, told: str) -> None:
    assert tiers.sentence(tiers.judge(PLACED, talk(age, **facts))) == told


def test_a_message_reaches_from_the_clock_skew_before_it_to_seven_days_after() -> None:
    first, last = tiers.reach(PLACED)
    at_first = tiers.judge(first, Talk(conversation="c", last_message_at=PLACED))
    at_last = tiers.judge(last, Talk(conversation="c", last_message_at=PLACED))
    assert (at_first.method, at_last.method) == (SESSION_MATCH, EMAIL_MATCH)
    assert tiers.judge(first - SECOND, Talk(conversation="c", last_message_at=PLACED)).method == NO_MATCH
    assert tiers.judge(last + SECOND, Talk(conversation="c", last_message_at=PLACED)).method == NO_MATCH


def test_a_result_settles_thirty_days_after_the_later_of_order_and_arrival() -> None:
    assert tiers.settles_at(PLACED, PLACED + DAY) == PLACED + 31 * DAY
    assert tiers.settles_at(PLACED, PLACED - DAY) == PLACED + 30 * DAY


ages = st.timedeltas(min_value=-timedelta(minutes=3), max_value=timedelta(days=8))
facts = st.fixed_dictionaries(
    {"messages_before": st.integers(0, 9), "product_inquiry": st.booleans(), "price_check": st.booleans()}
)


@given(ages, facts)
def test_the_confidence_is_nothing_or_from_half_to_95(age: timedelta, given_facts: dict[str, Any]) -> None:
    confidence = tiers.judge(PLACED, talk(age, **given_facts)).confidence
    assert confidence == 0 or Decimal("0.50") <= confidence <= Decimal("0.95")
    assert confidence.as_tuple().exponent == -2


@given(ages.filter(lambda age: age >= timedelta(0)), ages, facts, st.one_of(st.none(), ages))
def test_it_never_rises_with_the_age_within_a_conversations_own_facts(
    age: timedelta, more: timedelta, given_facts: dict[str, Any], ended: timedelta | None
) -> None:
    chat = talk(timedelta(0), ended_at=None if ended is None else PLACED + ended, **given_facts)
    near, far = PLACED + age, PLACED + age + abs(more)
    assert tiers.judge(far, chat).confidence <= tiers.judge(near, chat).confidence


@given(ages, facts, st.sampled_from(["messages_before", "product_inquiry", "price_check"]))
def test_a_booster_never_lowers_it(age: timedelta, given_facts: dict[str, Any], booster: str) -> None:
    without = tiers.judge(PLACED, talk(age, **given_facts | {booster: 0}))
    boosted = tiers.judge(PLACED, talk(age, **given_facts | {booster: 5}))
    assert boosted.confidence >= without.confidence
    assert boosted.method == without.method


@given(st.lists(st.tuples(ages, facts), max_size=6, unique_by=lambda pair: pair[0]), st.randoms())
def test_any_order_of_the_conversations_gives_the_same_winner(pairs: list[Any], shuffler: Any) -> None:
    talks = [talk(age, conversation=f"c-{n}", **given_facts) for n, (age, given_facts) in enumerate(pairs)]
    expected = tiers.choose(PLACED, talks)
    shuffler.shuffle(talks)
    assert tiers.choose(PLACED, talks) == expected

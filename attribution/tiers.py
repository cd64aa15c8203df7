"""Judges how likely it is that a conversation led to an order: tiers, curves and boosters, in exact arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final, TypeAlias

ALGORITHM_VERSION: Final = 1

SESSION_MATCH: Final = "session_match"
TIME_PROXIMITY: Final = "time_proximity"
EMAIL_MATCH: Final = "email_match"
NO_MATCH: Final = "no_match"
METHODS: Final = (SESSION_MATCH, TIME_PROXIMITY, EMAIL_MATCH, NO_MATCH)

CLOCK_SKEW: Final = timedelta(seconds=120)
SESSION_WINDOW: Final = timedelta(minutes=60)
PROXIMITY_WINDOW: Final = timedelta(hours=24)
EMAIL_WINDOW: Final = timedelta(days=7)
OPEN_TO_LATE_FACTS: Final = timedelta(days=30)

MANY_MESSAGES: Final = 5
BOOSTED_AT_MOST: Final = Fraction(90, 100)
BOOSTERS: Final[Mapping[str, Fraction]] = MappingProxyType(
    {"many_messages": Fraction(5, 100), "product_inquiry": Fraction(5, 100), "price_check": Fraction(3, 100)}
)

Curve: TypeAlias = tuple[tuple[timedelta, Fraction], ...]
CURVES: Final[Mapping[str, Curve]] = MappingProxyType(
    {
        SESSION_MATCH: (
            (timedelta(0), Fraction(95, 100)),
            (timedelta(minutes=30), Fraction(95, 100)),
            (SESSION_WINDOW, Fraction(90, 100)),
        ),
        TIME_PROXIMITY: (
            (timedelta(0), Fraction(90, 100)),
            (timedelta(minutes=60), Fraction(90, 100)),
            (timedelta(hours=20), Fraction(85, 100)),
            (PROXIMITY_WINDOW, Fraction(70, 100)),
        ),
        EMAIL_MATCH: ((PROXIMITY_WINDOW, Fraction(65, 100)), (EMAIL_WINDOW, Fraction(50, 100))),
    }
)

BANDS: Final = (("high", Decimal("0.85")), ("medium", Decimal("0.65")), ("low", Decimal("0.50")))
JOINED_BY: Final[Mapping[str, str]] = MappingProxyType({"profile": "same customer", "email": "same e-mail"})
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """What is known of one conversation of the customer, as seen from one order.

    `last_message_at` is the last message by the customer or a human agent that is not later than the order plus
    the clock skew (see `last_message`); `messages_before` counts such messages up to the order itself.
    """

    conversation: str
    last_message_at: datetime
    ended_at: datetime | None = None
    messages_before: int = 0
    product_inquiry: bool = False
    price_check: bool = False
    joined_by: str = "profile"


@dataclass(frozen=True, slots=True)
class Result:
    """One judgement; `score` is exact and uncapped and serves the choice of the winner, `factors` is ready for JSON."""

    method: str
    confidence: Decimal
    conversation: str | None
    factors: Mapping[str, Any] = field(default_factory=dict)
    score: Fraction = Fraction(0)


NOTHING: Final = Result(NO_MATCH, Decimal("0.00"), None, {"algorithm_version": ALGORITHM_VERSION})


def judge(placed_at: datetime, talk: Talk) -> Result:
    """Judge one conversation against one order placed at `placed_at`; both instants must carry a time zone."""
    if _elapsed(placed_at, talk.last_message_at) > CLOCK_SKEW:
        return NOTHING
    age = max(timedelta(0), _elapsed(talk.last_message_at, placed_at))
    ended_before = talk.ended_at is not None and _elapsed(talk.ended_at, placed_at) > timedelta(0)
    method = _tier(age, ended_before=ended_before)
    if method == NO_MATCH:
        return NOTHING
    base = _read(CURVES[method], age)
    boosters = _boosters(talk) if method == TIME_PROXIMITY else {}
    score = base + sum(boosters.values(), Fraction(0))
    confidence = _two_decimals(min(score, max(base, BOOSTED_AT_MOST)))
    factors = {
        "algorithm_version": ALGORITHM_VERSION,
        "age_seconds": int(age.total_seconds()),
        "ended_before_order": ended_before,
        "joined_by": talk.joined_by,
        "base": str(_two_decimals(base)),
        "boosters": {name: str(_two_decimals(raise_by)) for name, raise_by in boosters.items()},
        "capped": score > BOOSTED_AT_MOST and bool(boosters),
        "messages_before": talk.messages_before,
    }
    return Result(method, confidence, talk.conversation, factors, score)


def choose(placed_at: datetime, talks: Iterable[Talk]) -> tuple[Result, tuple[Result, ...]]:
    """The winner and, best first, the assists; without any match the winner is `NOTHING` and there are none."""
    judged = [(judge(placed_at, talk), talk) for talk in talks]
    matches = sorted((pair for pair in judged if pair[0].method != NO_MATCH), key=_rank)
    if not matches:
        return NOTHING, ()
    results = [result for result, _ in matches]
    return results[0], tuple(results[1:])


def last_message(placed_at: datetime, spoken_at: Iterable[datetime]) -> datetime | None:
    """The last of these instants that is not later than the order plus the clock skew, if there is one."""
    return max((at for at in spoken_at if _elapsed(placed_at, at) <= CLOCK_SKEW), default=None, key=_utc)


def reach(last_message_at: datetime) -> tuple[datetime, datetime]:
    """The first and last instant of the orders that a message can concern; both belong to the range."""
    return _utc(last_message_at) - CLOCK_SKEW, _utc(last_message_at) + EMAIL_WINDOW


def settles_at(placed_at: datetime, arrived_at: datetime) -> datetime:
    """From this instant on only a person changes the order's attribution."""
    return max(_utc(placed_at), _utc(arrived_at)) + OPEN_TO_LATE_FACTS


def band(confidence: Decimal) -> str:
    """high, medium, low or none, from the value alone."""
    return next((name for name, least in BANDS if confidence >= least), "none")


def sentence(result: Result) -> str:
    """Say in plain words why; reads method, confidence and factors only, so a stored row can be told again."""
    if result.method == NO_MATCH:
        return "No conversation in the seven days before the order."
    factors = result.factors
    seconds = int(factors["age_seconds"])
    told = [f"Chatted {_spoken(seconds)} before the order" if seconds else "Chatting at the moment of the order"]
    if factors.get("ended_before_order") and result.method == TIME_PROXIMITY and seconds <= SESSION_WINDOW.seconds:
        told[0] += ", the conversation had ended by then"
    told.append(JOINED_BY.get(str(factors.get("joined_by")), "same customer"))
    told.extend(_raised(factors))
    return f"{'; '.join(told)}; confidence {result.confidence}."


def _tier(age: timedelta, *, ended_before: bool) -> str:
    if age <= SESSION_WINDOW and not ended_before:
        return SESSION_MATCH
    if age <= PROXIMITY_WINDOW:
        return TIME_PROXIMITY
    return EMAIL_MATCH if age <= EMAIL_WINDOW else NO_MATCH


def _boosters(talk: Talk) -> dict[str, Fraction]:
    holds = {
        "many_messages": talk.messages_before >= MANY_MESSAGES,
        "product_inquiry": talk.product_inquiry,
        "price_check": talk.price_check,
    }
    return {name: raise_by for name, raise_by in BOOSTERS.items() if holds[name]}


def _read(curve: Curve, age: timedelta) -> Fraction:
    for (left, high), (right, low) in pairwise(curve):
        if left <= age <= right:
            return high + (low - high) * Fraction((age - left) // _MICROSECOND, (right - left) // _MICROSECOND)
    raise ValueError(f"The curve does not reach {age}.")


def _two_decimals(value: Fraction) -> Decimal:
    return Decimal((value * 100 + Fraction(1, 2)).__floor__()).scaleb(-2)


def _rank(pair: tuple[Result, Talk]) -> tuple[int, Fraction, timedelta, str]:
    result, talk = pair
    since_last = datetime.max.replace(tzinfo=UTC) - _utc(talk.last_message_at)
    return METHODS.index(result.method), -result.score, since_last, talk.conversation


def _utc(at: datetime) -> datetime:
    if at.utcoffset() is None:
        raise ValueError(f"{at.isoformat()} carries no time zone.")
    return at.astimezone(UTC)


def _elapsed(start: datetime, stop: datetime) -> timedelta:
    # Two instants of one zone subtract as wall clocks in Python, an hour off across a change to summer time.
    return _utc(stop) - _utc(start)


def _raised(factors: Mapping[str, Any]) -> list[str]:
    boosters = factors.get("boosters", {})
    words = {
        "many_messages": f"{factors.get('messages_before')} messages",
        "product_inquiry": "asked about the product",
        "price_check": "asked for the price",
    }
    told = [f"{words[name]} (+{boosters[name]})" for name in words if name in boosters]
    if factors.get("capped"):
        told.append(f"held at {_two_decimals(BOOSTED_AT_MOST)}")
    return told


def _spoken(seconds: int) -> str:
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size:
            count, rest = divmod(seconds, size)
            first = f"{count} {unit}{'s' if count > 1 else ''}"
            minutes = rest // 60
            return f"{first} {minutes} min" if unit == "hour" and minutes else first
    return "0 seconds"

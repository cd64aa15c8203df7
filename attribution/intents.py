"""How much a customer wants a product, from what they did about it: a plain rule without a database (SPEC PRO-10).

Each signal has a weight and loses half of it every fortnight. The score at an instant is the sum of what is left, at
most 100. Signals count up to the first purchase of the product: that converts the intent, and who owns a digital
product and looks at it again does not want it. A product bought before any signal has no intent at all.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# Whoever puts it in a cart or asks wants it more than whoever looks; whoever begins to pay wants it most.
WEIGHTS: Mapping[str, int] = {
    "product_view": 30,
    "product_inquiry": 40,
    "price_check": 40,
    "cart": 50,
    "cart_abandoned": 50,
    "checkout_started": 60,
}
HALF_LIFE = timedelta(days=14)
FULL = 100
# Three looks within a week reach it (30 × 3, less some days' decay), or a cart and a look; two looks are browsing.
HIGH = 70
WEEK = timedelta(days=7)

VERBS: Mapping[str, str] = {
    "product_view": "looked at {}",
    "product_inquiry": "asked about {}",
    "price_check": "asked for the price of {}",
    "cart": "put {} in the cart",
    "cart_abandoned": "left {} in the cart",
    "checkout_started": "began to pay for {}",
}
_TIMES = ("", "once", "twice", "three times", "four times", "five times", "six times", "seven times", "eight times")


@dataclass(frozen=True, slots=True, order=True)
class Signal:
    """Something a customer did about a product."""

    at: datetime
    type: str


@dataclass(frozen=True, slots=True, order=True)
class Purchase:
    """A purchase of the product that counts."""

    at: datetime
    order: int


@dataclass(frozen=True, slots=True)
class Intent:
    """What the facts say of one customer and one product. `points` is the sum at `last_at`, not cut at 100."""

    points: int
    counts: Mapping[str, int]
    first_at: datetime
    last_at: datetime
    converted_by: Purchase | None = None


def judge(signals: Iterable[Signal], purchases: Iterable[Purchase]) -> Intent | None:
    """The intent of one customer for one product, in whatever order the facts are given; None where there is none."""
    bought = min(purchases, default=None)
    counted = sorted(s for s in signals if s.type in WEIGHTS and (bought is None or s.at <= bought.at))
    if not counted:
        return None
    counts: dict[str, int] = {}
    for signal in counted:
        counts[signal.type] = counts.get(signal.type, 0) + 1
    last = counted[-1].at
    return Intent(
        points=round(_sum(counted, last)),
        counts=dict(sorted(counts.items())),
        first_at=counted[0].at,
        last_at=last,
        converted_by=bought,
    )


def score(signals: Iterable[Signal], at: datetime) -> int:
    """0 to 100: what the signals up to this instant come to."""
    return min(FULL, round(_sum([s for s in signals if s.at <= at], at)))


def score_now(points: int, last_at: datetime, now: datetime) -> int:
    """0 to 100: what points counted at `last_at` have become. Before `last_at` they are as they were."""
    return min(FULL, round(points * _left(now - last_at)))


def sentence(signals: Iterable[Signal], sku: str, at: datetime) -> str:
    """What was done in the week before, the most telling first: "looked at EBOOK-1 three times this week"."""
    known = [s for s in signals if s.at <= at and s.type in WEIGHTS]
    recent = [s for s in known if s.at > at - WEEK]
    told = recent or known
    counts = {kind: sum(s.type == kind for s in told) for kind in WEIGHTS}
    strongest = max(counts, key=lambda kind: (counts[kind] * WEIGHTS[kind], WEIGHTS[kind], kind))
    when = "this week" if recent else "lately"
    return f"{VERBS[strongest].format(sku)} {times(counts[strongest])} {when}"


def described(counts: Mapping[str, int]) -> str:
    """What was done, in words, the most telling first: "put it in the cart once, looked at it three times"."""
    known = sorted((kind for kind in counts if kind in VERBS), key=lambda kind: (-WEIGHTS[kind], kind))
    return ", ".join(f"{VERBS[kind].format('it')} {times(counts[kind])}" for kind in known)


def times(count: int) -> str:
    """once, twice, three times …"""
    return _TIMES[count] if count < len(_TIMES) else f"{count} times"


def _sum(signals: Sequence[Signal], at: datetime) -> float:
    # In one order, because a sum of fractions depends on it.
    return sum(WEIGHTS.get(s.type, 0) * _left(at - s.at) for s in sorted(signals))


def _left(age: timedelta) -> float:
    return float(2 ** -(max(age, timedelta(0)) / HALF_LIFE))

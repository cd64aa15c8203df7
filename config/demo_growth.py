"""What came before the demo's purchases and after them: clicks, checkouts, reviews, and chats that led to nothing."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from orders import generated, imitation
from orders.generated import Purchase
from profiles.events import Told

POSTS = (
    "how-to-read-a-tide-table",
    "winter-nights-at-sea",
    "seven-knots-that-hold",
    "a-harbour-in-an-afternoon",
    "what-we-pack-for-the-north-sea",
)
ATTACHMENTS = ("tide-table.jpg", "star-map.jpg", "knot-sheet.pdf", "harbour-sketch.jpg")
RESOLUTIONS = ("1920x1080", "2560x1440", "3840x2160", "A4 at 300 dpi")
# Weights of the lists above, the first most read.
_READ, _OPENED, _WANTED = (6, 4, 3, 2, 1), (5, 3, 2, 1), (6, 3, 4, 1)
CHATTED_IN_VAIN = 0.25
"""Of the people who bought without a chat, so many chat on a day that leads to no order."""
_APART = timedelta(days=8)


def steps(trade: Sequence[Purchase], shops: Mapping[str, str], *, until: datetime, seed: int) -> list[Told]:
    """The way to about half of these purchases, and ways that ended early; `shops` are the domains by kind."""
    rng = random.Random(seed)
    found: list[Told] = []
    for purchase in trade:
        if purchase.person is None or rng.random() > 0.7:
            continue
        named = _named(rng) | {"channel": shops[purchase.kind]}
        at = purchase.placed_at
        for number in range(rng.choices((0, 1, 2, 3), (3, 4, 2, 1))[0]):
            looked = _named(rng) | {"channel": shops[purchase.kind]}
            found.append(_step(purchase, f"look-{number}", "button_clicked", _before(at, rng, days=6), looked, {}))
        if rng.random() < 0.25:
            found.append(_step(purchase, "began", "checkout_started", _before(at, rng, days=2), named, {}))
        if rng.random() > 0.75 or not purchase.paid:
            continue
        found.append(_step(purchase, "click", "button_clicked", at - timedelta(minutes=rng.randint(4, 30)), named, {}))
        found.append(_step(purchase, "start", "checkout_started", at - timedelta(minutes=3), named, {}))
        order = {"order_id": imitation.order_id(purchase)}
        found.append(_step(purchase, "paid", "checkout_completed", at + timedelta(seconds=2), named, order))
        reviewed = at + timedelta(hours=rng.randint(30, 200))
        if rng.random() < 0.22 and reviewed < until and not purchase.refund:
            stars = {"stars": rng.choice((4, 5, 5))}
            found.append(_step(purchase, "review", "review_submitted", reviewed, named, stars))
    return found


def in_vain(trade: Sequence[Purchase], *, until: datetime, seed: int) -> list[Purchase]:
    """Purchases with a chat on another day, too far from any order of that customer to have led to one."""
    rng = random.Random(seed)
    bought: dict[str, list[datetime]] = defaultdict(list)
    for purchase in trade:
        if purchase.person is not None:
            bought[purchase.person.email].append(purchase.placed_at)
    found = []
    for purchase in trade:
        if purchase.person is None or purchase.talk is not None or rng.random() > CHATTED_IN_VAIN:
            continue
        at = purchase.placed_at + timedelta(days=rng.randint(2, 40), minutes=rng.randint(0, 600))
        others = bought[purchase.person.email]
        if at < until and not any(at <= one < at + _APART for one in others):
            talk = generated.talk(replace(purchase, placed_at=at), rng=rng)
            found.append(replace(purchase, placed_at=at, talk=talk))
    return found


def _named(rng: random.Random) -> dict[str, object]:
    """A post, most often with the attachment and the resolution somebody wanted."""
    named: dict[str, object] = {"post_id": rng.choices(POSTS, _READ)[0]}
    if rng.random() < 0.8:
        named["attachment_id"] = rng.choices(ATTACHMENTS, _OPENED)[0]
        named["resolution"] = rng.choices(RESOLUTIONS, _WANTED)[0]
    return named


def _before(at: datetime, rng: random.Random, *, days: int) -> datetime:
    return (at - timedelta(minutes=rng.randint(45, days * 24 * 60))).replace(microsecond=0)


def _step(
    purchase: Purchase, name: str, type_: str, at: datetime, named: Mapping[str, object], more: Mapping[str, object]
) -> Told:
    assert purchase.person is not None
    return Told(
        event_id=f"demo-{purchase.mark}-{name}",
        type=type_,
        occurred_at=at,
        source="",
        identifiers={"email": purchase.person.email},
        payload={**more, **named},
    )

"""What became of a message, derived from everything a mail service reported of it, in whatever order it came."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What a service can report. Soft: given up for now (mailbox full); hard: the address does not exist."""

    TAKEN = "taken"
    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    DEFERRED = "deferred"
    SOFT_BOUNCED = "soft_bounced"
    BOUNCED = "bounced"
    REJECTED = "rejected"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"


WORDS: Final = {
    Kind.TAKEN: "Taken over",
    Kind.DELIVERED: "Delivered",
    Kind.OPENED: "Opened",
    Kind.CLICKED: "Clicked",
    Kind.DEFERRED: "Put off",
    Kind.SOFT_BOUNCED: "Not taken for now",
    Kind.BOUNCED: "Bounced",
    Kind.REJECTED: "Not sent by the service",
    Kind.COMPLAINED: "Complained about",
    Kind.UNSUBSCRIBED: "Unsubscribed",
}
# Only a message that lies in a mailbox is read or complained about.
ARRIVED: Final = frozenset({Kind.DELIVERED, Kind.OPENED, Kind.CLICKED, Kind.COMPLAINED})
SEEN: Final = frozenset({Kind.OPENED, Kind.CLICKED})
LOST: Final = frozenset({Kind.BOUNCED, Kind.REJECTED})
PUT_OFF: Final = frozenset({Kind.DEFERRED, Kind.SOFT_BOUNCED})


@dataclass(frozen=True, slots=True, order=True)
class Told:
    """One report: when by the service's own time, what, and its words."""

    at: datetime
    kind: Kind
    words: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the message. `lost_at` is set while the last word on its arrival is that it did not."""

    taken_at: datetime | None = None
    delivered_at: datetime | None = None
    opened_at: datetime | None = None
    deferred_at: datetime | None = None
    soft_bounced_at: datetime | None = None
    lost_at: datetime | None = None
    lost_because: str = ""
    complained_at: datetime | None = None
    unsubscribed_at: datetime | None = None


def derive(reports: Iterable[Told]) -> Standing:
    """The same for the same reports in any order and any number of times.

    The service's own time decides between arrival and loss, because a server may take a message and send it back
    later; of the same moment, loss counts. What arrived is no longer put off.
    """
    told = sorted(set(reports))
    arrived = [one.at for one in told if one.kind in ARRIVED]
    lost = [one for one in told if one.kind in LOST]
    gone = lost[-1] if lost and not (arrived and arrived[-1] > lost[-1].at) else None
    waiting = [one for one in told if one.kind in PUT_OFF and not arrived]
    return Standing(
        taken_at=told[0].at if told else None,
        delivered_at=arrived[0] if arrived else None,
        opened_at=_first(told, SEEN),
        deferred_at=waiting[-1].at if waiting else None,
        soft_bounced_at=max((one.at for one in waiting if one.kind is Kind.SOFT_BOUNCED), default=None),
        lost_at=gone.at if gone else None,
        lost_because=(gone.words or f"{WORDS[gone.kind]}.") if gone else "",
        complained_at=_first(told, {Kind.COMPLAINED}),
        unsubscribed_at=_first(told, {Kind.UNSUBSCRIBED}),
    )


def _first(told: Iterable[Told], kinds: Iterable[Kind]) -> datetime | None:
    return next((one.at for one in told if one.kind in kinds), None)

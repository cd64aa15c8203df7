"""Whether a buyer was reached by the mail that carries what they bought, and when to look again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from profiles import terms

POLICY: Final = "delivery"
LONGEST_HOURS: Final = 24 * 30


class Why(StrEnum):
    """Why a buyer counts as not reached."""

    BOUNCED = "bounced"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    WAITING = "waiting"
    SOFT_BOUNCED = "soft_bounced"
    SILENT = "silent"
    NOT_FETCHED = "not_fetched"


WORDS: Final = {
    Why.BOUNCED: "Came back",
    Why.REFUSED: "Refused",
    Why.UNKNOWN: "No answer",
    Why.WAITING: "Not gone out",
    Why.SOFT_BOUNCED: "Not taken for now",
    Why.SILENT: "No sign",
    Why.NOT_FETCHED: "Not downloaded",
}
SENTENCES: Final = {
    Why.BOUNCED: "The mail came back.",
    Why.REFUSED: "The mail was refused.",
    Why.UNKNOWN: "The mail was sent, and nobody knows whether it arrived.",
    Why.WAITING: "The mail has not gone out yet.",
    Why.SOFT_BOUNCED: "The mailbox does not take the mail for now.",
    Why.SILENT: "The mail was neither delivered nor opened, and nothing was downloaded.",
    Why.NOT_FETCHED: "Nothing was downloaded.",
}


@dataclass(frozen=True, slots=True)
class Policy:
    """An organization's own terms: after how many hours without a sign a buyer counts as not reached."""

    hours: int = 24

    @property
    def span(self) -> timedelta:
        return timedelta(hours=self.hours)


USUAL: Final = Policy()


def read(policies: Mapping[str, Any]) -> Policy:
    """The terms in an organization's policies; what is missing or cannot be used is as usual."""
    return terms.read(policies, POLICY, checked, USUAL)


def checked(values: Mapping[str, Any]) -> Policy:
    """The terms in these values; raises ValueError with a sentence."""
    hours = values.get("hours", USUAL.hours)
    if not isinstance(hours, int) or isinstance(hours, bool) or not 1 <= hours <= LONGEST_HOURS:
        raise ValueError(f"Hours must be a whole number from 1 to {LONGEST_HOURS}.")
    return Policy(hours=hours)


@dataclass(frozen=True, slots=True)
class Message:
    """The newest mail that carries what was bought, as far as it is known.

    `state` is that of the outbox; `since` when the provider took it, else when it was written; `given_up` that no
    further try is made; `tracked` that its provider's reports are taken.
    """

    state: str
    since: datetime
    given_up: bool = False
    tracked: bool = False
    arrived: bool = False
    lost: bool = False
    soft_bounced: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """`why` says why the buyer was not reached; without it `again_at` says when to look again, if ever."""

    why: Why | None = None
    again_at: datetime | None = None

    @property
    def reached(self) -> bool:
        return self.why is None and self.again_at is None


REACHED: Final = Verdict()


def judge(message: Message, *, downloaded: bool, now: datetime, policy: Policy = USUAL) -> Verdict:
    """A download settles it; what certainly failed is said at once, everything else after the policy's hours."""
    if downloaded:
        return REACHED
    if message.lost:
        return Verdict(Why.BOUNCED)
    if message.arrived:
        return REACHED
    if message.state in ("failed", "cancelled"):
        return Verdict(Why.REFUSED)
    if message.state == "unknown" and message.given_up:
        return Verdict(Why.UNKNOWN)
    due_at = message.since + policy.span
    if now < due_at:
        return Verdict(again_at=due_at)
    return Verdict(_late(message))


def _late(message: Message) -> Why:
    if message.state in ("queued", "claimed"):
        return Why.WAITING
    if message.state == "unknown":
        return Why.UNKNOWN
    if message.soft_bounced:
        return Why.SOFT_BOUNCED
    return Why.SILENT if message.tracked else Why.NOT_FETCHED

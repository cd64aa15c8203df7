"""What is written after a purchase or a gift, when, and what stops it: the rules of follow-ups (SPEC FUL-6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from profiles import terms

POLICY: Final = "followups"
LONGEST_HOURS: Final = 24 * 180
# What was bought so long before it was known here came from a file or a back-fill, and is no news to its buyer.
HISTORIC: Final = timedelta(days=2)
# Who never downloads is not asked how they like it.
GIVE_UP: Final = timedelta(days=14)
# A reminder of another sort within this time is enough.
APART: Final = timedelta(days=3)


class Kind(StrEnum):
    """One sort of mail after a purchase."""

    REMINDER = "reminder"
    CHECKIN = "checkin"
    REVIEW = "review"
    CROSS_SELL = "cross_sell"
    UPSELL = "upsell"
    KICKOFF = "kickoff"
    INTAKE = "intake"

    @property
    def of_service(self) -> bool:
        """About one service, bought or given; all others are about downloads."""
        return self in (Kind.KICKOFF, Kind.INTAKE)

    @property
    def offers(self) -> bool:
        """Names a product that the organization chose."""
        return self in (Kind.CROSS_SELL, Kind.UPSELL)

    @property
    def owed(self) -> bool:
        """Part of what was paid: it goes out whatever the customer unsubscribed from."""
        return self is Kind.KICKOFF


KINDS: Final = {
    Kind.REMINDER: "Download reminder",
    Kind.CHECKIN: "Check-in",
    Kind.REVIEW: "Request for a review",
    Kind.CROSS_SELL: "Cross-sell",
    Kind.UPSELL: "Upsell",
    Kind.KICKOFF: "Kick-off",
    Kind.INTAKE: "Intake reminder",
}


class Why(StrEnum):
    """Why a follow-up does not go out."""

    REFUNDED = "refunded"
    WITHDRAWN = "withdrawn"
    REPLIED = "replied"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    STAFF = "staff"
    SWITCHED_OFF = "switched_off"
    DOWNLOADED = "downloaded"
    NEVER_FETCHED = "never_fetched"
    REMINDED = "reminded"
    NO_OFFER = "no_offer"
    OWNED = "owned"
    ANSWERED = "answered"
    NO_ADDRESS = "no_address"


WORDS: Final = {
    Why.REFUNDED: "Refunded, cancelled or disputed",
    Why.WITHDRAWN: "Access was withdrawn",
    Why.REPLIED: "The customer wrote to us",
    Why.UNSUBSCRIBED: "The customer wants no such mail",
    Why.BOUNCED: "Mail to the address came back",
    Why.STAFF: "Stopped by a person",
    Why.SWITCHED_OFF: "Switched off",
    Why.DOWNLOADED: "Downloaded already",
    Why.NEVER_FETCHED: "Never downloaded",
    Why.REMINDED: "Reminded already",
    Why.NO_OFFER: "No product chosen to offer",
    Why.OWNED: "Owned already",
    Why.ANSWERED: "Nothing left to fill in",
    Why.NO_ADDRESS: "No usable address",
}
# Nothing is wrong: the mail is of no use. All else stopped it.
NEEDLESS: Final = frozenset(
    {Why.DOWNLOADED, Why.NEVER_FETCHED, Why.REMINDED, Why.NO_OFFER, Why.OWNED, Why.ANSWERED, Why.SWITCHED_OFF}
)


@dataclass(frozen=True, slots=True)
class Terms:
    """Whether mails of a kind go out, and how many hours after the purchase (a check-in: after the first download)."""

    on: bool
    hours: int

    @property
    def span(self) -> timedelta:
        return timedelta(hours=self.hours)


# Nobody gets advertising unasked: what is no help with the purchase itself is off until an organization wants it.
USUAL: Final[Mapping[Kind, Terms]] = {
    Kind.REMINDER: Terms(True, 24),
    Kind.CHECKIN: Terms(False, 24),
    Kind.REVIEW: Terms(False, 7 * 24),
    Kind.CROSS_SELL: Terms(False, 14 * 24),
    Kind.UPSELL: Terms(False, 30 * 24),
    Kind.KICKOFF: Terms(True, 1),
    Kind.INTAKE: Terms(True, 48),
}


@dataclass(frozen=True, slots=True)
class Policy:
    """An organization's own terms of every kind."""

    terms: Mapping[Kind, Terms] = field(default_factory=lambda: USUAL)

    def of(self, kind: Kind) -> Terms:
        return self.terms.get(kind, USUAL[kind])


def read(policies: Mapping[str, Any]) -> Policy:
    """The terms in an organization's policies; what is missing or cannot be used is as usual."""
    return terms.read(policies, POLICY, checked, Policy())


def checked(values: Mapping[str, Any]) -> Policy:
    """The terms in these values, `{kind: {"on": …, "hours": …}}`; raises ValueError with a sentence."""
    found = dict(USUAL)
    for name, given in values.items():
        if name not in KINDS or not isinstance(given, Mapping):
            raise ValueError(f"There is no follow-up of the name {str(name)[:40]}.")
        kind = Kind(name)
        on, hours = given.get("on", USUAL[kind].on), given.get("hours", USUAL[kind].hours)
        if not isinstance(on, bool):
            raise ValueError(f"{KINDS[kind]} is either on or off.")
        if not isinstance(hours, int) or isinstance(hours, bool) or not 1 <= hours <= LONGEST_HOURS:
            raise ValueError(f"{KINDS[kind]}: hours must be a whole number from 1 to {LONGEST_HOURS}.")
        found[kind] = Terms(on, hours)
    return Policy(found)


def is_historic(*, bought_at: datetime, arrived_at: datetime, now: datetime, opened_at: datetime | None = None) -> bool:
    """Whether an order is too old for anything to be planned: by its date when it came, or by now.

    A service is news from when it was opened (`opened_at`): what a person mapped or added late is owed all the same.
    """
    since = max(arrived_at, bought_at, opened_at or arrived_at)
    return arrived_at - bought_at > HISTORIC or now - since > HISTORIC


def planned(*, digital: bool, offered: frozenset[Kind], policy: Policy) -> list[Kind]:
    """The kinds to plan for an order's downloads (`offered`: there is a product to offer), or for a service."""
    wanted = [kind for kind in KINDS if kind.of_service != digital and policy.of(kind).on]
    return [kind for kind in wanted if not kind.offers or kind in offered]


def planned_for_gift(policy: Policy) -> list[Kind]:
    """The kinds to plan for digital products that were given: all that help with a download, and none that names
    something to buy. A service that was given is followed like one that was bought (`planned`).
    """
    return [kind for kind in KINDS if not kind.of_service and not kind.offers and policy.of(kind).on]


def about(source_key: str) -> str:
    """By what the service of a follow-up is known, `line:…` or `service:…`, by the follow-up's key without its kind."""
    return source_key.rpartition(":")[0]


def occasion(source_key: str) -> str:
    """What gave an entitlement, by the key of its source: a grant by hand, one use of a coupon, one issue of a reward.

    The last part of all but the first names the product: a code for five books brings one reminder of five.
    """
    return source_key if source_key.startswith("manual:") else source_key.rpartition(":")[0]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known about one follow-up at the moment it is due."""

    money_stands: bool = True
    has_rights: bool = True
    has_address: bool = True
    replied: bool = False
    silenced: bool = False
    bounced: bool = False
    reminded: bool = False
    downloaded_at: datetime | None = None
    offered: bool = True
    owned: bool = False
    waits_for_answers: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """Send it (neither), not at all (`why`), or look again (`again_at`)."""

    why: Why | None = None
    again_at: datetime | None = None

    @property
    def sends(self) -> bool:
        return self.why is None and self.again_at is None


SEND: Final = Verdict()


def judge(kind: Kind, known: Standing, *, planned_at: datetime, now: datetime, policy: Policy) -> Verdict:
    """Whether a due follow-up goes out. What a customer said stops it before what makes it needless."""
    if not policy.of(kind).on:
        return Verdict(Why.SWITCHED_OFF)
    if (why := _stopped(kind, known)) is not None:
        return Verdict(why)
    if kind is Kind.REMINDER:
        return Verdict(Why.DOWNLOADED if known.downloaded_at else Why.REMINDED if known.reminded else None)
    if kind is Kind.INTAKE and not known.waits_for_answers:
        return Verdict(Why.ANSWERED)
    if kind.offers and (not known.offered or known.owned):
        return Verdict(Why.OWNED if known.owned else Why.NO_OFFER)
    if kind in (Kind.CHECKIN, Kind.REVIEW):
        return _after_download(kind, known, planned_at=planned_at, now=now, policy=policy)
    return SEND


def _stopped(kind: Kind, known: Standing) -> Why | None:
    if not known.money_stands:
        return Why.REFUNDED
    if not known.has_rights:
        return Why.WITHDRAWN
    if not known.has_address:
        return Why.NO_ADDRESS
    if kind.owed:
        return None
    if known.silenced:
        return Why.UNSUBSCRIBED
    if known.replied:
        return Why.REPLIED
    return Why.BOUNCED if known.bounced else None


def _after_download(kind: Kind, known: Standing, *, planned_at: datetime, now: datetime, policy: Policy) -> Verdict:
    """Nobody is asked about what they have not opened: a check-in counts from the first download."""
    if known.downloaded_at is None:
        if now - planned_at >= max(GIVE_UP, policy.of(kind).span):
            return Verdict(Why.NEVER_FETCHED)
        return Verdict(again_at=now + timedelta(days=1))
    due_at = known.downloaded_at + policy.of(Kind.CHECKIN).span
    return Verdict(again_at=due_at) if kind is Kind.CHECKIN and now < due_at else SEND

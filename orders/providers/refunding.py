"""Giving money back at a provider: what is asked of it, and the four things that can come of a try."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final, TypeAlias
from urllib.parse import urlsplit

from orders.messages import RefundedLine, RefundMessage, Unusable
from orders.records import Record
from profiles import retries
from profiles.providers import outgoing

SECONDS: Final = 15
"""The longest that one call may take; a try makes at most three."""
READ_AT_MOST: Final = 2_000_000
HERE: Final = frozenset({"127.0.0.1", "localhost"})
TOO_MANY: Final = 429
LONGEST_WAIT: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """How a channel's provider is called. `inside`: this is development, where a server of this machine is called."""

    domain: str
    credentials: Mapping[str, str] = field(repr=False)
    test: bool = False
    stripe_base: str = ""
    inside: bool = False

    @property
    def base(self) -> str:
        """The address of a shop that is found by its domain."""
        plain = self.inside and urlsplit(f"//{self.domain}").hostname in HERE
        return f"{'http' if plain else 'https'}://{self.domain}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One refund that is to exist once. `reference` is ours and stays the same on each try.

    `tried`: a former try may have come through, so that the provider is asked before anything is sent. `others` are
    the provider's ids of the order's refunds that are certainly not this one. `paid_minor` and `paid_currency` say
    the amount as the buyer was charged, where that is another currency than the order's.
    """

    reference: str
    order_external_id: str
    amount_minor: int
    currency: str
    paid_minor: int
    paid_currency: str
    payment_reference: str = ""
    charge_reference: str = ""
    lines: tuple[RefundedLine, ...] = ()
    reason: str = ""
    tried: bool = False
    others: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Refunded:
    """The provider has it: the fact, as its webhook will tell it too. It may still be pending there."""

    message: RefundMessage


@dataclass(frozen=True, slots=True)
class RefusedForGood:
    """The provider's own sentence: trying again is of no use before a person changes something."""

    sentence: str


@dataclass(frozen=True, slots=True)
class TryLater:
    """Certainly not refunded by this try. `outage`: the provider is in trouble, not this refund alone."""

    sentence: str
    outage: bool = True
    retry_after: int = 0


@dataclass(frozen=True, slots=True)
class Unknown:
    """It was sent and no usable verdict came back: it may have been refunded."""

    sentence: str


Outcome: TypeAlias = Refunded | RefusedForGood | TryLater | Unknown


class Stopped(Exception):
    """Raised inside an adapter to end a try with an outcome."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(getattr(outcome, "sentence", ""))
        self.outcome = outcome


class Refunder:
    """One provider's way to give money back. Nothing here touches a database."""

    name: ClassVar[str]

    def lacking(self, credentials: Mapping[str, str]) -> str:
        """Which credential is missing, as a person enters it; "" if none is."""
        raise NotImplementedError

    def check(self, wanted: Wanted) -> None:
        """Raise MoneyError or ValueError with a sentence for what this provider could never do."""

    def refund(self, wanted: Wanted, shop: Shop) -> Outcome:
        """Find the refund that a former try made, else make it. Takes at most a minute and raises nothing."""
        try:
            found, seen = self.look(wanted, shop)
        except (Stopped, Unusable) as stopped:
            outcome = stopped.outcome if isinstance(stopped, Stopped) else TryLater(f"{self.name}: {stopped}"[:300])
            if wanted.tried and isinstance(outcome, RefusedForGood):
                # That we may not look says nothing about what a former try has done.
                return TryLater(outcome.sentence, outage=False)
            return outcome
        try:
            return self._told(found or self.make(wanted, shop, seen), wanted)
        except Stopped as stopped:
            return stopped.outcome
        except (Unusable, ValueError, TypeError, AttributeError, KeyError) as odd:
            return Unknown(f"{self.name} answered with something that is no refund: {odd}"[:300])

    @staticmethod
    def _told(outcome: Outcome, wanted: Wanted) -> Outcome:
        """The fact with what only we know: the order it is of and, where the provider keeps none, its lines."""
        if not isinstance(outcome, Refunded):
            return outcome
        message = outcome.message
        lines = message.lines or wanted.lines
        return Refunded(replace(message, order_external_id=wanted.order_external_id, lines=lines))

    def look(self, wanted: Wanted, shop: Shop) -> tuple[Refunded | None, Any]:
        """What is there already, and whatever `make` has to know of it. Moves no money; may end by Stopped."""
        return None, None

    def make(self, wanted: Wanted, shop: Shop, seen: Any) -> Outcome:
        """Send it; may end by Stopped."""
        raise NotImplementedError


def exchange(
    method: str,
    url: str,
    body: object,
    headers: Mapping[str, str],
    shop: Shop,
    *,
    effect: bool,
    seconds: int = SECONDS,
    at_most: int = READ_AT_MOST,
) -> tuple[int, object, int]:
    """One call with JSON both ways: status, document (None where there is none) and the seconds asked to wait.

    `effect`: it may move money, so that no verdict is Unknown; otherwise it is TryLater. Raises Stopped for what says
    nothing about the refund itself: no connection, no answer, too many calls, the server's own trouble.
    """
    doubt = Unknown if effect else TryLater
    try:
        answer = outgoing.request(
            method,
            url,
            content=b"" if body is None else json.dumps(body).encode(),
            headers={"accept": "application/json", **({"content-type": "application/json"} if body else {}), **headers},
            seconds=seconds,
            inside=shop.inside,
            at_most=at_most,
        )
    except outgoing.Forbidden as forbidden:
        raise Stopped(RefusedForGood(f"{shop.domain}: {forbidden}")) from forbidden
    except outgoing.Unreachable as lost:
        raise Stopped(doubt(str(lost)) if lost.sent else TryLater(str(lost))) from lost
    wait = asked_to_wait(answer.headers.get("retry-after", ""))
    if answer.status == TOO_MANY:
        raise Stopped(TryLater(f"{shop.domain} asked to wait: too many calls.", retry_after=wait))
    return answer.status, document(answer.body), wait


def document(body: bytes) -> object:
    """The JSON in a body; None where it is something else, such as a page of HTML."""
    try:
        return json.loads(body, parse_float=str)
    except (ValueError, RecursionError):
        return None


def asked_to_wait(retry_after: str) -> int:
    """Seconds from a Retry-After header, a day at most; 0 for a date, which would need the other side's clock."""
    return retries.asked_to_wait(retry_after, at_most=LONGEST_WAIT) or 0


def record(value: object) -> Record | None:
    """A JSON object to read by type; None for anything else."""
    return Record(value) if isinstance(value, Mapping) else None

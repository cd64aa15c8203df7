"""What a provider itself holds true: its own lists, read page by page into the messages its webhooks would have told.

Nothing here touches a database. A page names where the next begins, so that a reading that was cut goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Final

from orders.messages import Message
from orders.providers.refunding import RefusedForGood, Shop, Stopped, TryLater

SECONDS: Final = 10
"""A call that takes longer is given up."""
READ_AT_MOST: Final = 20_000_000

Cursor = Mapping[str, Any]
"""Where a reading goes on: what the provider needs, as plain JSON; empty at the beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is wanted: all that changed since then. `settled` are the payouts whose lines are all known."""

    since: datetime
    until: datetime
    settled: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page; `after` is where the next begins, None at the end. `unreadable`: what could not be read."""

    messages: tuple[Message, ...] = ()
    after: Cursor | None = None
    unreadable: tuple[str, ...] = field(default=())


class Away(Exception):
    """The provider gave no list: its own sentence, and the seconds it asked to wait (0 for none)."""

    def __init__(self, sentence: str, *, retry_after: int = 0) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class Truth:
    """One provider's lists."""

    name: ClassVar[str]

    def lacking(self, credentials: Mapping[str, str]) -> str:
        """Which credential is missing, as a person enters it; "" if none is."""
        raise NotImplementedError

    def page(self, asked: Asked, after: Cursor, shop: Shop) -> Page:
        """One page of what changed; raises `Away`."""
        raise NotImplementedError


def away(name: str, stopped: Stopped) -> Away:
    """How a call that came to nothing is told."""
    outcome = stopped.outcome
    sentence = getattr(outcome, "sentence", "") or f"{name} gave no answer."
    if isinstance(outcome, RefusedForGood):
        return Away(sentence)
    return Away(sentence, retry_after=outcome.retry_after if isinstance(outcome, TryLater) else 0)

"""Sends one message through one provider, or through a chain of them in which the next takes over on failure."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

from anymail.exceptions import AnymailError, AnymailNotSupportedWarning
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from fulfillment import circuits
from fulfillment.circuits import Circuit
from fulfillment.providers import PROVIDERS, esp, listmonk, novu, smtp
from fulfillment.providers.outcomes import (
    Accepted,
    Outcome,
    OutgoingMail,
    RefusedForGood,
    TryLater,
    Unknown,
    fault,
)

__all__ = [
    "Accepted",
    "Chain",
    "Delivery",
    "Outcome",
    "OutgoingMail",
    "RefusedForGood",
    "TryLater",
    "Unknown",
    "open_connection",
    "send",
]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of a message in the chain: the last provider asked, its outcome, and every try in order."""

    outcome: Outcome
    provider: str | None
    tries: tuple[tuple[str, Outcome], ...] = ()


def open_connection(name: str) -> BaseEmailBackend:
    """A connection of this provider, to be used for many messages and closed afterwards; it opens at the first one.

    Raises ImproperlyConfigured for a provider that does not exist or lacks its key.
    """
    if name not in PROVIDERS:
        raise ImproperlyConfigured(f"There is no mail provider {name!r}; choose from {', '.join(PROVIDERS)}.")
    with warnings.catch_warnings():
        # SendGrid works, but anymail warns at each connection that nobody tests it there any more.
        warnings.simplefilter("ignore", AnymailNotSupportedWarning)
        return get_connection(PROVIDERS[name])


def send(message: OutgoingMail, *, connection: BaseEmailBackend) -> Outcome:
    """Send one message once; never raises for anything the message, the provider or the network does."""
    wrong = fault(message)
    if wrong is not None:
        return RefusedForGood(wrong)
    if isinstance(connection, novu.Connection):
        return novu.hand_over(message, connection=connection)
    if isinstance(connection, listmonk.Connection):
        return listmonk.hand_over(message, connection=connection)
    email = _written(message)
    if isinstance(connection, smtp.Connection):
        return smtp.hand_over(email, connection=connection)
    email.metadata = {"effect_key": message.effect_key}  # type: ignore[attr-defined]
    return esp.hand_over(email, connection=connection)


class Chain:
    """Providers in order, their connections kept over a batch, and their circuit breakers.

    Give the circuits as last stored and store `circuits` afterwards; `errors` has the last trouble of each provider
    that had any. A provider that a person rests is passed over. After an `Unknown` no other provider is asked,
    since the message may be on its way.
    """

    def __init__(
        self,
        names: Iterable[str],
        *,
        now: Callable[[], datetime],
        circuits: Mapping[str, Circuit] | None = None,
        opened_by: Callable[[str], BaseEmailBackend] = open_connection,
    ) -> None:
        self.names = tuple(names)
        self.circuits = {name: (circuits or {}).get(name, Circuit()) for name in self.names}
        self.errors: dict[str, str] = {}
        self._now = now
        self._open = opened_by
        self._connections: dict[str, BaseEmailBackend] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection; what a provider says to that concerns no message."""
        for connection in self._connections.values():
            with suppress(OSError, AnymailError):
                connection.close()
        self._connections.clear()

    def send(self, message: OutgoingMail) -> Delivery:
        """Offer the message to the providers in turn until one takes it, refuses it for good or leaves it unknown."""
        tries: list[tuple[str, Outcome]] = []
        for name in self.names:
            if not self._may(name):
                continue
            outcome = self._offer(message, name=name)
            tries.append((name, outcome))
            self._learn(name, outcome)
            if not isinstance(outcome, TryLater):
                return Delivery(outcome, name, tuple(tries))
        return Delivery(self._nobody(tries), tries[-1][0] if tries else None, tuple(tries))

    def _may(self, name: str) -> bool:
        if self.circuits[name] == Circuit():
            return True  # without asking what time it is
        allowed, self.circuits[name] = circuits.ask(self.circuits[name], now=self._now())
        return allowed

    def _offer(self, message: OutgoingMail, *, name: str) -> Outcome:
        try:
            connection = self._connections.get(name) or self._connections.setdefault(name, self._open(name))
        except (ImproperlyConfigured, AnymailError, OSError, ValueError) as error:
            return TryLater(f"The provider {name} is not usable as configured ({type(error).__name__}).")
        return send(message, connection=connection)

    def _learn(self, name: str, outcome: Outcome) -> None:
        circuit = self.circuits[name]
        if isinstance(outcome, Unknown) or (isinstance(outcome, TryLater) and outcome.outage):
            self.errors[name] = outcome.sentence
            self.circuits[name] = circuits.fail(circuit, now=self._now())
        else:
            self.circuits[name] = circuits.succeed(circuit)

    def _nobody(self, tries: list[tuple[str, Outcome]]) -> TryLater:
        put_off = [(name, outcome) for name, outcome in tries if isinstance(outcome, TryLater)]
        if not self.names:
            return TryLater("No mail provider is configured.")
        told = [f"{name}: {outcome.sentence}" for name, outcome in put_off] or ["Every mail provider is resting."]
        waits = [outcome.retry_after for _, outcome in put_off if outcome.retry_after is not None]
        return TryLater(" ".join(told), all(outcome.outage for _, outcome in put_off), self._rest(waits))

    def _rest(self, waits: list[int]) -> int | None:
        now = self._now()
        for circuit in self.circuits.values():
            if circuits.resting(circuit, now=now):
                continue  # until somebody says otherwise, which may be at any moment
            due_at = circuits.retry_at(circuit)
            if due_at is None:
                return min(waits, default=None)
            waits.append(max(1, int((due_at - now).total_seconds())))
        return min(waits, default=None)


def _written(message: OutgoingMail) -> EmailMultiAlternatives:
    headers = {"Auto-Submitted": "auto-generated", **message.headers, "Message-ID": message.message_id}
    email = EmailMultiAlternatives(message.subject, message.text, message.from_email, [message.to], headers=headers)
    if message.html:
        email.attach_alternative(message.html, "text/html")
    return email

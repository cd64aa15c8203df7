"""The chain of mail providers by hand: resting one, using it again, a test mail through it, and how each does."""

import time
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import parseaddr

from django.conf import settings

from fulfillment import circuits
from fulfillment.models import Circuit, Email
from fulfillment.providers import mail
from fulfillment.providers.outcomes import Accepted, OutgoingMail, message_id, sender
from profiles import clock, identifiers, tenancy
from profiles.actions import audit, settlement
from profiles.actors import Actor, Invalid, Refusal
from profiles.models import AuditEntry

LONGEST_REST = timedelta(days=7)
TESTS_AT_MOST = 5
TESTS_WITHIN = timedelta(minutes=10)
TESTED = "mail_provider.tested"


class NotInChain(Invalid):
    """No mail goes through this provider here."""


class LastOne(Refusal):
    """Without this provider no mail would go out at all."""


class TooManyTests(Refusal):
    """Test mails are for looking, not for sending."""

    status = 429


@dataclass(frozen=True, slots=True)
class Measured:
    """What a trial of the chain found: who took the message, after how long, and what each said."""

    provider: str | None
    accepted: bool
    milliseconds: int
    tries: tuple[tuple[str, str], ...]


# What the breakers remember ----------------------------------------------------------------------------------------


def remembered() -> dict[str, circuits.Circuit]:
    """The breaker of each provider as it was last stored, a person's rest with it."""
    return {row.provider: rule(row) for row in Circuit.objects.all()}


def rule(row: Circuit) -> circuits.Circuit:
    return circuits.Circuit(row.failures, row.opened_at, row.probing_until, row.rested_until)


def remember(chain: mail.Chain) -> None:
    """Store what the chain learned; a rest that a person ordered meanwhile stays as it is."""
    for provider, state in chain.circuits.items():
        found: dict[str, object] = {
            "failures": state.failures,
            "opened_at": state.opened_at,
            "probing_until": state.probing_until,
        }
        if provider in chain.errors:
            found |= {"last_error": chain.errors[provider], "last_error_at": clock.real()}
        Circuit.objects.update_or_create(provider=provider, defaults=found)


def listed() -> list[Circuit]:
    """Each provider of the chain, in its order; one that was never used has no row yet."""
    rows = {row.provider: row for row in Circuit.objects.filter(provider__in=settings.EMAIL_PROVIDERS)}
    return [rows.get(name) or Circuit(provider=name) for name in settings.EMAIL_PROVIDERS]


def number(provider: str) -> int:
    """What a provider goes by in addresses of the desk, row or no row."""
    return zlib.crc32(provider.encode())


# By hand -----------------------------------------------------------------------------------------------------------


def rest(circuit: Circuit, *, until: datetime, by: Actor, because: str) -> Circuit:
    """Send nothing through this provider until then: the next of the chain takes over with the next message."""
    by.require("connect")
    reason = audit.require_reason(because)
    now = clock.real()
    row = _locked(circuit)
    if not now < until <= now + LONGEST_REST:
        raise Invalid("A rest ends between a moment from now and 7 days.")
    known = remembered()
    others = [name for name in settings.EMAIL_PROVIDERS if name != row.provider]
    if all(circuits.resting(known.get(name, circuits.Circuit()), now=now) for name in others):
        raise LastOne("It is the only provider in use: put another into EMAIL_PROVIDERS, or use one again, first.")
    row.rested_until, row.rested_by, row.rested_because = until, by.label, reason
    row.save(update_fields=["rested_until", "rested_by", "rested_because"])
    _record("mail_provider.rested", row, by, reason, until=f"{until:%Y-%m-%dT%H:%M:%SZ}")
    _now()
    return row


def use_again(circuit: Circuit, *, by: Actor, because: str) -> Circuit:
    """Forget the rest and every failure: the next message is offered to it in its place of the chain."""
    by.require("connect")
    reason = audit.require_reason(because)
    row = _locked(circuit)
    row.failures, row.opened_at, row.probing_until = 0, None, None
    row.rested_until, row.rested_by, row.rested_because = None, "", ""
    row.save()
    _record("mail_provider.used_again", row, by, reason)
    _now()
    return row


def test(circuit: Circuit, *, to: str, by: Actor, because: str) -> mail.Delivery:
    """One mail to the member of staff who asks, through this provider alone, whether it rests or not."""
    by.require("connect")
    reason = audit.require_reason(because)
    row = _locked(circuit)
    usable = identifiers.mailable(to)
    if not usable:
        raise Invalid("You have no e-mail address on record here: an engineer can add it to your login.")
    recent = AuditEntry.objects.filter(action=TESTED, actor_id=by.user_id, at__gte=clock.now() - TESTS_WITHIN)
    if recent.count() >= TESTS_AT_MOST:
        raise TooManyTests(f"At most {TESTS_AT_MOST} test mails in 10 minutes.")
    with mail.Chain([row.provider], now=clock.real) as chain:
        delivery = chain.send(_letter(usable))
    accepted = isinstance(delivery.outcome, Accepted)
    _record(TESTED, row, by, reason, accepted=accepted)
    return delivery


# For drills --------------------------------------------------------------------------------------------------------


def take_over(*, to: str, without: str = "") -> Measured:
    """Send one message through the chain as if a provider rested, and say who took it and after how long.

    Nothing is stored and no customer's mail is touched: a drill gives an address of the seller's own.
    """
    now = clock.real()
    known: Mapping[str, circuits.Circuit] = remembered()
    if without:
        state = known.get(without, circuits.Circuit())
        known = {**known, without: replace(state, rested_until=now + timedelta(minutes=5))}
    began = time.perf_counter_ns()
    with mail.Chain(settings.EMAIL_PROVIDERS, now=clock.real, circuits=known) as chain:
        delivery = chain.send(_letter(to))
    return Measured(
        provider=delivery.provider,
        accepted=isinstance(delivery.outcome, Accepted),
        milliseconds=(time.perf_counter_ns() - began) // 1_000_000,
        tries=tuple((name, type(outcome).__name__) for name, outcome in delivery.tries),
    )


def _letter(to: str) -> OutgoingMail:
    address = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    mark = uuid.uuid4().hex
    text = (
        f"This is a test of the way mail takes. It was asked for at {clock.real():%H:%M:%S} UTC. Nothing is to be done."
    )
    return OutgoingMail(
        to=to,
        from_email=sender("Aftersale", address),
        subject="Test of a mail provider",
        text=text,
        html=f"<p>{text}</p>",
        message_id=message_id(mark, address),
        effect_key=f"test:{mark}",
    )


def _locked(circuit: Circuit) -> Circuit:
    if circuit.provider not in settings.EMAIL_PROVIDERS:
        raise NotInChain(f"{circuit.provider} is not in EMAIL_PROVIDERS.")
    Circuit.objects.get_or_create(provider=circuit.provider)
    return Circuit.objects.select_for_update(no_key=True).get(provider=circuit.provider)


def _record(action: str, row: Circuit, by: Actor, reason: str, **details: object) -> None:
    found = {"provider": row.provider, **details}
    audit.record(action, by=by, subject=row, because=reason, details=found, organization_id=tenancy.current())


def _now() -> None:
    """What waits for a provider does not wait any longer for its turn."""
    Email.objects.filter(state=Email.State.QUEUED, due_at__gt=clock.now()).update(due_at=clock.now())
    settlement.wake(tenancy.current())

"""Asking providers for what their deliveries only named: who claims which, and what is written of the answer."""

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from orders.actions.statements import Said
from orders.messages import LookupMessage
from orders.models import Channel, Delivery, Lookup
from orders.providers import READERS
from orders.providers.reading import Found, Outcome, Shop, TryLater, Wanted
from orders.queries import refunding
from profiles import claims, clock, retries
from profiles.actions import audit, settlement
from profiles.actors import Actor, Refusal
from profiles.models import Organization

MARK = "aftersale-read"
"""The header under which an answer's delivery says what was read. No provider's headers of that name are kept."""
LEASE_SECONDS = 120
REST = timedelta(minutes=1)
LOCK_SPACE = 0x10CC
State = Lookup.State

_RECORD = """
INSERT INTO orders_lookup
       (organization_id, channel_id, thing, external_id, account, state, last_error, revision, attempts)
SELECT %s, c, t, e, a, s, r, 1, 0
  FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[]) AS v(c, t, e, a, s, r)
 ORDER BY c, t, e
ON CONFLICT (organization_id, channel_id, thing, external_id) DO UPDATE
   SET revision = orders_lookup.revision + 1, state = excluded.state, last_error = excluded.last_error, attempts = 0,
       account = excluded.account, named_at = statement_timestamp(), due_at = statement_timestamp(),
       lease_until = NULL, done_at = NULL
"""
_CLAIM = """
UPDATE orders_lookup l
   SET state = 'claimed', attempts = attempts + 1, lease_until = statement_timestamp() + make_interval(secs => %s)
 WHERE id = ANY(ARRAY(SELECT id FROM orders_lookup
               WHERE ((state = 'queued' AND due_at <= statement_timestamp())
                  OR (state = 'claimed' AND lease_until < statement_timestamp()))
                 AND (state = 'claimed' AND attempts >= 2) = %s
               ORDER BY due_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED))
RETURNING id, attempts
"""
_LOCK = "SELECT pg_advisory_xact_lock(%s, %s)"
NOT_BY_ITSELF = "This channel calls its provider only by hand: press “Read now”."


class NotWaiting(Refusal):
    title = "Nothing to read"


@dataclass(frozen=True, slots=True)
class Try:
    """One claimed thing: all that a caller outside of any transaction needs to know."""

    lookup_id: int
    revision: int
    attempt: int
    channel_id: int
    kind: str
    wanted: Wanted
    shop: Shop


def can_read(channel: Channel) -> bool:
    """Whether the channel's API may be asked by itself for what its deliveries only name."""
    reader = READERS.get(channel.kind)
    return reader is not None and channel.calls_provider and not reader.lacking(refunding.credentials(channel))


def record(said: Sequence[Said], *, organization: Organization) -> None:
    """Note what was only named, so that it is read soon; named again, it is read again. One statement."""
    named = {}
    for s in said:
        if isinstance(s.message, LookupMessage):
            channel = _channel(s.channel, s.message.account)
            named[channel.pk, s.message.thing, s.message.external_id] = (channel, s.message)
    if not named:
        return
    why = {channel.pk: _held(channel) for channel, _ in named.values()}
    things = [message for _, message in named.values()]
    reasons = [why[channel.pk] for channel, _ in named.values()]
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORD,
            [
                organization.pk,
                [channel.pk for channel, _ in named.values()],
                [thing.thing for thing in things],
                [thing.external_id for thing in things],
                [thing.account for thing in things],
                [(State.FAILED if reason else State.QUEUED).value for reason in reasons],
                reasons,
            ],
        )


def _channel(told: Channel, account: str) -> Channel:
    """A request may name several merchants of one app: each has a channel of its own, under its name."""
    if not account or told.domain == account.lower():
        return told
    other = Channel.objects.filter(kind=told.kind, domain=account.lower()).first()
    return other or told


def _held(channel: Channel) -> str:
    """Why it is not read by itself; "" if it is."""
    reader = READERS[channel.kind]
    if missing := reader.lacking(refunding.credentials(channel)):
        return f"The channel has no {missing} for {reader.name}'s API."
    return "" if channel.calls_provider else NOT_BY_ITSELF


def claim(limit: int) -> list[Try]:
    """Take up to `limit` due things for two minutes; commit before the first call."""
    attempts = dict(claims.take(_CLAIM, [LEASE_SECONDS], limit))
    rows = Lookup.objects.filter(pk__in=attempts).select_related("channel").order_by("due_at", "pk")
    return [
        Try(
            lookup_id=row.pk,
            revision=row.revision,
            attempt=attempts[row.pk],
            channel_id=row.channel_id,
            kind=row.channel.kind,
            wanted=Wanted(thing=row.thing, external_id=row.external_id, account=row.account),
            shop=refunding.shop(row.channel),
        )
        for row in rows
    ]


def put_back(tries: Sequence[Try], *, until: datetime) -> None:
    """These were not asked: they wait until then, and the attempt does not count."""
    for one in tries:
        Lookup.objects.filter(pk=one.lookup_id, state=State.CLAIMED, attempts=one.attempt).update(
            state=State.QUEUED, attempts=one.attempt - 1, lease_until=None, due_at=until
        )


def renewed(tried: Try) -> Shop:
    """New credentials for a channel whose token is over, fetched once however many ask; raises Stopped.

    Whoever waited for the lock finds what another has fetched: a refresh token is spent by its first use.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [LOCK_SPACE, tried.channel_id % 2**31])
    channel = Channel.objects.get(pk=tried.channel_id)
    known = refunding.shop(channel)
    if known.credentials == tried.shop.credentials:
        _keep_credentials(channel, READERS[tried.kind].renew(known))
        known = refunding.shop(channel)
    return known


def _keep_credentials(channel: Channel, fresh: Mapping[str, str]) -> None:
    channel.credentials = json.dumps({**refunding.credentials(channel), **fresh})
    channel.save(update_fields=["credentials"])


def conclude(tried: Try, outcome: Outcome) -> None:
    """Put the answer into the inbox, or say on the thing why there is none."""
    row = Lookup.objects.select_for_update(no_key=True).select_related("channel").filter(pk=tried.lookup_id).first()
    if row is None or (row.state, row.attempts, row.revision) != (State.CLAIMED, tried.attempt, tried.revision):
        return  # named again, or taken over after our lease: whoever reads it then tells
    row.lease_until = None
    if isinstance(outcome, Found):
        _keep(row, outcome.body)
        row.state, row.last_error, row.done_at = State.DONE, "", clock.now()
    else:
        asked = timedelta(seconds=outcome.retry_after) if isinstance(outcome, TryLater) else timedelta(0)
        wait = retries.wait(row.attempts, random=random.random, at_least=asked)
        row.last_error = outcome.sentence
        if isinstance(outcome, TryLater) and wait is not None:
            row.state, row.due_at = State.QUEUED, clock.real() + wait
        else:
            row.state, row.done_at = State.FAILED, clock.now()
    row.save(update_fields=["state", "last_error", "due_at", "lease_until", "done_at"])
    settlement.wake(row.organization_id)


def _keep(row: Lookup, body: bytes) -> None:
    digest = hashlib.sha256(body).digest()
    Delivery.objects.bulk_create(
        [
            Delivery(
                organization_id=row.organization_id,
                channel=row.channel,
                delivery_id=f"{row.thing}:{row.external_id}"[:255],
                topic=f"{row.thing} (read)",
                body=body,
                body_hash=digest,
                headers={MARK: row.thing},
            )
        ],
        ignore_conflicts=True,  # the same answer again says nothing new
    )


def outage(outcome: Outcome) -> bool:
    """Whether it says that the provider is in trouble, rather than this thing."""
    return isinstance(outcome, TryLater)


def retry(lookup: Lookup, *, by: Actor, because: str) -> Lookup:
    """Read it now, also where the channel calls nobody by itself. Raises NotWaiting."""
    by.require("replay")
    reason = audit.require_reason(because)
    row = Lookup.objects.select_for_update(of=("self",), no_key=True).select_related("channel").get(pk=lookup.pk)
    reader = READERS[row.channel.kind]
    if missing := reader.lacking(refunding.credentials(row.channel)):
        raise NotWaiting(f"The channel has no {missing}: give it, and this is read by itself.")
    if row.state in (State.QUEUED, State.CLAIMED):
        raise NotWaiting("It is being read already.")
    row.state, row.attempts, row.due_at, row.revision = State.QUEUED, 0, clock.real(), row.revision + 1
    row.last_error, row.done_at = "", None
    row.save(update_fields=["state", "attempts", "due_at", "revision", "last_error", "done_at"])
    settlement.wake(row.organization_id)
    audit.record("lookup.retried", by=by, subject=row, because=reason)
    return row


def revive(channel: Channel) -> int:
    """The channel may be asked now: what could not be read for want of credentials is due again."""
    if not can_read(channel):
        return 0
    count = Lookup.objects.filter(channel=channel, state=State.FAILED).update(
        state=State.QUEUED, attempts=0, due_at=clock.real(), last_error=""
    )
    if count:
        settlement.wake(channel.organization_id)
    return count

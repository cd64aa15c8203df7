"""The inbox: storing a delivery in one statement, and what becomes of each."""

import hashlib
import json
import logging
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import lru_cache, partial
from itertools import chain
from typing import NamedTuple

from django.db import connection
from django.utils import timezone
from django_q.conf import Conf
from django_q.humanhash import uuid as task_id
from django_q.signing import SignedPackage

from orders import messages
from orders.actions import lookups
from orders.actions.statements import Said
from orders.messages import Ignored, Unusable
from orders.models import Channel, Delivery
from orders.providers import PROVIDERS
from profiles import bulk, claims, clock, prepared
from profiles.actions import audit, settlement
from profiles.actors import Actor, Refusal
from profiles.events import POS_TRANSACTION
from profiles.group_commits import AT_MOST, GroupCommit
from profiles.models import Organization
from profiles.prepared_queries import PreparedQuery

log = logging.getLogger(__name__)

LEASE_SECONDS = 90
ATTEMPTS = 3
State = Delivery.State
_READ = ("organization", "channel", "delivery_id", "topic", "headers", "received_at")
"""What has to be known of a delivery to read it, beside its body."""
_CLAIMED = PreparedQuery(
    lambda ids: Delivery.objects.filter(pk__in=ids, state=State.CLAIMED).only(*_READ).order_by("received_at", "pk")
)
_CHANNELS = PreparedQuery(lambda ids: Channel.objects.filter(pk__in=ids))
_FINISH = """
UPDATE orders_delivery SET state = 'done', done_at = %s, lease_until = NULL, reason = ''
 WHERE id = ANY(%s::bigint[]) AND state = 'claimed'
"""

_CLAIM = """
UPDATE orders_delivery d
   SET state = 'claimed', attempts = attempts + 1, lease_until = statement_timestamp() + make_interval(secs => %s)
 WHERE id = ANY(ARRAY(SELECT id FROM orders_delivery
               WHERE state IN ('queued', 'claimed') AND due_at <= statement_timestamp()
                 AND (lease_until IS NULL OR lease_until < statement_timestamp())
                 AND (lease_until IS NOT NULL AND attempts >= 2) = %s
               ORDER BY due_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED))
RETURNING id, attempts
"""
_TAKE_IN = "SELECT * FROM orders_take_in(%s, %s, %s, {arrays})"
_GIVE_UP = "Reading it stopped the worker three times; a person has to look."


class NotQuarantined(Refusal):
    title = "Nothing to replay"


def store(
    organization_id: int,
    channel_id: int,
    *,
    delivery_id: str,
    topic: str,
    body: bytes,
    headers: Mapping[str, str],
) -> bool:
    """Keep one authentic delivery and wake a worker, all in one statement; False if it was known already.

    Runs in a transaction of its own, or of those that other threads keep at the same moment: when it returns, the
    delivery survives any crash.
    """
    digest = hashlib.sha256(body).digest()
    name = (delivery_id or digest.hex())[:255]
    told = _Told(channel_id, name, digest, topic[:100], body, json.dumps(headers))
    if connection.in_atomic_block:
        return _take_in(organization_id, [told])[0]
    return _together(organization_id)(told)


class _Told(NamedTuple):
    """One authentic delivery to be kept; its first three tell it apart."""

    channel_id: int
    delivery_id: str
    digest: bytes
    topic: str
    body: bytes
    headers: str


@lru_cache(maxsize=10_000)
def _together(organization_id: int) -> GroupCommit[_Told, bool]:
    """What threads of this process keep for one organization at the same time is one statement and one commit."""
    return GroupCommit(partial(_take_in, organization_id))


def _take_in(organization_id: int, told: Sequence[_Told]) -> list[bool]:
    """Which of them were not known; each of several that are the same is kept once, by the first."""
    one = told if len(told) == 1 else list({delivery[:3]: delivery for delivery in told}.values())
    columns = zip(*one, strict=True)
    values = [organization_id, Conf.PREFIX, _task(organization_id), *chain.from_iterable(columns)]
    # Again is safe: what is known already is not kept twice.
    kept = set(prepared.fetch_again(_taking_in(len(one)), values))
    fresh = []
    for delivery in told:
        fresh.append(delivery[:3] in kept)
        kept.discard(delivery[:3])
    return fresh


@lru_cache(maxsize=AT_MOST)
def _taking_in(count: int) -> str:
    """The statement for so many: value by value, because an array of them takes the driver several times as long."""
    sorts = zip(_Told._fields, ("%s::bigint", "%s", "%b", "%s", "%b", "%s"), strict=True)
    types = {"channel_id": "bigint", "digest": "bytea", "body": "bytea"}
    arrays = [f"ARRAY[{', '.join([place] * count)}]::{types.get(name, 'text')}[]" for name, place in sorts]
    return _TAKE_IN.format(arrays=", ".join(arrays))


_tasks: dict[int, tuple[float, str]] = {}


def _task(organization_id: int) -> str:
    """The signed django-q2 task that drains this organization; made anew each second at most."""
    made_at, payload = _tasks.get(organization_id, (0.0, ""))
    if time.monotonic() - made_at > 1:
        name, identity = task_id()
        payload = SignedPackage.dumps(
            {
                "id": identity,
                "name": name,
                "func": settlement.TASK,
                "args": (organization_id,),
                "kwargs": {},
                "started": timezone.now(),
            }
        )
        if len(_tasks) > 10_000:
            _tasks.clear()
        _tasks[organization_id] = (time.monotonic(), payload)
    return payload


def keep(channel: Channel, *, topic: str, body: bytes, delivery_id: str = "") -> bool:
    """Keep what a program told, in its own words, for who records it in the same transaction; False if it was known."""
    now, digest = clock.now(), hashlib.sha256(body).digest()
    _, fresh = Delivery.objects.get_or_create(
        organization_id=channel.organization_id,
        channel=channel,
        delivery_id=delivery_id or digest.hex(),
        body_hash=digest,
        defaults={"topic": topic, "body": body, "state": State.DONE, "received_at": now, "done_at": now},
    )
    return fresh


def claim(limit: int) -> list[int]:
    """Take up to `limit` due deliveries for 90 s; what stopped a worker three times is quarantined instead.

    What two workers died of is taken alone, so that one poisonous delivery takes no others with it.
    """
    rows = claims.take(_CLAIM, [LEASE_SECONDS], limit)
    poisonous = [pk for pk, attempts in rows if attempts > ATTEMPTS]
    if poisonous:
        quarantine(poisonous, reason=_GIVE_UP)
    return [pk for pk, attempts in rows if attempts <= ATTEMPTS]


class Taken(NamedTuple):
    """What claimed deliveries say, and those deliveries themselves, the oldest first."""

    said: list[Said]
    deliveries: list[Delivery]


def read(claimed: Sequence[int], *, organization: Organization) -> Taken:
    """Parse claimed deliveries. The unusable are quarantined and the ignored marked here; what the rest say returns."""
    said: list[Said] = []
    odd: list[Delivery] = []
    rows = _CLAIMED(claimed)
    bodies = _bodies([row.pk for row in rows])
    # Many deliveries came through few channels: each is read, its secrets opened and its facts put together, once.
    channels = {channel.pk: channel for channel in _CHANNELS({row.channel_id for row in rows})}
    facts = {pk: _facts(channel, organization) for pk, channel in channels.items()}
    for row in rows:
        channel = row.channel = channels[row.channel_id]
        row.body = bodies[row.pk]
        try:
            said += [Said(channel, message) for message in _parse(row, facts[channel.pk])]
        except Unusable as unusable:
            row.state, row.reason = State.QUARANTINED, str(unusable)
            odd.append(row)
        except Ignored as ignored:
            row.state, row.reason = State.IGNORED, str(ignored)
            odd.append(row)
    now = clock.now()
    for row in odd:
        row.done_at, row.lease_until = now, None
    bulk.update(Delivery, odd, ["state", "reason", "done_at", "lease_until"])
    return Taken(said, rows)


def _bodies(ids: Sequence[int]) -> dict[int, bytes]:
    """Each body, in binary form: as text a byte travels as two letters, which take longer than all other columns."""
    with bulk.cursor() as cursor:
        cursor.execute("SELECT id, body FROM orders_delivery WHERE id = ANY(%s)", [ids], binary=True)
        return dict(cursor.fetchall())


def parse(row: Delivery, *, organization: Organization) -> tuple[messages.Message, ...]:
    """The frozen messages of one stored delivery; raises Unusable or Ignored."""
    return _parse(row, _facts(row.channel, organization))


def _parse(row: Delivery, facts: messages.ChannelFacts) -> tuple[messages.Message, ...]:
    channel = row.channel
    # What an event told of a till's sale came through the built-in channel, in the till's own JSON.
    kind = "pos" if channel.built_in and row.topic == POS_TRANSACTION else channel.kind
    return PROVIDERS[kind].parse(
        messages.Delivery(
            body=bytes(row.body),
            headers=row.headers,
            topic=row.topic,
            delivery_id=row.delivery_id,
            channel=facts,
            looked_up=row.headers.get(lookups.MARK, ""),
            received_at=row.received_at,
        )
    )


def _facts(channel: Channel, organization: Organization) -> messages.ChannelFacts:
    return messages.ChannelFacts(
        kind=channel.kind,
        domain=channel.domain,
        test=channel.test,
        currency=channel.currency or organization.currency,
        region=channel.region or organization.region,
        can_read=lookups.can_read(channel),
    )


def finish(claimed: Sequence[int]) -> None:
    """These deliveries are recorded."""
    prepared.run(_FINISH, [clock.now(), bulk.array_of_numbers(claimed)])


def postpone(delivery_id: int, *, error: str) -> None:
    """Something of ours failed on this one: try again later, and in the end set it aside with the reason."""
    row = Delivery.objects.select_for_update(no_key=True).get(pk=delivery_id)
    if row.attempts >= ATTEMPTS:
        quarantine([row.pk], reason=f"Could not be recorded: {error}"[:2000])
        return
    row.state, row.reason, row.lease_until = State.QUEUED, error[:2000], None
    row.due_at = clock.real() + timedelta(seconds=2**row.attempts)
    row.save(update_fields=["state", "reason", "lease_until", "due_at"])


def quarantine(ids: Sequence[int], *, reason: str) -> None:
    """Keep these for a person, with a readable reason."""
    Delivery.objects.filter(pk__in=ids).update(
        state=State.QUARANTINED, reason=reason, done_at=clock.now(), lease_until=None
    )


def replay(ids: Sequence[int], *, by: Actor, because: str) -> int:
    """Read these deliveries again from their raw bytes; returns how many will be."""
    by.require("replay")
    reason = audit.require_reason(because)
    rows = Delivery.objects.select_for_update(no_key=True).filter(
        pk__in=ids, state__in=[State.QUARANTINED, State.IGNORED, State.DISMISSED, State.DONE]
    )
    found = list(rows.values_list("pk", "organization_id"))
    if not found:
        raise NotQuarantined("None of these deliveries can be replayed: they are waiting already.")
    Delivery.objects.filter(pk__in=[pk for pk, _ in found]).update(
        state=State.QUEUED, attempts=0, due_at=clock.real(), reason="", lease_until=None, done_at=None
    )
    organization_id = found[0][1]
    settlement.wake(organization_id)
    audit.record(
        "delivery.replayed", by=by, because=reason, details={"deliveries": len(found)}, organization_id=organization_id
    )
    return len(found)


def dismiss(row: Delivery, *, by: Actor, because: str) -> None:
    """A person decided that this delivery needs nothing; it can still be replayed."""
    by.require("dismiss")
    reason = audit.require_reason(because)
    Delivery.objects.filter(pk=row.pk).update(state=State.DISMISSED)
    audit.record("delivery.dismissed", by=by, subject=row, because=reason)


def count_refusal(organization_id: int, channel_id: int) -> None:
    """One more delivery of this channel was not authentic: the count is all that is kept. Needs the context set."""
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO orders_channelday (organization_id, channel_id, "on", refused, last_refused_at)'
            " VALUES (%s, %s, (now() AT TIME ZONE 'UTC')::date, 1, now())"
            ' ON CONFLICT (organization_id, channel_id, "on") DO UPDATE'
            " SET refused = orders_channelday.refused + 1, last_refused_at = now()",
            [organization_id, channel_id],
        )

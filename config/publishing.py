"""The way of the events from the outbox to Redis Streams: one more queue of `config.drains` (SPEC PRO-14).

Without REDIS_URL there is nothing to do and the events wait. Redis that does not answer is left alone for a while, and
nothing else notices.
"""

import json
import logging
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from django.conf import settings

from orders.queries import events as facts
from profiles import tenancy
from profiles.actions import outbox, sendings, streams
from profiles.models import Organization, OrganizationRoute, StreamEntry

if TYPE_CHECKING:
    from redis import Redis

log = logging.getLogger(__name__)

BATCH = 2000
BYTES_AT_ONCE = 4_000_000
KEPT_IN_REDIS = 100_000
"""About how many events each stream keeps; the oldest go first, read or not."""
CONNECT_SECONDS, ANSWER_SECONDS = 2, 10
STREAMS = {
    streams.RAW: (streams.RAW,),
    streams.NORMALIZED: (streams.NORMALIZED,),
    streams.MERGED: (streams.MERGED, streams.MERGE_STREAM),
    streams.REVIEW: (streams.REVIEW, streams.MERGE_STREAM),
}


def events(organization_id: int) -> int:
    """Publish a batch of what waits, in the order of ids; returns how many Redis took.

    They are marked after Redis said yes: a crash between publishes the same ids once more, and loses none.
    """
    if not settings.REDIS_URL:
        return 0
    # The library is large, and loaded only where events go to Redis.
    from redis.exceptions import RedisError

    with tenancy.organization(organization_id):
        if outbox.rests():
            outbox.note_backlog()
            return 0
        if not outbox.take_turn(organization_id):
            return 0
        entries = outbox.waiting(BATCH)
        if not entries:
            return 0
        organization = Organization.objects.get(pk=organization_id)
        sent: list[StreamEntry] = []
        try:
            for part in _parts(entries):
                _send(part, organization)
                sent += part
        except (RedisError, OSError) as error:
            outbox.mark(sent)
            outbox.failed(f"{type(error).__name__}: {error}")
            log.warning("stream.redis_away", extra={"organization": organization_id})
        else:
            outbox.mark(sent)
            outbox.worked(organization_id, all_of_it=len(entries) < BATCH)
    return len(sent)


def _send(entries: Sequence[StreamEntry], organization: Organization) -> None:
    """All of these or none, in one round trip. Raises RedisError."""
    payloads = payloads_of(entries)
    pipeline = _redis(settings.REDIS_URL).pipeline(transaction=True)
    for entry in entries:
        fields = {
            "id": str(entry.event_id),
            "organization": organization.slug,
            "topic": entry.topic,
            "type": entry.type,
            "subject": entry.subject,
            "profile": "" if entry.profile_id is None else str(entry.profile_id),
            "occurred_at": str(streams.instant(entry.occurred_at)),
            "payload": payloads[entry.pk],
        }
        for stream in STREAMS[entry.topic]:
            pipeline.xadd(stream, fields, maxlen=KEPT_IN_REDIS, approximate=True)  # type: ignore[arg-type]
    pipeline.execute()


def payloads_of(entries: Sequence[StreamEntry]) -> dict[int, str]:
    """The JSON of each entry; a raw delivery's gets its body, as long as the inbox has it."""
    found = facts.bodies(filter(None, map(_delivery, entries)))
    told = {}
    for entry in entries:
        told[entry.pk] = entry.payload
        if delivery := _delivery(entry):
            body = found.get(delivery, {"body": None, "body_encoding": None})
            told[entry.pk] = json.dumps({**json.loads(entry.payload), **body})
    return told


def _parts(entries: Sequence[StreamEntry]) -> Iterator[list[StreamEntry]]:
    """The entries in runs that fit into memory and one command: a raw body may have five megabytes."""
    sizes = facts.sizes(filter(None, map(_delivery, entries)))
    part: list[StreamEntry] = []
    held = 0
    for entry in entries:
        size = len(entry.payload) + sizes.get(_delivery(entry), 0)
        if part and held + size > BYTES_AT_ONCE:
            yield part
            part, held = [], 0
        part.append(entry)
        held += size
    if part:
        yield part


def _delivery(entry: StreamEntry) -> int:
    """The row of the inbox whose body belongs to it; 0 where it has all of its own."""
    named, _, number = entry.subject.partition(":")
    return int(number) if entry.topic == streams.RAW and named == "delivery" else 0


@lru_cache(maxsize=4)
def _redis(url: str) -> "Redis":
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    # No tries of its own: a try that was cut would be repeated without our knowing.
    retry = Retry(NoBackoff(), 0)
    return Redis.from_url(url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=ANSWER_SECONDS, retry=retry)


def forget_all(limit: int = 5000) -> int:
    """Let go of what was told two weeks ago, organization by organization in batches; returns how many rows."""
    count = 0
    for organization_id in OrganizationRoute.objects.order_by("pk").values_list("pk", flat=True):
        for step in (sendings.forget, partial(outbox.forget, redis=bool(settings.REDIS_URL))):
            gone = limit
            while gone == limit:
                with tenancy.organization(organization_id):
                    gone = step(limit)
                count += gone
    return count

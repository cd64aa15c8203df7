"""The way out of the event streams: whose turn it is to publish, what waits, what was published, what is forgotten.

One publisher at a time for each organization takes the entries by id; they are marked only after Redis has said yes.
A crash between the two publishes the same ids again, and never leaves one out or swaps two.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from profiles import clock
from profiles.actions import streams
from profiles.models import StreamBacklog, StreamCircuit, StreamEntry

LOCK_SPACE = 0x57E4
FIRST_REST, LONGEST_REST = timedelta(seconds=2), timedelta(minutes=1)
KEPT = timedelta(days=14)
"""How long what was published can be sent again to a webhook."""
WAITS_AT_MOST = timedelta(days=35)
"""Where no Redis is set at all nobody reads the streams: what waits is kept as long as a raw delivery."""
TEST = "webhook.test"

_TRY = "SELECT pg_try_advisory_xact_lock(%s, hashint8(%s))"
_FAILED = """
INSERT INTO profiles_streamcircuit AS c (id, failures, failing_since, retry_at, last_error)
VALUES (1, 1, clock_timestamp(), clock_timestamp() + %(first)s, %(error)s)
ON CONFLICT (id) DO UPDATE
   SET failures = c.failures + 1, failing_since = coalesce(c.failing_since, clock_timestamp()),
       retry_at = clock_timestamp() + least(%(longest)s, %(first)s * power(2, least(c.failures, 10))),
       last_error = %(error)s
 WHERE c.retry_at IS NULL OR c.retry_at <= clock_timestamp()
"""
_NOTE_BACKLOG = """
INSERT INTO profiles_streambacklog (organization_id, since)
SELECT organization_id, recorded_at FROM profiles_streamentry WHERE published_at IS NULL ORDER BY id LIMIT 1
ON CONFLICT (organization_id) DO NOTHING
"""


def take_turn(organization_id: int) -> bool:
    """Whether this transaction may publish: nobody else does until it ends."""
    with connection.cursor() as cursor:
        cursor.execute(_TRY, [LOCK_SPACE, organization_id])
        return bool(cursor.fetchone()[0])


def waiting(limit: int) -> list[StreamEntry]:
    """The next entries in the order in which they are published. Needs the turn."""
    return list(StreamEntry.objects.filter(published_at__isnull=True).order_by("pk")[:limit])


def mark(entries: Iterable[StreamEntry]) -> None:
    """These are in Redis."""
    ids = [entry.pk for entry in entries]
    if ids:
        StreamEntry.objects.filter(pk__in=ids).update(published_at=clock.real())


# Redis' health ---------------------------------------------------------------------------------------------------


def rests() -> bool:
    """Whether Redis failed lately and is left alone until its next try."""
    return StreamCircuit.objects.filter(retry_at__gt=clock.real()).exists()


def failed(error: str) -> None:
    """Redis took nothing: rest twice as long as before, up to a minute. Who failed beside another counts once."""
    bounds: dict[str, Any] = {"error": error[:500], "first": FIRST_REST, "longest": LONGEST_REST}
    with connection.cursor() as cursor:
        cursor.execute(_FAILED, bounds)
    note_backlog()


def worked(organization_id: int, *, all_of_it: bool) -> None:
    """Redis took what it was given."""
    StreamCircuit.objects.exclude(failures=0).update(failures=0, failing_since=None, retry_at=None)
    if all_of_it:
        StreamBacklog.objects.filter(organization_id=organization_id).delete()


def note_backlog() -> None:
    """Since when this organization's oldest event waits, for the figures of the installation."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_BACKLOG)


# Forgetting ------------------------------------------------------------------------------------------------------

_OLD_WAITING = """
SELECT id FROM (SELECT id, recorded_at FROM profiles_streamentry WHERE published_at IS NULL ORDER BY id LIMIT %s) e
 WHERE recorded_at < %s
"""
_OLD = """
SELECT id FROM profiles_streamentry
 WHERE published_at < %s AND payload <> '' ORDER BY published_at LIMIT %s
"""
# Of each subject the last word stays without its payload, so that saying the same again is still known to be that.
_FORGET = """
WITH old AS (
  SELECT e.id, e.topic = ANY(%s) OR EXISTS (
           SELECT FROM profiles_streamentry l WHERE l.organization_id = e.organization_id AND l.topic = e.topic
              AND l.subject = e.subject AND l.revision > e.revision) AS whole
    FROM profiles_streamentry e
   WHERE e.id = ANY(%s) AND NOT EXISTS (SELECT FROM profiles_webhookdelivery d WHERE d.entry_id = e.id)
), gone AS (
  DELETE FROM profiles_streamentry e USING old o WHERE e.id = o.id AND o.whole RETURNING e.id
), emptied AS (
  UPDATE profiles_streamentry e SET payload = '', published_at = coalesce(e.published_at, statement_timestamp())
    FROM old o WHERE e.id = o.id AND NOT o.whole RETURNING e.id
)
SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM emptied)
"""


def forget(limit: int, *, redis: bool) -> int:
    """Let go of up to `limit` entries whose time is over and of which no webhook delivery is kept; returns how many.

    Without Redis what waits for it ends too, in the end.
    """
    now: datetime = clock.real()
    with connection.cursor() as cursor:
        cursor.execute(_OLD, [now - KEPT, limit])
        ids = [pk for (pk,) in cursor.fetchall()]
        if not redis:
            cursor.execute(_OLD_WAITING, [limit, now - WAITS_AT_MOST])
            ids += [pk for (pk,) in cursor.fetchall()]
        if not ids:
            return 0
        cursor.execute(_FORGET, [[streams.RAW, TEST], ids])
        return int(cursor.fetchone()[0])


def backlog_seconds() -> float | None:
    """How long the oldest event of any organization has been waiting for Redis; None where none waits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp() - min(since)) FROM profiles_streambacklog")
        age = cursor.fetchone()[0]
    return None if age is None else float(age)

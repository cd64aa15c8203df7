"""Webhook deliveries on their way: who claims which, what an answer means, and when an endpoint is given up."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import random
from typing import Any

from django.db import connection

from profiles import clock, retries
from profiles.actions import streams, webhooks
from profiles.actors import Actor
from profiles.models import WebhookDelivery, WebhookEndpoint, WebhookRoute

LEASE_SECONDS = 60
AT_ONCE_EACH = 4
AT_ONCE_FAILING = 1
"""An endpoint that fails is asked by one delivery at a time, so that a dead one holds nobody up."""
REST = timedelta(minutes=1)
"""So long an endpoint that gave no answer at all is left alone by everything that waits for it."""
TRIES_KEPT, ANSWER_KEPT = 20, 500
KEPT = timedelta(days=14)
BY = Actor.system("webhooks")
State = WebhookDelivery.State

# What a killed sender held comes back. Its attempt was counted when it was claimed, so that poison has an end too.
_RETURN = """
UPDATE profiles_webhookdelivery d
   SET lease_until = NULL, state = CASE WHEN d.attempts < %s THEN 'queued' ELSE 'failed' END,
       done_at = CASE WHEN d.attempts < %s THEN NULL ELSE statement_timestamp() END
  FROM profiles_webhookendpoint w
 WHERE d.endpoint_id = w.id AND d.state = 'claimed' AND d.lease_until < statement_timestamp()
"""
# Chosen once and for all before the update: a subquery in its WHERE may be run again, and would find other rows then.
_CLAIM = """
WITH due AS MATERIALIZED (
  SELECT next.id FROM profiles_webhookendpoint w,
    LATERAL (SELECT count(*) AS sending FROM profiles_webhookdelivery b
              WHERE b.endpoint_id = w.id AND b.state = 'claimed') busy,
    LATERAL (SELECT q.id FROM profiles_webhookdelivery q
              WHERE q.endpoint_id = w.id AND q.state = 'queued' AND q.due_at <= statement_timestamp() + %(offset)s
              ORDER BY q.due_at, q.id
              LIMIT greatest(0, CASE WHEN w.failing_since IS NULL THEN %(each)s ELSE %(failing)s END - busy.sending)
                FOR NO KEY UPDATE SKIP LOCKED) next
   WHERE w.state = 'enabled' AND (w.rests_until IS NULL OR w.rests_until <= statement_timestamp() + %(offset)s)
   LIMIT %(limit)s)
UPDATE profiles_webhookdelivery d
   SET state = 'claimed', attempts = attempts + 1,
       lease_until = statement_timestamp() + make_interval(secs => %(lease)s)
  FROM due WHERE d.id = due.id
RETURNING d.id
"""
_OUTLOOK = """
SELECT coalesce(bool_or(d.state = 'claimed' OR d.due_at <= statement_timestamp() + %s), false)
  FROM profiles_webhookendpoint w JOIN profiles_webhookdelivery d ON d.endpoint_id = w.id
 WHERE d.state = 'claimed' OR (d.state = 'queued' AND w.state = 'enabled'
   AND (w.rests_until IS NULL OR w.rests_until <= statement_timestamp() + %s))
"""
_PRUNE = """
WITH old AS (SELECT id FROM profiles_webhookdelivery WHERE done_at < %s ORDER BY done_at LIMIT %s)
DELETE FROM profiles_webhookdelivery d USING old WHERE d.id = old.id
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt. Without a status there was no answer, and `error` says why."""

    milliseconds: int
    status: int | None = None
    error: str = ""
    answer: str = ""
    retry_after: timedelta = timedelta(0)

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        return self.status == 410

    @property
    def said(self) -> str:
        return self.error or f"It answered {self.status}."


def organizations() -> list[int]:
    """Which have endpoints at all."""
    return list(WebhookRoute.objects.order_by("organization_id").values_list("organization_id", flat=True))


def claim(limit: int) -> list[WebhookDelivery]:
    """Take up to `limit` due deliveries for a minute, a few of each endpoint. Commit before the first call."""
    bounds: dict[str, Any] = {"lease": LEASE_SECONDS, "offset": clock.offset(), "limit": limit}
    bounds |= {"each": AT_ONCE_EACH, "failing": AT_ONCE_FAILING}
    with connection.cursor() as cursor:
        cursor.execute(_RETURN, [retries.ATTEMPTS, retries.ATTEMPTS])
        cursor.execute(_CLAIM, bounds)
        ids = [pk for (pk,) in cursor.fetchall()]
    if not ids:
        return []
    return list(WebhookDelivery.objects.filter(pk__in=ids).select_related("endpoint", "entry").order_by("due_at", "pk"))


def is_busy() -> bool:
    """Whether anything is due or on its way. What waits for an endpoint that is off, or for a later time, is not."""
    offset: Any = clock.offset()
    with connection.cursor() as cursor:
        cursor.execute(_OUTLOOK, [offset, offset])
        return bool(cursor.fetchone()[0])


def secrets_of(endpoint: WebhookEndpoint) -> list[str]:
    """Every secret that signs now, the newest first."""
    until = endpoint.former_secret_until
    former = endpoint.former_secret if until is not None and until > clock.now() else ""
    return [endpoint.secret, *([former] if former else [])]


def conclude(delivery_id: int, outcome: Outcome) -> None:
    """Write what came of an attempt, and what follows for the delivery and its endpoint."""
    row = WebhookDelivery.objects.select_for_update(no_key=True).get(pk=delivery_id)
    now = clock.now()
    row.tries = [*row.tries, _noted(row.attempts, outcome, now)][-TRIES_KEPT:]
    if row.state == State.DELIVERED:
        pass  # a sender that was slower than its lease: it arrived already
    elif outcome.accepted:
        row.state, row.done_at = State.DELIVERED, now
    else:
        pause = None if outcome.gone else retries.wait(row.attempts, random=random, at_least=outcome.retry_after)
        row.state = State.FAILED if pause is None else State.QUEUED
        row.done_at, row.due_at = (now, row.due_at) if pause is None else (None, now + pause)
    row.lease_until = None
    row.save(update_fields=["tries", "state", "done_at", "due_at", "lease_until"])
    _judge(row.endpoint_id, outcome, now)


def _noted(attempt: int, outcome: Outcome, now: datetime) -> dict[str, Any]:
    return {
        "at": streams.instant(now),
        "attempt": attempt,
        "status": outcome.status,
        "ms": outcome.milliseconds,
        "error": outcome.error[:ANSWER_KEPT],
        "answer": outcome.answer.replace("\0", "")[:ANSWER_KEPT],
    }


def _judge(endpoint_id: int, outcome: Outcome, now: datetime) -> None:
    """Note since when an endpoint fails; switch off one that says it is gone or has failed for days."""
    row = WebhookEndpoint.objects.filter(pk=endpoint_id)
    if outcome.accepted:
        row.exclude(failing_since=None).update(failing_since=None, rests_until=None)
        return
    row.filter(failing_since=None).update(failing_since=now)
    if outcome.status is None:
        row.update(rests_until=now + REST)
    overdue = now - retries.DISABLED_AFTER
    if not (outcome.gone or row.filter(failing_since__lte=overdue).exists()):
        return
    endpoint = row.select_for_update(no_key=True).filter(state=WebhookEndpoint.State.ENABLED).first()
    if endpoint is None:
        return
    if outcome.gone:
        webhooks.switch_off(endpoint, why="It answered 410: it wants no more.", by=BY)
    elif endpoint.failing_since is not None and endpoint.failing_since <= overdue:
        why = f"Every try has failed for {retries.DISABLED_AFTER.days} days. {outcome.said}"
        webhooks.switch_off(endpoint, why=why, by=BY)


def forget(limit: int) -> int:
    """Let go of up to `limit` deliveries that ended two weeks ago; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_PRUNE, [clock.real() - KEPT, limit])
        return int(cursor.rowcount)

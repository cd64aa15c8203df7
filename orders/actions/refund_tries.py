"""The tries of a refund at its provider: who claims which, and what is written of the outcome."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from orders.actions import facts
from orders.actions.statements import Said
from orders.messages import RefundStatus
from orders.models import Order, RefundRequest
from orders.providers.refunding import Outcome, Refunded, RefusedForGood, Shop, TryLater, Wanted
from orders.queries import refunding
from profiles import clock, retries
from profiles.actions import settlement

LEASE_SECONDS = 120
REST = timedelta(minutes=1)
"""So long a channel whose provider is in trouble is left alone by every refund that waits for it."""
NEVER = timedelta(days=36_500)
State = RefundRequest.State

# The attempt counts although the process may die; what was claimed and silent before may have come through.
_CLAIM = """
UPDATE orders_refundrequest r
   SET state = 'claimed', attempts = attempts + 1, doubtful = doubtful OR state <> 'queued',
       lease_until = statement_timestamp() + make_interval(secs => %s)
 WHERE id = ANY(ARRAY(SELECT id FROM orders_refundrequest
               WHERE (state IN ('queued', 'unknown') AND due_at <= %s)
                  OR (state = 'claimed' AND lease_until < statement_timestamp())
               ORDER BY due_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED))
RETURNING id, attempts
"""
_PUT_BACK = """
UPDATE orders_refundrequest
   SET state = CASE WHEN doubtful THEN 'unknown' ELSE 'queued' END, attempts = attempts - 1, lease_until = NULL,
       due_at = greatest(due_at, %s)
 WHERE state = 'claimed' AND (id, attempts) IN (SELECT * FROM unnest(%s::bigint[], %s::int[]))
"""


@dataclass(frozen=True, slots=True)
class Try:
    """One claimed refund, ready to be sent: all that a caller outside of any transaction needs to know."""

    request_id: int
    attempt: int
    channel_id: int
    kind: str
    wanted: Wanted
    shop: Shop


def claim(limit: int) -> list[Try]:
    """Take up to `limit` due refunds for two minutes. Commit before the first call."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [LEASE_SECONDS, clock.now(), limit])
        attempts = dict(cursor.fetchall())
    rows = list(RefundRequest.objects.filter(pk__in=attempts).select_related("order__channel").order_by("due_at", "pk"))
    return [
        Try(
            request_id=row.pk,
            attempt=attempts[row.pk],
            channel_id=row.order.channel_id,
            kind=row.order.channel.kind,
            wanted=wanted,
            shop=refunding.shop(row.order.channel),
        )
        for row, wanted in zip(rows, refunding.wanted(rows), strict=True)
    ]


def put_back(tries: Sequence[Try], *, until: datetime) -> None:
    """These were not sent: they wait until then, and the attempt does not count."""
    with connection.cursor() as cursor:
        cursor.execute(_PUT_BACK, [until, [one.request_id for one in tries], [one.attempt for one in tries]])


def rest(tried: Try) -> datetime:
    """Its provider is in trouble: whatever else waits for this channel waits a while; returns until when."""
    until = clock.now() + REST
    waiting = RefundRequest.objects.filter(order__channel=tried.channel_id, state__in=[State.QUEUED, State.UNKNOWN])
    waiting.exclude(pk=tried.request_id).filter(due_at__lt=until).update(due_at=until)
    return until


def conclude(tried: Try, outcome: Outcome) -> RefundRequest:
    """Write what came of a try. A refund is recorded as a fact, as its provider's webhook would tell it."""
    recorded: set[int] = set()
    order = Order.objects.select_related("channel", "organization").get(refund_requests=tried.request_id)
    if isinstance(outcome, Refunded):
        said = Said(order.channel, outcome.message)
        recorded = facts.record([said], organization=order.organization).orders | {order.pk}
    row = RefundRequest.objects.select_for_update(no_key=True).get(pk=tried.request_id)
    if isinstance(outcome, Refunded):
        _made(row, outcome)
    elif row.state == State.CLAIMED and row.attempts == tried.attempt:
        _not_made(row, outcome)
    else:
        return row  # somebody else took over after our lease, or a person gave it up
    row.save(
        update_fields=["state", "doubtful", "due_at", "lease_until", "provider_refund_id", "last_error", "done_at"]
    )
    settlement.request(row.organization_id, orders=recorded)
    return row


def _made(row: RefundRequest, outcome: Refunded) -> None:
    message = outcome.message
    row.state, row.provider_refund_id, row.lease_until = State.DONE, message.external_id, None
    row.last_error, row.done_at = "", clock.now()
    if message.status == RefundStatus.FAILED:
        row.state, row.doubtful = State.FAILED, False
        row.last_error = "The provider took it, and then could not pay it back."


def _not_made(row: RefundRequest, outcome: Outcome) -> None:
    row.lease_until = None
    if isinstance(outcome, RefusedForGood):
        row.state, row.doubtful = State.FAILED, False
        row.last_error, row.done_at = outcome.sentence, clock.now()
        return
    assert not isinstance(outcome, Refunded)
    asked = timedelta(seconds=outcome.retry_after) if isinstance(outcome, TryLater) else timedelta(0)
    wait = retries.wait(row.attempts, random=random.random, at_least=asked)
    row.doubtful = row.doubtful or not isinstance(outcome, TryLater)
    row.state = State.UNKNOWN if row.doubtful else State.QUEUED
    row.last_error = outcome.sentence
    row.due_at = clock.now() + (NEVER if wait is None else wait)
    if wait is None and not row.doubtful:
        row.state, row.done_at = State.FAILED, clock.now()

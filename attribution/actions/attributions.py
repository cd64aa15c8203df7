"""Why they bought: one current attribution an order, from the conversations known now (ATTRIBUTION.md)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from attribution import tiers
from attribution.models import Attribution, Conversation
from orders.models import Order
from profiles import bulk, clock, prepared
from profiles.actions import audit, settlement
from profiles.actors import Actor, Invalid
from profiles.prepared_queries import PreparedQuery

WINDOW_SECONDS = int(tiers.EMAIL_WINDOW.total_seconds())
SKEW_SECONDS = int(tiers.CLOCK_SKEW.total_seconds())

# For each order: the conversations of its customer, or of its e-mail, whose last counting message fits; the messages
# up to the order. A conversation without stored messages counts as one at its start and one at its last activity.
_CANDIDATES = """
WITH asked AS (
  SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::timestamptz[]) AS a(order_id, profile_id, email, t)
), near AS (
  SELECT a.order_id, a.t, c.id, 'profile' AS joined_by FROM asked a
    JOIN attribution_conversation c ON c.profile_id = a.profile_id
   WHERE c.started_at <= a.t + make_interval(secs => %s) AND c.last_activity_at >= a.t - make_interval(secs => %s)
  UNION
  SELECT a.order_id, a.t, c.id, 'email' FROM asked a
    JOIN attribution_conversation c ON c.email = a.email AND a.email <> '' AND c.email <> ''
   WHERE c.started_at <= a.t + make_interval(secs => %s) AND c.last_activity_at >= a.t - make_interval(secs => %s)
     AND (a.profile_id IS NULL OR c.profile_id IS DISTINCT FROM a.profile_id)
), stored AS (
  SELECT n.order_id, n.id, max(m.at) AS last_at,
         count(*) FILTER (WHERE m.at <= n.t) AS before, count(*) AS any_count
    FROM near n JOIN attribution_message m ON m.conversation_id = n.id AND m.by IN ('customer', 'agent')
   WHERE m.at <= n.t + make_interval(secs => %s)
   GROUP BY n.order_id, n.id
)
SELECT n.order_id, n.joined_by, c.id, c.external_id, c.ended_at, c.tags, c.started_at, c.last_activity_at,
       s.last_at, coalesce(s.before, 0),
       EXISTS (SELECT FROM attribution_message m WHERE m.conversation_id = c.id) AS has_messages, c.message_count
  FROM near n JOIN attribution_conversation c ON c.id = n.id
  LEFT JOIN stored s ON s.order_id = n.order_id AND s.id = n.id
"""

_NEAR = """
WITH c AS (
  SELECT * FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[])
             AS v(profile_id, email, since, until)
)
SELECT o.id FROM c JOIN orders_order o ON o.profile_id = c.profile_id AND o.placed_at BETWEEN c.since AND c.until
UNION
SELECT o.id FROM c JOIN orders_order o
    ON o.email = c.email AND c.email <> '' AND o.email <> '' AND o.placed_at BETWEEN c.since AND c.until
"""

_CURRENT = PreparedQuery(lambda orders: Attribution.objects.filter(order__in=orders, current=True))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A conversation that may have led to an order, and how the two were joined."""

    conversation_id: int
    joined_by: str
    talk: tiers.Talk


def settle(orders: Sequence[Order]) -> None:
    """Give each order the attribution the facts say; a person's override and a settled result stay."""
    if not orders:
        return
    current = {row.order_id: row for row in _CURRENT([order.pk for order in orders])}
    now = clock.now()
    open_orders = [order for order in orders if not _stands(order, current.get(order.pk), now)]
    candidates = _candidates(open_orders)
    fresh: list[Attribution] = []
    superseded: list[Attribution] = []
    for order in open_orders:
        result = _result(order, candidates[order.pk], now)
        former = current.get(order.pk)
        if former is not None:
            if _same(former, result):
                continue
            former.current = False
            superseded.append(former)
        fresh.append(result)
    bulk.update(Attribution, superseded, ["current"])
    bulk.insert(Attribution, fresh)


def _stands(order: Order, current: Attribution | None, now: datetime) -> bool:
    if current is None:
        return False
    return bool(current.overridden_by) or now > tiers.settles_at(order.placed_at, order.arrived_at)


def _candidates(orders: Sequence[Order]) -> Mapping[int, list[Candidate]]:
    found: dict[int, list[Candidate]] = defaultdict(list)
    if not orders:
        return found
    times = {order.pk: order.placed_at for order in orders}
    rows = prepared.fetch(
        _CANDIDATES,
        [
            [order.pk for order in orders],
            [order.profile_id for order in orders],
            [order.email for order in orders],
            [order.placed_at for order in orders],
            SKEW_SECONDS,
            WINDOW_SECONDS,
            SKEW_SECONDS,
            WINDOW_SECONDS,
            SKEW_SECONDS,
        ],
    )
    for row in rows:
        candidate = _candidate(row, times[row[0]])
        if candidate is not None:
            found[row[0]].append(candidate)
    return found


def _candidate(row: tuple[Any, ...], placed_at: datetime) -> Candidate | None:
    _, joined_by, pk, external_id, ended_at, tags, started_at, last_activity_at, last_at, before, stored, told = row
    if not stored:
        moments = [started_at, last_activity_at]
        spoken = [m for m in moments if m <= placed_at + timedelta(seconds=SKEW_SECONDS)]
        last_at = max(spoken, default=None)
        before = sum(1 for m in moments if m <= placed_at)
        if last_activity_at <= placed_at:
            before = max(before, told)
    if last_at is None:
        return None
    return Candidate(
        conversation_id=pk,
        joined_by=joined_by,
        talk=tiers.Talk(
            conversation=external_id,
            last_message_at=last_at,
            ended_at=ended_at,
            messages_before=before,
            product_inquiry="product_inquiry" in tags,
            price_check="price_check" in tags,
            joined_by=joined_by,
        ),
    )


def _result(order: Order, candidates: Sequence[Candidate], now: datetime) -> Attribution:
    winner, assists = tiers.choose(order.placed_at, [c.talk for c in candidates])
    chosen = next((c for c in candidates if c.talk.conversation == winner.conversation), None)
    return Attribution(
        organization_id=order.organization_id,
        order=order,
        conversation_id=chosen.conversation_id if chosen else None,
        method=winner.method,
        confidence_cents=int(winner.confidence * 100),
        joined_by=chosen.joined_by if chosen else "",
        factors={**winner.factors, "sentence": tiers.sentence(winner)},
        assists=[a.conversation for a in assists],
        algorithm_version=str(tiers.ALGORITHM_VERSION),
        at=now,
    )


def _same(former: Attribution, result: Attribution) -> bool:
    names = ("conversation_id", "method", "confidence_cents", "joined_by", "factors", "assists", "algorithm_version")
    return all(getattr(former, name) == getattr(result, name) for name in names)


def rerun(conversations: Iterable[Conversation]) -> set[int]:
    """The orders these conversations may have led to, by customer or e-mail. One query for any number."""
    rows = list(conversations)
    if not rows:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            _NEAR,
            [
                [row.profile_id for row in rows],
                [row.email for row in rows],
                [row.started_at - timedelta(seconds=SKEW_SECONDS) for row in rows],
                [row.last_activity_at + timedelta(seconds=WINDOW_SECONDS) for row in rows],
            ],
        )
        return {pk for (pk,) in cursor.fetchall()}


def override(order: Order, conversation: Conversation | None, *, by: Actor, because: str) -> Attribution:
    """A person says which conversation led to the order, or none; it stands until a person lifts it."""
    by.require("override_attribution")
    reason = audit.require_reason(because)
    if conversation is not None and conversation.organization_id != order.organization_id:
        raise Invalid("That conversation is not one of this organization.")
    Attribution.objects.select_for_update(no_key=True).filter(order=order, current=True).update(current=False)
    row = Attribution.objects.create(
        organization_id=order.organization_id,
        order=order,
        conversation=conversation,
        method=Attribution.Method.SESSION if conversation else Attribution.Method.NONE,
        confidence_cents=95 if conversation else 0,
        joined_by="person",
        factors={"sentence": f"Decided by {by.label}: {reason}"},
        algorithm_version=str(tiers.ALGORITHM_VERSION),
        overridden_by=by.label,
        override_reason=reason,
        at=clock.now(),
    )
    audit.record(
        "attribution.overridden", by=by, subject=row, because=reason, order_id=order.pk, profile_id=order.profile_id
    )
    return row


def lift(order: Order, *, by: Actor, because: str) -> None:
    """Let the facts decide again."""
    by.require("override_attribution")
    reason = audit.require_reason(because)
    Attribution.objects.filter(order=order, current=True).update(current=False)
    settlement.request(order.organization_id, orders=[order.pk])
    audit.record(
        "attribution.override_lifted",
        by=by,
        subject=order,
        because=reason,
        order_id=order.pk,
        profile_id=order.profile_id,
    )

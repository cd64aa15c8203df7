"""Asking for agreement: which facts changed, and which organization has work that is due.

The rows are the record; django-q2 is only woken early, by a task written in the same transaction.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django_q.tasks import async_task

from profiles import bulk, claims, prepared
from profiles.models import SettlementRequest

LEASE_SECONDS = 90
ATTEMPTS = 3
TASK = "config.drains.drain"
_GIVE_UP = "Settling it stopped the worker three times; a person has to look."

_REQUEST = """
INSERT INTO profiles_settlementrequest
       (organization_id, subject, subject_id, state, revision, attempts, due_at, last_error)
SELECT %s::bigint, s, i, 'queued', 1, 0, statement_timestamp(), ''
  FROM unnest(%s::text[], %s::bigint[]) AS v(s, i) ORDER BY s, i
ON CONFLICT (organization_id, subject, subject_id) DO UPDATE
   SET state = 'queued', revision = profiles_settlementrequest.revision + 1, attempts = 0,
       due_at = statement_timestamp()
"""

_WAKE = """
INSERT INTO profiles_duework (organization_id, due_at) VALUES (%s, statement_timestamp())
ON CONFLICT (organization_id) DO UPDATE SET due_at = statement_timestamp()
 WHERE profiles_duework.due_at > statement_timestamp()
"""

_CLAIM = """
UPDATE profiles_settlementrequest r
   SET state = 'claimed', attempts = attempts + 1, lease_until = statement_timestamp() + make_interval(secs => %s)
 WHERE id = ANY(ARRAY(SELECT id FROM profiles_settlementrequest
               WHERE ((state = 'queued' AND due_at <= statement_timestamp())
                  OR (state = 'claimed' AND lease_until < statement_timestamp()))
                 AND (state = 'claimed' AND attempts >= 2) = %s
               ORDER BY due_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED))
RETURNING id, subject, subject_id, revision, attempts
"""

_FINISH = """
DELETE FROM profiles_settlementrequest r USING unnest(%s::bigint[], %s::int[]) AS v(id, revision)
 WHERE r.id = v.id AND r.revision = v.revision
"""


@dataclass(frozen=True, slots=True)
class Claim:
    id: int
    subject: str
    subject_id: int
    revision: int
    attempts: int


def request(
    organization_id: int,
    *,
    orders: Iterable[int] = (),
    profiles: Iterable[int] = (),
    events: Iterable[int] = (),
    payouts: Iterable[int] = (),
    movements: Iterable[int] = (),
    wake_worker: bool = True,
) -> None:
    """Have these settled soon; requests for one subject coalesce."""
    named = {
        "order": orders,
        "profile": profiles,
        "event": events,
        "payout": payouts,
        "movement": movements,
    }
    subjects = [(subject, i) for subject, ids in named.items() for i in set(ids)]
    if subjects:
        names, ids = zip(*subjects, strict=True)
        prepared.run(_REQUEST, [str(organization_id), bulk.array_literal(names), bulk.array_of_numbers(ids)])
    if wake_worker:
        wake(organization_id)


def wake(organization_id: int) -> None:
    """Say that this organization has work due now; a worker's task is enqueued unless one already is."""
    with connection.cursor() as cursor:
        cursor.execute(_WAKE, [organization_id])
        if cursor.rowcount:
            async_task(TASK, organization_id)


def claim(limit: int) -> list[Claim]:
    """Take up to `limit` due requests for 90 s. Commit before working: the attempt counts even if the process dies.

    What two workers died of is taken alone, and set aside when a third has died of it.
    """
    taken = [Claim(*row) for row in claims.take(_CLAIM, [LEASE_SECONDS], limit)]
    for poisonous in (claim for claim in taken if claim.attempts > ATTEMPTS):
        postpone(poisonous, error=_GIVE_UP, until=None)
    return [claim for claim in taken if claim.attempts <= ATTEMPTS]


def finish(done_with: Iterable[Claim]) -> None:
    """The subjects agree. A request renewed while we worked stays."""
    done = list(done_with)
    numbers = ((claim.id for claim in done), (claim.revision for claim in done))
    prepared.run(_FINISH, [*map(bulk.array_of_numbers, numbers)])


def postpone(claim: Claim, *, error: str, until: datetime | None) -> None:
    """Try again at `until`; with none, set the request aside as dead, visible with its reason."""
    state = SettlementRequest.State.QUEUED if until else SettlementRequest.State.DEAD
    row = SettlementRequest.objects.filter(pk=claim.id, revision=claim.revision)
    changes = {"due_at": until} if until else {}
    row.update(state=state, last_error=error[:2000], lease_until=None, **changes)


def revive(organization_id: int) -> int:
    """Try once more what was set aside; returns how many requests."""
    count = SettlementRequest.objects.filter(state=SettlementRequest.State.DEAD).update(
        state=SettlementRequest.State.QUEUED, attempts=0, due_at=Now(), revision=F("revision") + 1
    )
    if count:
        wake(organization_id)
    return count

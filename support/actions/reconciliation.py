"""Runs of the comparison: asked for, taken up step by step, each step once, whoever dies in between (SPEC FIN-3)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection

from profiles import clock, tenancy
from profiles.actions import audit, settlement
from profiles.actors import Actor, Invalid
from profiles.models import Organization
from support.actions import comparisons, repairs
from support.models import Discrepancy, ReconcileRun
from support.queries import differences as questions

State = ReconcileRun.State
LOCK_SPACE = 0x4EC0
LEASE_SECONDS = 120
LEASE = timedelta(seconds=LEASE_SECONDS)
ATTEMPTS = 5
NIGHTLY, WEEKLY = timedelta(days=3), timedelta(days=35)
ASK, REPAIR = "ask", "repair"
PHASES: tuple[str, ...] = (*questions.PARTS, REPAIR)
"""In this order; a run's `position` counts them. Before the first of them the providers are asked."""

_CLAIM = """
UPDATE support_reconcilerun
   SET state = 'claimed', attempts = attempts + 1, started_at = coalesce(started_at, %s),
       lease_until = statement_timestamp() + make_interval(secs => %s)
 WHERE id = ANY(ARRAY(SELECT id FROM support_reconcilerun
               WHERE ((state = 'queued' AND due_at <= %s)
                  OR (state = 'claimed' AND lease_until < statement_timestamp()))
                 AND (%s::bigint IS NULL OR id = %s)
               ORDER BY due_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED))
RETURNING id
"""


@dataclass
class Asked:
    """What the providers were asked and said: channels that did not answer, with the reason."""

    unreachable: list[dict[str, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


Ask = Callable[[ReconcileRun], Asked]


def request(
    organization: Organization,
    *,
    since: datetime,
    until: datetime,
    by: Actor,
    because: str,
    repair: bool = False,
    by_hand: bool = True,
) -> ReconcileRun:
    """Ask for a comparison of what happened in this window; a worker does it. The same one, still open, stands."""
    by.require("reconcile")
    if since >= until:
        raise Invalid("The window ends before it begins.")
    now = clock.now()
    take_turn(organization.pk)
    standing = ReconcileRun.objects.filter(since=since, until=until, repair=repair, state__in=ReconcileRun.OPEN).first()
    if standing is not None:
        return standing
    row = ReconcileRun.objects.create(
        organization=organization,
        since=since,
        until=until,
        repair=repair,
        by_hand=by_hand,
        asked_by=by.label[:200],
        because=because,
        due_at=now,
        asked_at=now,
    )
    audit.record(
        "reconciliation.asked",
        by=by,
        subject=row,
        because=because,
        details={"since": since.isoformat(), "until": until.isoformat(), "repair": repair},
    )
    settlement.wake(organization.pk)
    return row


def take_turn(organization_id: int) -> None:
    """Wait until no other comparison of this organization is under way; held to the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashint8(%s))", [LOCK_SPACE, organization_id])


def claim(run_id: int | None = None) -> int | None:
    """Take up a run that waits, or one whose worker died; None where there is none. Commit before working."""
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [now, LEASE_SECONDS, now, run_id, run_id])
        row = cursor.fetchone()
    return row[0] if row else None


def unfinished() -> ReconcileRun | None:
    """The newest run that is not done."""
    return ReconcileRun.objects.exclude(state=State.DONE).order_by("-asked_at", "-pk").first()


def revive(row: ReconcileRun) -> None:
    """Let a run that failed or was left go on where it stopped."""
    ReconcileRun.objects.filter(pk=row.pk).exclude(state=State.DONE).update(
        state=State.QUEUED, attempts=0, due_at=clock.now(), lease_until=None
    )


def work(organization_id: int, run_id: int, *, ask: Ask, done: Callable[[int], None] = lambda position: None) -> None:
    """Do what is left of a claimed run, each phase in its own transaction; `ask` calls the providers, outside of any.

    A run that is taken up again by somebody else goes on from the phase that was not committed.
    """
    with tenancy.organization(organization_id):
        row = ReconcileRun.objects.get(pk=run_id)
    while row.state == State.CLAIMED:
        position = row.position
        asked = ask(row) if not position else Asked()
        with tenancy.organization(organization_id):
            take_turn(organization_id)
            row = ReconcileRun.objects.select_for_update(no_key=True).get(pk=run_id)
            if row.state == State.CLAIMED and row.position == position:
                _do(row, asked)
        done(row.position)


def _do(row: ReconcileRun, asked: Asked) -> None:
    """One phase; a window that is not wide is compared in one."""
    phase, counts = PHASES[row.position], dict(row.counts)
    if not row.position:
        row.unreachable, counts[ASK] = asked.unreachable, asked.counts
    row.position += 1
    if phase == REPAIR:
        counts[REPAIR] = repairs.all_safe(row) if row.repair else {}
    else:
        scope = questions.window(row.since, row.until)
        parts = (phase,) if scope.wide else tuple(questions.PARTS)[row.position - 1 :]
        row.position += len(parts) - 1
        kinds = [kind for part in parts for kind in questions.PARTS[part]]
        for kind, found in comparisons.compare(kinds, scope, organization_id=row.organization_id).items():
            counts[kind] = {"found": found.found, "new": found.new, "closed": found.closed}
        row.position += PHASES[row.position] == REPAIR and not row.repair
    row.counts = counts
    row.lease_until = clock.real() + LEASE
    if row.position == len(PHASES):
        row.state, row.finished_at, row.lease_until = State.DONE, clock.now(), None
    row.save(update_fields=["counts", "position", "unreachable", "lease_until", "state", "finished_at"])


def postpone(run_id: int, *, error: str) -> None:
    """A phase failed: the run is taken up again, at most five times."""
    row = ReconcileRun.objects.select_for_update(no_key=True).get(pk=run_id)
    row.state = State.FAILED if row.attempts >= ATTEMPTS else State.QUEUED
    row.last_error, row.lease_until = error[:2000], None
    row.due_at = clock.now() + timedelta(seconds=2**row.attempts)
    row.save(update_fields=["state", "last_error", "lease_until", "due_at"])


def counted(row: ReconcileRun) -> Mapping[str, Mapping[str, int]]:
    """What a run came to, by kind."""
    return {kind: row.counts.get(kind, {}) for kind in questions.FINDERS}


def standing() -> dict[str, int]:
    """How many are open now, by kind."""
    found = dict.fromkeys(questions.FINDERS, 0)
    for kind in Discrepancy.objects.filter(status=Discrepancy.Status.OPEN).values_list("kind", flat=True):
        found[kind] += 1
    return found


# By the clock ----------------------------------------------------------------------------------------------------


def nightly(organization_id: int) -> None:
    """The last three days."""
    _by_the_clock(organization_id, NIGHTLY)


def weekly(organization_id: int) -> None:
    """The last thirty-five days: whatever a month's end brings late."""
    _by_the_clock(organization_id, WEEKLY)


def _by_the_clock(organization_id: int, back: timedelta) -> None:
    now = clock.now()
    by = Actor.system("schedule")
    organization = Organization.objects.get(pk=organization_id)
    days = f"The last {back.days} days, by the clock"
    request(organization, since=now - back, until=now, by=by, because=days, repair=False, by_hand=False)


def now(
    organization_id: int,
    *,
    since: datetime,
    until: datetime,
    by: Actor,
    repair: bool = False,
    because: str = "Asked for by hand",
    ask: Ask = lambda row: Asked(),
    done: Callable[[int], None] = lambda position: None,
) -> ReconcileRun:
    """Ask for a comparison and do it here; returns the finished run."""
    with tenancy.organization(organization_id):
        organization = Organization.objects.get(pk=organization_id)
        row = request(organization, since=since, until=until, by=by, because=because, repair=repair)
        mine = claim(row.pk)
    return _finish(organization_id, row.pk, mine, ask, done)


def go_on(
    organization_id: int,
    row: ReconcileRun,
    *,
    ask: Ask = lambda row: Asked(),
    done: Callable[[int], None] = lambda position: None,
) -> ReconcileRun:
    """Do this run here, unless somebody else is at it; returns it as it is then."""
    with tenancy.organization(organization_id):
        mine = claim(row.pk)
    return _finish(organization_id, row.pk, mine, ask, done)


def _finish(organization_id: int, run_id: int, mine: int | None, ask: Ask, done: Callable[[int], None]) -> ReconcileRun:
    if mine is not None:
        work(organization_id, mine, ask=ask, done=done)
    with tenancy.organization(organization_id):
        return ReconcileRun.objects.get(pk=run_id)

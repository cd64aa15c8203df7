"""The loops that run the pipeline's queues for one organization; django-q2 tasks and `manage.py work` both call them.

Each round claims a batch and commits, so that an attempt counts even if the process dies; then works on the batch in
one transaction. When a batch fails it is done again one by one, and only the poisonous one is set aside.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection, transaction
from django_q.models import OrmQ
from django_q.tasks import async_task

from attribution.queries import conversations
from config import (
    alerting,
    backfilling,
    counting,
    dues,
    filing,
    importing,
    mailing,
    pipeline,
    publishing,
    reading,
    reconciling,
    refunding,
    storefronts,
)
from fulfillment.actions import (
    email_changes,
    followups,
    jobs,
    reach,
    reminders,
    renewals,
    tracking,
)
from orders.actions import deliveries
from orders.models import Order
from profiles import clock, tenancy
from profiles.actions import likenesses, settlement, turns
from profiles.models import DueWork, Organization, OrganizationRoute, SettlementRequest
from profiles.prepared_queries import PreparedQuery

log = logging.getLogger(__name__)
T = TypeVar("T")

BATCH = 500
MAILS = 50
AT_MOST_SECONDS = 45
LEASE = timedelta(seconds=90)
ECHO = timedelta(seconds=20)
OVERDUE, OVERDUE_IN_A_QUEUE = timedelta(seconds=1), timedelta(seconds=5)
"""How old a due marker is before it is taken to have no task: less where no task waits for a worker."""
BALANCES = frozenset({SettlementRequest.Subject.PAYOUT, SettlementRequest.Subject.MOVEMENT})

_ORGANIZATION = PreparedQuery(lambda organization: Organization.objects.filter(pk=organization))


def drain(organization_id: int) -> int:
    """Work until nothing is due for this organization or 45 s have passed; returns how many rows were worked.

    The marker in `DueWork` is our lease: if we die, it comes due again by itself.
    """
    began = time.monotonic()
    mine = _take_marker(organization_id)
    worked = 0
    while time.monotonic() - began < AT_MOST_SECONDS:
        count = round_of(organization_id)
        worked += count
        if not count:
            _leave_marker(organization_id, mine, worked)
            return worked
    with transaction.atomic():
        DueWork.objects.filter(organization_id=organization_id).update(due_at=clock.real())
        async_task(settlement.TASK, organization_id)
    return worked


def round_of(organization_id: int) -> int:
    """One batch of each queue that has work, in the order in which one feeds the next; how many rows were worked.

    Files are read, figures counted, and likely same people looked for, only when nothing else waits.
    """
    worked = 0
    due = _due(organization_id)
    for name, queue in QUEUES.items():
        if name in due and (count := queue(organization_id)):
            worked += count
            due = _due(organization_id)  # what it fed
    idle = (queue for name, queue in IDLE.items() if name in due)
    return worked or next((count for queue in idle if (count := queue(organization_id))), 0)


def _due(organization_id: int) -> frozenset[str]:
    with tenancy.organization(organization_id):
        return dues.now()


def inbox(organization_id: int) -> int:
    """Raw deliveries become facts."""
    with tenancy.organization(organization_id):
        claimed = deliveries.claim(BATCH)

    def work(part: Sequence[int]) -> None:
        pipeline.take_in(part, _organization(organization_id))

    def fail(part: int, error: Exception) -> None:
        deliveries.postpone(part, error=_told(error))

    _work(organization_id, claimed, work, fail)
    return len(claimed)


def settlements(organization_id: int) -> int:
    """Everything that depends on changed facts is made to agree."""
    with tenancy.organization(organization_id):
        claims = settlement.claim(BATCH)

    def work(part: Sequence[settlement.Claim]) -> None:
        orders = [c.subject_id for c in part if c.subject == SettlementRequest.Subject.ORDER]
        profiles = [c.subject_id for c in part if c.subject == SettlementRequest.Subject.PROFILE]
        if profiles:
            orders += Order.objects.filter(profile__in=profiles).values_list("pk", flat=True)
        pipeline.settle(sorted(set(orders)), _organization(organization_id), profile_ids=profiles)
        settlement.finish(part)

    def work_balances(part: Sequence[settlement.Claim]) -> None:
        payouts = [c.subject_id for c in part if c.subject == SettlementRequest.Subject.PAYOUT]
        lines = [c.subject_id for c in part if c.subject == SettlementRequest.Subject.MOVEMENT]
        pipeline.settle_balances(payouts, lines, _organization(organization_id))
        settlement.finish(part)

    def work_events(part: Sequence[settlement.Claim]) -> None:
        pipeline.settle_events([c.subject_id for c in part], _organization(organization_id))
        settlement.finish(part)

    def fail(part: settlement.Claim, error: Exception) -> None:
        again = part.attempts < settlement.ATTEMPTS
        until = clock.real() + timedelta(seconds=2**part.attempts) if again else None
        settlement.postpone(part, error=_told(error), until=until)

    # Transactions of their own: each locks facts before customers, and must not lock facts again after them.
    told = [c for c in claims if c.subject == SettlementRequest.Subject.EVENT]
    balances = [c for c in claims if c.subject in BALANCES]
    others = {SettlementRequest.Subject.EVENT, *BALANCES}
    _work(organization_id, told, work_events, fail)
    _work(organization_id, [c for c in claims if c.subject not in others], work, fail)
    _work(organization_id, balances, work_balances, fail)
    return len(claims)


def fulfilment(organization_id: int) -> int:
    """Paid lines become links and e-mails."""
    with tenancy.organization(organization_id):
        claimed = jobs.claim(BATCH)
        checked = jobs.files_of(claimed) if claimed else jobs.Checked()
    jobs.inspect(checked)

    def work(part: Sequence[int]) -> None:
        jobs.deliver(part, checked)

    def fail(part: int, error: Exception) -> None:
        jobs.postpone(part, error=_told(error))

    _work(organization_id, claimed, work, fail)
    return len(claimed)


def claims(organization_id: int) -> int:
    """Guests are reminded of what waits for them; changes of address take effect or expire."""
    with tenancy.organization(organization_id):
        due = reminders.claim_due(BATCH)
    # One that fails comes due again by its lease.
    _work(organization_id, due, reminders.work, lambda part, error: None)
    with tenancy.organization(organization_id):
        return len(due) + email_changes.settle_due(BATCH)


def follow_ups(organization_id: int) -> int:
    """What is written after a purchase, when its time has come and it still makes sense."""
    with tenancy.organization(organization_id):
        due = followups.due(BATCH)
    work = partial(followups.work, talked=conversations.last_written)
    _work(organization_id, due, work, lambda part, error: followups.postpone(part, error=_told(error)))
    return len(due)


def reports(organization_id: int) -> int:
    """What mail services reported becomes the standing of each message."""
    with tenancy.organization(organization_id):
        due = tracking.due(BATCH)

    def fail(part: int, error: Exception) -> None:
        tracking.postpone(part, error=_told(error))

    _work(organization_id, due, tracking.settle, fail)
    return len(due)


def unreached(organization_id: int) -> int:
    """Orders whose mail should have been of use by now are looked at."""
    with tenancy.organization(organization_id):
        due = reach.due(BATCH)

    def fail(part: int, error: Exception) -> None:
        reach.postpone(part, error=_told(error))

    _work(organization_id, due, reach.settle, fail)
    return len(due)


def links_anew(organization_id: int) -> int:
    """Owners get new links by mail, after an outage or with a new version."""
    with tenancy.organization(organization_id):
        claimed = renewals.claim(BATCH)

    def fail(part: int, error: Exception) -> None:
        renewals.postpone(part, error=_told(error))

    _work(organization_id, claimed, renewals.work, fail)
    return len(claimed)


def alike(organization_id: int) -> int:
    """Customers who changed are compared with those who may be the same people."""
    with tenancy.organization(organization_id):
        claims = likenesses.claim(BATCH)

    def work(part: Sequence[likenesses.Claim]) -> None:
        likenesses.work(part, organization_id)

    def fail(part: likenesses.Claim, error: Exception) -> None:
        likenesses.postpone(part, error=_told(error))

    _work(organization_id, claims, work, fail)
    return len(claims)


def _work(
    organization_id: int,
    claimed: Sequence[T],
    work: Callable[[Sequence[T]], None],
    fail: Callable[[T, Exception], None],
) -> None:
    """Do the batch in one transaction; if it fails, one by one, and set the poisonous ones aside."""
    if not claimed:
        return
    parts: Iterable[Sequence[T]] = [claimed] if len(claimed) == 1 else [claimed, *([one] for one in claimed)]
    for part in parts:
        try:
            turns.beside(organization_id, partial(work, part))
        except Exception as error:
            if _lost(error):
                raise  # the claims run out by themselves
            if len(part) > 1:
                log.warning("batch.failed", extra={"rows": len(part), "error": _told(error)})
                continue
            log.exception("row.failed")
            with tenancy.organization(organization_id):
                fail(part[0], error)
        if len(part) == len(claimed):
            return


def _lost(error: Exception) -> bool:
    """Whether the database went away, which says nothing about the rows."""
    return isinstance(error, InterfaceError | OperationalError) and not connection.is_usable()


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]


def _organization(organization_id: int) -> Organization:
    (found,) = _ORGANIZATION(organization_id)
    return found


Queue = Callable[[int], int]
QUEUES: Mapping[str, Queue] = {
    "inbox": inbox,
    "lookups": reading.lookups,
    "imports": importing.files,
    "settlements": settlements,
    "refunds": refunding.refunds,
    "fulfilment": fulfilment,
    "claims": claims,
    "links_anew": links_anew,
    "reports": reports,
    "follow_ups": follow_ups,
    "outbox": mailing.outbox,
    "unreached": unreached,
    "events": publishing.events,
    "reconciliations": reconciling.runs,
    "notices": alerting.notices,
    "backfills": backfilling.due,
}
"""By the names under which `config.dues` knows when they have work."""
IDLE: Mapping[str, Queue] = {"files": filing.files, "pages": storefronts.pages, "days": counting.days, "alike": alike}


# Which organizations have work ----------------------------------------------------------------------------------


def organizations() -> list[int]:
    return list(OrganizationRoute.objects.order_by("pk").values_list("pk", flat=True))


def sweep() -> int:
    """Wake a task for each organization whose marker is overdue.

    That is work whose time has come, what a killed worker left behind, and what was kept since: a delivery that finds
    the marker due wakes nobody. Where tasks wait already, the workers are busy, and more would only lengthen the queue.
    """
    waits = OrmQ.objects.filter(lock__lte=clock.real()).exists()
    overdue = DueWork.objects.filter(due_at__lte=clock.real() - (OVERDUE_IN_A_QUEUE if waits else OVERDUE))
    ids = list(overdue.values_list("organization_id", flat=True))
    for organization_id in ids:
        with transaction.atomic():
            moved = DueWork.objects.filter(organization_id=organization_id, due_at__lte=clock.real()).update(
                due_at=clock.real() + timedelta(seconds=30)
            )
            if moved:
                async_task(settlement.TASK, organization_id)
    return len(ids)


def search_all() -> int:
    """Look into every organization for due work without a marker: nothing may depend on markers alone."""
    found = 0
    for organization_id in organizations():
        unclaimed, claimed = dues.outlook(organization_id)
        due = min(filter(None, (unclaimed, claimed)), default=None)
        if due is not None:
            found += 1
            DueWork.objects.get_or_create(organization_id=organization_id, defaults={"due_at": due})
    return found


def _take_marker(organization_id: int) -> datetime:
    mine = clock.real() + LEASE
    DueWork.objects.update_or_create(organization_id=organization_id, defaults={"due_at": mine})
    return mine


def _leave_marker(organization_id: int, mine: datetime, worked: int) -> None:
    """Nothing is due: come back when something will be, and once more soon for what was committed meanwhile."""
    marker = DueWork.objects.filter(organization_id=organization_id, due_at=mine)
    unclaimed, claimed = dues.outlook(organization_id)
    coming = min(filter(None, (unclaimed, claimed)), default=None)
    if worked:
        # A delivery stored while we looked may not have moved the marker: look once more before it goes.
        coming = min(filter(None, (coming, clock.real() + ECHO)))
    if coming is None:
        marker.delete()
    else:
        marker.update(due_at=max(coming, clock.real() + timedelta(seconds=1)))

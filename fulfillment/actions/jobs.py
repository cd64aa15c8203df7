"""The durable work of delivering: prepare the files, make the links, write the e-mail, and know when it is done."""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fulfillment import backoff, storages, wordings
from fulfillment.actions import emails, links, own_words, stores
from fulfillment.models import Asset, Email, Entitlement, Job
from orders.models import Order
from profiles import bulk, claims, clock
from profiles.actions import audit, settlement
from profiles.actors import Actor, Refusal
from profiles.prepared_queries import PreparedQuery

State = Job.State
LEASE_SECONDS = 90
ATTEMPTS = 12
NO_FILE = "This product has no file yet: add one, and it is delivered by itself."
DEATHS = 3
GIVE_UP = "Working on it stopped the worker three times; a person has to look."
QUIET = "No mail went out: it was imported from a file, and its buyer had it long ago. Resend still mails a link."
NO_ADDRESS = "The order has no usable e-mail address: correct the delivery e-mail."
_OF_ENTITLEMENTS = PreparedQuery(lambda entitlements: Job.objects.filter(entitlement__in=entitlements))

_CLAIM = """
UPDATE fulfillment_job j
   SET attempts = attempts + 1, deaths = deaths + (lease_until IS NOT NULL)::int,
       lease_until = statement_timestamp() + make_interval(secs => %s)
 WHERE id = ANY(ARRAY(SELECT id FROM fulfillment_job
               WHERE state IN ('pending_processing', 'pending_storage') AND due_at <= %s
                 AND (lease_until IS NULL OR lease_until < statement_timestamp())
                 AND (lease_until IS NOT NULL AND deaths >= 1) = %s
               ORDER BY due_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED))
RETURNING id, deaths
"""


class NotAllowed(Refusal):
    """The job's state does not allow this."""


def change(job: Job, state: str, *, at: datetime, error: str = "") -> None:
    """The one way through the transition table, at a moment asked for once a batch; raises NotAllowed.

    The caller saves.
    """
    if state != job.state and state not in Job.TRANSITIONS[State(job.state)]:
        raise NotAllowed(f"A job that is {job.get_state_display().lower()} cannot become {State(state).label.lower()}.")
    if state != job.state:
        # A state that is only kept says since when: a job that is put off again and again is stuck.
        job.changed_at = at
    job.state, job.last_error, job.lease_until = state, error[:2000], None
    job.completed_at = job.changed_at if state == State.COMPLETED else None


FIELDS = ["state", "last_error", "lease_until", "changed_at", "completed_at", "due_at", "attempts", "deaths"]


def settle(entitlements: Sequence[Entitlement]) -> None:
    """Open a job for each entitlement that can be delivered; cancel the open job of each that cannot."""
    if not entitlements:
        return
    known = {job.entitlement_id: job for job in _OF_ENTITLEMENTS([e.pk for e in entitlements])}
    now = clock.now() if known else None
    fresh: list[Job] = []
    changed: list[Job] = []
    for entitlement in entitlements:
        job = known.get(entitlement.pk)
        if job is None:
            # One that was never deliverable still has its job: the story of the order shows why nothing was sent.
            state = State.PENDING_PROCESSING if entitlement.downloadable else State.CANCELLED
            fresh.append(Job(organization_id=entitlement.organization_id, entitlement=entitlement, state=state))
            continue
        assert now is not None
        if entitlement.downloadable and job.state == State.CANCELLED:
            change(job, State.PENDING_PROCESSING, at=now)
            job.attempts, job.deaths, job.due_at = 0, 0, now
            changed.append(job)
        elif not entitlement.downloadable and job.state not in (State.CANCELLED, State.COMPLETED):
            change(job, State.CANCELLED, at=now, error=entitlement.because)
            changed.append(job)
    bulk.insert(Job, fresh)
    bulk.update(Job, changed, FIELDS)


def claim(limit: int) -> list[int]:
    """Take up to `limit` due jobs for 90 s; commit before working. What stopped a worker three times has failed.

    What two workers died of is taken alone, so that one poisonous job takes no others with it.
    """
    now = clock.now()
    rows = claims.take(_CLAIM, [LEASE_SECONDS, now], limit)
    poisonous = list(Job.objects.filter(pk__in=[pk for pk, deaths in rows if deaths >= DEATHS])) if rows else []
    for job in poisonous:
        change(job, State.FAILED, at=now, error=GIVE_UP)
    bulk.update(Job, poisonous, FIELDS)
    return [pk for pk, deaths in rows if deaths < DEATHS]


@dataclass
class Checked:
    """What the store says of each product's current files."""

    assets: dict[int, list[Asset]] = field(default_factory=lambda: defaultdict(list))
    trouble: dict[int, tuple[str, bool]] = field(default_factory=dict)


def files_of(job_ids: Sequence[int]) -> Checked:
    """The current files of these jobs' products, not yet looked at in the store."""
    products = set(Job.objects.filter(pk__in=job_ids).values_list("entitlement__product_id", flat=True))
    checked = Checked()
    for asset in Asset.objects.filter(product__in=products, current=True).order_by("format"):
        checked.assets[asset.product_id].append(asset)
    return checked


def inspect(checked: Checked) -> None:
    """Ask the stores for each of these files, outside of any transaction: none waits for the network."""
    health = stores.Health() if checked.assets else None
    for product_id, assets in checked.assets.items():
        for asset in assets:
            if health and (trouble := _trouble(asset, health)):
                checked.trouble[product_id] = trouble


def _trouble(asset: Asset, health: stores.Health) -> tuple[str, bool] | None:
    """Why this file cannot be delivered now, and whether the store is unreachable rather than the file wrong."""
    verdict = (f"{asset.path} in the file store is not the file that was uploaded.", False)
    for alias in stores.having(asset):
        found = health.inspect(alias, asset.path)
        if isinstance(found, storages.Unreachable):
            verdict = (f"The file store does not answer: {found.reason}", True)
        elif isinstance(found, storages.Missing):
            verdict = (f"{asset.path} is missing in the file store.", False)
        elif found.size != asset.size or (found.checksum and found.checksum != asset.sha256):
            verdict = (f"{asset.path} in the file store is not the file that was uploaded.", False)
        else:
            return None
    return verdict


def deliver(job_ids: Sequence[int], checked: Checked) -> None:
    """Make the links and the e-mails of these claimed jobs, in one transaction with a fixed number of queries."""
    jobs = list(
        Job.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk__in=job_ids, state__in=Job.DUE)
        .select_related(
            "entitlement__product", "entitlement__order__channel", "entitlement__profile", "entitlement__organization"
        )
        .order_by("pk")
    )
    now, unasked = clock.now(), hushed([job.entitlement for job in jobs])
    ready: list[Job] = []
    for job in jobs:
        entitlement = job.entitlement
        trouble = checked.trouble.get(entitlement.product_id)
        if not entitlement.downloadable:
            change(job, State.CANCELLED, at=now, error=entitlement.because)
        elif entitlement.order.quiet if entitlement.order else entitlement.profile_id in unasked:
            change(job, State.COMPLETED, at=now, error=QUIET)
        elif not checked.assets.get(entitlement.product_id):
            change(job, State.FAILED, at=now, error=NO_FILE)
        elif trouble:
            _postpone(job, *trouble, at=now)
        else:
            ready.append(job)
    awaiting_files = {o.pk: o for job in jobs if _awaits_file(job) and (o := job.entitlement.order) is not None}
    mailable = [job for job in ready if emails.address(job.entitlement)]
    for job in ready:
        if job not in mailable:
            change(job, State.FAILED, at=now, error=NO_ADDRESS)
    made = links.make_mailed([job.entitlement for job in mailable])
    with own_words.batch(*wordings.OF_ORDER) as words:
        emails.receipts_without_links(awaiting_files.values(), words)
        emails.deliver([job.entitlement for job in mailable], made, words)
    for job in mailable:
        change(job, State.PENDING_EMAIL, at=now)
    bulk.update(Job, jobs, FIELDS)


def hushed(entitlements: Sequence[Entitlement]) -> set[int]:
    """Customers who earned a reward and are known by imported orders alone: old purchases make no news."""
    earned = {one.profile_id for one in entitlements if one.source == Entitlement.Source.REWARD and not one.order_id}
    if not earned:
        return set()
    orders = Order.objects.filter(profile__in=earned).values_list("profile_id", "quiet").distinct()
    loud = {profile_id for profile_id, quiet in orders if not quiet}
    return {profile_id for profile_id, quiet in orders if quiet and profile_id is not None} - loud


def _awaits_file(job: Job) -> bool:
    """An order's receipt does not wait for a file nobody has uploaded; a store that is down is waited for."""
    return job.state == State.FAILED and job.last_error == NO_FILE and job.entitlement.order is not None


def _postpone(job: Job, error: str, unreachable: bool, *, at: datetime) -> None:
    if job.attempts >= ATTEMPTS and not unreachable:
        change(job, State.FAILED, at=at, error=error)
        return
    change(job, State.PENDING_STORAGE, at=at, error=error)
    job.due_at = at + timedelta(seconds=backoff.seconds(job.attempts, random=random.random))


def postpone(job_id: int, *, error: str) -> None:
    """Something of ours failed on this job: try again later, in the end say so."""
    job = Job.objects.select_for_update(no_key=True).get(pk=job_id)
    _postpone(job, error, False, at=clock.now())
    job.save(update_fields=FIELDS)


def awaiting(email_ids: Iterable[int]) -> list[int]:
    """The entitlements whose jobs wait for one of these messages; each look goes by an index, whatever the backlog."""
    rows = Email.objects.filter(pk__in=list(email_ids), template__in=Email.CARRYING)
    pairs = list(rows.values_list("entitlement_id", "order_id"))
    single = {entitlement for entitlement, _ in pairs if entitlement}
    orders = [order for entitlement, order in pairs if order and not entitlement]
    of_orders = Entitlement.objects.filter(order__in=orders).values_list("pk", flat=True) if orders else ()
    return sorted(single.union(of_orders))


def note(entitlement_ids: Iterable[int], *, error: str) -> None:
    """Say on the jobs that wait for a message what is the matter with it; they go on waiting."""
    waiting = Job.objects.filter(entitlement__in=list(entitlement_ids), state=State.PENDING_EMAIL)
    waiting.update(last_error=error[:2000])


def mailed(entitlement_ids: Iterable[int], *, state: str, error: str = "") -> None:
    """The e-mail of these entitlements was accepted (or kept), or refused for good: their jobs follow."""
    found = list(
        Job.objects.select_for_update(no_key=True).filter(
            entitlement__in=list(entitlement_ids), state=State.PENDING_EMAIL
        )
    )
    accepted, now = state in (Email.State.SENT, Email.State.KEPT), clock.now()
    for job in found:
        change(job, State.COMPLETED if accepted else State.FAILED, at=now, error=error)
    bulk.update(Job, found, FIELDS)


def retry(job: Job, *, by: Actor, because: str) -> Job:
    """Do the job again from the start, now."""
    by.require("retry")
    reason = audit.require_reason(because)
    job = Job.objects.select_for_update(of=("self",), no_key=True).select_related("entitlement").get(pk=job.pk)
    now = clock.now()
    if not job.entitlement.downloadable:
        raise NotAllowed(f"There is nothing to deliver: {job.entitlement.because}.")
    if job.state == State.COMPLETED:
        raise NotAllowed("It is delivered. To mail the link again, use Resend.")
    if job.state != State.PENDING_PROCESSING:
        change(job, State.PENDING_PROCESSING, at=now)
    job.attempts, job.deaths, job.due_at = 0, 0, now
    job.save(update_fields=FIELDS)
    settlement.wake(job.organization_id)
    audit.record(
        "job.retried",
        by=by,
        subject=job,
        because=reason,
        profile_id=job.entitlement.profile_id,
        order_id=job.entitlement.order_id,
    )
    return job


def requeue_for(product_id: int) -> int:
    """A product got its file: the jobs that failed for want of one are due again; returns how many."""
    waiting = list(
        Job.objects.select_for_update(no_key=True).filter(
            entitlement__product=product_id, state=State.FAILED, last_error=NO_FILE
        )
    )
    now = clock.now()
    for job in waiting:
        change(job, State.PENDING_PROCESSING, at=now)
        job.attempts, job.deaths, job.due_at = 0, 0, now
    bulk.update(Job, waiting, FIELDS)
    if waiting:
        settlement.wake(waiting[0].organization_id)
    return len(waiting)

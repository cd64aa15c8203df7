"""What mail services report: stored as it comes, and then each message made to agree with all its reports."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

from fulfillment import tracking
from fulfillment.actions import jobs, reach, routes, suppressions
from fulfillment.models import Email, EmailEcho, EmailEvent, EmailRoute
from fulfillment.providers.tracking import Report, digests
from fulfillment.tracking import Kind, Told
from profiles import bulk, clock, tenancy
from profiles.actions import settlement

log = logging.getLogger(__name__)
State = Email.State

STAFF = "staff"
EARLY_FOR = timedelta(hours=1)
ROUTES_FOR = timedelta(days=180)
# Not accepted as far as we knew; a report proves that a provider took it after all.
IN_DOUBT = (State.UNKNOWN, State.QUEUED)
DERIVED = (
    "taken_at",
    "delivered_at",
    "opened_at",
    "deferred_at",
    "soft_bounced_at",
    "bounced_at",
    "bounce",
    "complained_at",
    "unsubscribed_at",
)

_STRANGERS = """
WITH gone AS (DELETE FROM fulfillment_emailecho WHERE received_at < %s RETURNING provider, key)
INSERT INTO fulfillment_circuit (provider, failures, last_error, rested_by, rested_because, strangers)
SELECT provider, 0, '', '', '', count(DISTINCT key) FROM gone GROUP BY provider
ON CONFLICT (provider) DO UPDATE SET strangers = fulfillment_circuit.strangers + excluded.strangers
"""
_FORGET = """
DELETE FROM fulfillment_emailroute WHERE id IN
  (SELECT id FROM fulfillment_emailroute WHERE created_at < %s ORDER BY created_at LIMIT 20000)
"""


# It is told --------------------------------------------------------------------------------------------------------


def take_in(reports: Sequence[Report]) -> int:
    """Keep each report once with the message it is about; returns how many were new.

    What is about no message known so far is kept without any data of a customer for an hour, because a service may
    be faster than our own commit; what then still has no message is not ours, and is counted.
    """
    names = {report.key: tuple(digests(report)) for report in reports}
    wanted = {one for found in names.values() for one in found}
    known = {
        bytes(route.digest): route for route in EmailRoute.objects.filter(digest__in=wanted, email_id__isnull=False)
    }
    ours: dict[int, list[tuple[int, Report]]] = defaultdict(list)
    early: list[Report] = []
    for report in reports:
        route = next((known[name] for name in names[report.key] if name in known), None)
        if route is not None and route.email_id is not None:
            ours[route.organization_id].append((route.email_id, report))
        else:
            early.append(report)
    new = sum(_store(organization_id, found) for organization_id, found in sorted(ours.items()))
    _keep_early(early)
    return new


def _store(organization_id: int, found: Sequence[tuple[int, Report]]) -> int:
    with tenancy.organization(organization_id):
        there = set(Email.objects.filter(pk__in={pk for pk, _ in found}).values_list("pk", flat=True))
        rows = [
            EmailEvent(
                organization_id=organization_id,
                email_id=pk,
                provider=report.provider,
                kind=report.kind,
                at=report.at,
                key=report.key,
                words=report.words,
            )
            for pk, report in found
            if pk in there
        ]
        new = bulk.insert(EmailEvent, rows, ignore_conflicts=True)
        if new:
            settlement.wake(organization_id)
    return new


def _keep_early(reports: Sequence[Report]) -> None:
    rows = [
        EmailEcho(digest=name, provider=one.provider, kind=one.kind, at=one.at, key=one.key, words=one.words)
        for one in reports
        for name in digests(one)
    ]
    with transaction.atomic():
        bulk.insert(EmailEcho, rows, ignore_conflicts=True)


def sweep(organization_id: int) -> None:
    """Attach what came early, and forget what is too old to be told of: idempotent, for each organization."""
    if routes.attach(organization_id):
        settlement.wake(organization_id)
    with connection.cursor() as cursor:
        cursor.execute(_STRANGERS, [clock.real() - EARLY_FOR])
        cursor.execute(_FORGET, [clock.real() - ROUTES_FOR])


# It is settled -----------------------------------------------------------------------------------------------------


def due(limit: int) -> list[int]:
    """Messages with reports their own row does not agree with yet."""
    rows = EmailEvent.objects.filter(settled_at__isnull=True).order_by("received_at", "pk")
    return sorted(set(rows.values_list("email_id", flat=True)[:limit]))


def settle(email_ids: Sequence[int]) -> None:
    """Make these messages agree with all their reports, and what follows from them; a fixed number of queries."""
    emails = list(
        Email.objects.select_for_update(no_key=True)
        .filter(pk__in=email_ids)
        .defer("text", "html", "secrets")
        .order_by("pk")
    )
    told: dict[int, list[EmailEvent]] = defaultdict(list)
    for event in EmailEvent.objects.filter(email__in=[email.pk for email in emails]).order_by("at", "pk"):
        told[event.email_id].append(event)
    fresh = [event for events in told.values() for event in events if event.settled_at is None]
    changed, proved = [], []
    for email in emails:
        if _agree(email, told[email.pk]):
            changed.append(email)
        if email.taken_at and email.state in IN_DOUBT:
            proved.append(email)
    bulk.update(Email, changed, DERIVED)
    if proved:
        _accept(proved)
    if fresh:
        suppressions.learn([(email, event) for email in emails for event in told[email.pk] if event in fresh])
        EmailEvent.objects.filter(pk__in=[event.pk for event in fresh]).update(settled_at=clock.now())
    concerned = {*changed, *proved}
    reach.request(email.order_id for email in concerned if email.order_id and email.template in Email.CARRYING)


def postpone(email_id: int, *, error: str) -> None:
    """Something of ours failed on this message's reports: they stay on record and are looked at with the next one."""
    EmailEvent.objects.filter(email=email_id, settled_at__isnull=True).update(settled_at=clock.now())


def say(email: Email, kind: Kind, *, provider: str, at: datetime, words: str = "") -> None:
    """A report of somebody who is no mail service, as a person who knows better."""
    EmailEvent.objects.create(
        organization_id=email.organization_id,
        email=email,
        provider=provider,
        kind=kind,
        at=at,
        key=f"{provider}:{email.pk}:{kind}:{at.isoformat()}"[:64],
        words=words[:2000],
    )
    settle([email.pk])
    if email.order_id:
        reach.look([email.order_id])


def _agree(email: Email, events: Iterable[EmailEvent]) -> bool:
    standing = tracking.derive(Told(event.at, event.sort, event.words) for event in events)
    before = [getattr(email, name) for name in DERIVED]
    email.taken_at, email.delivered_at, email.opened_at = standing.taken_at, standing.delivered_at, standing.opened_at
    email.deferred_at, email.soft_bounced_at = standing.deferred_at, standing.soft_bounced_at
    email.bounced_at, email.bounce = standing.lost_at, standing.lost_because
    email.complained_at, email.unsubscribed_at = standing.complained_at, standing.unsubscribed_at
    return before != [getattr(email, name) for name in DERIVED]


def _accept(emails: Sequence[Email]) -> None:
    """A provider has these messages: no further copy goes out, the secrets go, and their jobs are done."""
    ids = [email.pk for email in emails]
    Email.objects.filter(pk__in=ids).update(
        state=State.SENT, done_at=clock.now(), lease_until=None, last_error="", secrets=""
    )
    jobs.mailed(jobs.awaiting(ids), state=State.SENT)

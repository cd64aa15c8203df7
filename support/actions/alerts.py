"""Alerts: opened while a trouble lasts, told once to each place, acknowledged by people, resolved when it is gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection

from fulfillment import backoff
from profiles import bulk, clock, identifiers
from profiles.actions import audit, settlement
from profiles.actors import Actor, Refusal
from profiles.models import Organization
from support import alarms
from support.actions import incidents
from support.alarms import Trouble
from support.models import Alert, AlertNotice
from support.queries import troubles

LEASE_SECONDS = 60
TRIES = 8
LOCK_SPACE = 0xA1E7
State, Way = AlertNotice.State, AlertNotice.Way

_CLAIM = """
UPDATE support_alertnotice
   SET state = 'claimed', attempts = attempts + 1, lease_until = statement_timestamp() + make_interval(secs => %s)
 WHERE id = ANY(ARRAY(SELECT id FROM support_alertnotice
               WHERE (state = 'queued' AND due_at <= %s)
                  OR (state = 'claimed' AND lease_until < statement_timestamp())
               ORDER BY due_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED))
RETURNING id
"""


class AlreadySeenTo(Refusal):
    title = "Already acknowledged"


@dataclass(frozen=True, slots=True)
class Change:
    """What one look altered."""

    opened: int = 0
    graver: int = 0
    resolved: int = 0


def settle(organization_id: int) -> Change:
    """Make the open alerts agree with what is wrong now: open, update, resolve; tell what is new or graver.

    Two looks at once take turns, so that one trouble is told once.
    """
    take_turn(organization_id)
    organization = Organization.objects.get(pk=organization_id)
    now, policy = clock.now(), alarms.read(organization.policies.get("alerts", {}))
    wrong = {trouble.key: trouble for trouble in troubles.found(policy, now)}
    standing = {alert.key: alert for alert in Alert.objects.filter(resolved_at__isnull=True)}
    fresh = [_opened(trouble, organization_id) for key, trouble in wrong.items() if key not in standing]
    for alert in fresh:
        alert.opened_at = alert.seen_at = now
        alert.since = wrong[alert.key].oldest or now
    graver, kept = [], []
    for key, alert in standing.items():
        if key not in wrong:
            continue
        if wrong[key].severity == alarms.CRITICAL != alert.severity:
            # What was seen to as a warning is news again when it becomes critical.
            alert.acknowledged_at, alert.acknowledged_by, alert.acknowledged_because = None, "", ""
            graver.append(alert)
        _update(alert, wrong[key])
        alert.seen_at = now
        kept.append(alert)
    gone = [alert for key, alert in standing.items() if key not in wrong]
    for alert in gone:
        alert.resolved_at = now
    bulk.insert(Alert, fresh)
    bulk.update(Alert, kept, _FIELDS)
    bulk.update(Alert, gone, ["resolved_at"])
    incidents.follow([alert for alert in (*fresh, *graver) if alert.severity == alarms.CRITICAL], gone)
    tell([*fresh, *graver], organization)
    return Change(len(fresh), len(graver), len(gone))


def take_turn(organization_id: int) -> None:
    """Wait until no other look at this organization is under way."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_SPACE, organization_id % 2**31])


_FIELDS = [
    "title", "sentence", "severity", "count", "seen_at", "acknowledged_at", "acknowledged_by", "acknowledged_because",
]  # fmt: skip


def _opened(trouble: Trouble, organization_id: int) -> Alert:
    alert = Alert(organization_id=organization_id, key=trouble.key, model=trouble.model, query=trouble.query)
    _update(alert, trouble)
    return alert


def _update(alert: Alert, trouble: Trouble) -> None:
    alert.title, alert.sentence = trouble.title, trouble.sentence[:500]
    alert.severity, alert.count = trouble.severity, trouble.count


def tell(alerts: Sequence[Alert], organization: Organization) -> int:
    """Queue a notice of each alert for every place it is told to; returns how many."""
    policy = alarms.read(organization.policies.get("alerts", {}))
    wanted = policy.mail_to or (organization.support_email,)
    places = [(Way.EMAIL, to) for to in wanted if identifiers.mailable(to)]
    if settings.SLACK_WEBHOOK_URL:
        places.append((Way.SLACK, ""))
    rows = [
        AlertNotice(
            organization_id=organization.pk, alert=alert, way=way, to=to, said=f"{alert.title}: {alert.sentence}"
        )
        for alert in alerts
        for way, to in places
    ]
    bulk.insert(AlertNotice, rows)
    if rows:
        settlement.wake(organization.pk)
    return len(rows)


def acknowledge(alert: Alert, *, by: Actor, because: str) -> Alert:
    """Say that somebody sees to it: it is not told again, and stays open until its cause is gone."""
    by.require("acknowledge")
    reason = audit.require_reason(because)
    alert = Alert.objects.select_for_update(no_key=True).get(pk=alert.pk)
    if alert.acknowledged_at:
        raise AlreadySeenTo(f"Already acknowledged by {alert.acknowledged_by}.")
    alert.acknowledged_at, alert.acknowledged_by, alert.acknowledged_because = clock.now(), by.label, reason
    alert.save(update_fields=["acknowledged_at", "acknowledged_by", "acknowledged_because"])
    audit.record("alert.acknowledged", by=by, subject=alert, because=reason, details={"alert": alert.key})
    return alert


# Telling ---------------------------------------------------------------------------------------------------------


def claim(limit: int) -> list[int]:
    """Take up to `limit` due notices; commit before sending."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [LEASE_SECONDS, clock.now(), limit])
        return [row[0] for row in cursor.fetchall()]


def conclude(notice: AlertNotice, *, error: str = "", wait: int | None = None, kept: bool = False) -> None:
    """Write what came of a try: sent, kept where there is nowhere to send, or again later up to eight times."""
    notice.lease_until, notice.last_error = None, error[:500]
    if kept or not error:
        notice.state, notice.done_at = (State.KEPT if kept else State.SENT), clock.now()
    elif notice.attempts >= TRIES:
        notice.state, notice.done_at = State.FAILED, clock.now()
    else:
        pause = backoff.seconds(notice.attempts, random=lambda: 0.5, pace=backoff.MAIL, at_least=wait or 0)
        notice.state, notice.due_at = State.QUEUED, clock.now() + timedelta(seconds=pause)
    notice.save(update_fields=["lease_until", "last_error", "state", "done_at", "due_at"])

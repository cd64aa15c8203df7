"""Incidents: opened by a grave alert or by a person, told step by step, closed with what was learnt."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from fulfillment import notices
from profiles import clock
from profiles.actions import audit, policies
from profiles.actors import Actor, Invalid, Refusal
from profiles.models import Organization
from support.models import Alert, Incident, IncidentEntry

Kind = Incident.Kind
SYSTEM = Actor.system("alerts")
OF_ALERT = {
    "mail.outage": Kind.EMAIL,
    "storage.outage": Kind.STORAGE,
    "storage.away": Kind.STORAGE,
    "settlement.dead": Kind.DATA,
}


class AlreadyOpen(Refusal):
    title = "Already open"


class AlreadyClosed(Refusal):
    title = "Already closed"


def follow(opened: Sequence[Alert], gone: Iterable[Alert]) -> None:
    """Open an incident for each grave alert that has a runbook, and say in it when the alert's cause is gone.

    One that no person has touched closes by itself with its cause.
    """
    standing = {incident.kind: incident for incident in Incident.objects.filter(closed_at__isnull=True)}
    for alert in opened:
        kind = OF_ALERT.get(alert.key)
        if kind is None:
            continue
        if kind in standing:
            _write(standing[kind], f"{alert.title}: {alert.sentence}", SYSTEM)
            continue
        row = _open(alert.organization_id, kind, alert=alert, by=SYSTEM, because=f"{alert.title}: {alert.sentence}")
        standing[kind] = row
    for alert in gone:
        row_or_none = standing.get(OF_ALERT.get(alert.key, Kind.DATA)) if alert.key in OF_ALERT else None
        if row_or_none is None:
            continue
        _write(row_or_none, f"The cause is gone: {alert.title.lower()} no more.", SYSTEM)
        if not row_or_none.entries.filter(by_person=True).exists() and row_or_none.alert_id:
            _close(row_or_none, by=SYSTEM, learnt="Over by itself; nobody had to act.")


def begin(organization: Organization, kind: str, *, by: Actor, because: str) -> Incident:
    """A person opens an incident. Raises AlreadyOpen."""
    by.require("manage_incidents")
    reason = audit.require_reason(because)
    if kind not in Kind.values:
        raise Invalid("There is no such kind of incident.")
    if Incident.objects.select_for_update(no_key=True).filter(kind=kind, closed_at__isnull=True).exists():
        raise AlreadyOpen("An incident of this kind is open: go on there.")
    row = _open(organization.pk, kind, alert=None, by=by, because=reason)
    audit.record("incident.opened", by=by, subject=row, because=reason, details={"kind": kind})
    return row


def note(incident: Incident, words: str, *, by: Actor) -> IncidentEntry:
    """Write one line into the time-line."""
    by.require("manage_incidents")
    text = audit.require_reason(words)
    row = _locked(incident)
    entry = _write(row, text, by)
    audit.record("incident.noted", by=by, subject=row, because=text)
    return entry


def post(incident: Incident, words: str, *, until: datetime, by: Actor, because: str) -> None:
    """Show customers a sentence on their pages until then. Inverse: `withdraw`."""
    by.require("manage_incidents")
    row = _locked(incident)
    try:
        values = notices.write(words, until=until, now=clock.now())
    except ValueError as error:
        raise Invalid(str(error)) from error
    policies.keep(Organization.objects.get(pk=row.organization_id), notices.POLICY, values, by=by, because=because)
    _write(row, f"Customers read: “{values['text']}”", by)


def withdraw(incident: Incident, *, by: Actor, because: str) -> None:
    """Take the sentence off the customers' pages."""
    by.require("manage_incidents")
    row = _locked(incident)
    organization = Organization.objects.get(pk=row.organization_id)
    if not organization.policies.get(notices.POLICY):
        raise Invalid("Nothing is posted.")
    policies.keep(organization, notices.POLICY, {}, by=by, because=because)
    _write(row, "The sentence on the customers' pages was taken off.", by)


def close(incident: Incident, *, learnt: str, by: Actor, because: str) -> Incident:
    """Say what was learnt and close it; what customers read about it goes with it. Inverse: open another."""
    by.require("manage_incidents")
    reason = audit.require_reason(because)
    row = _locked(incident)
    organization = Organization.objects.get(pk=row.organization_id)
    if organization.policies.get(notices.POLICY):
        policies.keep(organization, notices.POLICY, {}, by=by, because=reason)
    _close(row, by=by, learnt=learnt.strip())
    audit.record("incident.closed", by=by, subject=row, because=reason)
    return row


def _open(organization_id: int, kind: str, *, alert: Alert | None, by: Actor, because: str) -> Incident:
    return Incident.objects.create(
        organization_id=organization_id,
        kind=kind,
        alert=alert,
        opened_at=clock.now(),
        opened_by=by.label,
        because=because,
    )


def _locked(incident: Incident) -> Incident:
    row = Incident.objects.select_for_update(no_key=True).get(pk=incident.pk)
    if row.closed_at:
        raise AlreadyClosed(f"Closed by {row.closed_by}: open another if it is back.")
    return row


def _write(incident: Incident, words: str, by: Actor) -> IncidentEntry:
    return IncidentEntry.objects.create(
        organization_id=incident.organization_id,
        incident=incident,
        at=clock.now(),
        by=by.label,
        by_person=by.is_person,
        words=words,
    )


def _close(incident: Incident, *, by: Actor, learnt: str) -> None:
    incident.closed_at, incident.closed_by, incident.learnt = clock.now(), by.label, learnt
    incident.save(update_fields=["closed_at", "closed_by", "learnt"])

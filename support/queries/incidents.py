"""The time-line of an incident: what was written, what was pressed meanwhile, and what the alerts said."""

from dataclasses import dataclass
from datetime import datetime

from profiles import clock
from profiles.models import AuditEntry
from support.models import Incident, IncidentEntry

# Acts of a runbook, as an incident tells them; those that write their own line are not repeated.
ACTS = {
    "mail_provider.rested": "Mail provider left alone",
    "mail_provider.used_again": "Mail provider used again",
    "mail_provider.tested": "Test mail sent",
    "drill.run": "Drill",
    "storage.switched": "File store switched",
    "assets.verified": "Files checked",
    "links.renewed": "Links made anew",
    "job.retried": "Delivery tried again",
    "incident.recounted": "Customers recounted",
    "incident.settled_again": "Orders settled again",
    "incident.revived": "Set-aside changes taken up",
}
AT_MOST = 300


@dataclass(frozen=True, slots=True)
class Told:
    """One line: when, who, what, and why where a person gave a reason."""

    at: datetime
    by: str
    words: str
    because: str = ""


def timeline(incident: Incident) -> list[Told]:
    """Newest first, with two queries."""
    entries = IncidentEntry.objects.filter(incident=incident).order_by("-at", "-id")[:AT_MOST]
    until = incident.closed_at or clock.now()
    acts = AuditEntry.objects.filter(action__in=list(ACTS), at__gte=incident.opened_at, at__lte=until)
    told = [Told(entry.at, entry.by, entry.words) for entry in entries]
    told += [Told(act.at, act.actor_label, _words(act), act.reason) for act in acts.order_by("-at", "-id")[:AT_MOST]]
    return sorted(told, key=lambda one: one.at, reverse=True)


def _words(act: AuditEntry) -> str:
    figures = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in sorted(act.details.items()))
    return f"{ACTS[act.action]}: {figures}" if figures else ACTS[act.action]

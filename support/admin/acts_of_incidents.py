"""Dialogs of an incident: open one, write into it, tell customers, recount and settle again, close it."""

from datetime import timedelta
from itertools import islice
from typing import Any

from django import forms
from django.http import HttpRequest

from fulfillment import notices
from orders.models import Order
from profiles import clock
from profiles.actions import audit, settlement
from profiles.models import Organization, Profile, SettlementRequest
from support.actions import incidents
from support.admin.dialogs import Ask, Dialog, Done, Press, registered, url_of
from support.models import Incident
from support.queries import recounts

BATCHES = 20
"""More customers than a page can wait for are recounted by `manage.py verify_profiles`."""


class AboutIncident(Dialog):
    """What the dialogs of one incident have in common."""

    permission, model, related = "manage_incidents", Incident, ("organization",)

    def cannot(self, subject: Incident) -> str:
        return f"Closed by {subject.closed_by}." if subject.closed_at else ""


class AskKind(Ask):
    kind = forms.ChoiceField(label="What is it?", choices=Incident.Kind.choices)


@registered
class OpenIncident(Dialog):
    name, permission, model = "open_incident", "manage_incidents", Organization
    title, button = "Open an incident", "Open an incident"
    form = AskKind
    inverse = "Close it."

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        return [
            "1 incident with its runbook and time-line opens for the desk.",
            "No customer is told anything.",
        ]

    def do(self, subject: Organization, press: Press) -> Done:
        row = incidents.begin(subject, press.data["kind"], by=press.by, because=press.because)
        return Done(f"{row.get_kind_display()} opened.", url=url_of("support_incident_change", row.pk))


@registered
class NoteIncident(AboutIncident):
    name, title, button = "note_incident", "Write into the time-line", "Write a line"
    inverse = "Not possible: write another line."

    def will(self, subject: Incident, request: HttpRequest) -> list[str]:
        return ["1 line with your name and the time; what you write as the reason is the line."]

    def do(self, subject: Incident, press: Press) -> Done:
        incidents.note(subject, press.because, by=press.by)
        return Done("1 line written.")


class AskStatus(Ask):
    words = forms.CharField(
        label="What customers read",
        max_length=notices.LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}),
        initial="Our mail is slow today. Nothing of your order is lost; your links arrive as soon as it is back.",
    )
    hours = forms.IntegerField(label="For how many hours at most", min_value=1, max_value=168, initial=12)


@registered
class PostStatus(AboutIncident):
    name, title, button = "post_status", "Tell customers", "Post status"
    form = AskStatus
    inverse = "Take it off; it goes by itself when the incident is closed or the hours are over."

    def will(self, subject: Incident, request: HttpRequest) -> list[str]:
        return ["Every page that a customer opens begins with this sentence.", "No e-mail is sent."]

    def do(self, subject: Incident, press: Press) -> Done:
        until = clock.now() + timedelta(hours=press.data["hours"])
        incidents.post(subject, press.data["words"], until=until, by=press.by, because=press.because)
        return Done(f"Posted until {until:%-d %b %Y, %H:%M} UTC at the latest.")


@registered
class WithdrawStatus(AboutIncident):
    name, title, button = "withdraw_status", "Take the sentence off", "Take it off"
    inverse = "Post it again."

    def cannot(self, subject: Incident) -> str:
        posted = subject.organization.policies.get(notices.POLICY)
        return super().cannot(subject) or ("" if posted else "Nothing is posted.")

    def will(self, subject: Incident, request: HttpRequest) -> list[str]:
        return ["Customers' pages are as always again."]

    def do(self, subject: Incident, press: Press) -> Done:
        incidents.withdraw(subject, by=press.by, because=press.because)
        return Done("Taken off.")


class AskLearnt(Ask):
    learnt = forms.CharField(
        label="What was learnt", max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )


@registered
class CloseIncident(AboutIncident):
    name, title, button = "close_incident", "Close the incident", "Close"
    form = AskLearnt
    inverse = "Open another one; this one stays as it was."

    def about(self, subject: Incident) -> str:
        return str(subject)

    def will(self, subject: Incident, request: HttpRequest) -> list[str]:
        posted = subject.organization.policies.get(notices.POLICY)
        return ["1 incident is over."] + (["What customers read about it is taken off."] if posted else [])

    def do(self, subject: Incident, press: Press) -> Done:
        incidents.close(subject, learnt=press.data["learnt"], by=press.by, because=press.because)
        return Done("Closed.")


# The steps of the data runbook -------------------------------------------------------------------------------------


def _record(action: str, subject: Organization, press: Press, details: dict[str, int]) -> None:
    reason = audit.require_reason(press.because)
    audit.record(action, by=press.by, subject=subject, organization_id=subject.pk, because=reason, details=details)


@registered
class Recount(Dialog):
    name, permission, model = "recount", "manage_incidents", Organization
    title, button = "Recount every customer", "Recount"
    inverse = "Not needed: nothing is changed."

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        count = min(Profile.objects.count(), BATCHES * recounts.BATCH)
        return [f"The figures of {count} customers are counted from the facts and compared.", "Nothing is changed."]

    def do(self, subject: Organization, press: Press) -> Done:
        checked, differing = 0, 0
        for ids in islice(recounts.batches(), BATCHES):
            checked, differing = checked + len(ids), differing + len(recounts.differences(ids))
        found = {"customers": checked, "differ": differing}
        _record("incident.recounted", subject, press, found)
        if not differing:
            return Done(f"{checked} customers recounted: every figure agrees with the facts.")
        return Done(f"{differing} figures of {checked} customers differ from the facts: settle again puts them right.")


class AskDays(Ask):
    days = forms.IntegerField(label="Orders of the last days", min_value=1, max_value=366, initial=7)


@registered
class SettleAgain(Dialog):
    name, permission, model = "settle_again", "manage_incidents", Organization
    title, button = "Settle again", "Settle again"
    form = AskDays
    inverse = "Not needed: settling changes nothing that agrees already, and sends no mail twice."

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        return ["Each order of these days is settled once more by the workers."]

    def do(self, subject: Organization, press: Press) -> Done:
        since = clock.now() - timedelta(days=press.data["days"])
        ids = list(Order.objects.filter(placed_at__gte=since).values_list("pk", flat=True))
        settlement.request(subject.pk, orders=ids)
        _record("incident.settled_again", subject, press, {"orders": len(ids)})
        return Done(f"{len(ids)} orders are being settled again.")


@registered
class ReviveSettlements(Dialog):
    name, permission, model = "revive_settlements", "manage_incidents", Organization
    title, button = "Take up what was set aside", "Take up again"
    inverse = "Not needed: what fails again is set aside again."

    @staticmethod
    def _dead() -> Any:
        return SettlementRequest.objects.filter(state=SettlementRequest.State.DEAD)

    def cannot(self, subject: Organization) -> str:
        return "" if self._dead().exists() else "Nothing was set aside."

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        return [f"{self._dead().count()} changes are tried once more."]

    def do(self, subject: Organization, press: Press) -> Done:
        count = settlement.revive(subject.pk)
        _record("incident.revived", subject, press, {"changes": count})
        return Done(f"{count} changes are being worked again.")

"""Dialogs about alerts: somebody sees to one, and when the organization is told of what."""

from typing import Any

from django import forms
from django.http import HttpRequest

from profiles import identifiers
from profiles.actions import policies
from profiles.actors import Invalid
from profiles.models import Organization
from support import alarms
from support.actions import alerts
from support.admin.dialogs import Ask, Dialog, Done, Press, registered
from support.models import Alert


@registered
class AcknowledgeTrouble(Dialog):
    name, permission, model = "acknowledge_alert", "acknowledge", Alert
    title, button = "I see to it", "I see to it"
    inverse = "Not needed: it closes by itself when the cause is gone, and is told again if it becomes critical."

    def about(self, subject: Alert) -> str:
        return subject.sentence

    def cannot(self, subject: Alert) -> str:
        if subject.resolved_at:
            return "It is over."
        return f"Already acknowledged by {subject.acknowledged_by}." if subject.acknowledged_at else ""

    def will(self, subject: Alert, request: HttpRequest) -> list[str]:
        return [
            "1 alert carries your name, so that nobody else starts on it.",
            "It stays open until its cause is gone.",
        ]

    def do(self, subject: Alert, press: Press) -> Done:
        alerts.acknowledge(subject, by=press.by, because=press.because)
        return Done("1 alert acknowledged. It closes by itself when the cause is gone.")


class AskThresholds(Ask):
    mail_to = forms.CharField(
        label="Write to",
        required=False,
        help_text="Addresses, commas between. Empty: the organization's support address.",
    )
    stuck_minutes = forms.IntegerField(label="A job is stuck after (minutes)", min_value=1, max_value=1440)
    failures_an_hour = forms.IntegerField(label="Failures in an hour that are usual", min_value=1, max_value=10_000)
    ungranted_minutes = forms.IntegerField(label="Paid without access after (minutes)", min_value=1, max_value=1440)
    bounce_permille = forms.IntegerField(
        label="Mail that comes back (of a thousand)", min_value=1, max_value=1000, help_text="10 are one percent."
    )
    bounces_at_least = forms.IntegerField(label="and at least so many a day", min_value=1, max_value=10_000)

    def clean_mail_to(self) -> list[str]:
        given = [one.strip() for one in self.cleaned_data["mail_to"].split(",") if one.strip()]
        for one in given:
            if not identifiers.mailable(one):
                raise forms.ValidationError(f"{one} is not one usable e-mail address.")
        return given


@registered
class ChangeThresholds(Dialog):
    name, permission, model = "alert_thresholds", "manage_policies", Organization
    title, button = "When to tell us, and whom", "Alert settings"
    form = AskThresholds
    inverse = "Change them back: what stood before is in the audit log."

    def about(self, subject: Organization) -> str:
        return subject.name

    def prepare(self, form: Any, subject: Organization, request: HttpRequest) -> None:
        if form.is_bound:
            return
        policy = alarms.read(subject.policies.get("alerts", {}))
        form.initial.update(
            {name: getattr(policy, name) for name in AskThresholds.base_fields if hasattr(policy, name)},
            mail_to=", ".join(policy.mail_to),
        )

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        return ["Alerts open and close by these figures from the next minute on.", "Slack is set for the installation."]

    def do(self, subject: Organization, press: Press) -> Done:
        names = [name for name in AskThresholds.base_fields if hasattr(alarms.USUAL, name)]
        values = {name: press.data[name] for name in names}
        usual = {name: list(kept) if isinstance(kept := getattr(alarms.USUAL, name), tuple) else kept for name in names}
        differing = {name: value for name, value in values.items() if value != usual[name]}
        if not policies.change(subject, "alerts", differing, by=press.by, because=press.because):
            raise Invalid("Nothing would change.")
        return Done(f"Kept: {len(differing)} of {len(names)} settings differ from the usual.")

"""Dialogs about a store's alerts: seen to, and not after all."""

from django.http import HttpRequest

from attribution.actions import store_alerts
from attribution.models import StoreAlert
from support.admin.dialogs import Dialog, Done, Press, registered


class AboutAlert(Dialog):
    """What both have in common."""

    permission = "acknowledge"
    model, related = StoreAlert, ("order__profile", "organization")

    def about(self, subject: StoreAlert) -> str:
        return f"At {subject.store}: {subject.because}"


@registered
class Acknowledge(AboutAlert):
    name, title, button = "acknowledge", "Acknowledge the alert", "Acknowledge"
    inverse = "Open again."

    def cannot(self, subject: StoreAlert) -> str:
        return f"Already acknowledged by {subject.acknowledged_by}." if subject.acknowledged_at else ""

    def will(self, subject: StoreAlert, request: HttpRequest) -> list[str]:
        return ["1 alert leaves the open ones; it stays on the customer's page with your name and reason."]

    def do(self, subject: StoreAlert, press: Press) -> Done:
        store_alerts.acknowledge(subject, by=press.by, because=press.because)
        return Done("1 alert acknowledged.")


@registered
class Reopen(AboutAlert):
    name, title, button = "reopen_alert", "Open the alert again", "Open again"
    inverse = "Acknowledge it again."

    def cannot(self, subject: StoreAlert) -> str:
        return "" if subject.acknowledged_at else "Nobody acknowledged it yet."

    def will(self, subject: StoreAlert, request: HttpRequest) -> list[str]:
        return [
            "1 alert stands among the open ones again,",
            "unless the customer bought the product meanwhile or wants it less than the facts said then.",
        ]

    def do(self, subject: StoreAlert, press: Press) -> Done:
        store_alerts.reopen(subject, by=press.by, because=press.because)
        return Done("1 alert is open again.")

"""Dialogs of the second person: yes, no; and of the first: never mind. And the limits above which they meet."""

from typing import Any

from django import forms
from django.http import HttpRequest

from profiles.actors import Actor, Invalid
from profiles.models import Organization
from support import limits
from support.actions import approvals
from support.admin.base import address_of
from support.admin.dialogs import DIALOGS, Ask, Dialog, Done, Press, registered
from support.models import Approval


class OfApproval(Dialog):
    model, related, permission = Approval, ("order",), "view"

    def about(self, subject: Approval) -> str:
        return subject.title

    def cannot(self, subject: Approval) -> str:
        if subject.state == Approval.State.WAITING:
            return ""
        return f"It was {subject.get_state_display().lower()} by {subject.decided_by} before."


@registered
class Approve(OfApproval):
    name, title, button = "approve", "Approve it", "Approve"
    inverse = "By the act's own inverse: a merge is undone, money that went back is not."

    def will(self, subject: Approval, request: HttpRequest) -> list[str]:
        return [*subject.will, f"{subject.asked_by} asked for it: {subject.because}", "It is done now, once."]

    def do(self, subject: Approval, press: Press) -> Done:
        row = approvals.approve(subject, by=press.by, because=press.because, also={Approval.Kind.BULK: _bulk})
        return Done(f"Approved. {row.result}", url=address_of(row, row.pk))


@registered
class Decline(OfApproval):
    name, title, button, danger = "decline", "Decline it", "Decline", True
    inverse = "It can be asked for again."

    def will(self, subject: Approval, request: HttpRequest) -> list[str]:
        return ["Nothing of it is done.", f"{subject.asked_by} reads your reason."]

    def do(self, subject: Approval, press: Press) -> Done:
        row = approvals.decline(subject, by=press.by, because=press.because)
        return Done("Declined. Nothing was done.", url=address_of(row, row.pk))


@registered
class Withdraw(OfApproval):
    name, title, button = "withdraw", "Take it back", "Take back"
    inverse = "Ask for it again."

    def will(self, subject: Approval, request: HttpRequest) -> list[str]:
        return ["Nothing of it is done, and nobody is asked any more."]

    def do(self, subject: Approval, press: Press) -> Done:
        row = approvals.withdraw(subject, by=press.by, because=press.because)
        return Done("Taken back. Nothing was done.", url=address_of(row, row.pk))


def _bulk(row: Approval, by: Actor, because: str) -> str:
    """Do a dialog's act on the rows that were chosen when it was asked for."""
    dialog = DIALOGS.get(row.arguments["dialog"])
    if dialog is None:
        raise Invalid("This desk knows no such act any more.")
    by.require(dialog.permission)
    press = Press(by=by, because=because, key=by.act.hex, data=row.arguments)
    return dialog.do(Organization.objects.get(), press).said


class AskLimits(Ask):
    refund = forms.CharField(label="Refunds above", required=False, max_length=20, help_text="Empty: never.")
    bulk = forms.IntegerField(
        label="Acts on more rows than",
        required=False,
        min_value=0,
        max_value=limits.LARGEST_BULK,
        help_text="Empty: never.",
    )
    merge = forms.BooleanField(label="Merging two customers who both paid", required=False)
    email_change = forms.BooleanField(label="Changing the address a customer signs in with", required=False)


@registered
class ChangeLimits(Dialog):
    name, permission, model = "change_limits", "manage_policies", Organization
    title, button = "Change the approval limits", "Change limits"
    form = AskLimits
    inverse = "Change them back."

    def about(self, subject: Organization) -> str:
        return subject.name

    def prepare(self, form: AskLimits, subject: Organization, request: HttpRequest) -> None:
        form.fields["refund"].help_text = f"In {subject.currency}, of one order. Empty: never. Usually 500."
        if not form.is_bound:
            now = approvals.limits_of(subject)
            form.initial["refund"] = "" if now.refund is None else str(now.refund)
            form.initial.update(bulk=now.bulk, merge=now.merge, email_change=now.email_change)

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        return ["Above these a second person confirms, from the next act on.", "Nobody confirms their own."]

    def do(self, subject: Organization, press: Press) -> Done:
        given: dict[str, Any] = {name: press.data[name] for name in ("bulk", "merge", "email_change")}
        try:
            wanted = limits.read({**given, "refund": press.data["refund"].strip() or None})
        except ValueError as error:
            raise Invalid(str(error)) from error
        changed = approvals.change_limits(subject, wanted, by=press.by, because=press.because)
        return Done("The limits are changed." if changed else "They stood so already.", url=address_of(Organization))

"""Dialogs that run a drill: the first mail provider or file store is taken away for one trial of ours."""

from django import forms
from django.http import HttpRequest

from profiles import identifiers
from profiles.actions import audit
from profiles.models import Organization
from support.actions import drills
from support.actions.drills import Drilled
from support.admin.dialogs import Ask, Dialog, Done, Press, registered


def _said(done: Drilled) -> Done:
    if done.ok:
        return Done(f"Drill passed: without {done.without}, {done.took_over} took over in {done.seconds} s.")
    return Done(f"Drill FAILED: without {done.without} nobody took over within {done.within:g} s. {done.told}.")


class AskAddress(Ask):
    to = forms.CharField(label="Trial mail goes to", max_length=320, help_text="An address of your own.")

    def clean_to(self) -> str:
        usable = identifiers.mailable(self.cleaned_data["to"])
        if not usable:
            raise forms.ValidationError("That is not one usable e-mail address.")
        return usable


@registered
class DrillEmail(Dialog):
    name, permission, model = "drill_email", "connect", Organization
    title, button = "Mail without the first provider", "Run the drill"
    form = AskAddress
    inverse = "Not needed: nothing is switched, for this one mail alone the first provider counts as away."

    def prepare(self, form: AskAddress, subject: Organization, request: HttpRequest) -> None:
        if not form.is_bound:
            form.initial["to"] = subject.support_email or getattr(request.user, "email", "")

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        return [
            "1 trial mail goes to this address by the next provider.",
            "No customer's mail is touched.",
        ]

    def do(self, subject: Organization, press: Press) -> Done:
        audit.require_reason(press.because)
        return _said(drills.email(subject.pk, to=press.data["to"], by=press.by))


@registered
class DrillStorage(Dialog):
    name, permission, model = "drill_storage", "connect", Organization
    title, button = "Files without the first store", "Run the drill"
    inverse = "Not needed: nothing is switched, for this one read alone the first store counts as away."

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        return ["1 file of nobody's customer is stored in both stores and read from the second.", "Downloads go on."]

    def do(self, subject: Organization, press: Press) -> Done:
        audit.require_reason(press.because)
        return _said(drills.storage(subject.pk, by=press.by))

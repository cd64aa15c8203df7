"""Dialogs about one item of a checklist: it is dealt with in this period, or it is not after all."""

from typing import Any

from django import forms
from django.http import HttpRequest

from profiles.models import Organization
from support import checklists
from support.actions import checklists as ticks
from support.admin.dialogs import Ask, Dialog, Done, Press, registered


class AskItem(Ask):
    item = forms.ChoiceField(widget=forms.HiddenInput, choices=[(item.code, item.title) for item in checklists.ITEMS])


class OfItem(Dialog):
    permission, model = "check_off", Organization
    form = AskItem

    def item(self, request: HttpRequest) -> checklists.Item | None:
        return checklists.BY_CODE.get(request.POST.get("item") or request.GET.get("item", ""))

    def about(self, subject: Organization) -> str:
        return ""

    def prepare(self, form: Any, subject: Organization, request: HttpRequest) -> None:
        if not form.is_bound:
            form.initial["item"] = request.GET.get("item", "")


@registered
class Tick(OfItem):
    name, title, button = "tick", "Tick it off", "Tick off"
    inverse = "Take the tick back."

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        item = self.item(request)
        if item is None:
            return []
        return [f"“{item.title}” is dealt with for this period, by you.", "Its state goes on being read from the rows."]

    def do(self, subject: Organization, press: Press) -> Done:
        ticks.tick(press.data["item"], subject, by=press.by, because=press.because)
        return Done("1 item ticked off.")


@registered
class Untick(OfItem):
    name, title, button = "untick", "Take the tick back", "Take back"
    inverse = "Tick it off again."

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        item = self.item(request)
        return [f"“{item.title}” is open again for this period."] if item else []

    def do(self, subject: Organization, press: Press) -> Done:
        ticks.take_back(press.data["item"], subject, by=press.by, because=press.because)
        return Done("1 item is open again.")

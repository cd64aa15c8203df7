"""Dialogs about likely same people: saying that they are not, and taking that back."""

from django import forms
from django.http import HttpRequest

from profiles.actions import suggestions
from profiles.models import Suggestion
from support.admin.base import address_of
from support.admin.dialogs import Ask, Dialog, Done, Press, registered
from support.queries import alike


class AskDifferent(Ask):
    separate = forms.BooleanField(
        label="Do not link them, ever",
        required=False,
        help_text="Then no rule merges them either, whatever they share later. A person still can.",
    )


@registered
class DifferentPeople(Dialog):
    name, permission, model, related = "dismiss_suggestion", "merge", Suggestion, ("low", "high")
    title, button = "Different people", "Different people…"
    form = AskDifferent
    inverse = "Look again puts the pair back; it also comes back by itself when the evidence grows."

    def about(self, subject: Suggestion) -> str:
        return f"Customers {subject.low_id} and {subject.high_id}"

    def cannot(self, subject: Suggestion) -> str:
        return "" if subject.state == subject.State.OPEN else f"Already decided by {subject.decided_by}."

    def will(self, subject: Suggestion, request: HttpRequest) -> list[str]:
        return ["1 pair leaves “Likely the same”; no customer, order or total changes."]

    def do(self, subject: Suggestion, press: Press) -> Done:
        separate = bool(press.data["separate"])
        row = suggestions.dismiss(subject, by=press.by, because=press.because, separate=separate)
        following = alike.after(row)
        said = "1 pair parted, and never linked by a rule." if separate else "1 pair parted."
        return Done(said, url=address_of(Suggestion, following))


@registered
class LookAgain(Dialog):
    name, permission, model, related = "reopen_suggestion", "merge", Suggestion, ("low", "high")
    title, button = "Look again", "Look again…"
    inverse = "Different people parts them again."

    def about(self, subject: Suggestion) -> str:
        return f"Customers {subject.low_id} and {subject.high_id}: {subject.because}"

    def cannot(self, subject: Suggestion) -> str:
        return "" if subject.state == subject.State.DISMISSED else "Nobody said that these are different people."

    def will(self, subject: Suggestion, request: HttpRequest) -> list[str]:
        lifted = ["The do-not-link that came with the decision is lifted."] if subject.separated else []
        return ["1 pair is suggested again.", *lifted]

    def do(self, subject: Suggestion, press: Press) -> Done:
        suggestions.reopen(subject, by=press.by, because=press.because)
        return Done("1 pair is suggested again.", url=address_of(Suggestion, subject.pk))

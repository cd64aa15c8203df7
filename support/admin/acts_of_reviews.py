"""The dialog that closes a review of identity."""

from django import forms
from django.http import HttpRequest

from profiles.actions import reviews
from profiles.models import Review
from support.admin.base import address_of
from support.admin.dialogs import Ask, Dialog, Done, Press, registered
from support.queries import alike


class AskDecision(Ask):
    decision = forms.ChoiceField(
        label="What you found", choices=list(reviews.DECISIONS.items()), widget=forms.RadioSelect
    )


@registered
class Decide(Dialog):
    name, permission, model, related = "decide", "merge", Review, ("profile",)
    title, button = "Close the review", "Close review"
    form = AskDecision

    def about(self, subject: Review) -> str:
        return subject.get_kind_display()

    def cannot(self, subject: Review) -> str:
        return f"Already decided by {subject.decided_by}." if subject.decided_at else ""

    def prepare(self, form: AskDecision, subject: Review, request: HttpRequest) -> None:
        if not form.is_bound:
            one = len(reviews.standing(subject)) < 2
            form.initial["decision"] = reviews.MERGED if one else reviews.DISMISSED

    def will(self, subject: Review, request: HttpRequest) -> list[str]:
        still = len(reviews.standing(subject))
        return [
            "1 review leaves “What needs me now”; no customer changes by it.",
            f"These are {still} customers now." if still != 1 else "They are one customer by now.",
        ]

    def do(self, subject: Review, press: Press) -> Done:
        reviews.decide(subject, decision=press.data["decision"], by=press.by, because=press.because)
        following = alike.next_of(Review.objects.filter(decided_at__isnull=True), subject.pk)
        return Done("1 review closed.", url=address_of(Review, following))

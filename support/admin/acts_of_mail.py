"""Dialogs about the providers that carry the mail: rest one, use it again, try one out. They are the installation's."""

from datetime import timedelta

from django import forms
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest

from fulfillment.actions import chains
from fulfillment.models import Circuit
from fulfillment.providers import LABELS
from fulfillment.providers.outcomes import Accepted
from profiles import clock, identifiers
from profiles.actors import Actor
from support.admin.dialogs import Ask, Dialog, Done, Press, registered

SPANS = {"1": "an hour", "4": "four hours", "24": "a day", "168": "a week"}


class AskRest(Ask):
    hours = forms.ChoiceField(label="Rest for", choices=list(SPANS.items()), initial="4")


class OfProvider(Dialog):
    model, permission = Circuit, "connect"

    def subject(self, subject_id: int) -> Circuit:
        row = next((one for one in chains.listed() if chains.number(one.provider) == subject_id), None)
        if row is None:
            raise Http404("There is no such provider in the chain.")
        return row

    def about(self, subject: Circuit) -> str:
        return f"{LABELS[subject.provider]}, for every organization of this installation"


@registered
class RestProvider(OfProvider):
    name, title, button, danger = "rest_provider", "Rest this provider", "Rest", True
    form = AskRest
    inverse = "Use it again."

    def will(self, subject: Circuit, request: HttpRequest) -> list[str]:
        return [
            f"0 mails go through {LABELS[subject.provider]} until then, of any organization here.",
            "The next provider of the chain takes over with the next mail. Nothing is lost and nothing sent twice.",
        ]

    def do(self, subject: Circuit, press: Press) -> Done:
        until = clock.real() + timedelta(hours=int(press.data["hours"]))
        row = chains.rest(subject, until=until, by=press.by, because=press.because)
        return Done(
            f"{LABELS[row.provider]} rests until {until:%-d %b, %H:%M} UTC. The next of the chain has taken over."
        )


@registered
class UseProvider(OfProvider):
    name, title, button = "use_provider", "Use this provider again", "Use again"
    inverse = "Rest it."

    def will(self, subject: Circuit, request: HttpRequest) -> list[str]:
        return [
            f"The next mail is offered to {LABELS[subject.provider]} in its place of the chain.",
            "Its failures so far are forgotten; after three new ones in a row it rests by itself again.",
        ]

    def do(self, subject: Circuit, press: Press) -> Done:
        row = chains.use_again(subject, by=press.by, because=press.because)
        return Done(f"{LABELS[row.provider]} is in use again.")


@registered
class TryProvider(OfProvider):
    name, title, button = "try_provider", "Send a test mail to me", "Send a test mail to me"

    def will(self, subject: Circuit, request: HttpRequest) -> list[str]:
        to = address(request.actor)  # type: ignore[attr-defined]
        shown = f"1 mail goes to you, {to}," if to else "Nothing: you have no e-mail address on record here. 0 mails go"
        return [
            f"{shown} through {LABELS[subject.provider]} alone, whether it rests or not.",
            f"At most {chains.TESTS_AT_MOST} of these in 10 minutes. No customer is written to.",
        ]

    def do(self, subject: Circuit, press: Press) -> Done:
        delivery = chains.test(subject, to=address(press.by), by=press.by, because=press.because)
        outcome = delivery.outcome
        if isinstance(outcome, Accepted):
            return Done(
                f"{LABELS[subject.provider]} took 1 test mail. Look into your mailbox: taken is not yet delivered."
            )
        return Done(f"{LABELS[subject.provider]} did not take the test mail. {outcome.sentence}")


def address(actor: Actor) -> str:
    """The address of the member of staff who presses: their login's own, or the login where it is one."""
    user = User.objects.filter(pk=actor.user_id).first() if actor.user_id else None
    if user is None:
        return ""
    return identifiers.mailable(user.email) or identifiers.mailable(user.get_username()) or ""

"""Dialogs about giving money back: all of it, a part, or by line; and trying again or giving up one that failed."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest

from orders import money
from orders.actions import refund_requests
from orders.models import Line, Order, RefundRequest
from support.actions import refunds
from support.admin.base import address_of, grouped
from support.admin.dialogs import Ask, Dialog, Done, Press, registered

State = RefundRequest.State


class AskRefund(Ask):
    amount = forms.CharField(label="Amount", required=False, max_length=40, widget=forms.TextInput)
    lines = forms.MultipleChoiceField(
        label="What it covers",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Access to what is ticked ends. Tick nothing for a sum alone, such as goodwill.",
    )


@registered
class Refund(Dialog):
    name, permission, model, related = "refund", "refund", Order, ("channel", "organization")
    title, button, danger = "Give money back", "Refund…", True
    form = AskRefund
    look, press = "See what will happen", "Give money back"
    inverse = "Not possible: money that went back stays with the customer."

    def about(self, subject: Order) -> str:
        return f"Order {subject}, {_text(subject.total_minor, subject)} paid by {subject.channel.label}"

    def cannot(self, subject: Order) -> str:
        room = refund_requests.room(subject)
        if not room.captured:
            return "Nothing was paid for this order, as far as is known."
        if not room.left:
            return "Nothing is left to give back: all of it is refunded, disputed or asked for already."
        return refund_requests.obstacle(subject.channel)

    def prepare(self, form: AskRefund, subject: Order, request: HttpRequest) -> None:
        room = refund_requests.room(subject)
        amount, lines = form.fields["amount"], form.fields["lines"]
        amount.widget.attrs |= {
            "inputmode": "decimal",
            "autocomplete": "off",
            "placeholder": money.to_text(room.left, subject.currency),
        }
        amount.help_text = (
            f"{_text(room.left, subject)} are left. Empty: all of it, or the sum of what is ticked below."
        )
        lines.choices = [  # type: ignore[attr-defined]
            (line.external_id, f"{line} · {_text(line.total_minor, subject)}")
            for line in Line.objects.filter(order=subject, removed=False).order_by("position", "pk")
            if room.covered.get(line.external_id, 0) < line.quantity
        ]

    def will(self, subject: Order, request: HttpRequest) -> list[str]:
        room = refund_requests.room(subject)
        gone = [
            ("refunded", room.refunded),
            ("on its way", room.pending),
            ("lost", room.lost),
            ("asked for", room.asked),
        ]
        told = [f"{_text(minor, subject)} {word}" for word, minor in gone if minor]
        before = f" So far: {', '.join(told)}." if told else ""
        return [
            f"Up to {_text(room.left, subject)} go back.{before}",
            "The next page says what it does to access and mail; nothing is sent before you press there.",
        ]

    def foretell(self, subject: Order, data: Mapping[str, Any]) -> list[str]:
        amount, lines = _given(subject, data)
        told = refunds.effects(subject, amount, lines)
        if refunds.is_over(subject, amount, lines):
            told.append("It is over the limit: a second person confirms it first, if there is one.")
        return told

    def do(self, subject: Order, press: Press) -> Done:
        amount, lines = _given(subject, press.data)
        will = refunds.effects(subject, amount, lines)
        asked = refunds.ask(
            subject, amount_minor=amount, lines=lines, by=press.by, because=press.because, key=press.key, will=will[1:]
        )
        sum_ = _text(asked.request.amount_minor, subject)
        if asked.approval is not None:
            said = f"{sum_} wait for a second person under Approvals. Nothing was sent yet."
            return Done(said, url=address_of(asked.approval, asked.approval.pk))
        if asked.request.state == State.DONE:
            return Done(f"{sum_} are recorded as paid back by hand.")
        return Done(f"{sum_} are on their way back. {subject.channel.get_kind_display()} is being asked now.")


class OfRequest(Dialog):
    model, related, permission = RefundRequest, ("order__channel", "organization"), "refund"

    def about(self, subject: RefundRequest) -> str:
        return f"{_text(subject.amount_minor, subject.order)} of order {subject.order}"


@registered
class RefundAgain(OfRequest):
    name, title, button = "refund_again", "Try the refund again", "Try again"

    def cannot(self, subject: RefundRequest) -> str:
        if subject.state in (State.FAILED, State.UNKNOWN, State.QUEUED):
            return ""
        return f"It is {subject.get_state_display().lower()}: there is nothing to try again."

    def will(self, subject: RefundRequest, request: HttpRequest) -> list[str]:
        first = "The provider is asked first whether a former try came through; only if not, 1 refund is sent."
        said = [f"Last time: {subject.last_error}"] if subject.last_error else []
        return [*said, first if subject.doubtful else "1 refund is sent now."]

    def do(self, subject: RefundRequest, press: Press) -> Done:
        refund_requests.again(subject, by=press.by, because=press.because)
        return Done("The refund is tried again now.")


@registered
class GiveUpRefund(OfRequest):
    name, title, button, danger = "refund_give_up", "Give the refund up", "Give up", True
    inverse = "Ask for the refund anew."

    def cannot(self, subject: RefundRequest) -> str:
        if subject.state in (State.FAILED, State.UNKNOWN, State.QUEUED):
            return ""
        if subject.state == State.AWAITING:
            return "It waits for a second person: take it back or decline it under Approvals."
        return f"It is {subject.get_state_display().lower()}: there is nothing to give up."

    def will(self, subject: RefundRequest, request: HttpRequest) -> list[str]:
        told = ["Nothing more is sent; the sum can be refunded otherwise."]
        if subject.doubtful:
            told.insert(0, "A try may have come through: look at the provider's own desk first.")
        return told

    def do(self, subject: RefundRequest, press: Press) -> Done:
        refund_requests.cancel(subject, by=press.by, because=press.because)
        return Done("Given up. Nothing more is sent.")


def _given(order: Order, data: Mapping[str, Any]) -> tuple[int | None, dict[str, int]]:
    """The amount and lines as they were entered. Raises Invalid."""
    text = str(data.get("amount") or "").strip()
    amount = refund_requests.amount(text, order.currency) if text else None
    room = refund_requests.room(order)
    chosen = set(data.get("lines") or ())
    lines = {
        line.external_id: line.quantity - room.covered.get(line.external_id, 0)
        for line in Line.objects.filter(order=order, removed=False, external_id__in=chosen)
    }
    return amount, lines


def _text(minor: int, order: Order) -> str:
    return f"{grouped(money.to_text(minor, order.currency))} {order.currency}"

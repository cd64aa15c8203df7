"""Dialogs of finance: what the bank shows of a payout, closing a month, and booking what no fact tells."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.http import HttpRequest
from django.utils.dateparse import parse_date

from orders import money
from orders.actions import payouts, periods
from orders.bookings import month_of
from orders.models import Channel, Payout
from orders.queries import earnings
from profiles.actors import Invalid
from profiles.models import Organization
from support.admin.base import grouped, moment
from support.admin.dialogs import Ask, Dialog, Done, Press, registered, url_of
from support.admin.lists import counted


def _shown(minor: int, currency: str) -> str:
    return f"{grouped(money.to_text(minor, currency))} {currency}"


def _minor(text: str, currency: str) -> int:
    """The amount a person typed, as minor units; raises `Invalid`."""
    try:
        return money.to_minor(
            text.strip().replace(",", ".") if text.count(",") == 1 and "." not in text else text, currency
        )
    except money.MoneyError as error:
        raise Invalid(str(error)) from error


class AskBank(Ask):
    amount = forms.CharField(label="What the bank shows", max_length=30)
    on = forms.DateField(label="On the day", widget=forms.DateInput(attrs={"type": "date"}))


class AboutPayout(Dialog):
    permission, model, related = "manage_finance", Payout, ("channel",)

    def about(self, subject: Payout) -> str:
        return f"{subject.external_id} of {subject.channel.label}: {_shown(subject.amount_minor, subject.currency)}"


@registered
class ConfirmBank(AboutPayout):
    name, title, button = "confirm_bank", "Confirm what the bank shows", "Confirm what the bank shows"
    form = AskBank
    inverse = "Take it back, or say it again with another sum."

    def cannot(self, subject: Payout) -> str:
        return "The payout failed: nothing came to the bank." if subject.status == Payout.Status.FAILED else ""

    def prepare(self, form: Any, subject: Payout, request: HttpRequest) -> None:
        form.fields["amount"].label = f"What the bank shows, in {subject.currency}"
        if not form.is_bound:
            form.initial["amount"] = money.to_text(subject.amount_minor, subject.currency)
            form.initial["on"] = subject.arrives_on or subject.at.date()

    def will(self, subject: Payout, request: HttpRequest) -> list[str]:
        return [
            f"The provider sent {_shown(subject.amount_minor, subject.currency)}.",
            "A sum that differs is kept as it is, and stands as an open difference.",
            "Nothing is booked by this: the ledger follows the provider.",
        ]

    def do(self, subject: Payout, press: Press) -> Done:
        minor = _minor(press.data["amount"], subject.currency)
        row = payouts.confirm_bank(subject, minor, on=press.data["on"], by=press.by, because=press.because)
        off = minor - row.amount_minor
        if not off:
            return Done("The bank agrees.")
        return Done(f"Kept. The bank differs by {_shown(off, row.currency)}.")


@registered
class ForgetBank(AboutPayout):
    name, title, button = "forget_bank", "Take back what the bank shows", "Take it back"
    inverse = "Confirm it again."

    def cannot(self, subject: Payout) -> str:
        return "" if subject.bank_minor is not None else "Nobody has said what the bank shows of this payout."

    def will(self, subject: Payout, request: HttpRequest) -> list[str]:
        return ["This payout waits for the bank again."]

    def do(self, subject: Payout, press: Press) -> Done:
        payouts.forget_bank(subject, by=press.by, because=press.because)
        return Done("Taken back.")


class AskMonth(Ask):
    month = forms.ChoiceField(label="Month")
    with_earlier = forms.BooleanField(
        label="With the open months before it",
        required=False,
        help_text="They are closed in order, each with its sums.",
    )


@registered
class CloseMonth(Dialog):
    name, permission, model = "close_month", "manage_finance", Organization
    title, button, danger = "Close a month", "Close a month", True
    form = AskMonth
    inverse = (
        "Not possible: what was reported of a closed month stays true. What it lacked is booked in the open month."
    )

    def about(self, subject: Organization) -> str:
        return ""

    @staticmethod
    def _open(subject: Organization) -> list[earnings.Month]:
        running = month_of(moment(), ZoneInfo(subject.timezone))
        return [row for row in earnings.months(subject) if not row.closed and row.month < running]

    def cannot(self, subject: Organization) -> str:
        return "" if self._open(subject) else "No month is open but the running one."

    def prepare(self, form: Any, subject: Organization, request: HttpRequest) -> None:
        rows = self._open(subject)
        form.fields["month"].choices = [(str(row.month), f"{row.month:%B %Y}") for row in reversed(rows)]
        if not form.is_bound:
            form.initial["month"] = request.GET.get("month", "") or (str(rows[-1].month) if rows else "")
        if len(rows) < 2:
            form.fields["with_earlier"].widget = forms.HiddenInput()

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        wanted = _asked(request)
        rows = self._open(subject)
        row = next((row for row in rows if row.month == wanted), rows[-1] if rows else None)
        if row is None:
            return []
        earned = ", ".join(_shown(minor, currency) for currency, minor in sorted(row.earned().items())) or "nothing"
        found = [
            f"{row.month:%B %Y} is closed with {counted(row.entries, 'entry', 'entries')}; it came to {earned}.",
            "From then on nothing is booked in it. What comes late counts in the month that is open, and says so.",
        ]
        earlier = [one for one in rows if one.month < row.month]
        if earlier:
            found.append(f"{counted(len(earlier), 'earlier month is', 'earlier months are')} open and closed first.")
        return found

    def do(self, subject: Organization, press: Press) -> Done:
        month, earlier = date.fromisoformat(press.data["month"]), press.data["with_earlier"]
        closed = periods.close(subject, month, by=press.by, because=press.because, with_earlier=earlier)
        return Done(
            f"{counted(len(closed), 'month')} closed, up to {closed[-1]}.", url=url_of("orders_period_changelist")
        )


def _asked(request: HttpRequest) -> date | None:
    try:
        return parse_date(request.GET.get("month", ""))
    except ValueError:
        return None


class AskAdjustment(Ask):
    channel = forms.ModelChoiceField(label="Channel", queryset=Channel.objects.none())
    currency = forms.CharField(label="Currency", max_length=3)
    amount = forms.CharField(label="Amount", max_length=30, help_text="With a minus where it left you: -4.50")


@registered
class AdjustLedger(Dialog):
    name, permission, model = "adjust_ledger", "manage_finance", Organization
    title, button = "Book an adjustment", "Book an adjustment"
    form = AskAdjustment
    inverse = "Book the same amount with the other sign; both lines stay."

    def about(self, subject: Organization) -> str:
        return ""

    def prepare(self, form: Any, subject: Organization, request: HttpRequest) -> None:
        form.fields["channel"].queryset = Channel.objects.select_related("organization").order_by("kind", "domain")
        if not form.is_bound:
            form.initial["currency"] = subject.currency

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        return [
            "1 line is booked in the month that is open, with your name and reason.",
            "It is for what no fact tells: bank charges, a payment outside of every channel.",
        ]

    def do(self, subject: Organization, press: Press) -> Done:
        currency = press.data["currency"].strip().upper()
        minor = _minor(press.data["amount"], currency)
        row = periods.adjust(
            press.data["channel"], amount_minor=minor, currency=currency, by=press.by, because=press.because
        )
        return Done(f"{_shown(row.amount_minor, row.currency)} booked in {row.month:%B %Y}.")

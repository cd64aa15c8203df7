"""Dialogs of the reconciliation: compare now, do the suggested repair, link, write off and take that back."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, ClassVar

from django import forms
from django.db.models import Q
from django.http import HttpRequest

from fulfillment.models import Entitlement
from orders import money
from orders.models import Order
from profiles import clock
from profiles.actors import Invalid, Refusal
from profiles.models import Organization
from support import differences
from support.actions import reconciliation, repairs
from support.admin.base import grouped
from support.admin.dialogs import Ask, Dialog, Done, Press, registered, url_of
from support.admin.lists import Many, counted
from support.models import Discrepancy

Status, Kind = Discrepancy.Status, Discrepancy.Kind
AROUND = timedelta(hours=1)
DAYS = 35


class AskWindow(Ask):
    since = forms.DateField(label="From", widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="To, included", widget=forms.DateInput(attrs={"type": "date"}))
    repair = forms.BooleanField(
        label="Do the safe repairs too",
        required=False,
        help_text="Settle again, send missing receipts, take in what the providers have: only what follows the facts.",
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        since, until = data.get("since"), data.get("until")
        if isinstance(since, date) and isinstance(until, date) and since > until:
            raise forms.ValidationError("The window ends before it begins.")
        return data


@registered
class ReconcileNow(Dialog):
    name, permission, model = "reconcile_now", "reconcile", Organization
    title, button = "Compare everything", "Reconcile now"
    form = AskWindow
    inverse = "Not needed: comparing changes nothing; a repair only lets our records follow the facts."

    def about(self, subject: Organization) -> str:
        return f"{subject.name}: payments, orders, access, receipts, refunds, disputes and payouts"

    def prepare(self, form: Any, subject: Organization, request: HttpRequest) -> None:
        if not form.is_bound:
            today = clock.now().date()
            form.initial.update(since=today - timedelta(days=DAYS), until=today)

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        return [
            f"{len(differences.KINDS)} kinds of difference are looked for, both ways; a worker does it, in seconds.",
            "Each provider is asked for its own list; one that does not answer within 10 seconds is named.",
            "What differs stands here; what agrees by now closes by itself.",
        ]

    def do(self, subject: Organization, press: Press) -> Done:
        try:
            since, until = differences.window(
                str(press.data["since"]),
                str(press.data["until"]),
                timezone=subject.timezone,
                now=clock.now(),
                days=DAYS,
            )
        except ValueError as error:
            raise Invalid(str(error)) from error
        reconciliation.request(
            subject, since=since, until=until, by=press.by, because=press.because, repair=press.data["repair"]
        )
        return Done("1 comparison is under way.", url=url_of("support_reconcilerun_changelist"))


class OfDiscrepancy(Dialog):
    model, permission = Discrepancy, "reconcile"
    related: ClassVar[tuple[str, ...]] = ("order__channel", "order__organization", "channel", "organization")

    def about(self, subject: Discrepancy) -> str:
        return f"{subject.about.title}: {subject.external_id}, {_sum(subject)}"

    def cannot(self, subject: Discrepancy) -> str:
        if subject.status == Status.OPEN:
            return ""
        return f"It is {subject.get_status_display().lower()}: {subject.closed_because}"


@registered
class Repair(OfDiscrepancy):
    name, title, button = "repair_discrepancy", "Put it right", "Repair"
    inverse = "Not needed: it only lets our records follow the facts."

    def cannot(self, subject: Discrepancy) -> str:
        if subject.repair == differences.DECIDE:
            return "Compare both sides and decide: there is no repair that could do it by itself."
        return super().cannot(subject)

    def will(self, subject: Discrepancy, request: HttpRequest) -> list[str]:
        return [*_effects(subject), "This closes by itself once the records agree."]

    def do(self, subject: Discrepancy, press: Press) -> Done:
        return Done(_repair(subject, press))


def _effects(row: Discrepancy) -> list[str]:
    """What the suggested repair would do, in numbers."""
    if row.repair == differences.RECEIPT:
        if row.order is not None and row.order.quiet:
            return ["1 receipt goes out, though this order is from long ago: the buyer may have had theirs."]
        return ["1 receipt goes out to the buyer, with working links where something can be downloaded."]
    if row.repair == differences.FETCH:
        return [
            "The providers are asked for everything from an hour before it to an hour after it.",
            "What they have and we lack is taken in, once, as their webhooks would have told it.",
        ]
    rights = Entitlement.objects.filter(order=row.order_id, status__in=Entitlement.DOWNLOADABLE).count()
    ending = f"{counted(rights, 'right')} to download {'is' if rights == 1 else 'are'} judged by the facts anew"
    return ["1 order is settled again.", f"{ending}: what is paid is granted, what is not ends with its links."]


def _repair(row: Discrepancy, press: Press) -> str:
    if row.repair != differences.FETCH:
        return repairs.repair(row, by=press.by, because=press.because)
    reconciliation.request(
        row.organization,
        since=row.at - AROUND,
        until=row.at + AROUND,
        by=press.by,
        because=press.because,
        repair=True,
    )
    return "The providers are asked now; it closes by itself once the records agree."


@registered
class WriteOff(OfDiscrepancy):
    name, permission, title, button = "write_off_discrepancy", "write_off", "Write it off", "Write off…"
    danger = True
    inverse = "“Open it again” takes it back."

    def will(self, subject: Discrepancy, request: HttpRequest) -> list[str]:
        return [
            f"1 difference of {_sum(subject)} is accepted as it is, under your name.",
            "No order, payment or payout changes. It opens again by itself if the sum changes.",
        ]

    def do(self, subject: Discrepancy, press: Press) -> Done:
        repairs.write_off(subject, by=press.by, because=press.because)
        return Done(f"1 difference of {_sum(subject)} written off.")


@registered
class Reopen(OfDiscrepancy):
    name, permission, title, button = "reopen_discrepancy", "write_off", "Open it again", "Open again"
    inverse = "Write it off again."

    def cannot(self, subject: Discrepancy) -> str:
        return "" if subject.status == Status.WRITTEN_OFF else "It was not written off."

    def will(self, subject: Discrepancy, request: HttpRequest) -> list[str]:
        return ["1 difference is open again, and due in 24 hours."]

    def do(self, subject: Discrepancy, press: Press) -> Done:
        repairs.reopen(subject, by=press.by, because=press.because)
        return Done("1 difference is open again.")


class AskOrder(Ask):
    order = forms.CharField(
        label="Order", max_length=255, help_text="Its number, or what its shop calls it.", widget=forms.TextInput
    )


@registered
class Link(OfDiscrepancy):
    name, title, button = "link_discrepancy", "Say which order it belongs to", "Link to an order…"
    form = AskOrder
    related = (*OfDiscrepancy.related, "payment", "payout_line")
    inverse = "Not possible here: the money then counts for that order."

    def cannot(self, subject: Discrepancy) -> str:
        if subject.payment_id is None and subject.payout_line_id is None:
            return "We do not have the payment itself yet: ask the provider first."
        return super().cannot(subject)

    def will(self, subject: Discrepancy, request: HttpRequest) -> list[str]:
        return [f"{_sum(subject)} count for the order you name, which is settled again with it."]

    def do(self, subject: Discrepancy, press: Press) -> Done:
        name = str(press.data["order"]).strip()
        found = list(Order.objects.filter(Q(number=name) | Q(external_id=name)).order_by("pk")[:2])
        if not found:
            raise Invalid(f"There is no order {name}.")
        if len(found) > 1:
            raise Invalid(f"Two orders are called {name}: give what its shop calls it.")
        repairs.link(subject, found[0], by=press.by, because=press.because)
        return Done(f"Linked to order {found[0]}.")


def _rows(ids: Sequence[int]) -> list[Discrepancy]:
    rows = Discrepancy.objects.filter(pk__in=ids, status=Status.OPEN)
    return list(rows.select_related("order__channel", "order__organization", "organization").order_by("due_at", "pk"))


def _sums(rows: Sequence[Discrepancy]) -> str:
    """Totals by currency, never summed over two."""
    totals: dict[str, int] = {}
    for row in rows:
        totals[row.currency] = totals.get(row.currency, 0) + row.amount_minor
    said = [f"{grouped(money.to_text(minor, currency))} {currency}" for currency, minor in sorted(totals.items())]
    return " and ".join(said) or "nothing"


@registered
class RepairMany(Many):
    name, permission, title, button = "repair_discrepancies", "reconcile", "Put these right", "Repair the chosen"
    inverse = "Not needed: it only lets our records follow the facts."

    def counted(self, ids: Sequence[int]) -> list[str]:
        rows = _rows(ids)
        able = [row for row in rows if row.repair in differences.SAFE]
        said = [f"{differences.REPAIRS[code]}: {sum(row.repair == code for row in able)}" for code in _codes(able)]
        if rest := len(ids) - len(able):
            said.append(
                f"{counted(rest, 'difference')} of those chosen {'is' if rest == 1 else 'are'} left to a person."
            )
        return said

    def do(self, subject: Organization, press: Press) -> Done:
        done, refused = 0, 0
        for row in _rows(press.data["ids"]):
            if row.repair in differences.SAFE:
                try:
                    _repair(row, press)
                    done += 1
                except Refusal:
                    refused += 1
        more = f" {refused} could not be: open them to read why." if refused else ""
        return Done(f"{counted(done, 'repair')} under way; each closes by itself once the records agree.{more}")


def _codes(rows: Sequence[Discrepancy]) -> list[str]:
    return [code for code in differences.REPAIRS if any(row.repair == code for row in rows)]


@registered
class WriteOffMany(Many):
    name, permission, title = "write_off_discrepancies", "write_off", "Write these off"
    button, danger = "Write off the chosen", True
    inverse = "“Open again” takes each back."

    def counted(self, ids: Sequence[int]) -> list[str]:
        rows = _rows(ids)
        found = [f"{counted(len(rows), 'difference')} of {_sums(rows)} {'is' if len(rows) == 1 else 'are'} accepted."]
        return [*found, "No order, payment or payout changes."]

    def do(self, subject: Organization, press: Press) -> Done:
        rows = _rows(press.data["ids"])
        for row in rows:
            repairs.write_off(row, by=press.by, because=press.because)
        return Done(f"{counted(len(rows), 'difference')} of {_sums(rows)} written off.")


def _sum(row: Discrepancy) -> str:
    return f"{grouped(money.to_text(row.amount_minor, row.currency))} {row.currency}"

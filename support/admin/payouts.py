"""Payouts: what a provider sent to the bank, and for each the sum that must make it, down to the orders."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from orders import money
from orders.actions import backfills
from orders.models import Order, Payout, PayoutLine
from orders.queries import proofs_of_payouts
from orders.queries.proofs_of_payouts import Proof
from profiles.actors import Actor
from support.admin import dialogs
from support.admin.base import (
    BAD,
    LOOK,
    OVER,
    WAITING,
    WELL,
    address_of,
    amount,
    grouped,
    when,
    word,
)
from support.admin.lists import ActiveAdmin
from support.admin.paginators import EstimatedPaginator
from support.queries import channels

LINES_A_PAGE = 100


class ByChannel(SimpleListFilter):
    title = "channel"
    parameter_name = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), label) for pk, label in channels.labels().items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        return queryset.filter(channel_id=int(value)) if value.isdigit() and len(value) < 19 else queryset


class ByStatus(SimpleListFilter):
    title = "state"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(value), str(words)) for value, words in Payout.Status.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(status=self.value()) if self.value() in Payout.Status.values else queryset


class ByBank(SimpleListFilter):
    title = "bank"
    parameter_name = "bank"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "Not confirmed yet"), ("confirmed", "Confirmed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("open", "confirmed"):
            return queryset
        return queryset.filter(bank_minor__isnull=self.value() == "open")


class PayoutAdmin(ActiveAdmin):
    row_named = "payout"
    list_title = "Payouts"
    list_display = ("payout_shown", "deposit_shown", "state_shown", "proof_shown", "bank_shown", "made_shown")
    list_filter = (ByStatus, ByBank, ByChannel)
    list_select_related = ("channel",)
    list_before_template = "admin/_payouts_head.html"
    ordering = ("-at", "-id")
    chips = "status"
    search_fields = ("external_id",)
    search_help_text = "A payout's number at its provider"
    explains = "What your providers sent to the bank. Each must be the sum of its lines, to the cent."
    empty_title = "No payouts yet"
    empty_text = (
        "They come by themselves from Stripe once the channel has its key, or import the provider's payout file."
    )

    def find(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        return queryset.filter(external_id=text)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The proofs of a page's payouts are made together."""
        changelist = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        for row, proof in zip(rows, proofs_of_payouts.prove(rows), strict=True):
            row.proof = proof
        changelist.result_list = rows
        return changelist

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        labels = channels.labels()
        transit = [
            {
                "channel": labels[one.channel_id],
                "waiting": amount(one.waiting_minor if one.waiting_lines else None, one.currency),
                "lines": one.waiting_lines,
                "under_way": amount(one.under_way_minor if one.under_way_payouts else None, one.currency),
                "payouts": one.under_way_payouts,
            }
            for one in proofs_of_payouts.in_transit()
        ]
        return super().changelist_view(request, {"transit": transit, **(extra_context or {})})

    @display(description="Payout")
    def payout_shown(self, row: Payout) -> SafeString:
        return format_html(
            '<a class="pair link" href="{}"><span class="strong cut">{}</span><span class="quiet cut">{}</span></a>',
            address_of(row, row.pk),
            row.external_id,
            row.channel.label,
        )

    @display(description="Deposit")
    def deposit_shown(self, row: Payout) -> SafeString:
        return amount(row.amount_minor, row.currency, strong=True)

    @display(description="State")
    def state_shown(self, row: Payout) -> SafeString:
        return state(row)

    @display(description="Sum of its lines")
    def proof_shown(self, row: Any) -> SafeString:
        return verdict(row.proof)

    @display(description="Bank")
    def bank_shown(self, row: Any) -> SafeString:
        return bank(row.proof)

    @display(description="Made")
    def made_shown(self, row: Payout) -> SafeString:
        return when(row.at)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One payout as a sum that a person can follow, and the lines it is made of."""
        row: Payout = self.found(request, object_id, "channel")
        actor: Actor = request.actor  # type: ignore[attr-defined]
        (proof,) = proofs_of_payouts.prove([row])
        lines = PayoutLine.objects.filter(payout=row).select_related("order").order_by("-at", "-pk")
        pages: Paginator[PayoutLine] = EstimatedPaginator(lines, LINES_A_PAGE)
        page = pages.get_page(request.GET.get("page"))
        confirmed = row.bank_minor is not None
        context = {
            **self.admin_site.each_context(request),
            "title": f"Payout {row.external_id}",
            "payout": row,
            "proof": proof,
            "state": state(row),
            "steps": [(step, amount(step.amount_minor, row.currency)) for step in proof.steps],
            "total": amount(proof.total_minor, row.currency, strong=True),
            "deposit": amount(row.amount_minor, row.currency, strong=True),
            "difference": amount(proof.difference_minor, row.currency, strong=True),
            "bank": amount(row.bank_minor, row.currency, strong=True),
            "bank_difference": amount(proof.bank_difference_minor, row.currency, strong=True),
            "verdict": verdict(proof),
            "next": following(proof),
            "made": when(row.at),
            "lines": [_line(line) for line in page],
            "page": page,
            "list_url": address_of(Payout),
            "acts": dialogs.buttons(
                actor,
                ("confirm_bank", row.pk, row.status != Payout.Status.FAILED),
                ("forget_bank", row.pk, confirmed),
                ("ask_provider", row.channel_id, not proof.agrees and not backfills.lacking(row.channel)),
            ),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/payout.html", context)


def state(row: Payout) -> SafeString:
    tones = {Payout.Status.PAID: WELL, Payout.Status.PENDING: WAITING, Payout.Status.FAILED: BAD}
    shown = word(row.status, row.get_status_display(), tones[Payout.Status(row.status)])
    return format_html("{} {}", shown, word("test", "Test", OVER)) if row.test else shown


def verdict(proof: Proof) -> SafeString:
    """Whether the lines make the deposit, in a word and a number."""
    difference = proof.difference_minor
    if proof.payout.status == Payout.Status.FAILED:
        return format_html('<span class="quiet">{}</span>', "–")
    if difference is None:
        return word("waiting", "Lines not all known", WAITING)
    if proof.foreign:
        return word("look", "Lines in another currency", LOOK)
    if not difference:
        return word("well", "Agrees", WELL)
    return word("bad", f"Differs by {_figure(difference, proof.payout)}", BAD)


def bank(proof: Proof) -> SafeString:
    """What the bank shows, beside the deposit."""
    difference = proof.bank_difference_minor
    if difference is None:
        failed = proof.payout.status == Payout.Status.FAILED
        return format_html('<span class="quiet">{}</span>', "–" if failed else "Not confirmed")
    if not difference:
        return word("well", "Agrees", WELL)
    return word("bad", f"Differs by {_figure(difference, proof.payout)}", BAD)


def _figure(minor: int, payout: Payout) -> str:
    return f"{grouped(money.to_text(minor, payout.currency))} {payout.currency}"


def following(proof: Proof) -> str:
    """The next step, as a sentence; "" where all is well."""
    payout = proof.payout
    if payout.status == Payout.Status.FAILED:
        return "The bank did not take it: the money is in the provider's balance again, and comes with a later payout."
    if proof.difference_minor is None:
        return (
            f"Its lines are read once {payout.channel.get_kind_display()} has put them together, at a later back-fill."
            " Of a payout that was made by hand there are none: compare it with the bank."
        )
    if proof.foreign:
        return f"{proof.foreign} of its lines are in another currency: look them up at the provider."
    if proof.difference_minor:
        return (
            "Its lines do not make the deposit. Look for a line that is missing or unknown below, and book what no"
            " line tells as an adjustment under Months."
        )
    if proof.unlinked:
        return f"{proof.unlinked} of its lines belong to no order that is known here: ask the provider by a back-fill."
    if proof.bank_difference_minor:
        return "The bank shows another sum than the provider sent: ask the bank for its charges."
    if proof.bank_difference_minor is None:
        return "Confirm what the bank shows, and this payout is done."
    return ""


def _line(line: PayoutLine) -> dict[str, Any]:
    return {
        "row": line,
        "kind": word(line.kind, line.get_kind_display(), LOOK if line.kind == PayoutLine.Kind.UNKNOWN else OVER),
        "order_url": address_of(Order, line.order_id) if line.order_id else "",
        "amount": amount(line.amount_minor, line.currency),
        "fee": amount(-line.fee_minor, line.currency) if line.fee_minor else "",
        "net": amount(line.net_minor, line.currency),
        "at": when(line.at),
    }

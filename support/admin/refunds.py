"""Refunds asked for here: what is on its way, what was refused or stays silent, and what to do about it."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from orders.models import Order, RefundRequest
from support.admin.base import address_of, amount, redacted, when, word
from support.admin.lists import ActiveAdmin, ByState
from support.admin.settings import act

State = RefundRequest.State
ACTS = {State.FAILED: ("refund_again", "refund_give_up"), State.UNKNOWN: ("refund_again", "refund_give_up")}


class ByRefundState(ByState):
    states = State


class RefundRequestAdmin(ActiveAdmin):
    row_named = "refund"
    list_title = "Refunds"
    list_one = "refund"
    list_display = ("order_shown", "amount_shown", "state_shown", "by_shown", "asked_shown")
    list_filter = (ByRefundState,)
    list_select_related = ("order__channel",)
    ordering = ("-created_at", "-id")
    chips = "state__exact"
    explains = "Asked for here, each made once at its provider. What was refused waits for you to try again or give up."
    empty_title = "No refunds here"
    empty_text = "Open an order and press Refund. Refunds made at the shop itself stand on their orders."

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        @display(description="What was said")
        def error_shown(row: RefundRequest) -> SafeString:
            return format_html('<span class="cut" title="{0}">{0}</span>', redacted(row.last_error, request) or "–")

        @display(description="")
        def act_shown(row: RefundRequest) -> SafeString:
            found = [act(name, row.pk, request) for name in ACTS.get(State(row.state), ())]
            return format_html('<span class="acts">{}{}</span>', *found) if found else format_html("{}", "")

        first, second, third, *rest = self.list_display
        return [first, second, third, error_shown, *rest, act_shown]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A refund's page is that of its order."""
        row: RefundRequest = self.found(request, object_id)
        return redirect(address_of(Order, row.order_id))

    @display(description="Order")
    def order_shown(self, row: RefundRequest) -> SafeString:
        return format_html('<span class="strong cut">{}</span>', row.order)

    @display(description="Amount")
    def amount_shown(self, row: RefundRequest) -> SafeString:
        return amount(row.amount_minor, row.currency)

    @display(description="State")
    def state_shown(self, row: RefundRequest) -> SafeString:
        return word(row.state, row.get_state_display())

    @display(description="Asked by")
    def by_shown(self, row: RefundRequest) -> str:
        return row.by

    @display(description="Asked")
    def asked_shown(self, row: RefundRequest) -> SafeString:
        return when(row.created_at)

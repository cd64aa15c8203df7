"""Things a provider only named: what is being read from its API, and what could not be."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from orders.models import Delivery, Lookup
from support.admin.base import address_of, when, word
from support.admin.lists import ActiveAdmin, ByState


class LookupState(ByState):
    states = Lookup.State


class LookupAdmin(ActiveAdmin):
    row_named = "thing to be read"
    bulk = ("read_many",)
    list_display = ("thing_shown", "channel_shown", "state_shown", "error_shown", "attempts", "named_shown")
    list_filter = (LookupState,)
    list_select_related = ("channel",)
    ordering = ("-named_at", "-id")
    list_title = "Read from providers"
    list_one = "reading"
    chips = "state__exact"
    explains = (
        "Etsy, Square and Clover only name what was sold, and Shopier's buyers come back with a promise: "
        "what they name is asked of the provider itself. Choose what could not be read and read it again."
    )
    empty_title = "Nothing to read"
    empty_text = "No delivery has named anything that has to be asked for."

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What was read stands in the inbox, among the deliveries of its channel."""
        row: Lookup = self.found(request, object_id)
        return redirect(f"{address_of(Delivery)}?channel={row.channel_id}&q={row.external_id}")

    @display(description="What")
    def thing_shown(self, row: Lookup) -> SafeString:
        return format_html('<span class="strong">{}</span> {}', row.thing.capitalize(), row.external_id)

    @display(description="Channel")
    def channel_shown(self, row: Lookup) -> str:
        return row.channel.label

    @display(description="State")
    def state_shown(self, row: Lookup) -> SafeString:
        return word(row.state, row.get_state_display())

    @display(description="Why not")
    def error_shown(self, row: Lookup) -> SafeString:
        return format_html('<span class="cut" title="{0}">{0}</span>', row.last_error or "–")

    @display(description="Named", ordering="-named_at")
    def named_shown(self, row: Lookup) -> SafeString:
        return when(row.named_at)

"""Buyers who were not reached, with the address they likely meant, and addresses that want no more mail than needed."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from fulfillment import reach
from fulfillment.models import Reach, Suppression
from support.admin import acts_of_reach, dialogs
from support.admin.base import masked, redacted, when, word
from support.admin.lists import ActiveAdmin
from support.admin.settings import act
from support.queries import unreached

BAD = (reach.Why.BOUNCED, reach.Why.REFUSED)


class ByWhy(SimpleListFilter):
    title = "why"
    parameter_name = "why"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("slip", "Likely typo"), *((str(why), words) for why, words in reach.WORDS.items())]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "slip":
            return queryset.exclude(suggestion="")
        return queryset.filter(why=self.value()) if self.value() in list(reach.Why) else queryset


class ReachAdmin(ActiveAdmin):
    list_title = "Not reached"
    row_named = "order"
    chips = "why"
    above = ("correct_all", "reach_policy")
    list_display = ("order_shown", "since_shown")
    list_display_links: Any = ("order_shown",)
    list_filter = (ByWhy,)
    list_select_related = ("order__channel",)
    ordering = ("-since", "-id")
    explains = "Buyers who paid, got no mail as far as anybody can tell, and never fetched what they bought."
    empty_title = "Every buyer was reached"
    empty_text = "Whoever is not stands here at once when mail comes back, else after the hours you choose above."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return unreached.rows()

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        @display(description="Customer")
        def customer_shown(row: Reach) -> SafeString:
            name = masked(row.order.customer_name, request) or "Nobody known"
            return format_html('<span class="cut" title="{0}">{0}</span>', name)

        @display(description="Address")
        def address_shown(row: Reach) -> str:
            below = ""
            if row.suggestion:
                meant = masked(row.suggestion, request)
                below = format_html('<span title="{0}">likely <b>{0}</b></span>', meant)
            shown = masked(row.address, request)
            return format_html('<span class="pair"><span title="{0}">{0}</span>{1}</span>', shown, below)

        @display(description="Why")
        def why_shown(row: Reach) -> SafeString:
            why = reach.Why(row.why)
            said = redacted(row.words, request) or reach.SENTENCES[why]
            shown = word(row.why, row.get_why_display(), "bad" if why in BAD else "look")
            below = format_html('<span class="quiet cut" title="{0}">{0}</span>', said)
            return format_html('<span class="pair"><span>{}</span>{}</span>', shown, below)

        @display(description="")
        def acts_shown(row: Reach) -> str:
            made = dialogs.buttons(request.actor, *acts_of_reach.of_reach(row))  # type: ignore[attr-defined]
            return format_html(
                '<span class="acts acts--row">{}</span>',
                format_html_join(
                    "",
                    '<a class="act act--small" href="{}" data-dialog>{}</a>',
                    ((button.url, button.label) for button in made),
                ),
            )

        order, since = self.list_display
        return [order, customer_shown, address_shown, why_shown, since, acts_shown]

    @display(description="Order")
    def order_shown(self, row: Reach) -> SafeString:
        return format_html('<span class="strong cut">{}</span>', row.order)

    @display(description="Since")
    def since_shown(self, row: Reach) -> SafeString:
        return when(row.since)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row: Reach = self.found(request, object_id, "order__channel")
        return redirect(acts_of_reach.page_of(row))


class SuppressionAdmin(ActiveAdmin):
    list_title = "Silenced addresses"
    list_one = "silenced address"
    row_named = "address"
    list_display = ("reason_shown", "since_shown", "state_shown")
    list_display_links: Any = None
    list_filter = ("reason",)
    ordering = ("-since", "-id")
    search_fields = ("pk",)
    search_help_text = "The whole address"
    explains = "They get what they buy, and nothing else: no follow-ups, reminders or offers."
    empty_title = "Nobody asked for silence"
    empty_text = "Who complains about a mail, or unsubscribes, stands here by itself."

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        @display(description="Address")
        def address_shown(row: Suppression) -> str:
            return format_html('<span class="strong cut">{}</span>', masked(row.address, request))

        @display(description="")
        def act_shown(row: Suppression) -> str:
            return "" if row.lifted_at else act("lift_suppression", row.pk, request)

        return [address_shown, *self.list_display, act_shown]

    def find(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        return queryset.filter(address=text.casefold())

    @display(description="Because")
    def reason_shown(self, row: Suppression) -> SafeString:
        return word(row.reason, row.get_reason_display(), "look")

    @display(description="Since")
    def since_shown(self, row: Suppression) -> SafeString:
        return when(row.since)

    @display(description="State")
    def state_shown(self, row: Suppression) -> SafeString:
        if row.lifted_at is None:
            return word("blocked", "Silenced", "waiting")
        return format_html("{} {} by {}", word("expired", "Lifted"), when(row.lifted_at), row.lifted_by)

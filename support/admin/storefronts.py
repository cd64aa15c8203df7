"""Pages of the shops: do they answer, and do they say what the catalogue says."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from orders.models import Product, StorefrontPage
from support.admin.base import address_of, when, word
from support.admin.lists import ActiveAdmin, ByState
from support.admin.settings import act

TONES = {"well": "well", "differs": "look", "away": "bad", "new": "waiting"}


class PageState(ByState):
    states = StorefrontPage.State


class StorefrontPageAdmin(ActiveAdmin):
    row_named = "page"
    above = ("watch_page", "check_pages")
    list_display = ("page_shown", "product_shown", "state_shown", "trouble_shown", "seen_shown", "checked_shown")
    list_filter = (PageState,)
    list_select_related = ("channel", "product")
    ordering = ("channel", "url")
    list_title = "Shop pages"
    list_one = "shop page"
    chips = "state__exact"
    explains = (
        "Where buyers see a product or begin to pay. Every night each page is looked at: does it answer, "
        "and do its title and price agree with the catalogue?"
    )
    empty_title = "No pages yet"
    empty_text = "Listings of WooCommerce and Shopier have theirs by themselves; add the address of any other."

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A page's own page is that of its product, else the list."""
        page: StorefrontPage = self.found(request, object_id)
        if page.product_id is None:
            return redirect(f"{address_of(StorefrontPage)}?state__exact={page.state}")
        return redirect(address_of(Product, page.product_id))

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        @display(description="")
        def act_shown(page: StorefrontPage) -> str:
            return "" if page.derived else act("forget_page", page.pk, request)

        return [*self.list_display, act_shown]

    @display(description="Page")
    def page_shown(self, page: StorefrontPage) -> SafeString:
        return format_html(
            '<span class="cut" title="{0}">{0}</span><span class="facts__note">{1} of {2}</span>',
            page.url,
            page.get_purpose_display(),
            page.channel.label,
        )

    @display(description="Product")
    def product_shown(self, page: StorefrontPage) -> str:
        return page.product.sku if page.product else "–"

    @display(description="State")
    def state_shown(self, page: StorefrontPage) -> SafeString:
        return word(page.state, page.get_state_display(), TONES[page.state])

    @display(description="What is wrong")
    def trouble_shown(self, page: StorefrontPage) -> str:
        return page.trouble or "–"

    @display(description="Seen there")
    def seen_shown(self, page: StorefrontPage) -> SafeString:
        return format_html("{}<span class='facts__note'>{}</span>", page.title_seen or "–", page.price_seen)

    @display(description="Looked at")
    def checked_shown(self, page: StorefrontPage) -> SafeString | str:
        return when(page.checked_at) if page.checked_at else "Never"

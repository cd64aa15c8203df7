"""Word to the stores: customers who were there and want something."""

from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from unfold.decorators import display

from attribution.models import ProductIntent, StoreAlert
from orders.models import Order
from profiles.models import Profile
from support.admin.base import address_of, masked, moment, when, word
from support.admin.lists import ActiveAdmin, Usually
from support.admin.settings import act

# Whoever was there yesterday is not there any more.
PRESENT = timedelta(hours=24)


def is_present(alert: StoreAlert) -> bool:
    """Whether the customer may still be there, so that somebody can act on it."""
    return alert.acknowledged_at is None and alert.at > moment() - PRESENT


class Standing(Usually):
    """Those of the last day that nobody saw to, unless one asks for more."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "Open, last 24 hours"), ("missed", "Missed"), ("acknowledged", "Acknowledged"), ("all", "All")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "all":
                return queryset
            case "acknowledged":
                return queryset.filter(acknowledged_at__isnull=False)
            case "missed":
                return queryset.filter(acknowledged_at__isnull=True, at__lte=moment() - PRESENT)
        return queryset.filter(acknowledged_at__isnull=True, at__gt=moment() - PRESENT)


class StoreAlertAdmin(ActiveAdmin):
    list_title = "Store alerts"
    row_named = "alert"
    chips = "state"
    list_display = ("because_shown", "store_shown", "score_shown", "state_shown")
    list_display_links: Any = None
    list_filter = (Standing,)
    list_select_related = ("order__profile",)
    ordering = ("-at", "-id")
    explains = (
        "Customers who bought at a till and want something they did not buy there. Tell the store, then acknowledge."
    )
    empty_title = "No alert here"
    empty_text = (
        "One appears when a customer who looked at a product again and again, or put it in a cart,"
        " buys something else at a store's till."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With whether the customer bought it since."""
        converted = ProductIntent.objects.filter(
            profile=OuterRef("order__profile"), sku=OuterRef("sku"), state=ProductIntent.State.CONVERTED
        )
        return super().get_queryset(request).annotate(bought=Exists(converted))

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        @display(description="Customer")
        def name_shown(row: StoreAlert) -> str:
            profile = row.order.profile
            if profile is None:
                return format_html('<span class="quiet">{}</span>', "Nobody any more")
            return format_html(
                '<a class="link strong cut" href="{}">{}</a>',
                address_of(profile, profile.pk),
                masked(str(profile), request),
            )

        @display(description="")
        def act_shown(row: StoreAlert) -> str:
            return act("reopen_alert" if row.acknowledged_at else "acknowledge", row.pk, request)

        return [name_shown, *self.list_display, act_shown]

    @display(description="Store")
    def store_shown(self, row: StoreAlert) -> str:
        return format_html(
            '<span class="pair"><span class="cut" title="{}">{}</span><span class="quiet">{}</span></span>',
            row.store,
            row.store,
            when(row.at),
        )

    @display(description="Wants")
    def because_shown(self, row: StoreAlert) -> str:
        shown = row.because[:1].upper() + row.because[1:].replace(row.sku, "it")
        return format_html(
            '<span class="pair"><span class="strong cut">{}</span><span class="quiet cut" title="{}">{}</span></span>',
            row.sku,
            shown,
            shown,
        )

    @display(description="Score")
    def score_shown(self, row: StoreAlert) -> str:
        return gauge(row.score)

    @display(description="State")
    def state_shown(self, row: Any) -> str:
        return standing(row, bought=row.bought)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """An alert is told on its customer's page, else on its order's."""
        row: StoreAlert = self.found(request, object_id, "order")
        if row.order.profile_id:
            return redirect(address_of(Profile, row.order.profile_id))
        return redirect(address_of(Order, row.order_id))


def standing(row: StoreAlert, *, bought: bool = False) -> str:
    """The state of an alert as a word; bought since says more than any other."""
    if bought:
        return word("done", "Bought since")
    if row.acknowledged_at:
        return word("done", "Acknowledged")
    return word("opened", "Open") if is_present(row) else word("dismissed", "Missed")


def gauge(score: int) -> str:
    """A score of 100 as a bar."""
    return format_html(
        '<span class="gauge" title="{0} of 100"><span class="gauge__bar" style="--share:{0}%"></span>{0}</span>', score
    )

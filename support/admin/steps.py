"""The events from a button to a review as a list: the rows behind the counts of the funnel and of growth."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from profiles import events
from profiles.models import Event, Profile
from support.admin.base import Period, address_of, masked, when
from support.admin.boards import PERMISSION, Choice
from support.admin.linked import Linked, Since, Until
from support.admin.lists import ActiveAdmin
from support.admin.order_filters import ByChannel
from support.funnels import ATTACHMENT, LONGEST, ORDER, POST, RESOLUTION, STEPS
from support.queries import funnels

WORDS = {"clicks": "Button click", "checkouts": "Checkout begun", "conversions": "Conversion", "reviews": "Review"}
STEP_OF = {name: step for step, names in STEPS.items() for name in names}
NAMES = {"Post": POST, "Attachment": ATTACHMENT, "Resolution": RESOLUTION, "Order": ORDER}


class AtStep(SimpleListFilter):
    """One step as the boards count it: of an order told twice the first, and none of a test."""

    title = "step"
    parameter_name = "step"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(WORDS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        step, given = self.value() or "", request.GET
        dimension = next((name for name in funnels.DIMENSIONS if given.get(name)), "")
        if step not in STEPS and not dimension and not given.get("channel"):
            return queryset
        return funnels.counted(
            queryset,
            Choice.read(request, usual="all").asked,
            step if step in STEPS else "",
            dimension=dimension,
            name=given.get(dimension, "").replace("\x00", ""),
        )


class Said(Linked):
    """Read by `AtStep`, whose rows it narrows; here it is only shown, with a way to take it off."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset


class AtPost(Said):
    title = "post"
    parameter_name = "post"


class WithAttachment(Said):
    title = "attachment"
    parameter_name = "attachment"


class AtResolution(Said):
    title = "resolution"
    parameter_name = "resolution"


class ForCurrency(Said):
    title = "revenue in"
    parameter_name = "currency"


class ForChannel(ByChannel):
    """As `Said`: which channel an event counts for stands in what it names."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset


class Happened(Period):
    title = "when"
    column = "occurred_at"


class HappenedSince(Since):
    column = "occurred_at"


class HappenedUntil(Until):
    column = "occurred_at"


class StepAdmin(ActiveAdmin):
    """Only the types of a funnel: the table holds every customer event there is."""

    view_permission = PERMISSION
    list_title = "Clicks, checkouts, conversions and reviews"
    row_named = "event"
    chips = "step"
    list_display = ("step_shown", "about_shown", "source_shown", "happened_shown")
    list_display_links: Any = None
    list_filter = (AtStep, Happened, HappenedSince, HappenedUntil, ForChannel, AtPost, WithAttachment, AtResolution,
                   ForCurrency)  # fmt: skip
    list_select_related = ("profile",)
    ordering = ("-occurred_at",)
    explains = "What a site told of buttons, checkouts, purchases and reviews, newest first."
    empty_title = "No event here"
    empty_text = (
        "Sites tell them by POST /api/events: button_clicked, checkout_started, checkout_completed, review_submitted."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(type__in=events.FUNNEL_TYPES)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        @display(description="Customer")
        def customer_shown(row: Event) -> SafeString:
            if row.profile is None:
                return format_html('<span class="quiet">{}</span>', "Nobody known")
            url = address_of(Profile, row.profile.pk)
            return format_html('<a class="link cut" href="{}">{}</a>', url, masked(str(row.profile), request))

        first, *rest = self.list_display
        return [first, customer_shown, *rest]

    @display(description="Step")
    def step_shown(self, row: Event) -> SafeString:
        return format_html(
            '<span class="pair"><span class="strong">{}</span><span class="quiet cut" title="{}">{}</span></span>',
            WORDS[STEP_OF[row.type]],
            row.event_id,
            row.event_id,
        )

    @display(description="About")
    def about_shown(self, row: Event) -> SafeString:
        told = [f"{words} {value}" for words, keys in NAMES.items() if (value := _first(row.payload, keys))]
        return format_html('<span class="break">{}</span>', " · ".join(told) or "–")

    @display(description="Told by")
    def source_shown(self, row: Event) -> SafeString:
        return format_html('<span class="quiet cut">{}</span>', row.source)

    @display(description="When")
    def happened_shown(self, row: Event) -> SafeString:
        return when(row.occurred_at)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """An event is told on its customer's timeline, else under Unattached."""
        row: Event = self.found(request, object_id)
        return redirect(address_of(Profile, row.profile_id) if row.profile_id else "admin:unattached")


def _first(payload: Any, keys: tuple[str, ...]) -> str:
    values = (payload.get(key) for key in keys)
    plain = (str(one).strip() for one in values if isinstance(one, str | int) and not isinstance(one, bool))
    return next((one[:LONGEST] for one in plain if one), "")

"""The event streams: what waits for Redis, what it took, and what it says when it does not answer."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from unfold.decorators import display

from profiles.actions import streams
from profiles.models import Profile, StreamEntry
from support.admin.base import address_of, masked, when, word
from support.admin.lists import ActiveAdmin
from support.queries import outflow


class Standing(SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "Waiting"), ("published", "Published")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in ("waiting", "published"):
            return queryset.filter(published_at__isnull=self.value() == "waiting")
        return queryset


class OfTopic(SimpleListFilter):
    title = "topic"
    parameter_name = "topic"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(topic, topic) for topic in streams.TOPICS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(topic=self.value()) if self.value() in streams.TOPICS else queryset


def _ends(subject: str) -> str:
    """Both ends of a long name: what it is, and which."""
    return subject if len(subject) <= 30 else f"{subject[:8]}…{subject[-18:]}"


class StreamEntryAdmin(ActiveAdmin):
    """Newest first. A payload holds customer data and may be large: no list reads one."""

    list_title = "Stream events"
    row_named = "event"
    chips = "state"
    list_display = ("topic_shown", "state_shown", "at_shown")
    list_display_links: Any = None
    list_filter = (Standing, OfTopic)
    ordering = ("-id",)
    list_before_template = "admin/_streams_head.html"
    explains = "What happened, for other programs to follow. Each event is published once to Redis, in order."
    empty_title = "No events here"
    empty_text = "One is written as soon as an order arrives. Take the filter away to see all."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("payload")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        flow = outflow.of_streams()
        words, tone = flow.state()
        more = flow.waiting > outflow.COUNTED_AT_MOST
        context = {
            "flow": flow,
            "flow_state": word("", words, tone),
            "flow_waiting": f"{outflow.COUNTED_AT_MOST:,}+" if more else f"{flow.waiting:,}",
            "flow_published": f"{flow.published:,}",
            "flow_oldest": when(flow.oldest),
            "flow_last": when(flow.last),
            "flow_since": when(flow.failing_since),
            "flow_retry": when(flow.retry_at),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        @display(description="Event")
        def what_shown(row: StreamEntry) -> str:
            subject = masked(row.subject, request)
            return format_html(
                '<span class="pair"><span class="strong cut">{}</span>'
                '<span class="quiet cut" title="{}">{}</span></span>',
                row.type,
                subject,
                _ends(subject),
            )

        @display(description="Customer")
        def customer_shown(row: StreamEntry) -> str:
            if row.profile_id is None:
                return format_html('<span class="quiet">{}</span>', "–")
            href = address_of(Profile, row.profile_id)
            return format_html('<a class="link" href="{}">Customer {}</a>', href, row.profile_id)

        topic, *rest = self.list_display
        return [what_shown, topic, customer_shown, *rest]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """An event has no page of its own: its customer has, or the list."""
        row: StreamEntry = self.found(request, object_id)
        return redirect(address_of(Profile, row.profile_id) if row.profile_id else address_of(StreamEntry))

    @display(description="Topic")
    def topic_shown(self, row: StreamEntry) -> str:
        return format_html('<span class="quiet">{}</span>', row.topic)

    @display(description="State")
    def state_shown(self, row: StreamEntry) -> str:
        if row.published_at is None:
            return word("", "Waiting", "waiting")
        return word("", "Published", "well")

    @display(description="Written")
    def at_shown(self, row: StreamEntry) -> str:
        return when(row.recorded_at)

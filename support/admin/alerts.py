"""Alerts: what is wrong now, since when, who sees to it, and what was wrong before."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from support.admin.base import when, word
from support.admin.dialogs import url_of
from support.admin.lists import ActiveAdmin, Usually
from support.admin.settings import act
from support.models import Alert


class Open(Usually):
    """Those that are open, unless one asks for more."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "Open"), ("over", "Over"), ("all", "All")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "all":
            return queryset
        return queryset.filter(resolved_at__isnull=self.value() != "over")


class AlertAdmin(ActiveAdmin):
    list_title = "Alerts"
    row_named = "alert"
    chips = "state"
    list_display = ("title_shown", "severity_shown", "since_shown", "told_shown", "state_shown")
    list_display_links: Any = None
    list_filter = (Open,)
    ordering = ("-opened_at", "-id")
    above = ("alert_thresholds",)
    explains = "What is wrong now. Each is told once by e-mail and Slack, and closes by itself when its cause is gone."
    empty_title = "No alert is open"
    empty_text = "Jobs run, mail goes out, the file store answers and everything paid is granted."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("notices")

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        @display(description="")
        def act_shown(row: Alert) -> str:
            open_one = row.resolved_at is None and row.acknowledged_at is None
            return act("acknowledge_alert", row.pk, request) if open_one else ""

        return [*self.list_display, act_shown]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """An alert's page is the list of what it is about."""
        alert: Alert = self.found(request, object_id)
        return redirect(address_of(alert) or url_of("support_alert_changelist"))

    @display(description="Alert")
    def title_shown(self, row: Alert) -> SafeString:
        return format_html(
            '<a class="pair link" href="{}"><span class="strong">{}</span><span class="quiet">{}</span></a>',
            address_of(row) or "?",
            row.title,
            row.sentence,
        )

    @display(description="Severity")
    def severity_shown(self, row: Alert) -> SafeString:
        return word(row.severity, row.get_severity_display(), "bad" if row.severity == "critical" else "look")

    @display(description="Since")
    def since_shown(self, row: Alert) -> SafeString:
        return when(row.since)

    @display(description="Told")
    def told_shown(self, row: Alert) -> SafeString:
        told = sorted({notice.get_state_display() for notice in row.notices.all()})
        return format_html('<span class="quiet">{}</span>', ", ".join(told) or "Only here")

    @display(description="State")
    def state_shown(self, row: Alert) -> SafeString:
        if row.resolved_at:
            return format_html("{} {}", word("done", "Over"), when(row.resolved_at))
        if row.acknowledged_at:
            return word("claimed", f"{row.acknowledged_by} sees to it")
        return word("failed", "Open")


def address_of(alert: Alert) -> str:
    """The list that shows what the alert is about, '' where there is none."""
    url = url_of(f"{alert.model}_changelist") if alert.model else ""
    return f"{url}?{alert.query}" if url and alert.query else url

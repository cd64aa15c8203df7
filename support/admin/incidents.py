"""Incidents: what is out of order, the steps that help with the buttons that take them, and the time-line."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from fulfillment import notices
from support.admin import dialogs
from support.admin.base import address_of, moment, when, word
from support.admin.dialogs import url_of
from support.admin.lists import ActiveAdmin
from support.models import Incident
from support.queries import incidents
from support.runbooks import RUNBOOKS, Step


class IncidentAdmin(ActiveAdmin):
    list_title = "Incidents"
    row_named = "incident"
    list_display = ("what_shown", "state_shown", "opened_shown", "learnt_shown")
    ordering = ("-opened_at", "-id")
    above = ("open_incident",)
    explains = "Outages and doubts about the data, each with its runbook. A grave alert opens one by itself."
    empty_title = "No incident yet"
    empty_text = "When mail or the file store is away, or figures are in doubt, one stands here with what to do."

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row: Incident = self.found(request, object_id, "organization", "alert")
        here: Any = request
        legal = row.closed_at is None
        posted = notices.read(row.organization.policies.get(notices.POLICY), now=moment())
        context = {
            **self.admin_site.each_context(request),
            "title": row.get_kind_display(),
            "incident": row,
            "state": word("done", "Closed") if row.closed_at else word("failed", "Open"),
            "opened": when(row.opened_at),
            "closed": when(row.closed_at),
            "posted": posted,
            "steps": [_step(step, row, here.actor) for step in RUNBOOKS[row.kind]],
            "timeline": [(told, when(told.at)) for told in incidents.timeline(row)],
            "acts": dialogs.buttons(here.actor, ("note_incident", row.pk, legal), ("close_incident", row.pk, legal)),
            "list_url": url_of("support_incident_changelist"),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/incident.html", context)

    @display(description="Incident")
    def what_shown(self, row: Incident) -> SafeString:
        return format_html(
            '<a class="pair link" href="{}"><span class="strong">{}</span><span class="quiet cut">{}</span></a>',
            address_of(row, row.pk),
            row.get_kind_display(),
            row.because,
        )

    @display(description="State")
    def state_shown(self, row: Incident) -> SafeString:
        return word("done", "Closed") if row.closed_at else word("failed", "Open")

    @display(description="Opened")
    def opened_shown(self, row: Incident) -> SafeString:
        return format_html('{} <span class="quiet">by {}</span>', when(row.opened_at), row.opened_by)

    @display(description="Learnt")
    def learnt_shown(self, row: Incident) -> SafeString:
        return format_html('<span class="cut" title="{0}">{0}</span>', row.learnt or "–")


def _step(step: Step, row: Incident, actor: Any) -> dict[str, Any]:
    """A step with the buttons that exist and are permitted; a closed incident has none."""
    of_desk = [(name, row.organization_id, row.closed_at is None) for name in step.dialogs]
    of_row = [
        (name, row.pk, row.closed_at is None and not dialogs.DIALOGS[name].cannot(row)) for name in step.of_incident
    ]
    page = url_of(step.page) if step.page else ""
    return {"step": step, "acts": dialogs.buttons(actor, *of_desk, *of_row), "page": page}

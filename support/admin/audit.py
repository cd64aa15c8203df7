"""The audit log: who did what, when and why; to be filtered, searched and exported, never changed."""

import json
from collections.abc import Iterator
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from unfold.decorators import display

from orders.models import Order
from profiles.actions import audit
from profiles.actors import Actor
from profiles.models import AuditEntry, Membership, Profile
from support import spreadsheets
from support.admin.base import Period, address_of, moment, redacted, when
from support.admin.lists import ActiveAdmin
from support.queries import audits, whose

HEADINGS = (
    *("at", "who", "action", "subject", "subject_id", "customer_id", "order_id"),
    *("reason", "details", "act", "request_id"),
)


def named(action: str) -> str:
    """entitlement.revoked → Entitlement revoked"""
    return action.replace(".", " ").replace("_", " ").capitalize()


class Sort(SimpleListFilter):
    title = "sort"
    parameter_name = "sort"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("acts", "Acts"), ("looks", "Looks at customers' data")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "acts":
                return queryset.exclude(action__in=audits.LOOKS)
            case "looks":
                return queryset.filter(action__in=audits.LOOKS)
        return queryset


class ByAction(SimpleListFilter):
    title = "action"
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(action, named(action)) for action in audits.actions()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(action=self.value()) if self.value() else queryset


class ByActor(SimpleListFilter):
    title = "who"
    parameter_name = "who"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        members = Membership.objects.select_related("user").order_by("user__username")
        people = [(str(m.user_id), m.user.get_full_name() or m.user.get_username()) for m in members]
        return [*people, ("none", "The system and API tokens")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        if value == "none":
            return queryset.filter(actor__isnull=True)
        return queryset.filter(actor_id=int(value)) if value.isdigit() and len(value) < 10 else queryset


class Done(Period):
    title = "when"
    column = "at"
    PERIODS = (*Period.PERIODS, ("year", "Last 365 days", 365))


class AuditEntryAdmin(ActiveAdmin):
    view_permission = "view_audit"
    list_title = "Audit log"
    row_named = "entry"
    chips = "sort"
    list_display = ("action_shown", "actor_shown", "about_shown", "at_shown")
    list_filter = (Sort, ByAction, ByActor, Done)
    ordering = ("-at", "-id")
    search_fields = ("pk",)
    search_help_text = "Order, e-mail or customer id"
    explains = "Every act of staff and every look at a customer. The database refuses to change or delete a line."
    empty_title = "No entries here"
    empty_text = "Nothing was done that fits these filters."

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        @display(description="Reason")
        def reason_shown(row: AuditEntry) -> str:
            return format_html('<span class="cut" title="{0}">{0}</span>', redacted(row.reason, request) or "–")

        return [*self.list_display, reason_shown]

    def find(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        orders, people = whose.ids(text)
        return queryset.filter(Q(order_id__in=orders) | Q(profile_id__in=people))

    @display(description="What")
    def action_shown(self, row: AuditEntry) -> str:
        return format_html('<span class="strong">{}</span>', named(row.action))

    @display(description="Who")
    def actor_shown(self, row: AuditEntry) -> str:
        return row.actor_label

    @display(description="About")
    def about_shown(self, row: AuditEntry) -> str:
        if row.order_id:
            return format_html('<a class="link" href="{}">Order {}</a>', address_of(Order, row.order_id), row.order_id)
        if row.profile_id:
            url = address_of(Profile, row.profile_id)
            return format_html('<a class="link" href="{}">Customer {}</a>', url, row.profile_id)
        about = f"{row.subject_type.partition('.')[2]} {row.subject_id}" if row.subject_id else "–"
        return format_html('<span class="quiet">{}</span>', about)

    @display(description="When")
    def at_shown(self, row: AuditEntry) -> str:
        return when(row.at)

    # One entry, and all of them.

    def get_urls(self) -> list[Any]:
        export = self.admin_site.admin_view(self.export_view)
        return [path("export/", export, name="profiles_auditentry_export"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        url = ""
        if request.actor.may("export"):  # type: ignore[attr-defined]
            query = request.GET.copy()
            query.pop("p", None)
            url = f"{reverse('admin:profiles_auditentry_export')}?{query.urlencode()}".rstrip("?")
        return super().changelist_view(request, {"export_url": url, **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        entry: AuditEntry = self.found(request, object_id)
        press = audits.of_one_press(entry)
        context = {
            **self.admin_site.each_context(request),
            "title": named(entry.action),
            "entry": entry,
            "at": when(entry.at),
            "exact": f"{entry.at:%-d %b %Y, %H:%M:%S} UTC",
            "reason": redacted(entry.reason, request),
            "about": self.about_shown(entry),
            "details": [(name, redacted(_text(value), request)) for name, value in sorted(entry.details.items())],
            "also": [(named(row.action), address_of(row, row.pk)) for row in press if row.pk != entry.pk],
            "list_url": address_of(AuditEntry),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/entry.html", context)

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """The list as it is filtered, whole, as CSV; that it was taken is on record itself."""
        here: Any = request
        actor: Actor = here.actor
        actor.require(self.view_permission)
        actor.require("export")
        at = moment()
        entries = self.get_changelist_instance(request).get_queryset(request).filter(at__lte=at)
        filters = {name: request.GET[name][:100] for name in sorted(request.GET) if name != "q"}
        # What was searched for may be an address, which no entry holds.
        audit.record(
            "audit.exported",
            by=actor,
            subject=here.organization,
            organization_id=here.organization.pk,
            details={"filters": filters, "searched": "q" in request.GET},
        )
        lines = _lines(entries, request)
        response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8; header=present")
        response["Content-Disposition"] = (
            f'attachment; filename="audit-{here.organization.slug}-{at:%Y%m%dT%H%M%SZ}.csv"'
        )
        response["Cache-Control"] = "no-store"
        return response


def _lines(entries: QuerySet[AuditEntry], request: HttpRequest) -> Iterator[str]:
    yield spreadsheets.rows([HEADINGS])
    for portion in audits.portions(entries, organization_id=request.organization.pk):  # type: ignore[attr-defined]
        yield spreadsheets.rows(_cells(row, request) for row in portion)


def _cells(row: AuditEntry, request: HttpRequest) -> tuple[Any, ...]:
    return (
        f"{row.at:%Y-%m-%dT%H:%M:%S.%fZ}",
        row.actor_label,
        row.action,
        row.subject_type,
        row.subject_id,
        row.profile_id,
        row.order_id,
        redacted(row.reason, request),
        redacted(json.dumps(row.details, ensure_ascii=False, sort_keys=True), request) if row.details else "",
        row.act,
        row.request_id,
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

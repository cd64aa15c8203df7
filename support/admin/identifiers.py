"""Identifiers that join nobody: shared by many, or blocked, with why and the way back."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from unfold.decorators import display

from profiles.models import Identifier, Profile
from support.admin.base import address_of, masked, redacted, when, word
from support.admin.lists import ActiveAdmin
from support.admin.settings import act

Status = Identifier.Status


class SetAside(SimpleListFilter):
    title = "state"
    parameter_name = "status__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(status), str(status.label)) for status in (Status.SHARED, Status.BLOCKED)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        known = (Status.SHARED, Status.BLOCKED)
        return queryset.filter(status=self.value()) if self.value() in known else queryset


class IdentifierAdmin(ActiveAdmin):
    list_title = "Set aside"
    list_one = "value set aside"
    row_named = "identifier"
    chips = "status__exact"
    list_display = ("state_shown", "since_shown")
    list_display_links: Any = None
    list_filter = (SetAside,)
    ordering = ("-set_aside_at", "-id")
    search_fields = ("value",)
    search_help_text = "The value, whole"
    above = ("identity_rules",)
    explains = "Phones, addresses and ids that belong to no one person, so that they join no customers."
    empty_title = "Nothing is set aside"
    empty_text = "A shop's till phone, seen with many customers, appears here by itself; the block list adds others."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(set_aside_at__isnull=False)

    def find(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        return queryset.filter(value=text.strip())

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        @display(description="Identifier")
        def value_shown(row: Identifier) -> str:
            return format_html(
                '<span class="pair"><span class="strong cut">{}</span><span class="quiet">{}</span></span>',
                masked(row.value, request),
                row.get_kind_display(),
            )

        @display(description="Why")
        def because_shown(row: Identifier) -> str:
            return format_html('<span class="cut" title="{0}">{0}</span>', redacted(row.because, request))

        @display(description="")
        def act_shown(row: Identifier) -> str:
            return act("take_back", row.pk, request)

        return [value_shown, *self.list_display, because_shown, act_shown]

    @display(description="State")
    def state_shown(self, row: Identifier) -> str:
        return word(row.status, row.get_status_display(), "waiting" if row.status == Status.SHARED else "over")

    @display(description="Since")
    def since_shown(self, row: Identifier) -> str:
        return when(row.set_aside_at)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """An identifier's page is its customer's; one that is nobody's stands in the list."""
        row: Identifier = self.found(request, object_id)
        return redirect(address_of(Profile, row.profile_id) if row.profile_id else address_of(Identifier))

"""The files on sale: what they must be, where they lie, and what the last check found."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from fulfillment import storages
from fulfillment.actions import stores
from fulfillment.models import Asset
from orders.models import Product
from support.admin.base import address_of, when, word
from support.admin.lists import ActiveAdmin
from support.admin.settings import act

TONES = {Asset.Verdict.WHOLE: "well", Asset.Verdict.UNREACHABLE: "look"}
PLACES = {storages.DEFAULT: "First", storages.SECOND: "Second"}


class State(SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("fault", "Missing or damaged"), ("alone", "In one store only"), ("earlier", "Earlier versions")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "fault":
                return queryset.exclude(fault="").filter(current=True)
            case "alone":
                return queryset.filter(in_second=False, current=True)
            case "earlier":
                return queryset.filter(current=False)
            case _:
                return queryset.filter(current=True)


class AssetAdmin(ActiveAdmin):
    list_title = "Files"
    list_one = "file"
    row_named = "file"
    list_display = ("file_shown", "version", "size_shown", "places_shown", "state_shown", "verified_shown")
    list_filter = (State,)
    list_select_related = ("product",)
    chips = "state"
    above = ("verify_assets", "switch_storage")
    ordering = ("-created_at", "-id")
    explains = "Every file that is given out. Each night it is read whole in every store and compared."
    empty_title = "No files here"
    empty_text = "Upload a file on its product's page: what was paid for is delivered at once."

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list, which says first where downloads go while that is not as usual."""
        health = stores.Health()
        away = [stores.NAMES[alias] for alias in health.away()]
        told = f"{' and '.join(away).capitalize()} is left alone now. " if away else ""
        if health.switched():
            told = "Downloads and new files go to the second store, because a person switched. "
        return super().changelist_view(request, {"explains": f"{told}{self.explains}", **(extra_context or {})})

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """The columns, and the button of each row for whoever may press it."""

        @display(description="")
        def act_shown(row: Asset) -> SafeString | str:
            return act("copy_file", row.pk, request) if row.fault or not row.in_second else ""

        return [*self.list_display, act_shown]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A file's page is that of its product."""
        return redirect(address_of(Product, self.found(request, object_id).product_id))

    @display(description="File")
    def file_shown(self, row: Asset) -> SafeString:
        return format_html(
            '<a class="pair link" href="{}"><span class="strong cut">{}</span>'
            '<span class="quiet cut">{} · {}…</span></a>',
            address_of(Product, row.product_id),
            row.filename,
            row.product.sku,
            row.sha256[:10],
        )

    @display(description="Size")
    def size_shown(self, row: Asset) -> str:
        return filesizeformat(row.size)

    @display(description="Lies in")
    def places_shown(self, row: Asset) -> SafeString | str:
        if not row.verdicts:
            return "Both" if row.in_second else "First"
        shown = (
            (word(verdict, f"{PLACES.get(alias, alias)}: {Asset.Verdict(verdict).label.lower()}", _tone(verdict)),)
            for alias, verdict in sorted(row.verdicts.items())
        )
        return format_html_join(" ", "{}", shown)

    @display(description="State")
    def state_shown(self, row: Asset) -> SafeString:
        if row.fault:
            return format_html('<span title="{}">{}</span>', row.fault, word("failed", "Look at it"))
        if not row.current:
            return word("expired", "Withdrawn" if row.withdrawn else "Superseded")
        return word("active", "On sale") if row.verified_at else word("pending", "Not checked yet")

    @display(description="Last checked")
    def verified_shown(self, row: Asset) -> SafeString | str:
        if row.verify_at is not None:
            return word("queued", "Being checked")
        return when(row.verified_at) if row.verified_at else "Tonight"


def _tone(verdict: str) -> str:
    return TONES.get(Asset.Verdict(verdict), "bad")

"""What every list of the desk has in common: read-only facts, permissions by role, speed over a million rows."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.contrib.admin import ShowFacets, SimpleListFilter
from django.contrib.admin.views.main import PAGE_VAR
from django.db import models
from django.forms import Media
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from orders import money
from orders.models.channels import sealed
from profiles import clock
from support.admin import filters, page_links, rows
from support.admin.paginators import EstimatedPaginator
from support.queries import search, verdicts

FOUND_AT_MOST = 200
HIDDEN = "••••••"

# Words with colour: what is well, what waits, what a person should look at, what failed, what is over.
WELL, WAITING, LOOK, BAD, OVER = "well", "waiting", "look", "bad", "over"
TONES: dict[str, str] = {
    **dict.fromkeys(("paid", "delivered", "completed", "active", "sent", "done", "captured", "succeeded", "won"), WELL),
    "approved": WELL,
    **dict.fromkeys(("pending", "processing", "shipped", "queued", "claimed", "kept", "pending_claim"), WAITING),
    **dict.fromkeys(("awaiting", "waiting"), WAITING),
    **dict.fromkeys(("pending_payment", "pending_processing", "pending_storage", "pending_email"), WAITING),
    **dict.fromkeys(("partially_refunded", "suspended", "unknown", "opened", "disputed", "unpaid", "shared"), LOOK),
    **dict.fromkeys(("failed", "revoked", "quarantined", "lost", "blocked", "bounced"), BAD),
    **dict.fromkeys(("cancelled", "refunded", "expired", "ignored", "dismissed", "declined"), OVER),
}


_moment: ContextVar[datetime | None] = ContextVar("moment", default=None)


@contextmanager
def one_moment(at: datetime) -> Iterator[None]:
    """Within the block, which is one request, it is this moment for every row of a page."""
    token = _moment.set(at)
    try:
        yield
    finally:
        _moment.reset(token)


def moment() -> datetime:
    """The moment of this page, or outside one the present."""
    return _moment.get() or clock.now()


# How a value is shown --------------------------------------------------------------------------------------------


# A page has the same word a hundred times. Typed, for a text is not yet safe because an equal one is.
@lru_cache(maxsize=1024, typed=True)
def word(value: str, label: str = "", tone: str = "") -> SafeString:
    """A status as a word with colour: the word says it, the colour only helps."""
    shown = label or value.replace("_", " ").capitalize()
    return format_html('<span class="word word--{}">{}</span>', tone or TONES.get(value, OVER), shown)


def amount(minor: int | None, currency: str, *, strong: bool = False) -> SafeString:
    """Money right-aligned in tabular figures, with its currency."""
    if minor is None:
        return format_html('<span class="money">{}</span>', "–")
    kind = "money money--strong" if strong else "money"
    figure = grouped(money.to_text(minor, currency))
    return format_html('<span class="{}">{} <span class="money__unit">{}</span></span>', kind, figure, currency)


def grouped(text: str) -> str:
    """1234567.00 → 1,234,567.00"""
    sign, digits = ("−", text[1:]) if text.startswith("-") else ("", text)
    whole, point, fraction = digits.partition(".")
    return f"{sign}{int(whole):,}{point}{fraction}"


def when(at: datetime | None, now: datetime | None = None) -> SafeString:
    """A relative time, the exact one on hover and for machines."""
    if at is None:
        return format_html('<span class="quiet">{}</span>', "–")
    exact = f"{at:%-d %b %Y, %H:%M:%S} UTC"
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), exact, relative(at, now))


def relative(at: datetime, now: datetime | None = None) -> str:
    """3 h ago, "in 31 h", "just now"; beyond a month the day itself."""
    now = now or moment()
    span = now - at
    seconds = span.total_seconds()
    if abs(seconds) < 45:
        return "just now"
    if abs(span.days) > 31:
        return f"{at:%-d %b %Y}"
    return f"{verdicts.ago(span)} ago" if seconds > 0 else f"in {verdicts.ago(-span)}"


def masked(value: str, request: HttpRequest) -> str:
    """Customer data as this role may see it (SPEC SUP-5)."""
    actor = getattr(request, "actor", None)
    if not value or (actor is not None and actor.may("view_pii")):
        return value
    return mask(value)


def mask(value: str) -> str:
    """Enough to tell two apart, too little to know who: k••••@e••••.com, +49••••42."""
    local, at, domain = value.partition("@")
    if at:
        host, dot, ending = domain.rpartition(".")
        return f"{local[:1]}••••@{host[:1]}••••{dot}{ending}"
    if value.startswith("+") or value.replace(" ", "").isdigit():
        return f"{value[:3]}••••{value[-2:]}"
    return " ".join(f"{part[:1]}•••" for part in value.split()) or HIDDEN


_ADDRESS = re.compile(r"[^\s<>@“”\"']+@[^\s<>@“”\"',;:]+\.\w+|\+\d[\d ]{6,}\d")


def redacted(text: str, request: HttpRequest) -> str:
    """A sentence whose addresses and numbers are masked for roles that need them not."""
    actor = getattr(request, "actor", None)
    if not text or (actor is not None and actor.may("view_pii")):
        return text
    return _ADDRESS.sub(lambda found: mask(found[0]), text)


def address_of(model: type[models.Model] | models.Model, pk: int | None = None) -> str:
    """The page of a row (or, without a pk, of a model's list); '' where the desk has none."""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    try:
        return reverse(f"{name}_change", args=[pk]) if pk is not None else reverse(f"{name}_changelist")
    except NoReverseMatch:
        return ""


def link(row: models.Model, text: str = "") -> SafeString:
    href = address_of(row, row.pk)
    shown = text or str(row)
    return format_html('<a class="link" href="{}">{}</a>', href, shown) if href else format_html("{}", shown)


# The list --------------------------------------------------------------------------------------------------------


class Listing(ChangeList):
    """The page of a list; rows that were read to be counted are not read again."""

    def get_query_string(self, new_params: Mapping[str, Any] | None = None, remove: Iterable[str] | None = None) -> str:
        """The same as Django's, which encodes anew for each of the many choices what the address has already."""
        gone, new = tuple(remove or ()), new_params or {}
        kept = {
            name: text for name, text in self._encoded.items() if not (name in new or (gone and name.startswith(gone)))
        }
        told = {name: urlencode({name: value}, doseq=True) for name, value in new.items() if value is not None}
        return "?" + "&".join(text for _, text in sorted({**kept, **told}.items()) if text)

    @cached_property
    def _encoded(self) -> dict[str, str]:
        return {name: urlencode({name: value}, doseq=True) for name, value in self.filter_params.items()}

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.multi_page and isinstance(self.paginator, EstimatedPaginator) and self.paginator.wanted == 1:
            self.result_list = self.paginator.first
        self.result_list = self.model_admin.completed(self.result_list)


class DeskAdmin(ModelAdmin):
    """A list of facts: nobody adds, changes or deletes them here. Acts are dialogs (`support.admin.dialogs`).

    A list says what it shows: `list_display`, `search_kind` ("order" or "profile": rows found by the one search),
    `list_title`, `list_one` (what one row is called, where the model says it otherwise), `empty_title` and
    `empty_text` (what to do next), `explains` (one sentence above the list), `chips` (the filter, by its parameter,
    whose choices stand above the list as chips), `list_only` (the columns its rows are drawn of, where it leaves many).
    """

    view_permission: ClassVar[str] = "view"
    search_kind: ClassVar[str] = ""
    list_title: ClassVar[str] = ""
    list_one: ClassVar[str] = ""
    empty_title: ClassVar[str] = "Nothing here"
    empty_text: ClassVar[str] = "Take a filter away or search for something else."
    explains: ClassVar[str] = ""
    chips: ClassVar[str] = ""
    list_only: ClassVar[tuple[str, ...]] = ()
    list_before_template = "admin/_chips.html"
    change_list_template = "admin/list.html"

    paginator = EstimatedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 50
    actions: Any = None
    ordering: Sequence[str] = ("-id",)
    sortable_by: Any = ()
    list_filter_sheet = False
    list_filter_submit = False
    list_fullwidth = True
    show_facets = ShowFacets.NEVER
    search_fields: Sequence[str] = ()
    search_help_text = "Narrow this list"

    def __init__(self, model: type[models.Model], admin_site: Any) -> None:
        if self.search_kind and not self.search_fields:
            self.search_fields = ("pk",)  # shows the box; `get_search_results` does the finding
        super().__init__(model, admin_site)
        self.drawn_media: dict[bool, dict[str, str]] = {}

    # Who may what.

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        actor = getattr(request, "actor", None)
        return actor is not None and bool(actor.role) and actor.may(self.view_permission)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    # What is found.

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        if self.list_only:
            return rows.only(*self.list_only)
        related = self.list_select_related
        return rows.defer(*sealed()) if not isinstance(related, bool) and "channel" in related else rows

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        """By the one search, whose functions use an index behind the wall; Django's own would read every row."""
        if not search_term.strip():
            return queryset, False
        if not self.search_kind:
            return self.find(queryset, search_term.strip()), False
        organization = request.organization  # type: ignore[attr-defined]
        found = search.keys(
            search_term,
            organization=organization,
            kinds=(self.search_kind,),
            at_most=FOUND_AT_MOST,
            beside_exact=False,
        )
        return queryset.filter(pk__in=[pk for _, pk in found]), False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Listing

    def get_paginator(self, request: HttpRequest, queryset: models.QuerySet[Any], per_page: int, *rest: Any) -> Any:
        paginator = super().get_paginator(request, queryset, per_page, *rest)
        asked = request.GET.get(PAGE_VAR, "")
        if isinstance(paginator, EstimatedPaginator):
            paginator.organization_id = request.organization.pk  # type: ignore[attr-defined]
            paginator.wanted = int(asked) if asked.isdecimal() and len(asked) < 10 else 1
            paginator.as_it_opens = not request.GET
        return paginator

    def completed(self, shown: Iterable[Any]) -> Iterable[Any]:
        """The rows of a page with what else is shown of them: lists that read more for them do it here, once."""
        return shown

    def find(self, queryset: models.QuerySet[Any], text: str) -> models.QuerySet[Any]:
        """Rows for this text by plain equality on indexed columns; lists with a search box say how."""
        return queryset.none()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        named = self.list_title or str(self.model._meta.verbose_name_plural).capitalize()
        context = {
            "title": named,  # Django's own would say "Select order to view" in the browser's tab
            "empty_title": self.empty_title,
            "empty_text": self.empty_text,
            "explains": self.explains,
            "list_title": named,
            **(extra_context or {}),
        }
        response = super().changelist_view(request, context)
        drawn = getattr(response, "context_data", None) or {}
        if "cl" in drawn:
            drawn["media"] = self._scripts(drawn["media"], acting=drawn["action_form"] is not None)
            drawn["result_headers"] = rows.headers(drawn["cl"])
            # Drawn as the page is: what a row shows may take the language and the moment of the page.
            drawn["rows"] = rows.drawn(drawn["cl"], drawn["result_headers"])
            drawn["pages"] = page_links.drawn(drawn["cl"])
            choices = filters.choices(drawn["cl"])
            drawn["filters"] = filters.drawn(drawn["cl"], choices)
            if self.chips:
                drawn["chips"] = filters.of(self.chips, choices)
        return response

    def _scripts(self, media: Media, *, acting: bool) -> dict[str, str]:
        """What a list's page asks the browser to load, drawn once for the list: with its acts, and without."""
        if acting not in self.drawn_media:
            self.drawn_media[acting] = {part: str(media[part]) for part in ("css", "js")}
        return self.drawn_media[acting]


class Period(SimpleListFilter):
    """A filter by time that reads one range of an index. Subclasses name the column."""

    title = "when"
    parameter_name = "period"
    column = "placed_at"
    PERIODS: tuple[tuple[str, str, int], ...] = (
        ("day", "Last 24 hours", 1),
        ("week", "Last 7 days", 7),
        ("month", "Last 30 days", 30),
    )

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, words) for name, words, _ in self.PERIODS]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        value = self.value() or ""
        if span := calendar_month(value, request.organization.timezone):  # type: ignore[attr-defined]
            return queryset.filter(**{f"{self.column}__gte": span[0], f"{self.column}__lt": span[1]})
        days = {name: days for name, _, days in self.PERIODS}.get(value)
        return queryset.filter(**{f"{self.column}__gte": clock.now() - timedelta(days=days)}) if days else queryset


def calendar_month(text: str, timezone: str) -> tuple[datetime, datetime] | None:
    """From when until before when a month such as 2026-10 lasts by that clock; None for any other text."""
    if not re.fullmatch(r"20[0-9]{2}-(0[1-9]|1[0-2])", text, re.ASCII):
        return None
    zone, year, month = ZoneInfo(timezone), int(text[:4]), int(text[5:])
    ends = (year + 1, 1) if month == 12 else (year, month + 1)
    return datetime(year, month, 1, tzinfo=zone), datetime(*ends, 1, tzinfo=zone)

"""Imported files: how far each is, how it is read, what became of its rows, and the rows that were refused, as CSV."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from orders.files import texts
from orders.files.dialects import DIALECTS
from orders.models import Import, ImportRow, Order, Payout
from orders.queries import imports
from profiles import tenancy
from profiles.actors import Actor, NotPermitted
from support import spreadsheets
from support.admin import dialogs
from support.admin.base import address_of, masked, redacted, when, word
from support.admin.lists import ActiveAdmin, ByState

State = Import.State
SHOWN_AT_MOST = 50
TONES = {
    State.ASKING: "look",
    State.READING: "waiting",
    State.CHECKED: "look",
    State.TAKING: "waiting",
    State.DONE: "well",
    State.REFUSED: "bad",
    State.UNDOING: "waiting",
    State.UNDONE: "over",
    State.DISCARDED: "over",
}
OUTCOMES = {"new": "well", "update": "well", "same": "over", "conflict": "look", "reject": "bad"}
WRITTEN = {"point": "1234.56", "comma": "1234,56", "turkish": "1.234,56"}
DAYS = {"ISO": "2026-11-12", "DMY": "12/11/2026, day first", "MDY": "11/12/2026, month first"}
SIGNS = {",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Bar"}


class ByImportState(ByState):
    states = State


class ImportAdmin(ActiveAdmin):
    list_title = "Imports"
    row_named = "import"
    view_permission = "import_files"
    list_display = ("file_shown", "mode_shown", "state_shown", "new_shown", "known_shown", "odd_shown", "by_shown")
    list_filter = (ByImportState,)
    list_select_related = ("channel",)
    chips = "state__exact"
    above = ("import_file",)
    ordering = ("-created_at", "-id")
    explains = "Orders and payouts from files. Every row is accounted for, and the same file again changes nothing."
    empty_title = "No file yet"
    empty_text = "Import the first one above: you see what each of its rows would do before anything changes."

    def get_urls(self) -> list[Any]:
        refused = self.admin_site.admin_view(self.refused)
        return [path("<int:pk>/refused.csv", refused, name="import_refused"), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Import]:
        return super().get_queryset(request).defer("preview", "recipe", "headings")

    @display(description="File")
    def file_shown(self, row: Import) -> SafeString:
        return format_html(
            '<a class="pair link" href="{}"><span class="strong cut" title="{}">{}</span>'
            '<span class="quiet cut">{} · {}</span></a>',
            address_of(row, row.pk),
            row.filename,
            row.filename,
            row.channel.label,
            filesizeformat(row.size),
        )

    @display(description="Holds")
    def mode_shown(self, row: Import) -> str:
        return row.get_mode_display()

    @display(description="State")
    def state_shown(self, row: Import) -> SafeString:
        return state(row)

    @display(description="New")
    def new_shown(self, row: Import) -> SafeString:
        return _number(row.fresh + row.updated)

    @display(description="Known")
    def known_shown(self, row: Import) -> SafeString:
        return _number(row.same)

    @display(description="Left out")
    def odd_shown(self, row: Import) -> SafeString:
        return _number(row.conflicts + row.rejected)

    @display(description="Handed in")
    def by_shown(self, row: Import) -> SafeString:
        at = when(row.created_at)
        return format_html(
            '<span class="pair"><span class="cut">{}</span><span class="quiet">{}</span></span>', row.by, at
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row: Import = self.found(request, object_id, "channel", "mapping", "repeats")
        line = request.GET.get("line", "")
        since = int(line) if line.isascii() and line.isdigit() and len(line) < 19 else 0
        odd = list(_odd(row).filter(line__gte=since).order_by("line")[: SHOWN_AT_MOST + 1])
        kept = list(ImportRow.objects.filter(imported=row).exclude(kept="").order_by("line")[:SHOWN_AT_MOST])
        context = {
            **self.admin_site.each_context(request),
            "title": row.filename,
            "row": row,
            "state": state(row),
            "moving": row.due_at is not None,
            "steps": _steps(row),
            "counts": _counts(row),
            "reading": _reading(row),
            "preview": [_previewed(one, request) for one in row.preview],
            "preview_heads": next(([name for name, _ in one["read"]] for one in row.preview if one.get("read")), []),
            "odd": [_refused(one, request) for one in odd[:SHOWN_AT_MOST]],
            "odd_count": row.conflicts + row.rejected,
            "more_odd": len(odd) > SHOWN_AT_MOST,
            "odd_since": since,
            "kept": kept,
            "refused_url": dialogs.url_of("import_refused", row.pk),
            "acts": _acts(row, request.actor),  # type: ignore[attr-defined]
            "created": when(row.created_at),
            "done": when(row.done_at),
            "undone": when(row.undone_at),
            "found_url": address_of(Payout if row.mode == Import.Mode.PAYOUTS else Order),
            "repeats_url": address_of(Import, row.repeats_id) if row.repeats_id else "",
            "list_url": address_of(Import),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/import.html", context)

    def refused(self, request: HttpRequest, pk: int) -> StreamingHttpResponse:
        """The rows left out, each with its line and the reason, harmless to a spreadsheet."""
        actor: Actor = request.actor  # type: ignore[attr-defined]
        if not actor.may("view_pii"):
            raise NotPermitted("Your role may not see customers' data, and these rows hold it.")
        row: Import = self.found(request, str(pk))
        answer = StreamingHttpResponse(_lines(row), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="refused-rows-of-import-{row.pk}.csv"'
        return answer


def state(row: Import) -> SafeString:
    """How far it is."""
    if row.state in Import.DUE and row.due_at is None:
        return word("", "Stopped", "bad")
    return word(row.state, row.get_state_display(), TONES[State(row.state)])


def _number(count: int) -> SafeString:
    return format_html('<span class="money">{}</span>', f"{count:,}")


def _odd(row: Import) -> QuerySet[ImportRow]:
    return ImportRow.objects.filter(imported=row.source_id, outcome__in=ImportRow.ODD)


def _steps(row: Import) -> list[dict[str, Any]]:
    """The way of a file, with what is behind it and where it stands."""
    place = {
        State.ASKING: 1,
        State.REFUSED: 1,
        State.READING: 2,
        State.CHECKED: 3,
        State.DISCARDED: 0,
    }.get(State(row.state), 4)
    words = ("Hand it in", "How it is read", "Check every row", "Import", "Result")
    return [{"words": text, "done": n < place, "now": n == place} for n, text in enumerate(words)]


def _counts(row: Import) -> list[tuple[str, int, str]]:
    names = (("fresh", "new"), ("updated", "change one"), ("same", "known"), ("conflicts", "conflict"))
    tones = {"fresh": "well", "updated": "well", "same": "over", "conflicts": "look"}
    found = [(words, getattr(row, name), tones[name]) for name, words in names]
    return [*found, ("rejected", row.rejected, "bad" if row.rejected else "over")]


def _reading(row: Import) -> list[tuple[str, str]]:
    if not row.recipe:
        return []
    recipe = row.recipe
    name = next((one.words for one in DIALECTS if one.name == recipe["dialect"]), "")
    between = "" if recipe["encoding"] == "xlsx" else SIGNS[recipe["delimiter"]]
    return [
        ("Kind of file", name or recipe["dialect"].replace("mapping:", "Mapping: ")),
        ("Encoding", texts.NAMES.get(recipe["encoding"], recipe["encoding"])),
        *([("Between the cells", between)] if between else []),
        ("Amounts", WRITTEN[recipe["decimals"]]),
        ("Dates", DAYS[recipe["dates"]]),
        ("Time zone", recipe["zone"]),
    ]


def _previewed(one: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
    read = [masked(value, request) if name == "E-mail" else value for name, value in one.get("read", ())]
    return {"line": one["line"], "problem": redacted(one["problem"], request), "read": read}


def _refused(one: ImportRow, request: HttpRequest) -> dict[str, Any]:
    sees = request.actor.may("view_pii")  # type: ignore[attr-defined]
    return {
        "line": one.line,
        "outcome": word("", one.get_outcome_display(), OUTCOMES[one.outcome]),
        "reason": redacted(one.reason, request),
        "cells": " · ".join(one.cells)[:400] if sees else "",
    }


def _acts(row: Import, actor: Actor) -> list[dialogs.Button]:
    now = State(row.state)
    stopped = now in Import.DUE and row.due_at is None
    brings = row.fresh + row.updated > 0
    wanted = (
        ("take_import", now == State.CHECKED and brings),
        ("map_columns", now in (State.ASKING, State.REFUSED) and bool(row.headings)),
        ("read_otherwise", now in (State.ASKING, State.CHECKED, State.REFUSED)),
        ("resume_import", stopped),
        ("undo_import", now == State.DONE and row.repeats_id is None and brings),
        ("discard_import", now in (State.ASKING, State.CHECKED, State.REFUSED)),
    )
    legal = [name for name, possible in wanted if possible]
    onward = ("take_import", "map_columns", "resume_import")
    found = (dialogs.button(name, row.pk, actor, first=name in onward) for name in legal)
    return [one for one in found if one is not None]


def _lines(row: Import) -> Iterator[str]:
    """The download, some thousand rows at a time; each portion sees only this organization."""
    yield "\ufeff" + spreadsheets.rows([["line", "outcome", "reason", *row.headings]])
    found = imports.outcomes(row, only=ImportRow.ODD)
    while True:
        with tenancy.organization(row.organization_id):
            portion = [one for _, one in zip(range(imports.ROWS_AT_ONCE), found, strict=False)]
        if not portion:
            return
        yield spreadsheets.rows([[one.line, one.get_outcome_display(), one.reason, *one.cells] for one in portion])

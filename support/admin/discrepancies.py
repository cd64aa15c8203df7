"""The reconciliation's inbox: what two records say differently, both side by side, and the runs that compared them."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from orders import money
from support import differences
from support.actions import reconciliation, repairs
from support.admin import dialogs
from support.admin.base import address_of, amount, grouped, link, moment, relative, when, word
from support.admin.lists import ActiveAdmin, ByState, Usually
from support.models import Discrepancy, ReconcileRun
from support.queries import books

Status = Discrepancy.Status
TONES = {Status.OPEN: "look", Status.CLOSED: "well", Status.WRITTEN_OFF: "over"}
RUN_TONES = {"queued": "waiting", "claimed": "waiting", "done": "well", "failed": "bad"}


class ByStatus(Usually):
    """Those that are open, unless one asks for more."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("open", "Open"),
            ("late", "Late"),
            ("closed", "Closed"),
            ("written_off", "Written off"),
            ("test", "Test mode"),
            ("all", "All"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.chosen()
        if chosen == "all":
            return queryset
        if chosen == "test":
            return queryset.filter(status=Status.OPEN, test=True)
        if chosen == "late":
            return queryset.filter(status=Status.OPEN, test=False, due_at__lt=moment())
        rows = queryset.filter(status=chosen)
        return rows.filter(test=False) if chosen == "open" else rows


class ByKind(SimpleListFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind.code, kind.title) for kind in differences.KINDS.values()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() in differences.KINDS else queryset


class DiscrepancyAdmin(ActiveAdmin):
    row_named = "discrepancy"
    list_title = "Discrepancies"
    list_display = ("what_shown", "amount_shown", "order_shown", "found_shown", "due_shown")
    list_filter = (ByStatus, ByKind)
    list_select_related = ("order", "channel")
    ordering = ("due_at", "id")
    chips = "status"
    above = ("reconcile_now",)
    bulk = ("repair_discrepancies", "write_off_discrepancies")
    list_before_template = "admin/_books_head.html"
    explains = "What two records say differently. Each closes by itself once they agree."
    empty_title = "Everything agrees"

    @property
    def empty_text(self) -> str:  # type: ignore[override]
        run = books.last_run()
        if run is None or run.finished_at is None:
            return "Nothing was compared yet: press “Reconcile now”."
        return f"Last checked {relative(run.finished_at)}, from {run.since:%-d %b %Y} to {run.until:%-d %b %Y}."

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        @display(description="")
        def act_shown(row: Discrepancy) -> SafeString:
            if row.status != Status.OPEN or row.repair == differences.DECIDE:
                return word(row.status, row.get_status_display(), TONES[Status(row.status)])
            actor = request.actor  # type: ignore[attr-defined]
            made = dialogs.button("repair_discrepancy", row.pk, actor, label=differences.REPAIRS[row.repair])
            if made is None:
                return format_html("{}", "")
            return format_html('<a class="act act--small" href="{}" data-dialog>{}</a>', made.url, made.label)

        return [*self.list_display, act_shown]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        now = moment()
        standing = books.standing(now)
        run = books.last_run()
        context = {
            "books": [_standing(one) for one in standing],
            "books_late": sum(one.late for one in standing),
            "books_run": run,
            "books_checked": when(run.finished_at) if run else "",
            "runs_url": address_of(ReconcileRun),
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row: Discrepancy = self.found(
            request, object_id, "order__channel", "other_order", "payment", "payout", "payout_line", "channel"
        )
        context = {
            **self.admin_site.each_context(request),
            "title": row.about.title,
            "row": row,
            "about": row.about,
            "state": word(row.status, row.get_status_display(), TONES[Status(row.status)]),
            "late": row.status == Status.OPEN and row.due_at < moment(),
            "apart": f"{grouped(money.to_text(row.amount_minor, row.currency))} {row.currency}",
            "sides": [(row.about.ours, _told(row.ours)), (row.about.theirs, _told(row.theirs))],
            "facts": _facts(row),
            "entries": [(entry, when(entry.at)) for entry in row.entries.order_by("at", "pk")],
            "found": when(row.found_at),
            "acts": _acts(row, request),
            "list_url": address_of(Discrepancy),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/discrepancy.html", context)

    @display(description="What")
    def what_shown(self, row: Discrepancy) -> SafeString:
        return format_html(
            '<span class="pair"><span class="strong">{}</span><span class="quiet cut">{}</span></span>',
            row.about.title,
            f"{row.channel.label} · {row.external_id}" if row.channel else row.external_id,
        )

    @display(description="Difference")
    def amount_shown(self, row: Discrepancy) -> SafeString:
        return amount(row.amount_minor, row.currency)

    @display(description="Order")
    def order_shown(self, row: Discrepancy) -> SafeString:
        return link(row.order) if row.order else format_html('<span class="quiet">{}</span>', "–")

    @display(description="Found")
    def found_shown(self, row: Discrepancy) -> SafeString:
        return when(row.found_at)

    @display(description="Due")
    def due_shown(self, row: Discrepancy) -> SafeString:
        if row.status == Status.OPEN and row.due_at < moment():
            return format_html("{} {}", word("late", "Late", "bad"), when(row.due_at))
        return when(row.due_at) if row.status == Status.OPEN else when(row.closed_at)


def _standing(one: books.Standing) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "count": f"{one.count:,}",
        "late": f"{one.late:,}" if one.late else "",
        "sum": amount(one.amount_minor, one.currency),
        "due": when(one.due_at),
        "query": f"?kind={one.kind.code}",
    }


def _told(said: Sequence[Sequence[Any]]) -> list[tuple[str, Any]]:
    """What one side says, with money and instants as the desk shows them."""
    return [(str(name), _value(value)) for name, value in said]


def _value(value: Any) -> Any:
    if isinstance(value, dict) and "minor" in value:
        return amount(int(value["minor"]), str(value["currency"]))
    if isinstance(value, dict) and "at" in value:
        return when(parse_datetime(str(value["at"])))
    return str(value)


def _facts(row: Discrepancy) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [("Difference", amount(row.amount_minor, row.currency, strong=True))]
    if row.status == Status.OPEN:
        found.append(("Due", when(row.due_at)))
    if row.channel:
        found.append(("Channel", row.channel.label))
    if row.external_id:
        found.append(("Known as", row.external_id))
    found.append(("Happened", when(row.at)))
    named: list[tuple[str, Any]] = [
        ("Order", row.order),
        ("Other order", row.other_order),
        ("Payment", row.payment),
        ("Payout", row.payout),
        ("Payout line", row.payout_line),
    ]
    found += [(name, link(thing)) for name, thing in named if thing is not None]
    return found


def _acts(row: Discrepancy, request: HttpRequest) -> list[dialogs.Button]:
    """The suggested repair first; what the order's own page offers beside it."""
    actor = request.actor  # type: ignore[attr-defined]
    is_open = row.status == Status.OPEN
    suggested = None
    if is_open and row.repair != differences.DECIDE:
        label = differences.REPAIRS[row.repair]
        suggested = dialogs.button("repair_discrepancy", row.pk, actor, label=label, first=True)
    order_id = row.order_id or 0
    owed = row.kind == Discrepancy.Kind.PAID_WITHOUT_ENTITLEMENT
    twice = row.kind == Discrepancy.Kind.DUPLICATE
    more = dialogs.buttons(
        actor,
        ("link_discrepancy", row.pk, is_open and row.kind in repairs.LINKABLE),
        ("grant_for_order", order_id, is_open and owed and bool(order_id)),
        ("refund", order_id, is_open and twice and bool(order_id)),
        ("write_off_discrepancy", row.pk, is_open),
        ("reopen_discrepancy", row.pk, row.status == Status.WRITTEN_OFF),
    )
    return [*([suggested] if suggested else []), *more]


class ByRunState(ByState):
    states = ReconcileRun.State


class ReconcileRunAdmin(ActiveAdmin):
    row_named = "reconciliation"
    list_title = "Reconciliations"
    list_display = (
        "window_shown",
        "state_shown",
        "found_shown",
        "new_shown",
        "closed_shown",
        "asked_shown",
    )
    list_display_links: Any = None
    list_filter = (ByRunState,)
    ordering = ("-asked_at", "-id")
    chips = "state__exact"
    above = ("reconcile_now",)
    explains = (
        "Every night the last 3 days are compared, every week the last 35. One that was cut off goes on by itself."
    )
    empty_title = "Nothing was compared yet"
    empty_text = "Press “Reconcile now”, or wait for the night."

    @display(description="Window")
    def window_shown(self, row: ReconcileRun) -> SafeString:
        unreached = ", ".join(one["channel"] for one in row.unreachable)
        below = f"Not reached: {unreached}" if unreached else ("with repairs" if row.repair else "compared only")
        return format_html(
            '<span class="pair"><span class="strong">{}</span><span class="quiet cut">{}</span></span>', row, below
        )

    @display(description="State")
    def state_shown(self, row: ReconcileRun) -> SafeString:
        shown = word(row.state, row.get_state_display(), RUN_TONES[row.state])
        if row.state == ReconcileRun.State.CLAIMED:
            return format_html("{} {} of {}", shown, row.position, len(reconciliation.PHASES))
        return format_html('{} <span class="quiet cut">{}</span>', shown, row.last_error) if row.last_error else shown

    @display(description="Found")
    def found_shown(self, row: ReconcileRun) -> SafeString:
        return _figure(row, "found")

    @display(description="New")
    def new_shown(self, row: ReconcileRun) -> SafeString:
        return _figure(row, "new")

    @display(description="Closed")
    def closed_shown(self, row: ReconcileRun) -> SafeString:
        return _figure(row, "closed")

    @display(description="Asked")
    def asked_shown(self, row: ReconcileRun) -> SafeString:
        return format_html(
            '<span class="pair">{}<span class="quiet cut">{}</span></span>', when(row.asked_at), row.asked_by
        )


def _figure(row: ReconcileRun, name: str) -> SafeString:
    count = sum(counts.get(name, 0) for counts in reconciliation.counted(row).values())
    return format_html('<span class="money">{}</span>', f"{count:,}")

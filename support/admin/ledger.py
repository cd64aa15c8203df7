"""The ledger as a list, and the months: what each came to, which are closed, and what may still be booked."""

from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.dateparse import parse_date
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from orders.bookings import ADJUSTMENT, CAPTURED, DISPUTE, DISPUTE_REVERSED, FEE, PAYOUT, REFUND, month_of
from orders.models import LedgerEntry, Order, Payout, Period
from orders.queries import earnings
from orders.queries.earnings import Month
from profiles.actors import Actor, NotPermitted
from support.admin import dialogs, month_charts
from support.admin.base import LOOK, OVER, WAITING, WELL, address_of, amount, moment, when, word
from support.admin.dialogs import Button
from support.admin.lists import ActiveAdmin
from support.admin.payouts import ByChannel
from support.queries import month_reports
from support.queries.month_reports import Point

COLUMNS = ((CAPTURED,), (REFUND,), (DISPUTE, DISPUTE_REVERSED), (FEE,), (ADJUSTMENT,))
TONES = {"captured": WELL, "refund": OVER, "dispute": LOOK, "dispute_reversed": WELL, "payout": WAITING}


class ByMonth(SimpleListFilter):
    title = "month"
    parameter_name = "month"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(month), f"{month:%B %Y}") for month in earnings.known()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        try:
            month = parse_date(self.value() or "")
        except ValueError:
            month = None
        return queryset.filter(month=month) if month else queryset


class ByKind(SimpleListFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(value), str(words)) for value, words in LedgerEntry.Kind.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() in LedgerEntry.Kind.values else queryset


class ByLate(SimpleListFilter):
    title = "late"
    parameter_name = "late"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Came after its month was closed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(late=True) if self.value() == "yes" else queryset


class LedgerEntryAdmin(ActiveAdmin):
    row_named = "entry"
    list_title = "Ledger entries"
    list_display = ("kind_shown", "amount_shown", "about_shown", "channel_shown", "month_shown", "happened_shown")
    list_filter = (ByKind, ByMonth, ByChannel, ByLate)
    list_select_related = ("order", "payout", "channel")
    ordering = ("-happened_at", "-id")
    above = ("adjust_ledger",)
    chips = "kind"
    explains = (
        "Every movement of money as it was booked. Nothing here is changed; what turned out otherwise is a new line."
    )
    empty_title = "Nothing is booked"
    empty_text = "Payments, refunds, fees and payouts are booked by themselves as they arrive."

    @display(description="What")
    def kind_shown(self, row: LedgerEntry) -> SafeString:
        shown = word(row.kind, row.get_kind_display(), TONES.get(row.kind, OVER))
        return format_html("{} {}", shown, word("test", "Test", OVER)) if row.test else shown

    @display(description="Amount")
    def amount_shown(self, row: LedgerEntry) -> SafeString:
        return amount(row.amount_minor, row.currency, strong=True)

    @display(description="Of")
    def about_shown(self, row: LedgerEntry) -> SafeString:
        about: Any = row.order or row.payout
        name, note = (str(about), row.source) if about else (row.source, row.because)
        return format_html(
            '<a class="pair link" href="{0}"><span class="cut">{1}</span>'
            '<span class="quiet cut" title="{2}">{2}</span></a>',
            address_of(row, row.pk),
            name,
            row.because or note,
        )

    @display(description="Channel")
    def channel_shown(self, row: LedgerEntry) -> str:
        return row.channel.label

    @display(description="Counts in")
    def month_shown(self, row: LedgerEntry) -> SafeString:
        shown = format_html("{}", f"{row.month:%b %Y}")
        return format_html("{} {}", shown, word("late", "Late", LOOK)) if row.late else shown

    @display(description="Happened")
    def happened_shown(self, row: LedgerEntry) -> SafeString:
        return when(row.happened_at)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """An entry's page is that of what it is about."""
        row: LedgerEntry = self.found(request, object_id)
        if row.order_id:
            return redirect(address_of(Order, row.order_id))
        if row.payout_id:
            return redirect(address_of(Payout, row.payout_id))
        return redirect(f"{address_of(LedgerEntry)}?month={row.month}&kind={row.kind}&channel={row.channel_id}")


class PeriodAdmin(ActiveAdmin):
    row_named = "month"
    list_title = "Months"
    list_one = "month"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Every month with what it came to, open and closed."""
        if not self.has_view_permission(request):
            raise NotPermitted("Your role may not see the months.")
        actor: Actor = request.actor  # type: ignore[attr-defined]
        organization = request.organization  # type: ignore[attr-defined]
        rows = earnings.months(organization)
        running = month_of(moment(), ZoneInfo(organization.timezone))
        closable = min((row.month for row in rows if not row.closed and row.month < running), default=None)
        sold_in = sorted({one.currency for row in rows for one in row.sums} | {organization.currency})
        currency = request.GET.get("currency", "")
        currency = currency if currency in sold_in else organization.currency
        points = month_reports.trend(rows, currency)
        context = {
            **self.admin_site.each_context(request),
            "title": "Months",
            "currencies": [(code, code == currency) for code in sold_in] if len(sold_in) > 1 else [],
            "chart_currency": currency,
            "charts": month_charts.charts(points, currency, address=_report(currency), running=True),
            "chart_heads": [series.title for series in month_charts.SERIES],
            "chart_rows": month_charts.rows(points, currency, address=_report(currency)),
            "rows": [_month(row, running, closable, actor, organization.pk) for row in rows],
            "acts": dialogs.buttons(
                actor,
                ("close_month", organization.pk, closable is not None),
                ("adjust_ledger", organization.pk, True),
            ),
            "ledger_url": address_of(LedgerEntry),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/months.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A closed month's page is its entries."""
        row: Period = self.found(request, object_id)
        if not address_of(LedgerEntry):
            raise Http404
        return redirect(f"{address_of(LedgerEntry)}?month={row.month}")


def _report(currency: str) -> Callable[[Point], str]:
    """Where the report of a month in this currency stands."""
    address = dialogs.url_of("month_report")
    return lambda point: f"{address}?{urlencode({'month': f'{point.month:%Y-%m}', 'currency': currency})}"


def _month(row: Month, running: date, closable: date | None, actor: Actor, organization_id: int) -> dict[str, Any]:
    """One month; only the first that is open has a button, since months are closed in order."""
    sums = row.kinds()
    close = dialogs.button("close_month", organization_id, actor, label="Close") if row.month == closable else None
    state = word("open", "Running" if row.month == running else "Open", WAITING)
    return {
        "name": f"{row.month:%B %Y}",
        "month": row.month,
        "state": word("done", "Closed", OVER) if row.closed else state,
        "period": row.period,
        "closed": when(row.period.closed_at) if row.period else "",
        "entries": row.entries,
        "late": row.late,
        "url": f"{address_of(LedgerEntry)}?month={row.month}",
        "late_url": f"{address_of(LedgerEntry)}?month={row.month}&late=yes",
        "close": Button(close.label, f"{close.url}?month={row.month}") if close else None,
        "currencies": [
            {
                "currency": currency,
                "columns": [
                    amount(sum(kinds[kind] for kind in column if kind in kinds), currency)
                    if any(kind in kinds for kind in column)
                    else ""
                    for column in COLUMNS
                ],
                "earned": amount(row.earned()[currency], currency, strong=True),
                "paid_out": amount(-kinds[PAYOUT], currency) if PAYOUT in kinds else "",
            }
            for currency, kinds in sorted(sums.items())
        ],
    }

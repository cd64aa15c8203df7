"""The report of a month, each figure leading to its rows, and the same as CSV or XLSX."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from orders import money
from orders.bookings import month_of
from orders.models import Channel, LedgerEntry, Product
from profiles.actors import Actor, NotPermitted
from support.admin import exports, month_charts
from support.admin.base import amount, calendar_month, moment
from support.admin.dialogs import url_of
from support.admin.month_charts import share
from support.queries import month_reports
from support.queries.month_reports import Asked, Point, Report, Row

KINDS = dict(LedgerEntry.Kind.choices)
DISPUTES_UNDER = 7
"""Permille of orders: from about 0.75 % card schemes begin to watch a seller."""


def page(request: HttpRequest, *, site: Any) -> HttpResponse:
    """`month` as 2026-10 (last month where left out), `currency`, `channel`; `export` gives the same as a file."""
    here: Any = request
    actor: Actor = here.actor
    if not actor.may("view"):
        raise NotPermitted("Your role may not see this desk.")
    asked = _asked(request)
    report = month_reports.of(asked, digital=sorted(str(kind) for kind in Product.DIGITAL))
    export = request.GET.get("export", "")
    if export in ("csv", "xlsx"):
        if not actor.may("export"):
            raise NotPermitted("Your role may not export.")
        return exports.answer(f"report-{asked.month:%Y-%m}-{asked.currency}", export, _sheets(report))
    context = {
        **site.each_context(request),
        "title": f"Report of {asked.month:%B %Y}",
        "report": report,
        "month": f"{asked.month:%Y-%m}",
        "months": [(f"{point.month:%Y-%m}", f"{point.month:%B %Y}") for point in reversed(report.trend)],
        "currencies": month_reports.currencies(asked.organization),
        "channels": Channel.objects.only("kind", "domain").order_by("kind", "domain"),
        "figures": _figures(report),
        "rows": [_channel(row, report) for row in [*report.channels, report.total]],
        "products": [_product(sold, report) for sold in report.products],
        "trend": [_point(point, report) for point in reversed(report.trend)],
        "booked": [(KINDS[kind], amount(minor, asked.currency)) for kind, minor in sorted(report.booked.items())],
        "charts": month_charts.charts(
            report.trend, asked.currency, address=lambda point: f"?{_query(point, asked)}", running=_running(report)
        ),
        "may_export": actor.may("export"),
        "here": urlencode(
            {"month": f"{asked.month:%Y-%m}", "currency": asked.currency, "channel": asked.channel_id or ""}
        ),
        "months_url": url_of("orders_period_changelist"),
        "payouts_url": url_of("orders_payout_changelist"),
    }
    return TemplateResponse(request, "admin/month_report.html", context)


def _asked(request: HttpRequest) -> Asked:
    organization = request.organization  # type: ignore[attr-defined]
    named = request.GET.get("month", "")
    if span := calendar_month(named, organization.timezone):
        month = span[0].date()
    else:
        this = month_of(moment(), ZoneInfo(organization.timezone))
        month = date(this.year - 1, 12, 1) if this.month == 1 else this.replace(month=this.month - 1)
    currency = request.GET.get("currency", "")
    channel = request.GET.get("channel", "")
    return Asked(
        organization=organization,
        month=month,
        currency=currency if currency in money.EXPONENTS else organization.currency,
        channel_id=int(channel) if channel.isdigit() and len(channel) < 19 else None,
    )


def _orders(report: Report, **more: Any) -> str:
    """The address of the orders behind a figure."""
    asked = report.asked
    query = {"period": f"{asked.month:%Y-%m}", "currency": asked.currency, "counted": "yes"}
    if asked.channel_id:
        query["channel"] = str(asked.channel_id)
    chosen = query | {name: str(value) for name, value in more.items() if value is not None}
    return f"{url_of('orders_order_changelist')}?{urlencode(chosen)}"


def _figures(report: Report) -> list[dict[str, Any]]:
    total, bank, currency = report.total, report.bank, report.asked.currency
    away = total.ungranted
    return [
        {"name": "Revenue", "value": amount(total.net_minor, currency, strong=True), "url": _orders(report),
         "note": f"{total.orders:,} orders, {report.text(total.gross_minor)} before refunds"},
        {"name": "Refunded", "value": share(total.refund_permille), "url": _orders(report, counted="refunded"),
         "note": f"{total.refunded_orders:,} orders, {report.text(total.refunded_minor)} {currency}"},
        {"name": "Chargebacks", "value": share(total.dispute_permille), "url": _orders(report, counted="disputed"),
         "note": f"{total.disputes:,} opened in the month", "odd": total.dispute_permille >= DISPUTES_UNDER},
        {"name": "Access granted", "value": f"{total.granted:,} of {total.lines:,}",
         "url": url_of("support_discrepancy_changelist"), "odd": bool(away),
         "note": f"{away:,} digital lines without access" if away else "Every digital line gave its access"},
        {"name": "Payouts", "value": amount(bank.amount_minor, currency, strong=True),
         "url": url_of("orders_payout_changelist"), "odd": bool(bank.waiting or bank.difference_minor),
         "note": _bank(report)},
    ]  # fmt: skip


def _bank(report: Report) -> str:
    bank = report.bank
    if not bank.payouts:
        return "None was made in the month"
    said = f"{bank.confirmed:,} of {bank.payouts:,} confirmed by the bank"
    return f"{said}, {report.text(bank.difference_minor)} off" if bank.difference_minor else said


def _channel(row: Row, report: Report) -> dict[str, Any]:
    currency = report.asked.currency
    last = row is report.total
    return {
        "row": row,
        "total": last,
        "url": _orders(report) if last else _orders(report, channel=row.channel_id),
        "gross": amount(row.gross_minor, currency),
        "refunded": amount(row.refunded_minor, currency),
        "disputed": amount(row.disputed_minor, currency),
        "net": amount(row.net_minor, currency),
        "refunds": share(row.refund_permille),
        "disputes": share(row.dispute_permille),
    }


def _product(sold: month_reports.Sold, report: Report) -> dict[str, Any]:
    return {
        "sold": sold,
        "url": _orders(report, product=sold.product_id or "none"),
        "revenue": amount(sold.revenue_minor, report.asked.currency),
        "missing": sold.lines - sold.granted if sold.digital else 0,
    }


def _query(point: Point, asked: Asked) -> str:
    """The report of another month, else the same."""
    return urlencode({"month": f"{point.month:%Y-%m}", "currency": asked.currency, "channel": asked.channel_id or ""})


def _running(report: Report) -> bool:
    """Whether the last month of the trend is not over yet."""
    this = month_of(moment(), ZoneInfo(report.asked.organization.timezone))
    return bool(report.trend) and report.trend[-1].month >= this


def _point(point: Point, report: Report) -> dict[str, Any]:
    currency = report.asked.currency
    return {
        "point": point,
        "query": _query(point, report.asked),
        "captured": amount(point.captured_minor, currency),
        "refunded": amount(point.refunded_minor, currency),
        "disputed": amount(point.disputed_minor, currency),
        "fee": amount(point.fee_minor, currency),
        "net": amount(point.net_minor, currency),
        "paid_out": amount(point.paid_out_minor, currency),
        "refunds": share(point.refund_permille),
        "disputes": share(point.dispute_permille),
    }


# Files -------------------------------------------------------------------------------------------------------------


def _sheets(report: Report) -> dict[str, list[Sequence[Any]]]:
    places = money.exponent(report.asked.currency)

    def sum_of(minor: int) -> Decimal:
        return Decimal(minor).scaleb(-places)

    def portion(permille: int) -> Decimal:
        return Decimal(permille) / 10

    channels: list[Sequence[Any]] = [
        ["Channel", "Orders", "Gross", "Refunded", "Lost in disputes", "Net", "Refunded orders", "Refund rate %",
         "Disputes opened", "Dispute rate %", "Digital lines", "With access", "Currency"],
    ]  # fmt: skip
    channels += [
        [row.label, row.orders, sum_of(row.gross_minor), sum_of(row.refunded_minor), sum_of(row.disputed_minor),
         sum_of(row.net_minor), row.refunded_orders, portion(row.refund_permille), row.disputes,
         portion(row.dispute_permille), row.lines, row.granted, report.asked.currency]
        for row in [*report.channels, report.total]
    ]  # fmt: skip
    products: list[Sequence[Any]] = [["SKU", "Product", "Quantity", "Revenue", "Lines", "With access", "Refunded"]]
    products += [
        [sold.sku, sold.title, sold.quantity, sum_of(sold.revenue_minor), sold.lines, sold.granted, sold.refunded]
        for sold in report.products
    ]
    trend: list[Sequence[Any]] = [
        [
            "Month",
            "Captured",
            "Refunded",
            "Lost in disputes",
            "Fees",
            "Net",
            "Paid out",
            "Refund rate %",
            "Dispute rate %",
            "Closed",
        ]
    ]
    trend += [
        [f"{point.month:%Y-%m}", sum_of(point.captured_minor), sum_of(point.refunded_minor),
         sum_of(point.disputed_minor), sum_of(point.fee_minor), sum_of(point.net_minor), sum_of(point.paid_out_minor),
         portion(point.refund_permille), portion(point.dispute_permille), "yes" if point.closed else "no"]
        for point in report.trend
    ]  # fmt: skip
    bank = report.bank
    booked: list[Sequence[Any]] = [["Booked as", "Amount"]]
    booked += [[KINDS[kind], sum_of(minor)] for kind, minor in sorted(report.booked.items())]
    return {
        "Channels": channels,
        "Products": products,
        "Months": trend,
        "Ledger": booked,
        "Payouts": [
            ["Payouts", "Amount", "Confirmed", "Should have come", "Bank shows", "Difference"],
            [bank.payouts, sum_of(bank.amount_minor), bank.confirmed, sum_of(bank.confirmed_minor),
             sum_of(bank.bank_minor), sum_of(bank.difference_minor)],
        ],
    }  # fmt: skip

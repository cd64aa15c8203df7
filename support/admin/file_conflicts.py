"""Where an imported file and an order disagree, on the order's page: both side by side, and what to do about it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest

from orders import money
from orders.files.dialects import Standing
from orders.files.sales import Sale
from orders.models import Import, Order
from orders.queries.imports import Conflict
from support import differences
from support.admin.base import address_of, grouped, masked, redacted, when
from support.models import Discrepancy
from support.queries.pages import OrderPage

SHOWN_AT_MOST = 5
LINES_AT_MOST = 8
Status = Order.PaymentStatus
AGREES: Mapping[str, Sequence[str]] = {
    Standing.PAID: (Status.PAID, Status.PARTIALLY_REFUNDED, Status.DISPUTED),
    Standing.REFUNDED: (Status.REFUNDED,),
    Standing.UNPAID: (Status.UNPAID,),
    Standing.FAILED: (Status.FAILED,),
}
"""What an order may stand at while a file that says this says nothing else."""

Said = tuple[str, str, str, bool]


def card(page: OrderPage, request: HttpRequest) -> dict[str, Any]:
    """The files that say otherwise still, the newest first; empty where none does."""
    shown = [one for one in (_shown(conflict, page.order, request) for conflict in page.conflicts) if one]
    if not shown:
        return {}
    return {
        "files": shown[:SHOWN_AT_MOST],
        "more": len(shown) - SHOWN_AT_MOST,
        "discrepancies": [
            (differences.KINDS[kind].title, address_of(Discrepancy, pk)) for kind, pk in page.discrepancies
        ],
    }


def _shown(conflict: Conflict, order: Order, request: HttpRequest) -> dict[str, Any]:
    zone = ZoneInfo(request.organization.timezone)  # type: ignore[attr-defined]
    said = list(_said(conflict.sales, order, zone, request)) if conflict.sales else []
    # What the order has come to say since is no conflict any more.
    if said and not any(differs for *_, differs in said):
        return {}
    may = request.actor.may("import_files")  # type: ignore[attr-defined]
    first = conflict.rows[0].line
    return {
        "name": conflict.imported.filename,
        "lines": _lines([row.line for row in conflict.rows]),
        "at": when(conflict.imported.done_at or conflict.imported.created_at),
        "by": conflict.imported.by,
        "reasons": list(dict.fromkeys(redacted(row.reason, request) for row in conflict.rows))[:LINES_AT_MOST],
        "said": said,
        "advice": _advice(conflict),
        "url": f"{address_of(Import, conflict.imported.pk)}?line={first}#line-{first}" if may else "",
        "stands": _stands(conflict) if may else None,
    }


def _stands(conflict: Conflict) -> dict[str, str] | None:
    """The other file, where it is one whose word stands."""
    other = conflict.stands
    if other is None or other == conflict.imported:
        return None
    return {"name": other.filename, "url": address_of(other, other.pk)}


def _advice(conflict: Conflict) -> str:
    if conflict.stands is None:
        return (
            "What the shop says stands. If the file is right, correct the order in the shop: its next word counts here."
        )
    if conflict.stands == conflict.imported:
        return (
            "Rows of one order contradict each other, and the first ones were taken: correct the file, import it again."
        )
    return "What was imported before stands. If this file is right, undo the other import, then import this file again."


def _said(sales: Sequence[Sale], order: Order, zone: ZoneInfo, request: HttpRequest) -> Iterator[Said]:
    """Name, what the file said, what we hold, and whether they differ."""
    currencies = sorted({sale.currency for sale in sales})
    sums = [(sum(sale.gross_minor for sale in sales if sale.currency == code), code) for code in currencies]
    said = ", ".join(_sum(minor, code) for minor, code in sums)
    yield "Amount", said, _sum(order.total_minor, order.currency), sums != [(order.total_minor, order.currency)]
    standings = list(dict.fromkeys(sale.standing or f"not known: {sale.said}" for sale in sales))
    agrees = all(_agrees(sale.standing, order) for sale in sales)
    held = order.get_payment_status_display() + (", cancelled" if order.cancelled else "")
    yield "Payment", ", ".join(standings).capitalize(), held, not agrees
    days = list(dict.fromkeys(_day(sale.placed_at, zone) for sale in sales))
    placed = _day(order.placed_at, zone)
    yield "Placed", ", ".join(days), placed, days != [placed]
    mails = list(dict.fromkeys(sale.email for sale in sales if sale.email))
    if mails:
        known = {order.email.casefold(), order.email_raw.casefold()}
        shown = ", ".join(masked(mail, request) for mail in mails)
        differs = any(mail.casefold() not in known for mail in mails)
        yield "E-mail", shown, masked(order.email_raw or order.email, request), differs


def _agrees(standing: str, order: Order) -> bool:
    if standing == Standing.CANCELLED:
        return order.cancelled
    return not order.cancelled and order.payment_status in AGREES.get(standing, ())


def _sum(minor: int, currency: str) -> str:
    return f"{grouped(money.to_text(minor, currency))} {currency}"


def _day(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%-d %b %Y}"


def _lines(lines: Sequence[int]) -> str:
    """line 3; lines 3, 4 and 12 more"""
    shown = ", ".join(f"{line:,}" for line in lines[:LINES_AT_MOST])
    more = f" and {len(lines) - LINES_AT_MOST:,} more" if len(lines) > LINES_AT_MOST else ""
    return f"{'line' if len(lines) == 1 else 'lines'} {shown}{more}"

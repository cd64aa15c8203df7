"""Closing a month: from then on nothing is booked in it, and what comes late counts in the month that is open.

A closed month is not opened again: what was reported of it would no longer be true. What it lacked is booked in the
open month, by itself where a fact tells it, else by a person as an adjustment.
"""

from datetime import date
from zoneinfo import ZoneInfo

from django.db.models import Min

from orders import bookings, money
from orders.actions import ledger
from orders.bookings import month_of
from orders.models import Channel, LedgerEntry, Order, Period
from orders.queries import earnings
from profiles import clock
from profiles.actions import audit, turns
from profiles.actors import Actor, Invalid, Refusal
from profiles.models import Organization


class NotOver(Refusal):
    title = "The month is not over"


class AlreadyClosed(Refusal):
    title = "Closed already"


class EarlierOpen(Refusal):
    title = "An earlier month is open"


def close(
    organization: Organization, month: date, *, by: Actor, because: str, with_earlier: bool = False
) -> list[Period]:
    """Close this month, with the earlier ones that are open where that is wanted; returns the months closed, in order.

    Waits for whoever is booking and lets nobody book meanwhile. Refuses a month that is not over, one that is closed,
    and one before which another with entries is open.
    """
    by.require("manage_finance")
    reason = audit.require_reason(because)
    turns.alone(organization.pk)
    month = month.replace(day=1)
    running, closed = month_of(clock.now(), ZoneInfo(organization.timezone)), ledger.last_closed()
    if month >= running:
        raise NotOver(f"{month:%B %Y} is not over: {running:%B %Y} is the running month.")
    if closed is not None and month <= closed:
        raise AlreadyClosed(f"{month:%B %Y} is closed: {closed:%B %Y} was the last month to be closed.")
    wanted = open_until(month)
    if len(wanted) > 1 and not with_earlier:
        raise EarlierOpen(f"{wanted[0]:%B %Y} is open and comes before {month:%B %Y}: close it first.")
    return [_close(organization, one, by=by, because=reason) for one in wanted]


def open_until(month: date) -> list[date]:
    """The open months until this one, the first with entries first; this one is always among them."""
    closed = ledger.last_closed()
    entries = LedgerEntry.objects.filter(month__lt=month)
    first = (entries.filter(month__gt=closed) if closed else entries).aggregate(first=Min("month"))["first"]
    found = [first or month]
    while found[-1] < month:
        found.append(bookings.after(found[-1]))
    return found


def _close(organization: Organization, month: date, *, by: Actor, because: str) -> Period:
    totals = earnings.kept(earnings.of_month(month))
    row = Period.objects.create(
        organization=organization,
        month=month,
        closed_at=clock.now(),
        closed_by=by.label,
        because=because,
        totals=totals,
    )
    audit.record("month.closed", by=by, subject=row, because=because, details={"month": str(month)})
    return row


def adjust(
    channel: Channel,
    *,
    amount_minor: int,
    currency: str,
    by: Actor,
    because: str,
    order: Order | None = None,
) -> LedgerEntry:
    """Book what no fact tells, in the open month, above or below zero; the same press again finds the first.

    Raises `Invalid` for nothing and for a currency that is none.
    """
    by.require("manage_finance")
    reason = audit.require_reason(because)
    organization = channel.organization
    turns.together(organization.pk)
    if not amount_minor or abs(amount_minor) > money.MAX_MINOR:
        raise Invalid("An adjustment is an amount above or below zero.")
    code = money.currency_code(currency)
    source = f"person:{by.act}"
    if known := LedgerEntry.objects.filter(source=source, order=order).first():
        return known
    now = clock.now()
    month, late = bookings.booked_in(now, ZoneInfo(organization.timezone), ledger.last_closed())
    row = LedgerEntry.objects.create(
        organization=organization,
        channel=channel,
        order=order,
        kind=LedgerEntry.Kind.ADJUSTMENT,
        source=source,
        amount_minor=amount_minor,
        currency=code,
        test=channel.test,
        happened_at=now,
        booked_at=now,
        month=month,
        late=late,
        because=reason,
    )
    audit.record(
        "ledger.adjusted",
        by=by,
        subject=row,
        because=reason,
        order_id=order.pk if order else None,
        details={"amount": money.to_text(amount_minor, code), "currency": code, "channel": channel.label},
    )
    return row

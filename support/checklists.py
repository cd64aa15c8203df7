"""What has to be done each day, week and month, who does it, and what of it runs by itself (SPEC SUP-9).

An item's state is read from the rows it is about; a tick says that a person, or the command, has dealt with it in this
period. Neither replaces the other: a ticked item that is not well shows both.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class Cadence(StrEnum):
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True)
class Item:
    """`by_itself`: `manage.py ops` can do it. `why` is one sentence for who does it for the first time."""

    code: str
    cadence: Cadence
    title: str
    why: str
    owner: str
    by_itself: bool = False


_D, _W, _M = Cadence.DAILY, Cadence.WEEKLY, Cadence.MONTHLY

ITEMS: tuple[Item, ...] = (
    Item("stuck", _D, "No delivery is stuck", "Somebody paid and waits.", "Support"),
    Item("undelivered", _D, "Everything paid is delivered", "What was paid for has to arrive.", "Support"),
    Item("unreached", _D, "Every buyer was reached", "A mail that came back is a buyer without a book.", "Support"),
    Item("quarantined", _D, "Every delivery was understood", "What nobody could read may be an order.", "Engineer"),
    Item("unread", _D, "Everything named was read", "Some providers only name an order.", "Engineer"),
    Item("unmapped", _D, "Every line has its product", "Nothing is delivered before it has.", "Support"),
    Item("disputes", _D, "Open disputes are answered", "The evidence has a date.", "Finance"),
    Item("late", _D, "No discrepancy is overdue", "Each has a day to be dealt with.", "Finance"),
    Item("alerts", _D, "Every alert was looked at", "An alert nobody has seen is none.", "Engineer"),
    Item("import", _W, "Files of the week are imported", "Some shops tell only by file.", "Finance", by_itself=True),
    Item("reconcile", _W, "The week is reconciled", "Money, orders and access must agree.", "Finance", by_itself=True),
    Item("discrepancies", _W, "Discrepancies are worked off", "Repair, or write off with a reason.", "Finance"),
    Item("bank", _W, "Payouts stand on the bank statement", "A payout that never came is money lost.", "Finance"),
    Item("unclaimed", _W, "Guests know what is theirs", "Unclaimed for over a week: remind them.", "Support"),
    Item("files", _W, "Every file on sale is whole", "Each is read in every store.", "Engineer", by_itself=True),
    Item("pages", _W, "The shops say what the catalogue says", "A wrong price is sold.", "Support", by_itself=True),
    Item("month", _M, "Last month is reconciled", "Before it is closed.", "Finance", by_itself=True),
    Item("proved", _M, "The ledger agrees with the facts", "Counted again from nothing.", "Finance", by_itself=True),
    Item("figures", _M, "The boards agree with the orders", "Counted again from nothing.", "Engineer", by_itself=True),
    Item("report", _M, "The month's report was looked at", "Rates, trends, and payouts beside the bank.", "Finance"),
    Item("closed", _M, "Last month is closed", "A closed month never changes.", "Finance"),
    Item("rates", _M, "Rates of foreign currencies are entered", "Without them no total is whole.", "Finance"),
    Item("bounced", _M, "Under 1 % of mail came back", "More, and providers stop trusting us.", "Engineer"),
    Item("drill_email", _M, "Another mail provider takes over", "Tried, not believed.", "Engineer", by_itself=True),
    Item("drill_storage", _M, "Another file store takes over", "Tried, not believed.", "Engineer", by_itself=True),
    Item("staff", _M, "Who may enter is who should", "People leave; their logins stay.", "Owner"),
)
BY_CODE = {item.code: item for item in ITEMS}


def of(cadence: Cadence) -> tuple[Item, ...]:
    """The items of one list, in their order."""
    return tuple(item for item in ITEMS if item.cadence == cadence)


def period(cadence: Cadence, at: datetime, zone: ZoneInfo) -> date:
    """The first day of the day, week (from Monday) or month that a moment is in, in the organization's zone."""
    day = at.astimezone(zone).date()
    if cadence is Cadence.WEEKLY:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if cadence is Cadence.MONTHLY else day


def week_before(monday: date) -> date:
    """The Monday before this one: the weekly list is about the week that is over."""
    return monday - timedelta(days=7)


def last_month(at: datetime, zone: ZoneInfo) -> tuple[date, date]:
    """The first day of the month before this one, and of this one: the month that the monthly list is about."""
    this = period(Cadence.MONTHLY, at, zone)
    return (this - timedelta(days=1)).replace(day=1), this

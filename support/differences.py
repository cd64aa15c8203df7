"""The kinds of discrepancy, what each means in plain words, and which repair helps (SPEC FIN-1, FIN-2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

DUE_AFTER: Final = timedelta(hours=24)
"""SPEC FIN-2: each discrepancy is due a day after it was found."""
GRACE: Final = timedelta(minutes=10)
"""What belongs together may arrive apart: so long a payment may be without its order, a line without its payment."""
TOGETHER: Final = timedelta(minutes=10)
"""Two equal orders of one buyer within so long are taken for one that was made twice."""

REQUEUE: Final = "requeue"
FETCH: Final = "fetch"
REVOKE: Final = "revoke"
RECEIPT: Final = "receipt"
DECIDE: Final = "decide"
SAFE: Final = frozenset({REQUEUE, FETCH, REVOKE, RECEIPT})
"""What `--repair` does by itself; each only makes our records follow the facts and may be done any number of times."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: its name in lists, what it says, the two sides it compares, and what helps."""

    code: str
    title: str
    says: str
    ours: str
    theirs: str
    repair: str
    advice: str


_KINDS: Final = (
    Kind(
        "paid_without_order",
        "Paid without order",
        "Money was taken, and no order here belongs to it.",
        "Our orders",
        "Payment at the provider",
        FETCH,
        "Ask the provider for the order; if it has none, link the payment to its order by hand.",
    ),
    Kind(
        "paid_without_entitlement",
        "Paid without access",
        "The order is paid, and what was bought is not granted.",
        "Access",
        "Order",
        REQUEUE,
        "Settle the order again: it grants what was paid.",
    ),
    Kind(
        "entitlement_without_payment",
        "Access without payment",
        "Somebody has access through an order that is not paid.",
        "Access",
        "Order",
        REVOKE,
        "Settle the order again: access that no money stands for ends.",
    ),
    Kind(
        "amount_differs",
        "Amount or currency differs",
        "What was taken is not what the order came to.",
        "Order",
        "Payments at the provider",
        FETCH,
        "Ask the provider for the newest word of the order and its payments.",
    ),
    Kind(
        "refund_without_revocation",
        "Refund without revocation",
        "The money went back, and access goes on.",
        "Access",
        "Money that went back",
        REVOKE,
        "Settle the order again: access that the refund covers ends.",
    ),
    Kind(
        "missing_receipt",
        "Missing receipt",
        "The order is paid, and no mail provider has accepted a receipt for it.",
        "Receipt",
        "Order",
        RECEIPT,
        "Send the receipt.",
    ),
    Kind(
        "duplicate",
        "Duplicate",
        "One purchase seems to stand here twice.",
        "This one",
        "The other one",
        DECIDE,
        "Compare both: refund one, or write it off as two real purchases.",
    ),
    Kind(
        "payout_differs",
        "Payout differs",
        "What arrived is not what the payout is made of.",
        "Lines of the payout",
        "Payout",
        FETCH,
        "Ask the provider for the payout and its lines again; else ask the bank.",
    ),
    Kind(
        "fee_differs",
        "Fee differs",
        "The fee of the payment is not the fee that its payout took.",
        "Payment",
        "Payout line",
        FETCH,
        "Ask the provider for the payment again.",
    ),
    Kind(
        "unknown_payout_line",
        "Unknown payout line",
        "A payout has a line that belongs to nothing we know.",
        "Our records",
        "Payout line",
        FETCH,
        "Ask the provider what it is; if it has the order, link the line to it.",
    ),
)
KINDS: Final[Mapping[str, Kind]] = MappingProxyType({kind.code: kind for kind in _KINDS})

REPAIRS: Final[Mapping[str, str]] = MappingProxyType(
    {
        REQUEUE: "Settle the order again",
        FETCH: "Ask the provider",
        REVOKE: "End access by the facts",
        RECEIPT: "Send the receipt",
        DECIDE: "Compare and decide",
    }
)
"""What stands on the button of each repair."""


def window(since: str, until: str, *, timezone: str, now: datetime, days: int) -> tuple[datetime, datetime]:
    """From the first moment to before the second: both given as a day (both days included) or an ISO 8601 instant.

    Left out, it ends now and began `days` days before. Days are the organization's. Raises ValueError with a sentence.
    """
    zone = ZoneInfo(timezone)
    end = _moment(until, zone, after=True) if until else now
    start = _moment(since, zone, after=False) if since else end - timedelta(days=days)
    if start >= end:
        raise ValueError("The window ends before it begins.")
    return start, end


def _moment(text: str, zone: ZoneInfo, *, after: bool) -> datetime:
    try:
        if "T" in text or " " in text:
            found = datetime.fromisoformat(text)
            return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
        day = date.fromisoformat(text) + timedelta(days=after)
        return datetime.combine(day, time(), zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text[:40]!r} is neither a day such as 2026-11-21 nor an instant.") from error

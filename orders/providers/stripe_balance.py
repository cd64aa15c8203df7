"""Stripe: payouts and the balance transactions they are made of (docs.stripe.com, "Reporting categories")."""

from datetime import UTC, datetime
from typing import Final

from orders.messages import BalanceKind, BalanceMessage, PayoutMessage, PayoutStatus
from orders.records import Record

_STATUSES: Final = {
    "paid": PayoutStatus.PAID,
    "failed": PayoutStatus.FAILED,
    "canceled": PayoutStatus.FAILED,
}
_RANKS: Final = {PayoutStatus.PENDING: 0, PayoutStatus.PAID: 1, PayoutStatus.FAILED: 2}
# An open set: what is not here is unknown, and shown to a person.
_CATEGORIES: Final = {
    "charge": BalanceKind.CAPTURED,
    "charge_failure": BalanceKind.CAPTURED,
    "partial_capture_reversal": BalanceKind.CAPTURED,
    "refund": BalanceKind.REFUND,
    "refund_failure": BalanceKind.REFUND_FAILED,
    "dispute": BalanceKind.DISPUTE,
    "dispute_reversal": BalanceKind.DISPUTE_REVERSED,
    "fee": BalanceKind.FEE,
    "tax": BalanceKind.FEE,
    "network_cost": BalanceKind.FEE,
    "other_adjustment": BalanceKind.ADJUSTMENT,
    "transfer": BalanceKind.ADJUSTMENT,
    "transfer_reversal": BalanceKind.ADJUSTMENT,
    "topup": BalanceKind.ADJUSTMENT,
    "topup_reversal": BalanceKind.ADJUSTMENT,
    # Held back, or come back from a payout that failed: it is the seller's still, only later.
    "payout_reversal": BalanceKind.CARRIED,
    "payout_minimum_balance_hold": BalanceKind.CARRIED,
    "payout_minimum_balance_release": BalanceKind.CARRIED,
    "risk_reserved_funds": BalanceKind.CARRIED,
    "currency_conversion": BalanceKind.CONVERSION,
}
# For rows that come without a category.
_TYPES: Final = {
    "charge": BalanceKind.CAPTURED,
    "payment": BalanceKind.CAPTURED,
    "refund": BalanceKind.REFUND,
    "payment_refund": BalanceKind.REFUND,
    "refund_failure": BalanceKind.REFUND_FAILED,
    "payment_failure_refund": BalanceKind.REFUND_FAILED,
    "stripe_fee": BalanceKind.FEE,
    "adjustment": BalanceKind.ADJUSTMENT,
}
ITSELF: Final = "payout"
"""The category of a payout's own row, which is no part of its sum."""


def of_payout(payout: Record, *, test: bool, complete: bool = False) -> PayoutMessage:
    """One payout; how far it has come is told by its state alone, so that any order of arrival ends the same.

    Raises `Unusable` where it is none.
    """
    if payout.text("object", "payout") != "payout":
        payout.refuse("object", "The event is about a payout, its object is not.")
    currency = payout.currency("currency")
    status = _STATUSES.get(payout.text("status"), PayoutStatus.PENDING)
    made_at = payout.epoch("created")
    arrives = payout.epoch("arrival_date") if payout.has("arrival_date") else None
    return PayoutMessage(
        external_id=payout.external_id("id"),
        amount_minor=payout.stripe_money("amount", currency, signed=True),
        currency=currency,
        status=status,
        made_at=made_at,
        version=made_at,
        rank=_RANKS[status],
        arrives_on=arrives.astimezone(UTC).date() if arrives else None,
        destination=payout.reference("destination"),
        complete=complete,
        test=test,
    )


def is_complete(payout: Record) -> bool:
    """Whether Stripe has put together all of its rows; of a payout made by hand it never does."""
    return payout.text("reconciliation_status") == "completed"


def of_movement(row: Record, *, payout_id: str, test: bool) -> BalanceMessage | None:
    """One balance transaction, its `source` expanded or not; None for a payout's own row.

    It never changes once it is written, so its own time is its version; `rank` says whether its payout is known.
    """
    category, sort = row.text("reporting_category"), row.text("type")
    if category == ITSELF or (not category and sort == ITSELF):
        return None
    currency = row.currency("currency")
    kind = _CATEGORIES.get(category) if category else _TYPES.get(sort)
    at: datetime = row.epoch("created")
    source = row.record("source") if isinstance(row.data.get("source"), dict) else Record({})
    return BalanceMessage(
        external_id=row.external_id("id"),
        kind=kind or BalanceKind.UNKNOWN,
        amount_minor=row.stripe_money("amount", currency, signed=True),
        fee_minor=row.stripe_money("fee", currency, signed=True) if row.has("fee") else 0,
        currency=currency,
        at=at,
        version=at,
        rank=1 if payout_id else 0,
        payout_external_id=payout_id,
        source_reference=row.reference("source"),
        payment_reference=source.reference("payment_intent"),
        described=row.text("description") or (category or sort).replace("_", " "),
        test=test,
    )

"""The limits above which a second person confirms, by organization, and whether an act is over them (SPEC SUP-13)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

POLICY: Final = "approvals"
EXPIRES_AFTER: Final = timedelta(days=7)
LARGEST_REFUND: Final = Decimal(1_000_000_000)
LARGEST_BULK: Final = 100_000
PERMISSIONS: Final[Mapping[str, str]] = {
    "refund": "approve_refund",
    "bulk": "approve",
    "merge": "approve",
    "email_change": "approve",
}
"""By the kind of act, what the second person's role must include."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`refund` in major units of the base currency, `bulk` in rows: above that somebody else confirms; None: never.

    `merge`: of two customers who both paid; `email_change`: of the address a customer signs in with.
    """

    refund: Decimal | None = Decimal(500)
    bulk: int | None = 50
    merge: bool = True
    email_change: bool = True

    def document(self) -> dict[str, Any]:
        """What differs from the usual, as it is kept."""
        usual = Limits()
        found: dict[str, Any] = {}
        if self.refund != usual.refund:
            found["refund"] = None if self.refund is None else str(self.refund)
        for name in ("bulk", "merge", "email_change"):
            if getattr(self, name) != getattr(usual, name):
                found[name] = getattr(self, name)
        return found


def read(kept: Mapping[str, Any]) -> Limits:
    """The limits as they are kept, the usual ones for what is not said. Raises ValueError."""
    usual = Limits()
    if unknown := sorted(set(kept) - {"refund", "bulk", "merge", "email_change"}):
        raise ValueError(f"There is no limit {', '.join(unknown)}.")
    found = Limits(
        refund=_sum(kept["refund"]) if "refund" in kept else usual.refund,
        bulk=kept.get("bulk", usual.bulk),
        merge=kept.get("merge", usual.merge),
        email_change=kept.get("email_change", usual.email_change),
    )
    if found.bulk is not None and (isinstance(found.bulk, bool) or not isinstance(found.bulk, int)):
        raise ValueError("The number of rows is a whole number.")
    if found.bulk is not None and not 0 <= found.bulk <= LARGEST_BULK:
        raise ValueError(f"The number of rows lies between 0 and {LARGEST_BULK:,}.")
    if not isinstance(found.merge, bool) or not isinstance(found.email_change, bool):
        raise ValueError("Whether a second person confirms is yes or no.")
    return found


def _sum(text: object) -> Decimal | None:
    if text is None:
        return None
    if not isinstance(text, str) or not text.isascii() or not text.replace(".", "", 1).isdigit():
        raise ValueError("The sum is a plain amount such as 500.00.")
    try:
        found = Decimal(text)
    except InvalidOperation as error:
        raise ValueError("The sum is a plain amount such as 500.00.") from error
    if not 0 <= found <= LARGEST_REFUND:
        raise ValueError(f"The sum lies between 0 and {LARGEST_REFUND:,}.")
    return found


def refund_is_over(limits: Limits, amount_minor: int, *, rate: Decimal | None, places: int) -> bool:
    """Whether a refund needs a second person: its sum in the base currency, of `places` decimals, is above the limit.

    `rate` is the base currency's minor units for one of the refund's; where it is not known nobody can say that the
    refund is small.
    """
    if limits.refund is None:
        return False
    return rate is None or Decimal(amount_minor) * rate > limits.refund.scaleb(places)


def bulk_is_over(limits: Limits, rows: int) -> bool:
    """Whether an act on so many rows needs a second person."""
    return limits.bulk is not None and rows > limits.bulk

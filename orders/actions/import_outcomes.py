"""What became of a row of a file while it is worked on, whatever the file is about."""

from dataclasses import dataclass

from orders.files.tables import Row
from orders.models import ImportRow

Outcome = ImportRow.Outcome
COUNTED = {
    Outcome.NEW: "fresh",
    Outcome.UPDATE: "updated",
    Outcome.SAME: "same",
    Outcome.CONFLICT: "conflicts",
    Outcome.REJECT: "rejected",
}


@dataclass(slots=True)
class Judged:
    """A row and what becomes of it."""

    row: Row
    key: str = ""
    outcome: str = Outcome.REJECT
    reason: str = ""
    said: tuple[str, str, int | None] = ("", "", None)
    """Digest, currency and sum of what the rows of its order say together, on one of them."""

"""Which files of a product an owner is given: the current ones, and the earlier ones they once had."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from fulfillment.models import Asset

EARLIER_AT_MOST = 20


@dataclass(frozen=True, slots=True)
class Files:
    """What stands on a download page, by format and the newest first."""

    current: list[Asset] = field(default_factory=list)
    earlier: list[Asset] = field(default_factory=list)

    def by_id(self, asset_id: int) -> Asset | None:
        """One of them; None for any other file."""
        return next((one for one in (*self.current, *self.earlier) if one.pk == asset_id), None)


def of(product_id: int, *, since: datetime) -> Files:
    """The files for an owner since then, by one query: an earlier version only where they had it once."""
    return among(Asset.objects.filter(product=product_id).order_by("format", "-created_at", "-pk"), since=since)


def among(rows: Iterable[Asset], *, since: datetime) -> Files:
    """The same of all files of a product, by format and the newest first."""
    current: list[Asset] = []
    earlier: list[Asset] = []
    successor: Asset | None = None
    for row in rows:
        if row.current:
            current.append(row)
        elif not row.withdrawn and successor and successor.format == row.format and successor.created_at > since:
            earlier.append(row)
        successor = row
    return Files(current, earlier[:EARLIER_AT_MOST])

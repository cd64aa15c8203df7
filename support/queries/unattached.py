"""Orders, conversations and events without a customer, newest first, page by page at the same cost at any depth."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from attribution.models import Conversation
from orders import money
from orders.models import Order
from profiles import events as telling
from profiles.models import Event, Fact

ROWS = 50
_MARK = "~"


@dataclass(frozen=True, slots=True)
class Row:
    """One fact that belongs to nobody yet. `known` is what it names, in its source's spelling."""

    kind: str
    id: int
    at: datetime
    title: str
    source: str
    detail: str
    known: list[str]

    @property
    def mark(self) -> str:
        """Where the next page begins."""
        return _MARK.join((self.at.isoformat(), self.kind, str(self.id)))


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Row]
    next: str
    """The mark of the last row, '' on the last page."""


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort of fact: its rows without a customer, the column they are sorted by, and how one is told."""

    rows: QuerySet[Any]
    at: str
    tell: Callable[[Any], Row]


def _order(row: Order) -> Row:
    total = f"{money.to_text(row.total_minor, row.currency)} {row.currency}"
    known = [row.customer_name, row.email_raw, row.phone_raw]
    return Row("order", row.pk, row.placed_at, f"Order {row}", row.channel.label, total, [k for k in known if k])


def _conversation(row: Conversation) -> Row:
    known = [row.name, row.email_raw, row.phone_raw]
    detail = f"{row.message_count} message{'s' if row.message_count > 1 else ''}" if row.message_count else ""
    return Row(
        "conversation", row.pk, row.started_at, f"Conversation {row.external_id}", row.source, detail,
        [k for k in known if k],
    )  # fmt: skip


def _event(row: Event) -> Row:
    title = telling.title(row.type, row.products)
    known = [row.customer_name, *(str(value) for value in row.given.values())]
    detail = telling.detail(row.payload)
    return Row("event", row.pk, row.occurred_at, title, row.source, detail, [k for k in known if k])


SORTS: dict[str, Sort] = {
    "conversation": Sort(Conversation.objects.filter(profile__isnull=True), "started_at", _conversation),
    "event": Sort(Event.objects.filter(profile__isnull=True, told_as=""), "occurred_at", _event),
    "order": Sort(Order.objects.filter(profile__isnull=True).select_related("channel"), "placed_at", _order),
}
MODELS: dict[str, type[Fact]] = {"conversation": Conversation, "event": Event, "order": Order}


def page(kind: str = "", *, after: str = "", limit: int = ROWS) -> Page:
    """The rows that follow a mark (from the newest where it is none), of one sort or of all. One query a sort."""
    found: list[Row] = []
    for name, sort in SORTS.items():
        if kind in ("", name):
            rows = _following(sort, name, after).order_by(f"-{sort.at}", "-id")[: limit + 1]
            found += [sort.tell(row) for row in rows]
    found.sort(key=lambda row: (row.at, row.kind, row.id), reverse=True)
    shown = found[:limit]
    return Page(shown, shown[-1].mark if len(found) > limit else "")


def _following(sort: Sort, name: str, after: str) -> QuerySet[Any]:
    mark = _read(after)
    if mark is None:
        return sort.rows
    at, kind, pk = mark
    before = Q(**{f"{sort.at}__lt": at})
    if name < kind:
        before = Q(**{f"{sort.at}__lte": at})
    elif name == kind:
        before |= Q(**{sort.at: at}, pk__lt=pk)
    # The plain bound is what the index is entered by.
    return sort.rows.filter(before, **{f"{sort.at}__lte": at})


def _read(mark: str) -> tuple[datetime, str, int] | None:
    parts: Sequence[str] = mark.split(_MARK)
    if len(parts) != 3 or parts[1] not in SORTS or not parts[2].isdigit() or len(parts[2]) > 18:
        return None
    try:
        at = datetime.fromisoformat(parts[0])
    except ValueError:
        return None
    return (at, parts[1], int(parts[2])) if at.tzinfo else None

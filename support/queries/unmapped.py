"""Order lines that map to no product, grouped as a person maps them: by SKU and title."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Min, QuerySet, Sum

from orders.models import Line, Order, Product
from profiles import prepared

GROUPS_AT_MOST = 500
ADDED_UP_AT_MOST = 10_000
"""Lines whose orders are looked at; of more, as after a first import, only the lines themselves are counted."""
ALIKE_AT_MOST = 6


_SHOP = ("channel__kind", "channel__domain")


@dataclass(slots=True)
class Group:
    """Lines of one SKU and title. `line_id` names any one of them; `amounts` is (currency, minor units).

    Where the lines were only counted, `orders` is how many lines there are, one channel of theirs is named, and there
    is neither `oldest` nor an amount.
    """

    sku: str
    title: str
    line_id: int
    oldest: datetime | None
    orders: int = 0
    channels: set[str] = field(default_factory=set)
    amounts: dict[str, int] = field(default_factory=dict)


def groups() -> tuple[list[Group], bool]:
    """What waits to be mapped, most orders first, and whether the lines were too many to look at their orders."""
    waiting = Line.objects.filter(product__isnull=True)
    if waiting.order_by().values("sku")[: ADDED_UP_AT_MOST + 1].count() > ADDED_UP_AT_MOST:
        return _counted(waiting.filter(removed=False)), True
    return _added_up(waiting.filter(removed=False)), False


def _counted(waiting: QuerySet[Line]) -> list[Group]:
    counted = waiting.order_by().values_list("sku", "title").annotate(lines=Count("pk"), line_id=Min("pk"))
    rows = list(counted.order_by("-lines", "sku", "title")[:GROUPS_AT_MOST])
    shops = Order.objects.filter(lines__in=[line_id for *_, line_id in rows])
    sold_by = {line_id: f"{kind}:{domain}" for line_id, kind, domain in shops.values_list("lines", *_SHOP)}
    return [
        Group(sku, title, line_id, None, orders=lines, channels={sold_by.get(line_id, "")} - {""})
        for sku, title, lines, line_id in rows
    ]


def _added_up(waiting: QuerySet[Line]) -> list[Group]:
    # The lines are few, their orders far apart: a second process takes longer to begin than one to find them all.
    prepared.fetch("SELECT set_config('max_parallel_workers_per_gather', '0', true)", ())
    rows = (
        waiting.order_by()
        .values("sku", "title", "order__channel__kind", "order__channel__domain", "order__currency")
        .annotate(
            orders=Count("order_id", distinct=True),
            amount=Sum("total_minor"),
            oldest=Min("order__placed_at"),
            line_id=Min("id"),
        )
        .order_by("-orders", "sku", "title")[:GROUPS_AT_MOST]
    )
    found: dict[tuple[str, str], Group] = {}
    for row in rows:
        key = (row["sku"], row["title"])
        group = found.setdefault(key, Group(*key, line_id=row["line_id"], oldest=row["oldest"]))
        group.oldest = min(group.oldest or row["oldest"], row["oldest"])
        group.orders += row["orders"]
        group.channels.add(f"{row['order__channel__kind']}:{row['order__channel__domain']}")
        currency = row["order__currency"]
        group.amounts[currency] = group.amounts.get(currency, 0) + row["amount"]
    return sorted(found.values(), key=lambda group: (-group.orders, group.sku, group.title))


def alike(line: Line) -> list[Product]:
    """Products whose SKU or title resembles the line's, to choose from before any search."""
    scored = sorted(
        ((len(_words(line.sku, line.title) & _words(row.sku, row.title)), row) for row in _few()),
        key=lambda pair: (-pair[0], pair[1].sku),
    )
    return [row for score, row in scored[:ALIKE_AT_MOST] if score]


def _few() -> Iterable[Product]:
    return Product.objects.order_by("sku")[:GROUPS_AT_MOST]


def _words(*texts: str) -> set[str]:
    spelled = " ".join(texts).casefold().replace("-", " ").replace("_", " ")
    return {word for word in spelled.split() if len(word) > 2}

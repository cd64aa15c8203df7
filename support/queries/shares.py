"""What orders are worth together: totals before and after customers are joined or parted, by the rule of the totals."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection

from orders.actions.statistics import COUNTED
from orders.models import Order, ProfileTotal
from profiles.models import Merge, MergeMove

_SUMS = f"""
SELECT o.currency, count(*)::int, sum(o.captured_minor - o.refunded_minor - o.disputed_minor)::bigint
  FROM orders_order o WHERE o.id = ANY(%s) AND {COUNTED} GROUP BY o.currency ORDER BY o.currency
"""


@dataclass(frozen=True, slots=True)
class Sum:
    """So many orders, worth so much."""

    currency: str
    orders: int
    net_minor: int


def of_orders(order_ids: Iterable[int]) -> list[Sum]:
    """What these orders count for in a customer's totals, a line a currency."""
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, [sorted(order_ids)])
        return [Sum(*row) for row in cursor.fetchall()]


def of_customers(*profile_ids: int) -> list[Sum]:
    """The totals of these customers together."""
    sums: dict[str, Sum] = {}
    for total in ProfileTotal.objects.filter(profile__in=profile_ids).order_by("currency"):
        known = sums.get(total.currency, Sum(total.currency, 0, 0))
        sums[total.currency] = Sum(total.currency, known.orders + total.orders, known.net_minor + total.net_minor)
    return list(sums.values())


def without(sums: Sequence[Sum], gone: Sequence[Sum]) -> list[Sum]:
    """What remains of a total."""
    less = {one.currency: one for one in gone}
    rest = [
        Sum(one.currency, one.orders - less[one.currency].orders, one.net_minor - less[one.currency].net_minor)
        if one.currency in less
        else one
        for one in sums
    ]
    return [one for one in rest if one.orders]


def moved_by(merge: Merge, root: int) -> list[int]:
    """The orders that a merge brought and that are still with its survivor."""
    moves = MergeMove.objects.filter(merge=merge, model=Order._meta.label, former_id=merge.absorbed_id)
    return list(Order.objects.filter(pk__in=moves.values("row_id"), profile=root).values_list("pk", flat=True))

"""Comparing what two records say: ten kinds, each by one statement over a window or over chosen rows (SPEC FIN-1)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from django.db import connection

from orders.models import Product
from support import differences
from support.queries import differences_of_orders as of_orders
from support.queries import differences_of_payments as of_payments
from support.queries import differences_of_payouts as of_payouts
from support.queries.findings import Finder, Rows, Scope, Window, select, sign

_FINDERS = (
    of_payments.PAID_WITHOUT_ORDER,
    of_orders.PAID_WITHOUT_ENTITLEMENT,
    of_orders.ENTITLEMENT_WITHOUT_PAYMENT,
    of_orders.AMOUNT_DIFFERS,
    of_orders.REFUND_WITHOUT_REVOCATION,
    of_orders.MISSING_RECEIPT,
    of_payments.DUPLICATE,
    of_payouts.PAYOUT_DIFFERS,
    of_payouts.FEE_DIFFERS,
    of_payouts.UNKNOWN_PAYOUT_LINE,
)
FINDERS: Final[Mapping[str, Finder]] = MappingProxyType({finder.kind: finder for finder in _FINDERS})

# Kinds that share their first look are compared together.
PARTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "orders": tuple(
            finder.kind
            for finder in (
                of_orders.ENTITLEMENT_WITHOUT_PAYMENT,
                of_orders.AMOUNT_DIFFERS,
                of_orders.REFUND_WITHOUT_REVOCATION,
                of_orders.MISSING_RECEIPT,
            )
        ),
        "access": (of_orders.PAID_WITHOUT_ENTITLEMENT.kind,),
        "duplicates": (of_payments.DUPLICATE.kind,),
        "payouts": tuple(
            finder.kind
            for finder in (
                of_payments.PAID_WITHOUT_ORDER,
                of_payouts.PAYOUT_DIFFERS,
                of_payouts.FEE_DIFFERS,
                of_payouts.UNKNOWN_PAYOUT_LINE,
            )
        ),
    }
)

WIDE = 50_000
"""Orders in a window from which on whole tables are read rather than looked up."""
_ESTIMATED = "EXPLAIN (FORMAT JSON) SELECT FROM orders_order WHERE placed_at >= %s AND placed_at < %s"
# A first look at everything reads indexes that lie in one order side by side: measured three times as fast as hashing
# wide rows, and in no memory. The planner cannot know what reading a wide row costs. Only within this transaction.
_ALONE = "SET LOCAL max_parallel_workers_per_gather = 0"
_SIDE_BY_SIDE = (_ALONE, "SET LOCAL enable_hashjoin = off", "SET LOCAL enable_sort = off")
_AS_USUAL = (
    "SET LOCAL enable_hashjoin = on",
    "SET LOCAL enable_sort = on",
    "SET LOCAL enable_nestloop = on",
    "SET LOCAL work_mem = '64MB'",
)
# Of a table that was empty the planner expects nothing, and would read all of it again for each row just kept in it.
_AT_ONCE = ("SET LOCAL enable_nestloop = off",)


def window(since: datetime, until: datetime) -> Window:
    """The window, with whether it is wide, by the planner's estimate."""
    with connection.cursor() as cursor:
        cursor.execute(_ESTIMATED, [since, until])
        plan: Any = cursor.fetchone()[0]
    return Window(since, until, wide=plan[0]["Plan"]["Plan Rows"] > WIDE)


def statement(kind: str, scope: Scope) -> str:
    """The question for this kind in this scope; its rows have the columns of `findings.COLUMNS`."""
    return select(FINDERS[kind], scope)


def signs(kinds: Iterable[str], window: Window) -> str:
    """One row: of each of these kinds whether there can be any in this window, after its first look."""
    return f"SELECT {', '.join(sign(FINDERS[kind], window) for kind in kinds)}"


def values(scope: Scope, now: datetime) -> dict[str, Any]:
    """What the statements are given."""
    found: dict[str, Any] = {
        "kinds": [str(kind) for kind in Product.DELIVERED],
        "before": now - differences.GRACE,
        "together": differences.TOGETHER,
    }
    if isinstance(scope, Rows):
        return {**found, "ids": list(scope.ids)}
    return {**found, "since": scope.since, "until": scope.until}


def side_by_side(window: Window) -> None:
    """Read for a first look."""
    _set(_SIDE_BY_SIDE if window.wide else (_ALONE,))


def as_usual() -> None:
    """Read for a closer look."""
    _set(_AS_USUAL)


def at_once() -> None:
    """Tell what is known from what is not in one reading, whatever was known before."""
    _set(_AT_ONCE)


def _set(settings: Iterable[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("; ".join(settings))

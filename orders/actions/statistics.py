"""Each customer's totals, recomputed from the facts of their orders in one statement (SPEC PRO-7)."""

from collections.abc import Iterable

from profiles import locks, prepared

COUNTED = """o.payment_status IN ('paid', 'partially_refunded', 'refunded', 'disputed')
   AND NOT o.test AND o.status <> 'cancelled'"""

RECOUNT = f"""
SELECT o.organization_id, o.profile_id, o.currency, count(*)::int AS orders,
       sum(o.captured_minor)::bigint AS gross_minor,
       sum(o.refunded_minor)::bigint AS refunded_minor,
       sum(o.captured_minor - o.refunded_minor - o.disputed_minor)::bigint AS net_minor,
       count(*) FILTER (WHERE o.refunded_minor > 0)::int AS refunds,
       CASE WHEN bool_and(o.base_rate IS NOT NULL)
            THEN sum(round((o.captured_minor - o.refunded_minor - o.disputed_minor) * o.base_rate))::bigint
       END AS base_minor,
       min(o.placed_at) AS first_purchase_at, max(o.placed_at) AS last_purchase_at
  FROM orders_order o
 WHERE {COUNTED} AND o.profile_id = ANY(%s)
 GROUP BY o.organization_id, o.profile_id, o.currency
"""

LOCK_SPACE = 0x57A7

COLUMNS = [
    "orders",
    "gross_minor",
    "refunded_minor",
    "net_minor",
    "refunds",
    "base_minor",
    "first_purchase_at",
    "last_purchase_at",
]

_SETTLE = f"""
WITH counted AS ({RECOUNT}),
     gone AS (DELETE FROM orders_profiletotal t WHERE t.profile_id = ANY(%s)
                 AND NOT EXISTS (SELECT FROM counted c WHERE c.profile_id = t.profile_id AND c.currency = t.currency))
INSERT INTO orders_profiletotal (organization_id, profile_id, currency, {", ".join(COLUMNS)})
SELECT organization_id, profile_id, currency, {", ".join(COLUMNS)} FROM counted
ON CONFLICT (organization_id, profile_id, currency) DO UPDATE SET
       ({", ".join(COLUMNS)}) = ROW({", ".join("excluded." + c for c in COLUMNS)})
 WHERE ({", ".join("orders_profiletotal." + c for c in COLUMNS)})
       IS DISTINCT FROM ({", ".join("excluded." + c for c in COLUMNS)})
"""


def settle(profile_ids: Iterable[int]) -> None:
    """Make the totals of these customers equal to a recount of their orders.

    Two batches with orders of one customer count one after the other, so that the later sees what the earlier wrote.
    """
    ids = sorted(set(profile_ids))
    if ids:
        locks.numbered(LOCK_SPACE, ids)
        prepared.fetch(_SETTLE, [ids, ids])

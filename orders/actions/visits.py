"""Who was in a store: one visit an order of a known customer at a till, derived in one statement (SPEC PRO-10)."""

from collections.abc import Iterable

from profiles import prepared

# Made in a store: the till says in which, or it came through a till's channel, whose name then stands for the store.
WANTED = """
SELECT o.organization_id, o.id AS order_id, o.profile_id,
       coalesce(o.extra->>'store_id', '') AS store_id,
       coalesce(nullif(o.extra->>'store_name', ''),
                CASE WHEN coalesce(o.extra->>'store_id', '') = '' THEN c.domain ELSE '' END) AS store_name,
       o.placed_at AS visited_at
  FROM orders_order o JOIN orders_channel c ON c.id = o.channel_id
 WHERE o.profile_id IS NOT NULL AND NOT o.test
   AND (coalesce(o.extra->>'store_id', '') <> '' OR coalesce(o.extra->>'store_name', '') <> '' OR c.kind = 'pos')
"""
COLUMNS = ["profile_id", "store_id", "store_name", "visited_at"]

_SETTLE = f"""
WITH wanted AS ({WANTED} AND o.id = ANY(%s)),
     gone AS (DELETE FROM orders_storevisit v WHERE v.order_id = ANY(%s)
                 AND NOT EXISTS (SELECT FROM wanted w WHERE w.order_id = v.order_id))
INSERT INTO orders_storevisit (organization_id, order_id, {", ".join(COLUMNS)})
SELECT organization_id, order_id, {", ".join(COLUMNS)} FROM wanted ORDER BY order_id
ON CONFLICT (organization_id, order_id) DO UPDATE SET
       ({", ".join(COLUMNS)}) = ROW({", ".join("excluded." + c for c in COLUMNS)})
 WHERE ({", ".join("orders_storevisit." + c for c in COLUMNS)})
       IS DISTINCT FROM ({", ".join("excluded." + c for c in COLUMNS)})
"""


def settle(order_ids: Iterable[int]) -> None:
    """Make the visits of these orders equal to what the orders say. The caller holds the orders."""
    ids = sorted(set(order_ids))
    if ids:
        prepared.fetch(_SETTLE, [ids, ids])

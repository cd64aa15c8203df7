"""Payments without an order, and purchases that stand here twice: two kinds, each by one statement."""

from support.queries.findings import Finder, Likely, Place, instant, side, sum_of, within

_NAME = "coalesce(nullif({0}.number, ''), {0}.external_id)"

# Its own name rather than its id: the provider's list may have told of it before we had it.
PAID_WITHOUT_ORDER = Finder(
    kind="paid_without_order",
    of="payment",
    places={"scope": within("p.at", "p.id")},
    sign="EXISTS (SELECT FROM orders_payment p WHERE {scope} AND p.order_id IS NULL)",
    found="""
  FROM orders_payment p
 WHERE {scope} AND p.order_id IS NULL AND p.status = 'captured' AND p.arrived_at < %(before)s
""",
    columns={
        "subject": "p.channel_id || '/' || p.external_id",
        "amount_minor": "p.amount_minor",
        "currency": "p.currency",
        "test": "p.test",
        "at": "p.at",
        "channel_id": "p.channel_id",
        "payment_id": "p.id",
        "external_id": "p.external_id",
        "ours": side(Order="'none'", Named="coalesce(nullif(p.order_external_id, ''), 'names no order')"),
        "theirs": side(
            Payment="p.external_id",
            Taken=sum_of("p.amount_minor", "p.currency"),
            Paid=instant("p.at"),
            State="p.status",
        ),
    },
)


def _pair(alias: str) -> str:
    return side(
        Order=_NAME.format(alias),
        Channel=f"(SELECT c.kind || ':' || c.domain FROM orders_channel c WHERE c.id = {alias}.channel_id)",
        Total=sum_of(f"{alias}.total_minor", f"{alias}.currency"),
        Placed=instant(f"{alias}.placed_at"),
        Payment=f"coalesce(nullif({alias}.payment_reference, ''), 'not named')",
        Why="f.why",
    )


_COUNTS = "({0}.payment_status IN ('paid', 'partially_refunded') AND NOT {0}.cancelled AND {0}.total_minor > 0)"
_SKUS = """(SELECT array_agg(coalesce(l.product_id::text, l.sku) || '×' || l.quantity ORDER BY 1)
              FROM (SELECT l.product_id, l.sku, sum(l.quantity) AS quantity FROM orders_line l
                     WHERE l.organization_id = {0}.organization_id AND l.order_id = {0}.id AND NOT l.removed
                     GROUP BY l.product_id, l.sku) l)"""

# A pair within ten minutes has, before its later order, some order of that buyer within ten minutes: only those are
# looked at closely, found by an index alone.
_SOON = Likely(
    name="soon",
    found="""
SELECT profile_id AS id, later_at AS placed_at FROM (
  SELECT o.profile_id, o.placed_at,
         lag(o.placed_at) OVER (PARTITION BY o.profile_id ORDER BY o.placed_at DESC) AS later_at
    FROM orders_order o WHERE {around} AND o.profile_id IS NOT NULL) w
 WHERE w.later_at <= w.placed_at + %(together)s
""",
    row="profile_id, placed_at",
    places={
        "around": Place(
            "o.placed_at >= %(since)s - %(together)s AND o.placed_at < %(until)s",
            "o.id = ANY(%(ids)s)",
        )
    },
)
# The later one is the duplicate. One payment named by two orders is one purchase told twice.
DUPLICATE = Finder(
    kind="duplicate",
    of="order",
    likely=_SOON,
    places={
        "scope": within("o.placed_at", "o.id"),
        "soon": Place(
            "(o.profile_id, o.placed_at) IN (SELECT id, placed_at FROM {likely})",
            "o.id = ANY(%(ids)s)",
        ),
        "named": Place(
            "o.payment_reference IN (SELECT payment_reference FROM orders_order"
            " WHERE placed_at >= %(since)s AND placed_at < %(until)s)",
            "o.payment_reference IN (SELECT payment_reference FROM orders_order WHERE id = ANY(%(ids)s))",
            wide="true",
        ),
    },
    before=f"""
WITH same_buy AS (
  SELECT DISTINCT ON (o.id) o.organization_id, o.id, x.id AS other_id,
         'The same buyer, products and sum within ten minutes' AS why
    FROM orders_order o
    JOIN orders_order x ON x.organization_id = o.organization_id AND x.profile_id = o.profile_id
                       AND x.currency = o.currency AND x.total_minor = o.total_minor AND x.test = o.test
                       AND x.placed_at BETWEEN o.placed_at - %(together)s AND o.placed_at
                       AND (x.placed_at, x.id) < (o.placed_at, o.id)
   WHERE {{soon}} AND {{scope}} AND {_COUNTS.format("o")} AND {_COUNTS.format("x")}
     AND {_SKUS.format("o")} = {_SKUS.format("x")}
   ORDER BY o.id, x.placed_at
), named_twice AS MATERIALIZED (
  SELECT o.organization_id, o.payment_reference FROM orders_order o
   WHERE {{named}} AND o.payment_reference <> ''
   GROUP BY o.organization_id, o.payment_reference HAVING count(*) > 1
), same_payment AS (
  SELECT DISTINCT ON (o.id) o.organization_id, o.id, x.id AS other_id, 'Both name the same payment' AS why
    FROM named_twice n
    JOIN orders_order o ON o.organization_id = n.organization_id AND o.payment_reference = n.payment_reference
    JOIN orders_order x ON x.organization_id = o.organization_id AND x.payment_reference = o.payment_reference
                       AND (x.placed_at, x.id) < (o.placed_at, o.id)
   WHERE {{scope}} AND {_COUNTS.format("o")} AND {_COUNTS.format("x")}
   ORDER BY o.id, x.placed_at
), paid_out_twice AS (
  SELECT o.organization_id, o.id, NULL::bigint AS other_id,
         'Its money is in ' || count(DISTINCT l.payout_id) || ' payouts' AS why
    FROM orders_order o
    JOIN orders_payoutline l ON l.organization_id = o.organization_id AND l.order_id = o.id AND l.kind = 'captured'
                            AND l.payout_id IS NOT NULL
   WHERE {{scope}}
   GROUP BY o.organization_id, o.id, o.total_minor
  HAVING count(DISTINCT l.payout_id) > 1 AND (sum(l.amount_minor) > o.total_minor OR min(l.amount_minor) = 0)
)
""",
    found="""
  FROM (SELECT DISTINCT ON (u.id) u.* FROM (
          SELECT * FROM same_payment UNION ALL SELECT * FROM same_buy UNION ALL SELECT * FROM paid_out_twice) u
         ORDER BY u.id) f
  JOIN orders_order o ON o.organization_id = f.organization_id AND o.id = f.id
  LEFT JOIN orders_order x ON x.organization_id = f.organization_id AND x.id = f.other_id
""",
    columns={
        "subject": "'order:' || o.id",
        "amount_minor": "o.total_minor",
        "currency": "o.currency",
        "test": "o.test",
        "at": "o.placed_at",
        "channel_id": "o.channel_id",
        "order_id": "o.id",
        "other_order_id": "x.id",
        "external_id": "o.external_id",
        "ours": _pair("o"),
        "theirs": f"CASE WHEN x.id IS NULL THEN {side(Payouts='f.why')} ELSE {_pair('x')} END",
    },
)

"""Orders whose access, payments or receipt say something else than the order: five kinds, each by one statement."""

from orders.queries.bundles import OWED, PARTS
from support.queries.findings import Finder, Likely, Place, instant, side, sum_of, within

_PLACED = within("o.placed_at", "o.id")
_PAID_TWICE = """UNION ALL
  SELECT p.order_id, true, false, false, false FROM orders_payment p
   WHERE p.order_id IS NOT NULL GROUP BY p.order_id HAVING count(*) > 1"""
_UNLIKE = """(p.amount_minor <> o.total_minor OR m.order_id IS NULL OR o.cancelled OR o.payment_status <> 'paid'
            OR p.status <> 'captured' OR p.currency <> o.currency)"""
# One reading of orders with their payments and receipts for four kinds.
_ORDERS = Likely(
    name="orders",
    found="""
SELECT id, bool_or(odd_amount) AS odd_amount, bool_or(no_receipt) AS no_receipt, bool_or(unpaid) AS unpaid,
       bool_or(gone) AS gone
  FROM (
  SELECT f.* FROM (
    SELECT o.id,
           p.status = 'captured' AND (p.amount_minor <> o.total_minor OR p.currency <> o.currency)
             OR {another} AS odd_amount,
           m.order_id IS NULL AND o.payment_status IN ('paid', 'partially_refunded') AND NOT o.from_file AS no_receipt,
           o.payment_status IN ('unpaid', 'failed') OR p.status = 'failed' AS unpaid,
           o.cancelled OR o.payment_status IN ('refunded', 'disputed') AS gone
      FROM orders_order o
      LEFT JOIN orders_payment p ON p.organization_id = o.organization_id AND p.order_id = o.id
      LEFT JOIN fulfillment_email m ON m.organization_id = o.organization_id AND m.order_id = o.id
                                   AND m.template = 'receipt' AND m.state IN ('sent', 'kept')
     WHERE {scope} AND {unlike}) f
   WHERE f.odd_amount OR f.no_receipt OR f.unpaid OR f.gone
  {paid_twice}) f GROUP BY id
""",
    row="id, true AS odd_amount, true AS no_receipt, true AS unpaid, true AS gone",
    places={
        "scope": _PLACED,
        # Of few orders their rows are counted; of all a second reading of the payments' index costs a third of that.
        "another": Place("count(*) OVER (PARTITION BY o.id) > 1", "false", wide="false"),
        "paid_twice": Place("", "", wide=_PAID_TWICE),
        # Nearly every order is paid in full by one payment: one look tells that nothing of it is to be looked at.
        "unlike": Place("true", "true", wide=_UNLIKE),
    },
)
_HELD = "(e.status IN ('active', 'pending_claim', 'expired') OR e.decision = 'revoked')"
_OF_LINE = "e.organization_id = l.organization_id AND e.order_id = l.order_id AND e.line_id = l.id"
# Work that a line opened and nothing ended.
_OPENED = """s.organization_id = l.organization_id AND s.order_id = l.order_id AND s.line_id = l.id
                 AND s.source <> 'manual'"""
# What a line holds, or a person took; and when what its bundle held was granted, as `fulfillment/queries/grants.py`.
_RIGHTS = f"""SELECT array_agg(g.product_id) FILTER (WHERE g.held) AS held,
               min(g.created_at) FILTER (WHERE g.source = 'bundle') AS granted_at
          FROM (SELECT e.product_id, {_HELD} AS held, e.created_at, e.source FROM fulfillment_entitlement e
                 WHERE {_OF_LINE}
                UNION ALL
                SELECT s.product_id, s.state <> 'ended', s.created_at, s.source FROM fulfillment_service s
                 WHERE {_OPENED}) g"""
# Of a bundle that was granted in part, what was in it then: who bought it before is not owed what came into it later.
_LACKING_PARTS = """FROM parts n
         WHERE n.bundle_id = l.product_id AND n.since <= rights.granted_at AND n.part_id <> ALL (rights.held)"""
_PAID = """o.payment_status IN ('paid', 'partially_refunded') AND NOT o.cancelled AND o.profile_id IS NOT NULL"""
# A line is granted if anything of it is held, ran out, was taken by a person or is being worked on; a bundle, if every
# part of it is.
# Where nothing is a bundle its lines are not looked at: the second reading is begun by one row there is.
_LINES = Likely(
    name="lines",
    found=f"""
WITH RECURSIVE {PARTS}
SELECT o.id, l.id AS line_id
  FROM orders_order o
  JOIN orders_line l ON l.organization_id = o.organization_id AND l.order_id = o.id
 WHERE {{scope}} AND {_PAID} AND NOT l.removed AND l.product_id IS NOT NULL
   AND NOT EXISTS (SELECT FROM fulfillment_entitlement e WHERE {_OF_LINE} AND {_HELD})
   AND NOT EXISTS (SELECT FROM fulfillment_service s WHERE {_OPENED} AND s.state <> 'ended')
UNION ALL
SELECT o.id, l.id
  FROM orders_order o
  JOIN orders_line l ON l.organization_id = o.organization_id AND l.order_id = o.id
  CROSS JOIN LATERAL ({_RIGHTS}) rights
 WHERE EXISTS (SELECT FROM parts) AND {{scope}} AND {_PAID} AND NOT l.removed
   AND l.product_id = ANY (ARRAY(SELECT bundle_id FROM parts))
   AND EXISTS (SELECT {_LACKING_PARTS})
""",
    row="id, NULL::bigint AS line_id",
    places={"scope": _PLACED},
)
_NAME = "coalesce(nullif(o.number, ''), o.external_id)"
_ORDER = {
    "subject": "'order:' || o.id",
    "currency": "o.currency",
    "test": "o.test",
    "at": "o.placed_at",
    "channel_id": "o.channel_id",
    "order_id": "o.id",
    "external_id": "o.external_id",
}
_SAID_BY_ORDER = {
    "Order": _NAME,
    "Total": sum_of("o.total_minor", "o.currency"),
    "Payment": "replace(o.payment_status, '_', ' ')",
    "Placed": instant("o.placed_at"),
}

# What is left is looked up one by one, by an index: `0 = (SELECT count(*) …)` and `OFFSET 0` are no join. A gift of the
# same product counts as granted. What waits to be settled is no difference yet, unless it has waited for more than five
# minutes.
PAID_WITHOUT_ENTITLEMENT = Finder(
    kind="paid_without_entitlement",
    of="order",
    likely=_LINES,
    sign="EXISTS (SELECT FROM {likely})",
    places={"named": Place("l.id = likely.line_id", "true")},
    before=f"""
WITH RECURSIVE {OWED}, {PARTS}, lacking AS MATERIALIZED (
  SELECT l.id, l.organization_id, l.order_id, l.external_id, l.quantity, l.total_minor, l.title, missing.product_id,
         rights.held IS NULL AS whole
    FROM {{likely}}
    CROSS JOIN LATERAL (SELECT * FROM orders_line l WHERE l.order_id = likely.id AND {{named}} OFFSET 0) l
    CROSS JOIN LATERAL ({_RIGHTS}) rights
    CROSS JOIN LATERAL (
        SELECT l.product_id WHERE rights.held IS NULL
        UNION ALL SELECT n.part_id {_LACKING_PARTS}) missing
   WHERE NOT l.removed AND l.product_id IN (SELECT id FROM owed)
), owing AS MATERIALIZED (
  SELECT l.* FROM lacking l
   WHERE 0 = (SELECT count(*) FROM fulfillment_entitlement e
               WHERE e.organization_id = l.organization_id AND e.order_id = l.order_id AND e.product_id = l.product_id
                 AND e.source = 'manual' AND e.status IN ('active', 'pending_claim'))
     AND 0 = (SELECT count(*) FROM fulfillment_service s
               WHERE s.organization_id = l.organization_id AND s.order_id = l.order_id AND s.product_id = l.product_id
                 AND s.source = 'manual' AND s.state <> 'ended')
     AND 0 = (SELECT count(*) FROM orders_refund r
               WHERE r.organization_id = l.organization_id AND r.order_id = l.order_id
                 AND r.status = 'pending' AND cardinality(r.covered_lines) = 0)
     AND l.quantity > (SELECT coalesce(sum(split_part(c, '×', -1)::int), 0)
                         FROM orders_refund r, unnest(r.covered_lines) c
                        WHERE r.organization_id = l.organization_id AND r.order_id = l.order_id
                          AND r.status IN ('succeeded', 'pending')
                          AND left(c, -length(split_part(c, '×', -1)) - 1) = l.external_id)
     AND 0 = (SELECT count(*) FROM profiles_settlementrequest s
               WHERE s.organization_id = l.organization_id AND s.subject = 'order' AND s.subject_id = l.order_id
                 AND s.state IN ('queued', 'claimed') AND s.due_at > statement_timestamp() - interval '5 minutes')
), unserved AS (
  SELECT l.organization_id, l.order_id, l.id, l.total_minor, l.whole,
         CASE WHEN l.whole THEN l.title ELSE string_agg(p.title || ' (' || p.sku || ')', ', ' ORDER BY p.sku)
              || ', part of ' || l.title END AS named, count(*) FILTER (WHERE NOT l.whole) AS parts
    FROM owing l JOIN orders_product p ON p.organization_id = l.organization_id AND p.id = l.product_id
   GROUP BY l.organization_id, l.order_id, l.id, l.total_minor, l.whole, l.title
), lost AS (
  SELECT organization_id, order_id, count(*) FILTER (WHERE whole) AS lines, sum(parts) AS parts,
         sum(total_minor) AS total_minor, string_agg(DISTINCT named, ', ') AS named
    FROM unserved GROUP BY organization_id, order_id
)
""",
    found=f"""
  FROM lost
  JOIN orders_order o ON o.organization_id = lost.organization_id AND o.id = lost.order_id
  CROSS JOIN LATERAL (SELECT count(*) AS lines FROM orders_line l
                       WHERE l.organization_id = o.organization_id AND l.order_id = o.id AND NOT l.removed) whole
 WHERE {_PAID}
""",
    columns={
        **_ORDER,
        # With nothing granted at all it is the whole sum, shipping and tax with it. What one part of a bundle cost
        # nobody says: its line's sum.
        "amount_minor": "CASE WHEN lost.lines = whole.lines THEN o.total_minor ELSE lost.total_minor END",
        "ours": side(Not_granted="left(lost.named, 300)")
        + f" || CASE WHEN lost.lines > 0 THEN {side(Lines_without_access='lost.lines::text')} ELSE '[]' END"
        + f" || CASE WHEN lost.parts > 0 THEN {side(Parts_of_bundles_missing='lost.parts::text')} ELSE '[]' END",
        "theirs": side(**_SAID_BY_ORDER),
    },
)

ENTITLEMENT_WITHOUT_PAYMENT = Finder(
    kind="entitlement_without_payment",
    of="order",
    likely=_ORDERS,
    sign="EXISTS (SELECT FROM {likely} WHERE likely.unpaid)",
    before="""
WITH unpaid AS MATERIALIZED (
  SELECT o.organization_id, o.id FROM {likely} JOIN orders_order o ON o.id = likely.id
   WHERE likely.unpaid
     AND (o.payment_status IN ('unpaid', 'failed')
          OR (EXISTS (SELECT FROM orders_payment p
                       WHERE p.organization_id = o.organization_id AND p.order_id = o.id AND p.status = 'failed')
              AND NOT EXISTS (SELECT FROM orders_payment p
                               WHERE p.organization_id = o.organization_id AND p.order_id = o.id
                                 AND p.status <> 'failed')))
)
""",
    found="""
  FROM (SELECT e.organization_id, e.order_id, min(e.id) AS id, count(*) AS held
          FROM unpaid JOIN fulfillment_entitlement e
            ON e.organization_id = unpaid.organization_id AND e.order_id = unpaid.id
         WHERE e.status IN ('active', 'pending_claim') AND e.source IN ('order', 'bundle') AND e.decision <> 'granted'
         GROUP BY e.organization_id, e.order_id) e
  JOIN orders_order o ON o.organization_id = e.organization_id AND o.id = e.order_id
""",
    columns={
        **_ORDER,
        "amount_minor": "o.total_minor",
        "entitlement_id": "e.id",
        "ours": side(Access="'Works'", Rights="e.held::text"),
        "theirs": side(**_SAID_BY_ORDER),
    },
)

_OTHER = sum_of("coalesce(p.foreign_minor, p.presented_minor)", "coalesce(p.foreign_currency, o.presentment_currency)")
# In the order's currency, or where the buyer paid in their own, in that; money in a third currency is a difference of
# the whole sum.
AMOUNT_DIFFERS = Finder(
    kind="amount_differs",
    of="order",
    likely=_ORDERS,
    sign="EXISTS (SELECT FROM {likely} WHERE likely.odd_amount)",
    found="""
  FROM {likely}
  JOIN orders_order o ON o.id = likely.id
  CROSS JOIN LATERAL (
        SELECT count(*) AS payments, sum(p.amount_minor) FILTER (WHERE p.currency = o.currency) AS taken_minor,
               sum(p.amount_minor) FILTER (WHERE p.currency <> o.currency AND p.currency = o.presentment_currency)
                 AS presented_minor,
               max(p.currency) FILTER (WHERE p.currency NOT IN (o.currency, o.presentment_currency))
                 AS foreign_currency,
               sum(p.amount_minor) FILTER (WHERE p.currency NOT IN (o.currency, o.presentment_currency))
                 AS foreign_minor
          FROM orders_payment p
         WHERE p.organization_id = o.organization_id AND p.order_id = o.id AND p.status = 'captured') p
 WHERE likely.odd_amount
   AND (p.foreign_minor IS NOT NULL
        OR p.taken_minor + CASE WHEN p.presented_minor IS NULL THEN 0 ELSE o.total_minor END <> o.total_minor
        OR p.presented_minor <> coalesce(o.presentment_total_minor, p.presented_minor))
""",
    columns={
        **_ORDER,
        "amount_minor": """CASE
            WHEN p.foreign_minor IS NOT NULL AND p.taken_minor IS NULL THEN o.total_minor
            WHEN p.taken_minor IS NOT NULL THEN abs(p.taken_minor - o.total_minor)
            ELSE abs(p.presented_minor - o.presentment_total_minor) END""",
        "currency": """CASE WHEN p.foreign_minor IS NULL AND p.taken_minor IS NULL THEN o.presentment_currency
                            ELSE o.currency END""",
        "ours": side(**_SAID_BY_ORDER),
        "theirs": side(
            Payments="p.payments::text",
            Taken=sum_of("coalesce(p.taken_minor, 0)", "o.currency"),
            In_another_currency=f"CASE WHEN p.foreign_minor IS NULL AND p.presented_minor IS NULL THEN '\"–\"'::jsonb"
            f" ELSE {_OTHER} END",
        ),
    },
)

# All of it went back, a dispute was lost, or a refund names the line; a sum alone leaves access as it is.
REFUND_WITHOUT_REVOCATION = Finder(
    kind="refund_without_revocation",
    of="order",
    likely=_ORDERS,
    sign="""(EXISTS (SELECT FROM {likely} WHERE likely.gone) OR EXISTS (SELECT FROM orders_refund r WHERE {refunds})
             OR EXISTS (SELECT FROM orders_dispute d WHERE {disputes}))""",
    places={"refunds": within("r.at", "r.order_id"), "disputes": within("d.at", "d.order_id")},
    before="""
WITH gone AS MATERIALIZED (
  SELECT r.organization_id, r.order_id AS id FROM orders_refund r WHERE r.status = 'succeeded' AND {refunds}
  UNION
  SELECT d.organization_id, d.order_id FROM orders_dispute d WHERE d.status = 'lost' AND {disputes}
  UNION
  SELECT o.organization_id, o.id FROM {likely} JOIN orders_order o ON o.id = likely.id WHERE likely.gone
), held AS MATERIALIZED (
  SELECT e.organization_id, e.order_id, e.id, e.line_id
    FROM gone JOIN fulfillment_entitlement e ON e.organization_id = gone.organization_id AND e.order_id = gone.id
   WHERE e.status IN ('active', 'pending_claim') AND e.source IN ('order', 'bundle') AND e.decision <> 'granted'
), sums AS (
  SELECT h.organization_id, h.order_id, sum(r.minor) AS refunded_minor, sum(r.count) AS refunds, max(r.at) AS at
    FROM (SELECT DISTINCT organization_id, order_id FROM held) h
    CROSS JOIN LATERAL (SELECT sum(coalesce(r.order_minor, r.amount_minor)) AS minor, count(*) AS count, max(r.at) AS at
                          FROM orders_refund r WHERE r.organization_id = h.organization_id AND r.order_id = h.order_id
                                                 AND r.status = 'succeeded') r
   GROUP BY h.organization_id, h.order_id
), wrong AS (
  SELECT h.organization_id, h.order_id, min(h.id) AS id, count(*) AS held, max(s.refunded_minor) AS refunded_minor,
         max(s.refunds) AS refunds, max(greatest(s.at, f.lost_at)) AS at,
         bool_or(f.lost_at IS NOT NULL) AS lost, bool_or(f.whole) AS whole,
         coalesce(sum(f.line_minor), 0) AS lines_minor
    FROM held h
    JOIN sums s ON s.organization_id = h.organization_id AND s.order_id = h.order_id
    JOIN orders_order o ON o.organization_id = h.organization_id AND o.id = h.order_id
    LEFT JOIN orders_line l ON l.organization_id = h.organization_id AND l.id = h.line_id
    CROSS JOIN LATERAL (
      SELECT o.cancelled OR coalesce(s.refunded_minor, 0) >= o.captured_minor AND s.refunded_minor > 0 AS whole,
             (SELECT max(d.at) FROM orders_dispute d WHERE d.organization_id = o.organization_id
                                                       AND d.order_id = o.id AND d.status = 'lost') AS lost_at,
             (SELECT coalesce(sum(split_part(c, '×', -1)::int), 0) FROM orders_refund r, unnest(r.covered_lines) c
               WHERE r.organization_id = o.organization_id AND r.order_id = o.id AND r.status = 'succeeded'
                 AND left(c, -length(split_part(c, '×', -1)) - 1) = l.external_id) >= l.quantity AS covered,
             l.total_minor AS line_minor) f
   WHERE f.whole OR f.lost_at IS NOT NULL OR f.covered
   GROUP BY h.organization_id, h.order_id
)
""",
    found="  FROM wrong w JOIN orders_order o ON o.organization_id = w.organization_id AND o.id = w.order_id",
    columns={
        **_ORDER,
        "at": "coalesce(w.at, o.placed_at)",
        "amount_minor": "CASE WHEN w.whole OR w.lost THEN o.total_minor ELSE w.lines_minor END",
        "entitlement_id": "w.id",
        "ours": side(Access="'Works'", Rights="w.held::text"),
        "theirs": side(
            Order=_NAME,
            Refunds="coalesce(w.refunds, 0)::text",
            Refunded=sum_of("coalesce(w.refunded_minor, 0)", "o.currency"),
            Dispute="CASE WHEN w.lost THEN 'lost' ELSE 'none lost' END",
            Cancelled="CASE WHEN o.cancelled THEN 'yes' ELSE 'no' END",
        ),
    },
)

# Kept counts where nothing is sent (SURFACE, Snapshot). At a till the buyer has theirs on paper.
MISSING_RECEIPT = Finder(
    kind="missing_receipt",
    of="order",
    likely=_ORDERS,
    sign="EXISTS (SELECT FROM {likely} WHERE likely.no_receipt)",
    found="""
  FROM {likely} JOIN orders_order o ON o.id = likely.id
 WHERE likely.no_receipt AND o.payment_status IN ('paid', 'partially_refunded') AND NOT o.cancelled AND NOT o.from_file
   AND 0 = (SELECT count(*) FROM fulfillment_email m
             WHERE m.organization_id = o.organization_id AND m.order_id = o.id
               AND m.template = 'receipt' AND m.state IN ('sent', 'kept'))
   AND (o.email <> '' OR o.delivery_email <> ''
        OR o.channel_id NOT IN (SELECT id FROM orders_channel WHERE kind IN ('pos', 'square', 'clover')))
""",
    columns={
        **_ORDER,
        "amount_minor": "o.total_minor",
        "ours": side(
            Receipt="""coalesce((SELECT CASE m.state WHEN 'queued' THEN 'waits to be sent' WHEN 'claimed'
                THEN 'is being sent' WHEN 'unknown' THEN 'sent, but nobody knows whether it was taken'
                WHEN 'failed' THEN 'refused: ' || left(m.last_error, 200) ELSE 'was not sent' END
                FROM fulfillment_email m WHERE m.organization_id = o.organization_id AND m.order_id = o.id
                 AND m.template = 'receipt' ORDER BY m.created_at DESC, m.id DESC LIMIT 1), 'was never written')""",
            Address="CASE WHEN o.email = '' AND o.delivery_email = '' THEN 'none on record' ELSE 'on record' END",
        ),
        "theirs": side(**_SAID_BY_ORDER),
    },
)

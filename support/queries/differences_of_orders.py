"""Orders whose access, payments or receipt say something else than the order: five kinds, each by one statement."""

from orders.queries.bundles import OWED
from support.queries.findings import Finder, instant, side, sum_of, within

_PLACED = within("o.placed_at", "o.id")
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

# A line is granted if anything of it is held, ran out, or was taken by a person; a gift of the same product counts too.
# What waits to be settled is no difference yet, unless it has waited for more than five minutes.
PAID_WITHOUT_ENTITLEMENT = Finder(
    kind="paid_without_entitlement",
    of="order",
    scope=_PLACED,
    before=f"""
WITH RECURSIVE {OWED}, lacking AS MATERIALIZED (
  SELECT l.id, l.organization_id, l.order_id, l.product_id, l.external_id, l.quantity, l.total_minor, l.title
    FROM orders_order o
    JOIN orders_line l ON l.organization_id = o.organization_id AND l.order_id = o.id
   WHERE {{scope}} AND o.payment_status IN ('paid', 'partially_refunded') AND NOT o.cancelled
     AND o.profile_id IS NOT NULL AND NOT l.removed AND l.product_id IN (SELECT id FROM owed)
     AND NOT EXISTS (SELECT FROM fulfillment_entitlement e
                      WHERE e.organization_id = l.organization_id AND e.order_id = l.order_id AND e.line_id = l.id
                        AND (e.status IN ('active', 'pending_claim', 'expired') OR e.decision = 'revoked'))
), owing AS MATERIALIZED (
  SELECT l.* FROM lacking l
   WHERE NOT EXISTS (SELECT FROM fulfillment_entitlement e
                      WHERE e.organization_id = l.organization_id AND e.order_id = l.order_id
                        AND e.product_id = l.product_id AND e.source = 'manual'
                        AND e.status IN ('active', 'pending_claim'))
     AND NOT EXISTS (SELECT FROM orders_refund r
                      WHERE r.organization_id = l.organization_id AND r.order_id = l.order_id
                        AND r.status = 'pending' AND cardinality(r.covered_lines) = 0)
     AND l.quantity > (SELECT coalesce(sum(split_part(c, '×', -1)::int), 0)
                         FROM orders_refund r, unnest(r.covered_lines) c
                        WHERE r.organization_id = l.organization_id AND r.order_id = l.order_id
                          AND r.status IN ('succeeded', 'pending')
                          AND left(c, -length(split_part(c, '×', -1)) - 1) = l.external_id)
     AND NOT EXISTS (SELECT FROM profiles_settlementrequest s
                      WHERE s.organization_id = l.organization_id AND s.subject = 'order' AND s.subject_id = l.order_id
                        AND s.state IN ('queued', 'claimed')
                        AND s.due_at > statement_timestamp() - interval '5 minutes')
), lost AS (
  SELECT l.organization_id, l.order_id, count(*) AS lines, sum(l.total_minor) AS total_minor,
         string_agg(DISTINCT l.title, ', ') AS titles
    FROM owing l GROUP BY l.organization_id, l.order_id
)
""",
    found="""
  FROM lost
  JOIN orders_order o ON o.organization_id = lost.organization_id AND o.id = lost.order_id
  CROSS JOIN LATERAL (SELECT count(*) AS lines FROM orders_line l
                       WHERE l.organization_id = o.organization_id AND l.order_id = o.id AND NOT l.removed) whole
""",
    columns={
        **_ORDER,
        # With nothing granted at all it is the whole sum, shipping and tax with it.
        "amount_minor": "CASE WHEN lost.lines = whole.lines THEN o.total_minor ELSE lost.total_minor END",
        "ours": side(Not_granted="left(lost.titles, 300)", Lines_without_access="lost.lines::text"),
        "theirs": side(**_SAID_BY_ORDER),
    },
)

ENTITLEMENT_WITHOUT_PAYMENT = Finder(
    kind="entitlement_without_payment",
    of="order",
    scope=_PLACED,
    before="""
WITH unpaid AS MATERIALIZED (
  SELECT o.organization_id, o.id FROM orders_order o
   WHERE {scope} AND o.payment_status IN ('unpaid', 'failed')
  UNION
  SELECT o.organization_id, o.id FROM orders_order o
    JOIN orders_payment p ON p.organization_id = o.organization_id AND p.order_id = o.id AND p.status = 'failed'
   WHERE {scope} AND NOT EXISTS (SELECT FROM orders_payment q
                                  WHERE q.organization_id = o.organization_id AND q.order_id = o.id
                                    AND q.status <> 'failed')
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
    scope=_PLACED,
    found="""
  FROM (SELECT o.organization_id, o.id, count(*) AS payments,
               sum(p.amount_minor) FILTER (WHERE p.currency = o.currency) AS taken_minor,
               sum(p.amount_minor) FILTER (WHERE p.currency <> o.currency AND p.currency = o.presentment_currency)
                 AS presented_minor,
               max(p.currency) FILTER (WHERE p.currency NOT IN (o.currency, o.presentment_currency))
                 AS foreign_currency,
               sum(p.amount_minor) FILTER (WHERE p.currency NOT IN (o.currency, o.presentment_currency))
                 AS foreign_minor
          FROM orders_order o
          JOIN orders_payment p ON p.organization_id = o.organization_id AND p.order_id = o.id AND p.status = 'captured'
         WHERE {scope}
         GROUP BY o.organization_id, o.id
        HAVING (sum(p.amount_minor) <> o.total_minor OR bool_or(p.currency <> o.currency))) p
  JOIN orders_order o ON o.organization_id = p.organization_id AND o.id = p.id
 WHERE p.foreign_minor IS NOT NULL
    OR p.taken_minor + CASE WHEN p.presented_minor IS NULL THEN 0 ELSE o.total_minor END <> o.total_minor
    OR p.presented_minor <> coalesce(o.presentment_total_minor, p.presented_minor)
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
    scope=_PLACED,
    also={"refunds": within("r.at", "r.order_id"), "disputes": within("d.at", "d.order_id")},
    before="""
WITH gone AS MATERIALIZED (
  SELECT r.organization_id, r.order_id AS id FROM orders_refund r WHERE r.status = 'succeeded' AND {refunds}
  UNION
  SELECT d.organization_id, d.order_id FROM orders_dispute d WHERE d.status = 'lost' AND {disputes}
  UNION
  SELECT o.organization_id, o.id FROM orders_order o
   WHERE {scope} AND (o.cancelled OR o.payment_status = 'refunded')
), held AS MATERIALIZED (
  SELECT e.organization_id, e.order_id, e.id, e.line_id
    FROM gone JOIN fulfillment_entitlement e ON e.organization_id = gone.organization_id AND e.order_id = gone.id
   WHERE e.status IN ('active', 'pending_claim') AND e.source IN ('order', 'bundle') AND e.decision <> 'granted'
), sums AS (
  SELECT h.organization_id, h.order_id, sum(r.minor) AS refunded_minor, sum(r.count) AS refunds
    FROM (SELECT DISTINCT organization_id, order_id FROM held) h
    CROSS JOIN LATERAL (SELECT sum(coalesce(r.order_minor, r.amount_minor)) AS minor, count(*) AS count
                          FROM orders_refund r WHERE r.organization_id = h.organization_id AND r.order_id = h.order_id
                                                 AND r.status = 'succeeded') r
   GROUP BY h.organization_id, h.order_id
), wrong AS (
  SELECT h.organization_id, h.order_id, min(h.id) AS id, count(*) AS held, max(s.refunded_minor) AS refunded_minor,
         max(s.refunds) AS refunds, bool_or(f.lost) AS lost, bool_or(f.whole) AS whole,
         coalesce(sum(f.line_minor), 0) AS lines_minor
    FROM held h
    JOIN sums s ON s.organization_id = h.organization_id AND s.order_id = h.order_id
    JOIN orders_order o ON o.organization_id = h.organization_id AND o.id = h.order_id
    LEFT JOIN orders_line l ON l.organization_id = h.organization_id AND l.id = h.line_id
    CROSS JOIN LATERAL (
      SELECT o.cancelled OR coalesce(s.refunded_minor, 0) >= o.captured_minor AND s.refunded_minor > 0 AS whole,
             EXISTS (SELECT FROM orders_dispute d WHERE d.organization_id = o.organization_id AND d.order_id = o.id
                                                    AND d.status = 'lost') AS lost,
             (SELECT coalesce(sum(split_part(c, '×', -1)::int), 0) FROM orders_refund r, unnest(r.covered_lines) c
               WHERE r.organization_id = o.organization_id AND r.order_id = o.id AND r.status = 'succeeded'
                 AND left(c, -length(split_part(c, '×', -1)) - 1) = l.external_id) >= l.quantity AS covered,
             l.total_minor AS line_minor) f
   WHERE f.whole OR f.lost OR f.covered
   GROUP BY h.organization_id, h.order_id
)
""",
    found="  FROM wrong w JOIN orders_order o ON o.organization_id = w.organization_id AND o.id = w.order_id",
    columns={
        **_ORDER,
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
    scope=_PLACED,
    found="""
  FROM orders_order o
 WHERE {scope} AND o.payment_status IN ('paid', 'partially_refunded') AND NOT o.cancelled AND NOT o.from_file
   AND NOT EXISTS (SELECT FROM fulfillment_email m
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

"""Made-up history: what was derived from made-up orders bears the times at which it would have happened.

Orders of the last months are taken in today. Without this each of them would tell of a mail of today and of a link that
still works. Rows of channels that are not made up are never touched.
"""

from datetime import datetime

from django.db import connection

BATCH = 1000
_ORDERS = """
SELECT o.id, coalesce(o.paid_at, o.placed_at),
       greatest(coalesce(o.paid_at, o.placed_at),
                (SELECT max(r.at) FROM orders_refund r WHERE r.order_id = o.id),
                (SELECT max(d.at) FROM orders_dispute d WHERE d.order_id = o.id))
  FROM orders_order o
 WHERE o.channel_id IN (SELECT id FROM orders_channel WHERE made_up) AND o.id > %(after)s
   AND o.arrived_at >= %(since)s AND o.placed_at < %(since)s - interval '10 minutes'
 ORDER BY o.id LIMIT %(limit)s
"""
# The planner knows nothing of tables that were empty a moment ago: ids as an array keep it from comparing all with all.
_AGED = """
WITH aged AS MATERIALIZED (
  SELECT * FROM unnest(%(ids)s::bigint[], %(at)s::timestamptz[], %(changed)s::timestamptz[]) AS v(id, at, changed_at)
)
"""
_ENTITLEMENTS = """
UPDATE fulfillment_entitlement e SET created_at = a.at + interval '7 seconds'
  FROM aged a WHERE e.order_id = ANY(%(ids)s) AND e.order_id = a.id AND e.source = 'order' AND e.created_at >= %(since)s
"""
_JOBS = """
UPDATE fulfillment_job j SET created_at = a.at + interval '7 seconds', changed_at = a.at + interval '15 seconds',
       completed_at = CASE WHEN j.completed_at IS NOT NULL THEN a.at + interval '15 seconds' END
  FROM aged a, fulfillment_entitlement e
 WHERE e.order_id = ANY(%(ids)s) AND e.id = j.entitlement_id AND e.order_id = a.id AND j.created_at >= %(since)s
"""
_LINKS = """
UPDATE fulfillment_downloadlink l SET created_at = a.at + interval '9 seconds',
       expires_at = a.at + interval '9 seconds' + (l.expires_at - l.created_at)
  FROM aged a, fulfillment_entitlement e
 WHERE e.order_id = ANY(%(ids)s) AND e.id = l.entitlement_id AND e.order_id = a.id
   AND l.kind = 'mailed' AND l.created_at >= %(since)s
"""
_MAILS = """
UPDATE fulfillment_email m SET created_at = t.at, done_at = t.at + interval '5 seconds',
       secrets_until = t.at + (m.secrets_until - m.created_at)
  FROM (SELECT e.id, CASE WHEN e.template IN ('refund', 'cancellation') THEN a.changed_at ELSE a.at END
                     + interval '10 seconds' AS at
          FROM fulfillment_email e JOIN aged a ON a.id = e.order_id
         WHERE e.order_id = ANY(%(ids)s) AND e.never_send AND e.state = 'kept' AND NOT e.by_person
           AND e.created_at >= %(since)s) t
 WHERE m.id = t.id
"""
_CHANGES = """
UPDATE orders_statuschange s SET at = CASE WHEN s.former = '' THEN a.at ELSE a.changed_at END + interval '2 seconds'
  FROM aged a WHERE s.order_id = ANY(%(ids)s) AND s.order_id = a.id AND s.at >= %(since)s
"""
_ATTRIBUTIONS = """
UPDATE attribution_attribution t SET at = a.at + interval '3 seconds'
  FROM aged a WHERE t.order_id = ANY(%(ids)s) AND t.order_id = a.id AND t.overridden_by = '' AND t.at >= %(since)s
"""


def age(*, since: datetime) -> int:
    """Set back what was derived from orders that came since this moment; returns how many. Needs the context set."""
    moved, after = 0, 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(_ORDERS, {"since": since, "after": after, "limit": BATCH})
            rows = cursor.fetchall()
            if not rows:
                return moved
            ids, at, changed = (list(part) for part in zip(*rows, strict=True))
            for statement in (_ENTITLEMENTS, _JOBS, _LINKS, _MAILS, _CHANGES, _ATTRIBUTIONS):
                cursor.execute(_AGED + statement, {"ids": ids, "at": at, "changed": changed, "since": since})
            moved, after = moved + len(ids), ids[-1]

"""Made-up history: what was derived from made-up orders bears the times at which it would have happened.

Orders of the last months are taken in today. Without this each of them would tell of a mail of today and of a link that
still works. Rows of channels that are not made up are never touched.
"""

from datetime import datetime

from django.db import connection

_AGED = """
WITH aged AS (
  SELECT o.id, coalesce(o.paid_at, o.placed_at) AS at,
         greatest(coalesce(o.paid_at, o.placed_at),
                  (SELECT max(r.at) FROM orders_refund r WHERE r.order_id = o.id),
                  (SELECT max(d.at) FROM orders_dispute d WHERE d.order_id = o.id)) AS changed_at
    FROM orders_order o JOIN orders_channel c ON c.id = o.channel_id
   WHERE c.made_up AND o.placed_at < %(since)s - interval '10 minutes'
)
"""
_ENTITLEMENTS = """
UPDATE fulfillment_entitlement e SET created_at = a.at + interval '7 seconds'
  FROM aged a WHERE e.order_id = a.id AND e.source = 'order' AND e.created_at >= %(since)s
"""
_JOBS = """
UPDATE fulfillment_job j SET created_at = a.at + interval '7 seconds', changed_at = a.at + interval '15 seconds',
       completed_at = CASE WHEN j.completed_at IS NOT NULL THEN a.at + interval '15 seconds' END
  FROM aged a, fulfillment_entitlement e
 WHERE e.id = j.entitlement_id AND e.order_id = a.id AND j.created_at >= %(since)s
"""
_LINKS = """
UPDATE fulfillment_downloadlink l SET created_at = a.at + interval '9 seconds',
       expires_at = a.at + interval '9 seconds' + (l.expires_at - l.created_at)
  FROM aged a, fulfillment_entitlement e
 WHERE e.id = l.entitlement_id AND e.order_id = a.id AND l.kind = 'mailed' AND l.created_at >= %(since)s
"""
_MAILS = """
UPDATE fulfillment_email m SET created_at = t.at, done_at = t.at + interval '5 seconds',
       secrets_until = t.at + (m.secrets_until - m.created_at)
  FROM (SELECT e.id, CASE WHEN e.template IN ('refund', 'cancellation') THEN a.changed_at ELSE a.at END
                     + interval '10 seconds' AS at
          FROM fulfillment_email e JOIN aged a ON a.id = e.order_id
         WHERE e.never_send AND e.state = 'kept' AND NOT e.by_person AND e.created_at >= %(since)s) t
 WHERE m.id = t.id
"""
_CHANGES = """
UPDATE orders_statuschange s SET at = CASE WHEN s.former = '' THEN a.at ELSE a.changed_at END + interval '2 seconds'
  FROM aged a WHERE s.order_id = a.id AND s.at >= %(since)s
"""
_ATTRIBUTIONS = """
UPDATE attribution_attribution t SET at = a.at + interval '3 seconds'
  FROM aged a WHERE t.order_id = a.id AND t.overridden_by = '' AND t.at >= %(since)s
"""


def age(*, since: datetime) -> int:
    """Set back what was derived since this moment; returns how many rows. Needs the context set."""
    moved = 0
    with connection.cursor() as cursor:
        for statement in (_ENTITLEMENTS, _JOBS, _LINKS, _MAILS, _CHANGES, _ATTRIBUTIONS):
            cursor.execute(_AGED + statement, {"since": since})
            moved += cursor.rowcount
    return moved

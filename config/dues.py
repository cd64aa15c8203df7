"""When the next work of an organization is due, and until when somebody holds some: one question to every queue."""

DUE = """
SELECT min(due) FILTER (WHERE NOT claimed), min(due) FILTER (WHERE claimed) FROM (
  SELECT CASE WHEN state = 'claimed' THEN greatest(due_at, lease_until) ELSE due_at END AS due,
         state = 'claimed' AND lease_until >= statement_timestamp() AS claimed
    FROM orders_delivery WHERE state IN ('queued', 'claimed')
  UNION ALL
  SELECT CASE WHEN state = 'claimed' THEN lease_until ELSE due_at END,
         state = 'claimed' AND lease_until >= statement_timestamp()
    FROM profiles_settlementrequest WHERE state IN ('queued', 'claimed')
  UNION ALL
  SELECT greatest(due_at - %(offset)s, coalesce(lease_until, '-infinity')),
         coalesce(lease_until >= statement_timestamp(), false)
    FROM fulfillment_job WHERE state IN ('pending_processing', 'pending_storage')
  UNION ALL
  SELECT CASE WHEN state = 'claimed' THEN lease_until ELSE due_at - %(offset)s END,
         state = 'claimed' AND lease_until >= statement_timestamp()
    FROM fulfillment_email WHERE state IN ('queued', 'claimed', 'unknown')
  UNION ALL
  SELECT remind_at - %(offset)s, false FROM fulfillment_claim WHERE remind_at IS NOT NULL
  UNION ALL
  SELECT due_at - %(offset)s, false FROM fulfillment_emailchange WHERE due_at IS NOT NULL
  UNION ALL
  SELECT greatest(e.recorded_at, c.retry_at), false
    FROM (SELECT recorded_at FROM profiles_streamentry WHERE published_at IS NULL AND %(redis)s ORDER BY id LIMIT 1) e
    LEFT JOIN profiles_streamcircuit c ON true
  UNION ALL
  SELECT CASE WHEN state = 'claimed' THEN lease_until ELSE due_at - %(offset)s END,
         state = 'claimed' AND lease_until >= statement_timestamp()
    FROM support_alertnotice WHERE state IN ('queued', 'claimed')
  UNION ALL
  SELECT CASE WHEN state = 'claimed' THEN lease_until ELSE due_at - %(offset)s END,
         state = 'claimed' AND lease_until >= statement_timestamp()
    FROM orders_refundrequest WHERE state IN ('queued', 'claimed', 'unknown')
  UNION ALL
  SELECT CASE WHEN state = 'claimed' THEN lease_until ELSE due_at END,
         state = 'claimed' AND lease_until >= statement_timestamp()
    FROM orders_lookup WHERE state IN ('queued', 'claimed')
  UNION ALL
  SELECT CASE WHEN state = 'claimed' THEN lease_until ELSE due_at - %(offset)s END,
         state = 'claimed' AND lease_until >= statement_timestamp()
    FROM support_reconcilerun WHERE state IN ('queued', 'claimed')
  UNION ALL
  SELECT min(received_at), false FROM fulfillment_emailevent WHERE settled_at IS NULL HAVING count(*) > 0
  UNION ALL
  SELECT min(due_at) - %(offset)s, false FROM fulfillment_reach WHERE due_at IS NOT NULL HAVING count(*) > 0
  UNION ALL
  SELECT min(due_at) - %(offset)s, false FROM fulfillment_renewal WHERE due_at IS NOT NULL HAVING count(*) > 0
  UNION ALL
  SELECT min(verify_at) - %(offset)s, false FROM fulfillment_asset WHERE verify_at IS NOT NULL HAVING count(*) > 0
  UNION ALL
  SELECT min(due_at), false FROM orders_storefrontpage WHERE due_at IS NOT NULL HAVING count(*) > 0
  UNION ALL
  SELECT min(due_at) - %(offset)s, false FROM fulfillment_followup WHERE state = 'waiting' HAVING count(*) > 0
  UNION ALL
  SELECT greatest(due_at, coalesce(lease_until, '-infinity')), coalesce(lease_until >= statement_timestamp(), false)
    FROM orders_import WHERE due_at IS NOT NULL
  UNION ALL
  SELECT greatest(due_at - %(offset)s, coalesce(lease_until, '-infinity')),
         coalesce(lease_until >= statement_timestamp(), false)
    FROM orders_backfill WHERE due_at IS NOT NULL
  UNION ALL
  SELECT due_at, false FROM profiles_likeness WHERE due_at IS NOT NULL
  UNION ALL
  (SELECT statement_timestamp(), false FROM orders_staleday LIMIT 1)
) q
"""
"""`offset` moves the due times that follow the clock of customers; `redis` says whether anybody publishes."""

"""Which queues of an organization have work now, and when the next is due: one question to all of them."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.db import connection

from profiles import clock, prepared, tenancy

SOURCES: Mapping[str, str] = MappingProxyType(
    {
        "inbox": """
SELECT CASE WHEN state = 'claimed' THEN greatest(due_at, lease_until) ELSE due_at END,
       state = 'claimed' AND lease_until >= statement_timestamp()
  FROM orders_delivery WHERE state IN ('queued', 'claimed')""",
        "lookups": """
SELECT CASE WHEN state = 'claimed' THEN lease_until ELSE due_at END,
       state = 'claimed' AND lease_until >= statement_timestamp()
  FROM orders_lookup WHERE state IN ('queued', 'claimed')""",
        "imports": """
SELECT greatest(due_at, coalesce(lease_until, '-infinity')), coalesce(lease_until >= statement_timestamp(), false)
  FROM orders_import WHERE due_at IS NOT NULL""",
        "settlements": """
SELECT CASE WHEN state = 'claimed' THEN lease_until ELSE due_at END,
       state = 'claimed' AND lease_until >= statement_timestamp()
  FROM profiles_settlementrequest WHERE state IN ('queued', 'claimed')""",
        "refunds": """
SELECT CASE WHEN state = 'claimed' THEN lease_until ELSE due_at - %(offset)s END,
       state = 'claimed' AND lease_until >= statement_timestamp()
  FROM orders_refundrequest WHERE state IN ('queued', 'claimed', 'unknown')""",
        "fulfilment": """
SELECT greatest(due_at - %(offset)s, coalesce(lease_until, '-infinity')),
       coalesce(lease_until >= statement_timestamp(), false)
  FROM fulfillment_job WHERE state IN ('pending_processing', 'pending_storage')""",
        "claims": """
(SELECT remind_at - %(offset)s, false FROM fulfillment_claim
  WHERE remind_at IS NOT NULL ORDER BY remind_at LIMIT 1)
UNION ALL
(SELECT due_at - %(offset)s, false FROM fulfillment_emailchange WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1)""",
        "links_anew": """
SELECT due_at - %(offset)s, false FROM fulfillment_renewal WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1""",
        "reports": """
SELECT received_at, false FROM fulfillment_emailevent WHERE settled_at IS NULL ORDER BY received_at LIMIT 1""",
        "follow_ups": """
SELECT due_at - %(offset)s, false FROM fulfillment_followup WHERE state = 'waiting' ORDER BY due_at LIMIT 1""",
        "outbox": """
SELECT CASE WHEN state = 'claimed' THEN lease_until ELSE due_at - %(offset)s END,
       state = 'claimed' AND lease_until >= statement_timestamp()
  FROM fulfillment_email WHERE state IN ('queued', 'claimed', 'unknown')""",
        "unreached": """
SELECT due_at - %(offset)s, false FROM fulfillment_reach WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1""",
        # While Redis is left alone only one thing is due: to note, once, since when events wait.
        "events": """
SELECT CASE WHEN c.retry_at > e.recorded_at AND b.since IS NOT NULL THEN c.retry_at ELSE e.recorded_at END, false
  FROM (SELECT organization_id, recorded_at FROM profiles_streamentry
         WHERE published_at IS NULL AND %(redis)s ORDER BY id LIMIT 1) e
  LEFT JOIN profiles_streamcircuit c ON true
  LEFT JOIN profiles_streambacklog b ON b.organization_id = e.organization_id""",
        "reconciliations": """
SELECT CASE WHEN state = 'claimed' THEN lease_until ELSE due_at - %(offset)s END,
       state = 'claimed' AND lease_until >= statement_timestamp()
  FROM support_reconcilerun WHERE state IN ('queued', 'claimed')""",
        "notices": """
SELECT CASE WHEN state = 'claimed' THEN lease_until ELSE due_at - %(offset)s END,
       state = 'claimed' AND lease_until >= statement_timestamp()
  FROM support_alertnotice WHERE state IN ('queued', 'claimed')""",
        "backfills": """
SELECT greatest(due_at - %(offset)s, coalesce(lease_until, '-infinity')),
       coalesce(lease_until >= statement_timestamp(), false)
  FROM orders_backfill WHERE due_at IS NOT NULL""",
        "files": """
SELECT verify_at - %(offset)s, false FROM fulfillment_asset WHERE verify_at IS NOT NULL ORDER BY verify_at LIMIT 1""",
        "pages": """
SELECT due_at, false FROM orders_storefrontpage WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1""",
        "days": """
SELECT statement_timestamp(), false FROM orders_staleday LIMIT 1""",
        "alike": """
SELECT due_at, false FROM profiles_likeness WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1""",
    }
)
"""For each queue of `config.drains`: when rows of it are due in real time, and whether somebody holds them until then.

`offset` moves the due times that follow the clock of customers; `redis` says whether anybody publishes. A row that the
queue would take must be due here, or nobody would look.
"""

_OUTLOOK = "SELECT min(due) FILTER (WHERE NOT held), min(due) FILTER (WHERE held) FROM ({}) q(due, held)".format(
    " UNION ALL ".join(f"({source})" for source in SOURCES.values())
)
_DUE = "SELECT '{}' WHERE EXISTS (SELECT FROM ({}) q(due, held) WHERE NOT held AND due <= statement_timestamp())"
_NOW = " UNION ALL ".join(_DUE.format(name, source) for name, source in SOURCES.items())


def outlook(organization_id: int) -> tuple[datetime | None, datetime | None]:
    """When an organization's next unclaimed work is due, and when the first claim of somebody runs out; real time."""
    with tenancy.organization(organization_id), connection.cursor() as cursor:
        cursor.execute(_OUTLOOK, _values())
        unclaimed, claimed = cursor.fetchone()
    return unclaimed, claimed


def now() -> frozenset[str]:
    """The names of the queues in which something is due. One query, whatever waits for later."""
    return frozenset(name for (name,) in prepared.fetch(_NOW, _values()))


def _values() -> dict[str, Any]:
    return {"offset": clock.offset(), "redis": bool(settings.REDIS_URL)}

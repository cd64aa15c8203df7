"""Proof that the ledger is what the facts say: every figure derived once more, by other means, and compared.

Nothing is read of the sums that settling derived on the orders: the facts alone, in SQL, whereas the ledger was written
from rules in Python. A difference is a fault of ours.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection

from orders import bookings
from orders.models import Order, Period
from orders.queries import earnings
from profiles.models import Organization

SHOWN = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """One sum that is not what the facts say; minor units."""

    what: str
    currency: str
    booked_minor: int
    facts_minor: int

    def document(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.what}: {self.booked_minor} booked, {self.facts_minor} by the facts ({self.currency})"


_COUNTS = f"NOT '{bookings.TAKEN_BACK}' = ANY(o.flags)" + (
    " AND o.booked" if any(field.name == "booked" for field in Order._meta.get_fields()) else ""
)
_KINDS = ", ".join(f"'{kind}'" for kind in bookings.OF_THE_SALE)

_SALES = f"""
WITH taken AS (
  SELECT p.order_id, sum(p.amount_minor) AS minor FROM orders_payment p JOIN orders_order o ON o.id = p.order_id
   WHERE p.status = 'captured' AND p.currency = o.currency GROUP BY 1
), back AS (
  SELECT order_id, sum(order_minor) AS minor FROM orders_refund
   WHERE status = 'succeeded' AND order_id IS NOT NULL GROUP BY 1
), held AS (
  SELECT d.order_id, sum(d.amount_minor) AS minor FROM orders_dispute d JOIN orders_order o ON o.id = d.order_id
   WHERE d.status <> 'won' AND d.currency = o.currency GROUP BY 1
), facts AS (
  SELECT o.id AS order_id, o.currency, o.test,
         CASE WHEN {_COUNTS} THEN
           CASE WHEN o.channel_paid THEN o.total_minor ELSE coalesce(taken.minor, 0) END
           - coalesce(back.minor, 0) - coalesce(held.minor, 0) ELSE 0 END AS minor
    FROM orders_order o LEFT JOIN taken ON taken.order_id = o.id LEFT JOIN back ON back.order_id = o.id
    LEFT JOIN held ON held.order_id = o.id
), booked AS (
  SELECT order_id, currency, test, sum(amount_minor) AS minor FROM orders_ledgerentry
   WHERE order_id IS NOT NULL AND kind IN ({_KINDS}) GROUP BY 1, 2, 3
)
SELECT 'Order ' || coalesce(f.order_id, b.order_id), coalesce(f.currency, b.currency),
       coalesce(b.minor, 0)::bigint, coalesce(f.minor, 0)::bigint
  FROM facts f FULL JOIN booked b ON b.order_id = f.order_id AND b.currency = f.currency AND b.test = f.test
 WHERE coalesce(b.minor, 0) <> coalesce(f.minor, 0)
 ORDER BY 1 LIMIT {SHOWN}
"""

_FEES = f"""
WITH settled AS (
  SELECT DISTINCT ON (l.id) l.id, l.order_id, l.currency, l.fee_minor, p.id AS payment_id
    FROM orders_payoutline l JOIN orders_payment p ON p.order_id = l.order_id
     AND (p.external_id = l.payment_reference OR (p.charge_reference <> '' AND p.charge_reference = l.source_reference))
   WHERE l.kind = 'captured' ORDER BY l.id, (p.external_id = l.payment_reference) DESC
), said AS (
  SELECT l.order_id, l.currency, l.fee_minor + CASE WHEN l.kind = 'fee' THEN -l.amount_minor ELSE 0 END AS minor
    FROM orders_payoutline l WHERE l.order_id IS NOT NULL
  UNION ALL
  SELECT p.order_id, p.currency, p.fee_minor FROM orders_payment p
   WHERE p.status = 'captured' AND p.fee_minor IS NOT NULL AND p.order_id IS NOT NULL
     AND NOT EXISTS (SELECT FROM settled s WHERE s.payment_id = p.id)
), facts AS (
  SELECT s.order_id, s.currency, o.test, -sum(CASE WHEN {_COUNTS} THEN s.minor ELSE 0 END) AS minor
    FROM said s JOIN orders_order o ON o.id = s.order_id GROUP BY 1, 2, 3
), booked AS (
  SELECT order_id, currency, test, sum(amount_minor) AS minor FROM orders_ledgerentry
   WHERE order_id IS NOT NULL AND kind = 'fee' GROUP BY 1, 2, 3
)
SELECT 'Fees of order ' || coalesce(f.order_id, b.order_id), coalesce(f.currency, b.currency),
       coalesce(b.minor, 0)::bigint, coalesce(f.minor, 0)::bigint
  FROM facts f FULL JOIN booked b ON b.order_id = f.order_id AND b.currency = f.currency AND b.test = f.test
 WHERE coalesce(b.minor, 0) <> coalesce(f.minor, 0)
 ORDER BY 1 LIMIT {SHOWN}
"""

_BALANCES = f"""
WITH facts AS (
  SELECT 'payout:' || external_id AS source, channel_id, currency, test,
         CASE WHEN status = 'failed' THEN 0 ELSE -amount_minor END AS minor, 'payout' AS kind
    FROM orders_payout
  UNION ALL
  SELECT 'line:' || external_id, channel_id, currency, test, amount_minor,
         CASE kind WHEN 'fee' THEN 'fee' ELSE 'adjustment' END
    FROM orders_payoutline WHERE order_id IS NULL AND kind IN ('fee', 'adjustment', 'conversion', 'unknown')
  UNION ALL
  SELECT 'line:' || external_id || ':fee', channel_id, currency, test, -fee_minor, 'fee'
    FROM orders_payoutline WHERE order_id IS NULL AND kind IN ('fee', 'adjustment', 'conversion', 'unknown')
  UNION ALL
  SELECT 'payout:' || p.external_id, p.channel_id, p.currency, p.test,
         CASE WHEN p.status = 'failed' THEN 0 ELSE coalesce(sum(l.fee_minor), 0) - p.fee_minor END, 'fee'
    FROM orders_payout p LEFT JOIN orders_payoutline l ON l.payout_id = p.id
   WHERE p.from_file AND p.fee_minor IS NOT NULL GROUP BY p.id, p.external_id, p.channel_id, p.currency, p.test,
         p.status, p.fee_minor
), booked AS (
  SELECT source, channel_id, currency, test, kind, sum(amount_minor) AS minor FROM orders_ledgerentry
   WHERE order_id IS NULL AND (source LIKE 'payout:%%' OR source LIKE 'line:%%') GROUP BY 1, 2, 3, 4, 5
)
SELECT coalesce(f.source, b.source), coalesce(f.currency, b.currency),
       coalesce(b.minor, 0)::bigint, coalesce(f.minor, 0)::bigint
  FROM facts f FULL JOIN booked b ON b.source = f.source AND b.channel_id = f.channel_id AND b.currency = f.currency
   AND b.test = f.test AND b.kind = f.kind
 WHERE coalesce(b.minor, 0) <> coalesce(f.minor, 0)
 ORDER BY 1 LIMIT {SHOWN}
"""

# An entry counts in its own month, or is late: then in a later one, the first after those that were closed.
_MONTHS = """
SELECT 'Entry ' || id || ' counts in the month of another', currency, amount_minor, amount_minor
  FROM orders_ledgerentry
 WHERE date_trunc('month', happened_at AT TIME ZONE %s)::date <> month AND NOT late
    OR late AND date_trunc('month', happened_at AT TIME ZONE %s)::date >= month
 ORDER BY id LIMIT 200
"""


def differences(organization: Organization) -> list[Difference]:
    """Whatever the ledger says that the facts do not, and the closed months that changed; nothing, if all is well."""
    zone = organization.timezone
    return [
        *_found(_SALES),
        *_found(_FEES),
        *_found(_BALANCES),
        *_found(_MONTHS, [zone, zone]),
        *_closed(),
    ]


def _found(sql: str, parameters: list[Any] | None = None) -> Iterator[Difference]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or [])
        for row in cursor.fetchall():
            yield Difference(*row)


def _closed() -> Iterator[Difference]:
    """Each closed month's sums against what was kept when it was closed."""
    for period in Period.objects.order_by("month"):
        now = {(one.channel, one.kind, one.currency): one.amount_minor for one in earnings.of_month(period.month)}
        then = {(kept["channel"], kept["kind"], kept["currency"]): kept for kept in period.totals["sums"]}
        for key in sorted(now.keys() | then.keys()):
            was, is_now = int(then[key]["amount_minor"]) if key in then else 0, now.get(key, 0)
            if was != is_now:
                yield Difference(f"{period}, {key[0]}, {key[1]}, closed", key[2], is_now, was)

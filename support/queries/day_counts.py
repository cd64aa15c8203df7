"""What is counted of each day from the rows themselves: the one place that says in SQL what every figure means.

The same statements answer for another zone, count a day that is stale, fill a day's tallies and verify them. A day is
the calendar's day of `placed_at` or `started_at` in the zone; see `support.analytics` for the words.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from orders.actions.statistics import COUNTED
from support.analytics import BANDS

_ORDER = """o.id, o.channel_id, o.currency, o.profile_id, o.placed_at, o.captured_minor AS gross_minor,
       o.refunded_minor + o.disputed_minor AS back_minor, o.refunded_minor,
       o.captured_minor - o.refunded_minor - o.disputed_minor AS net_minor"""
_TALK = "o.id, o.source, o.channel_id"

# The clock of some zones goes back over midnight: an index narrows the instants, the calendar decides.
_OF_DAYS = """
SELECT d.day, o.* FROM days d CROSS JOIN LATERAL (
  SELECT {columns} FROM {table} o
   WHERE o.{moment} >= (d.day::timestamp AT TIME ZONE %(zone)s) - interval '2 hours'
     AND o.{moment} < ((d.day + 1)::timestamp AT TIME ZONE %(zone)s) + interval '2 hours'
     AND (o.{moment} AT TIME ZONE %(zone)s)::date = d.day {where} OFFSET 0) o
"""
_OF_RANGE = """
SELECT (o.{moment} AT TIME ZONE %(zone)s)::date AS day, {columns} FROM {table} o
 WHERE o.{moment} >= (%(start)s::date::timestamp AT TIME ZONE %(zone)s) - interval '2 hours'
   AND o.{moment} < (%(end)s::date::timestamp AT TIME ZONE %(zone)s) + interval '2 hours'
   AND (o.{moment} AT TIME ZONE %(zone)s)::date >= %(start)s::date
   AND (o.{moment} AT TIME ZONE %(zone)s)::date < %(end)s::date {where}
"""
_SOLD: Mapping[str, str] = {
    "table": "orders_order",
    "moment": "placed_at",
    "columns": _ORDER,
    "where": f"AND {COUNTED}",
}
_TALKED: Mapping[str, str] = {
    "table": "attribution_conversation",
    "moment": "started_at",
    "columns": _TALK,
    "where": "",
}

_BAND = " ".join(f"WHEN a.confidence_cents >= {least} THEN '{name}'" for name, least in BANDS.items())
_FIRST = f"""
SELECT o.id, o.placed_at FROM orders_order o
 WHERE o.profile_id = s.profile_id AND o.currency = s.currency AND {COUNTED} ORDER BY o.placed_at, o.id LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Count:
    """A question to the rows: for each day and `keys` these `sums`; `sql` has places for `{sold}` or `{talks}`."""

    name: str
    keys: tuple[str, ...]
    sums: tuple[str, ...]
    sql: str

    def of_days(self) -> str:
        """The statement over a relation `days(day)` of the caller's; wants the parameter zone."""
        return self._over(_OF_DAYS)

    def of_range(self) -> str:
        """The statement from `start` to before `end`; wants these two dates and zone."""
        return self._over(_OF_RANGE)

    def _over(self, rows: str) -> str:
        return self.sql.format(sold=rows.format(**_SOLD), talks=rows.format(**_TALKED))


REVENUE = Count(
    "revenue",
    ("channel_id", "currency", "method", "band"),
    ("orders", "gross_minor", "refunded_minor"),
    f"""
SELECT s.day, s.channel_id, s.currency,
       CASE WHEN a.conversation_id IS NULL THEN '' ELSE a.method END AS method,
       CASE WHEN a.conversation_id IS NULL THEN '' {_BAND} ELSE '' END AS band,
       count(*) AS orders, sum(s.gross_minor)::bigint AS gross_minor, sum(s.back_minor)::bigint AS refunded_minor
  FROM ({{sold}}) s LEFT JOIN attribution_attribution a ON a.order_id = s.id AND a.current
 GROUP BY 1, 2, 3, 4, 5
""",
)
"""`method` and `band` are empty where the order came of no conversation."""

GROWTH = Count(
    "growth",
    ("channel_id", "currency"),
    ("orders", "refunded", "with_customer", "repeated", "jobs", "delivered", "net_minor"),
    f"""
SELECT s.day, s.channel_id, s.currency, count(*) AS orders,
       count(*) FILTER (WHERE s.refunded_minor > 0) AS refunded, count(s.profile_id) AS with_customer,
       count(*) FILTER (WHERE f.id <> s.id) AS repeated, sum(j.jobs)::bigint AS jobs,
       sum(j.delivered)::bigint AS delivered, sum(s.net_minor)::bigint AS net_minor
  FROM ({{sold}}) s
  LEFT JOIN LATERAL ({_FIRST}) f ON s.profile_id IS NOT NULL
 CROSS JOIN LATERAL (
         SELECT count(*) FILTER (WHERE j.state <> 'cancelled') AS jobs,
                count(*) FILTER (WHERE j.state = 'completed') AS delivered
           FROM fulfillment_entitlement e JOIN fulfillment_job j ON j.entitlement_id = e.id
          WHERE e.order_id = s.id) j
 GROUP BY 1, 2, 3
""",
)

# Σ shares = net exactly: each line takes what the lines up to it have, rounded down, less what those before it took.
# A numeric division may round up, so that the remainder is taken off first; it has the sign of the divisor.
PRODUCTS = Count(
    "products",
    ("channel_id", "currency", "product_id", "sku", "title"),
    ("quantity", "net_minor"),
    """
SELECT day, channel_id, currency, product_id, CASE WHEN product_id IS NULL THEN sku ELSE '' END AS sku,
       CASE WHEN product_id IS NULL THEN title ELSE '' END AS title, sum(quantity)::bigint AS quantity,
       sum((upto - mod(mod(upto, whole) + whole, whole)) / whole
         - (before - mod(mod(before, whole) + whole, whole)) / whole)::bigint AS net_minor
  FROM (SELECT w.day, w.channel_id, w.currency, w.product_id, w.sku, w.title, w.quantity, w.whole,
               w.net_minor * (w.cumulated - w.weight) AS before, w.net_minor * w.cumulated AS upto
          FROM (SELECT l.*, sum(l.weight) OVER (PARTITION BY l.order_id ORDER BY l.line_id) AS cumulated,
                       sum(l.weight) OVER (PARTITION BY l.order_id) AS whole
                  FROM (SELECT s.day, s.channel_id, s.currency, s.net_minor::numeric, s.id AS order_id, l.id AS line_id,
                               l.product_id, l.sku, l.title, l.quantity,
                               CASE WHEN sum(l.total_minor) OVER (PARTITION BY s.id) = 0 THEN 1
                                    ELSE l.total_minor END::numeric AS weight
                          FROM ({sold}) s JOIN orders_line l ON l.order_id = s.id AND NOT l.removed) l) w) x
 GROUP BY 1, 2, 3, 4, 5, 6
""",
)

COHORTS = Count(
    "cohorts",
    ("channel_id", "currency", "cohort"),
    ("customers", "orders", "net_minor"),
    f"""
SELECT s.day, s.channel_id, s.currency, date_trunc('month', f.placed_at AT TIME ZONE %(zone)s)::date AS cohort,
       count(*) FILTER (WHERE NOT EXISTS (
         SELECT FROM orders_order o
          WHERE o.profile_id = s.profile_id AND o.currency = s.currency AND {COUNTED}
            AND (o.placed_at, o.id) < (s.placed_at, s.id)
            AND o.placed_at >= (date_trunc('month', s.day::timestamp) AT TIME ZONE %(zone)s) - interval '2 hours'
            AND (o.placed_at AT TIME ZONE %(zone)s)::date >= date_trunc('month', s.day::timestamp)::date)) AS customers,
       count(*) AS orders, sum(s.net_minor)::bigint AS net_minor
  FROM ({{sold}}) s CROSS JOIN LATERAL ({_FIRST}) f
 GROUP BY 1, 2, 3, 4
""",
)
"""`customers` are the orders that are their customer's first of that month in this currency."""

CONVERSATIONS = Count(
    "conversations",
    ("source", "channel_id"),
    ("conversations",),
    "SELECT s.day, s.source, s.channel_id, count(*) AS conversations FROM ({talks}) s GROUP BY 1, 2, 3",
)

CONVERTED = Count(
    "converted",
    ("source", "channel_id", "currency", "order_channels"),
    ("conversations",),
    f"""
SELECT c.day, c.source, c.channel_id, c.currency, c.order_channels, count(*) AS conversations
  FROM (SELECT s.day, s.source, s.channel_id, o.currency,
               array_agg(DISTINCT o.channel_id ORDER BY o.channel_id) AS order_channels
          FROM ({{talks}}) s JOIN attribution_attribution a ON a.conversation_id = s.id AND a.current
          JOIN orders_order o ON o.id = a.order_id AND {COUNTED}
         GROUP BY s.id, s.day, s.source, s.channel_id, o.currency) c
 GROUP BY 1, 2, 3, 4, 5
""",
)
"""Conversations that led to an order, by the channels in which their orders stand: any choice of these can be asked."""

COUNTS = (REVENUE, GROWTH, PRODUCTS, COHORTS, CONVERSATIONS, CONVERTED)

"""From a button to a purchase: the steps that events tell, by post, attachment and resolution (SPEC ATT-8).

A conversion's money is what its order kept, refunds taken off, where the order it names is known; else the sum it
tells by itself. Of several conversions of one order in the range the first counts, and none of a test.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models.expressions import RawSQL

from orders import money
from orders.actions.statistics import COUNTED
from support import funnels
from support.analytics import Asked, Growth
from support.funnels import Row

SHOWN, NAMED = 50, 10
_PLACE = re.compile(r"%\((\w+)\)s")
DIMENSIONS = ("post", "attachment", "resolution")


def _first(keys: Sequence[str]) -> str:
    """The first of these keys of a payload that holds a text or a number."""
    plain = (
        f"CASE WHEN jsonb_typeof(e.payload -> '{key}') IN ('string', 'number') "
        f"THEN nullif(left(btrim(e.payload ->> '{key}'), {funnels.LONGEST}), '') END"
        for key in keys
    )
    return f"coalesce({', '.join(plain)}, NULL)"


def _whatever(keys: Sequence[str]) -> str:
    """The same of anything at all, so that what is no sum can be named."""
    anything = (f"left(e.payload ->> '{key}', {funnels.LONGEST})" for key in keys)
    return f"coalesce({', '.join(anything)}, NULL)"


def _in(types: Sequence[str]) -> str:
    quoted = (f"'{name}'" for name in types)
    return f"({', '.join(quoted)})"


_STEP = " ".join(f"WHEN e.type IN {_in(types)} THEN '{step}'" for step, types in funnels.STEPS.items())
CHANNEL = f"""coalesce(
  (SELECT c.id FROM orders_channel c WHERE c.domain = {_first(funnels.CHANNEL)}
       OR c.kind || ':' || c.domain = {_first(funnels.CHANNEL)} ORDER BY c.id LIMIT 1),
  (SELECT c.id FROM orders_channel c WHERE c.kind || ':' || c.domain = e.source))"""
"""Which channel an event `e` counts for: the one it names, else the one by which it was told."""

_STEPS = f"""
WITH said AS MATERIALIZED (
  SELECT e.id, e.event_id, e.occurred_at, CASE {_STEP} END AS step,
         {_first(funnels.POST)} AS post, {_first(funnels.ATTACHMENT)} AS attachment,
         {_first(funnels.RESOLUTION)} AS resolution, {_first(funnels.ORDER)} AS reference,
         {_whatever(funnels.TOTAL)} AS total, {_whatever(funnels.CURRENCY)} AS told_in,
         {CHANNEL} AS channel_id, {_first(funnels.CHANNEL)} IS NOT NULL AS named
    FROM profiles_event e
   WHERE e.type IN {_in([name for names in funnels.STEPS.values() for name in names])}
     AND e.occurred_at >= %(start)s AND e.occurred_at < %(end)s
), known AS MATERIALIZED (
  SELECT r.reference, r.channel_id, min(o.id) AS order_id
    FROM (SELECT DISTINCT reference, CASE WHEN named THEN channel_id END AS channel_id
            FROM said WHERE step = 'conversions' AND reference IS NOT NULL) r
    JOIN orders_order o ON o.external_id = r.reference AND (r.channel_id IS NULL OR o.channel_id = r.channel_id)
   GROUP BY r.reference, r.channel_id HAVING count(*) = 1
), numbered AS (
  SELECT s.*, k.order_id, CASE WHEN s.step = 'conversions' THEN row_number() OVER (
           PARTITION BY s.step, coalesce('order ' || k.order_id, 'id ' || s.channel_id || ' ' || s.reference,
                                         'event ' || s.id)
           ORDER BY s.occurred_at, s.id) ELSE 1 END AS turn
    FROM said s LEFT JOIN known k ON s.step = 'conversions' AND k.reference = s.reference
     AND k.channel_id IS NOT DISTINCT FROM CASE WHEN s.named THEN s.channel_id END
), steps AS (
  SELECT n.*, {COUNTED} AS counted, o.currency AS order_currency, m.code,
         CASE WHEN n.total ~ ('^[0-9]{{1,12}}([.](?=[0-9])[0-9]{{0,' || m.places || '}}0*)?$')
              THEN (n.total::numeric * 10 ^ m.places)::bigint END AS told_minor,
         o.captured_minor - o.refunded_minor - o.disputed_minor AS kept_minor
    FROM numbered n LEFT JOIN orders_order o ON o.id = n.order_id
    LEFT JOIN unnest(%(codes)s::text[], %(places)s::int[]) AS m(code, places) ON m.code = upper(btrim(n.told_in))
   WHERE n.turn = 1 AND (%(channels)s::bigint[] IS NULL OR n.channel_id = ANY(%(channels)s)) AND o.test IS NOT TRUE
), worth AS (
  SELECT s.*, CASE WHEN s.step <> 'conversions' THEN NULL
                   WHEN s.order_id IS NOT NULL THEN
                     CASE WHEN s.counted AND s.order_currency = %(currency)s THEN s.kept_minor END
                   WHEN s.code = %(currency)s THEN s.told_minor END AS net_minor
    FROM steps s
)
"""
_SUMS = """
SELECT dimension, name, clicks, checkouts, conversions, reviews, orders, net_minor, names FROM (
  SELECT f.*, row_number() OVER turns AS turn, count(*) OVER (PARTITION BY dimension) AS names FROM (
    SELECT CASE WHEN grouping(post) = 0 THEN 'post' WHEN grouping(attachment) = 0 THEN 'attachment'
                WHEN grouping(resolution) = 0 THEN 'resolution' ELSE '' END AS dimension,
           coalesce(post, attachment, resolution, '') AS name,
           count(*) FILTER (WHERE step = 'clicks') AS clicks, count(*) FILTER (WHERE step = 'checkouts') AS checkouts,
           count(*) FILTER (WHERE step = 'conversions') AS conversions,
           count(*) FILTER (WHERE step = 'reviews') AS reviews,
           count(net_minor) AS orders, coalesce(sum(net_minor), 0)::bigint AS net_minor
      FROM worth GROUP BY GROUPING SETS ((), (post), (attachment), (resolution))
  ) f WHERE dimension = '' OR name <> ''
  WINDOW turns AS (PARTITION BY dimension ORDER BY CASE WHEN dimension = 'resolution' THEN 0 ELSE net_minor END DESC,
                   clicks + checkouts + conversions + reviews DESC, name)
) g WHERE dimension = '' OR turn <= %(shown)s ORDER BY dimension, turn
"""
_MONEY = """
, conversions AS (SELECT * FROM worth WHERE step = 'conversions'),
sorted AS (
  SELECT c.*, CASE WHEN order_id IS NOT NULL THEN
                     CASE WHEN NOT counted THEN 'not_counted' WHEN order_currency <> %(currency)s THEN 'elsewhere'
                          ELSE 'known' END
                   WHEN total IS NULL THEN 'silent'
                   WHEN told_minor IS NULL THEN 'unreadable'
                   WHEN code <> %(currency)s THEN 'elsewhere' ELSE 'told' END AS sort
    FROM conversions c
)
SELECT sort, count(*), (array_agg(event_id ORDER BY occurred_at DESC, id DESC))[1:%(named)s],
       (array_agg(occurred_at ORDER BY occurred_at DESC, id DESC))[1:%(named)s],
       (array_agg(coalesce(total, '') ORDER BY occurred_at DESC, id DESC))[1:%(named)s],
       (array_agg(coalesce(told_in, '') ORDER BY occurred_at DESC, id DESC))[1:%(named)s]
  FROM sorted GROUP BY sort
"""
_GROWTH = """
SELECT date_trunc('week', occurred_at AT TIME ZONE %(zone)s)::date AS week, channel_id,
       count(*) FILTER (WHERE step = 'clicks'), count(*) FILTER (WHERE step = 'checkouts'),
       count(*) FILTER (WHERE step = 'conversions'), count(*) FILTER (WHERE step = 'reviews')
  FROM steps GROUP BY 1, 2
"""
_COUNTS = tuple(one.name for one in fields(Row) if one.name != "name")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A conversion whose sum is no amount of money, as it was told."""

    event_id: str
    occurred_at: datetime
    total: str
    currency: str


@dataclass(slots=True)
class Money:
    """How many conversions have their money from where; `elsewhere` is in another currency, `silent` told no sum."""

    known: int = 0
    told: int = 0
    not_counted: int = 0
    elsewhere: int = 0
    silent: int = 0
    unreadable: int = 0
    examples: list[Unreadable] = field(default_factory=list)


@dataclass(slots=True)
class Funnel:
    """The steps in all, the most telling names of each dimension, and how many names each dimension has."""

    total: Row = field(default_factory=Row)
    posts: list[Row] = field(default_factory=list)
    attachments: list[Row] = field(default_factory=list)
    resolutions: list[Row] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    money: Money = field(default_factory=Money)


def of(asked: Asked, *, shown: int = SHOWN) -> Funnel:
    """The funnel of one range, in two statements whatever is in it; `shown` names of each dimension, best first."""
    found = Funnel()
    places: dict[str, list[Row]] = {
        "post": found.posts,
        "attachment": found.attachments,
        "resolution": found.resolutions,
    }
    for dimension, name, *counts, names in _read(_STEPS + _SUMS, asked, shown=shown):
        row = Row(name, **dict(zip(_COUNTS, counts, strict=True)))
        if not dimension:
            found.total = row
            continue
        places[dimension].append(row)
        found.names[dimension] = names
    for sort, count, ids, moments, totals, currencies in _read(_STEPS + _MONEY, asked, named=NAMED):
        setattr(found.money, sort, count)
        if sort == "unreadable":
            found.money.examples = [Unreadable(*one) for one in zip(ids, moments, totals, currencies, strict=True)]
    return found


def growth(asked: Asked, *, weeks: dict[date, Growth], channels: dict[int, Growth]) -> None:
    """Add the steps of the range to the growth of their week, by its Monday, and of their channel; one statement."""
    for week, channel_id, *counts in _read(_STEPS + _GROWTH, asked):
        for one in (weeks.setdefault(week, Growth()), channels.setdefault(channel_id or 0, Growth())):
            for name, count in zip(funnels.STEPS, counts, strict=True):
                setattr(one, name, getattr(one, name) + count)


def ids(asked: Asked, step: str = "", *, dimension: str = "", name: str = "") -> RawSQL:
    """The ids of the events that are counted as this step, or as any (of this post, attachment or resolution)."""
    named = f"AND {dimension} = %(name)s" if dimension in DIMENSIONS else ""
    sql = f"{_STEPS} SELECT id FROM steps WHERE %(step)s IN (step, '') {named}"
    values = _values(asked) | {"step": step, "name": name}
    order = _PLACE.findall(sql)
    return RawSQL(_PLACE.sub("%s", sql), [values[one] for one in order])


def _read(sql: str, asked: Asked, **more: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, _values(asked) | more)
        return list(cursor.fetchall())


def _values(asked: Asked) -> dict[str, Any]:
    start, end = asked.span
    return {
        "start": start,
        "end": end,
        "zone": asked.zone,
        "currency": asked.currency,
        "channels": None if asked.channels is None else list(asked.channels),
        "codes": list(money.EXPONENTS),
        "places": list(money.EXPONENTS.values()),
    }

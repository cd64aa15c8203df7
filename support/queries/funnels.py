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
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from orders import money
from orders.actions.statistics import COUNTED
from profiles import events
from profiles.models import Event
from support import funnels
from support.analytics import Asked, Growth
from support.funnels import Row

SHOWN, NAMED = 50, 10
NOWHERE = 0
"""In place of a channel: the events whose source is connected no more."""
_PLACE = re.compile(r"%\((\w+)\)s")
DIMENSIONS = ("post", "attachment", "resolution")
EACH_COUNTS = frozenset(funnels.STEPS) - {"conversions"}
"""Steps of which every event counts, whatever else is told of it."""


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


_ASKED = "(%(channels)s::bigint[] IS NULL OR s.channel_id = ANY(%(channels)s))"
_STEP = " ".join(f"WHEN e.type IN {_in(types)} THEN '{step}'" for step, types in funnels.STEPS.items())
# A channel goes by its domain and by its kind and domain; an event counts for the one it names, else for its source.
_STEPS = f"""
WITH shops AS MATERIALIZED (
  SELECT DISTINCT ON (name) name, id AS channel_id
    FROM (SELECT id, domain AS name FROM orders_channel
          UNION ALL SELECT id, kind || ':' || domain FROM orders_channel) c ORDER BY name, id
), said AS MATERIALIZED (
  SELECT r.id, r.event_id, r.occurred_at, r.step, r.post, r.attachment, r.resolution, r.reference, r.total, r.told_in,
         coalesce(n.channel_id, t.channel_id) AS channel_id, n.channel_id AS named
    FROM (SELECT e.id, e.event_id, e.occurred_at, CASE {_STEP} END AS step,
                 {_first(funnels.POST)} AS post, {_first(funnels.ATTACHMENT)} AS attachment,
                 {_first(funnels.RESOLUTION)} AS resolution, {_first(funnels.ORDER)} AS reference,
                 {_whatever(funnels.TOTAL)} AS total, {_whatever(funnels.CURRENCY)} AS told_in,
                 {_first(funnels.CHANNEL)} AS shop, e.source
            FROM profiles_event e
           WHERE e.type IN {_in([name for names in funnels.STEPS.values() for name in names])}
             AND e.occurred_at >= %(start)s AND e.occurred_at < %(end)s) r
    LEFT JOIN shops n ON n.name = r.shop LEFT JOIN shops t ON t.name = r.source
), known AS MATERIALIZED (
  SELECT r.reference, r.named, min(o.id) AS order_id
    FROM (SELECT DISTINCT reference, named FROM said WHERE step = 'conversions' AND reference IS NOT NULL) r
    JOIN orders_order o ON o.external_id = r.reference AND (r.named IS NULL OR o.channel_id = r.named)
   GROUP BY r.reference, r.named HAVING count(*) = 1
), once AS (
  SELECT DISTINCT ON (turn) * FROM (
    SELECT s.*, k.order_id, coalesce('order ' || k.order_id, 'id ' || s.channel_id || ' ' || s.reference,
                                     'event ' || s.id) AS turn
      FROM said s LEFT JOIN known k ON k.reference = s.reference AND k.named IS NOT DISTINCT FROM s.named
     WHERE s.step = 'conversions') c ORDER BY turn, occurred_at, id
), steps AS (
  SELECT s.*, NULL::bigint AS order_id, NULL::boolean AS counted, NULL::text AS order_currency, NULL::text AS code,
         NULL::bigint AS told_minor, NULL::bigint AS kept_minor
    FROM said s WHERE s.step <> 'conversions' AND {_ASKED}
  UNION ALL
  SELECT s.id, s.event_id, s.occurred_at, s.step, s.post, s.attachment, s.resolution, s.reference, s.total, s.told_in,
         s.channel_id, s.named, s.order_id, {COUNTED}, o.currency, m.code,
         CASE WHEN s.total ~ ('^[0-9]{{1,12}}([.](?=[0-9])[0-9]{{0,' || m.places || '}}0*)?$')
              THEN (s.total::numeric * 10 ^ m.places)::bigint END,
         o.captured_minor - o.refunded_minor - o.disputed_minor
    FROM once s LEFT JOIN orders_order o ON o.id = s.order_id
    LEFT JOIN unnest(%(codes)s::text[], %(places)s::int[]) AS m(code, places) ON m.code = upper(btrim(s.told_in))
   WHERE {_ASKED} AND o.test IS NOT TRUE
), worth AS (
  SELECT s.*, CASE WHEN s.step <> 'conversions' THEN NULL
                   WHEN s.order_id IS NOT NULL THEN
                     CASE WHEN s.counted AND s.order_currency = %(currency)s THEN s.kept_minor END
                   WHEN s.code = %(currency)s THEN s.told_minor END AS net_minor
    FROM steps s
)
"""
_COUNTED = """
count(*) FILTER (WHERE step = 'clicks') AS clicks, count(*) FILTER (WHERE step = 'checkouts') AS checkouts,
count(*) FILTER (WHERE step = 'conversions') AS conversions, count(*) FILTER (WHERE step = 'reviews') AS reviews,
count(net_minor) AS orders, coalesce(sum(net_minor), 0)::bigint AS net_minor
"""
_SUMS = f"""
SELECT dimension, name, clicks, checkouts, conversions, reviews, orders, net_minor, names FROM (
  SELECT f.*, row_number() OVER turns AS turn, count(*) OVER (PARTITION BY dimension) AS names FROM (
    SELECT CASE WHEN grouping(post) = 0 THEN 'post' WHEN grouping(attachment) = 0 THEN 'attachment'
                WHEN grouping(resolution) = 0 THEN 'resolution' ELSE '' END AS dimension,
           coalesce(post, attachment, resolution, '') AS name,
           {_COUNTED}
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


def total(asked: Asked) -> Row:
    """The steps of one range in all, in one statement."""
    ((*counts,),) = _read(f"{_STEPS} SELECT {_COUNTED} FROM worth", asked)
    return Row("", **dict(zip(_COUNTS, counts, strict=True)))


def growth(asked: Asked, *, weeks: dict[date, Growth], channels: dict[int, Growth]) -> None:
    """Add the steps of the range to the growth of their week, by its Monday, and of their channel; one statement."""
    for week, channel_id, *counts in _read(_STEPS + _GROWTH, asked):
        for one in (weeks.setdefault(week, Growth()), channels.setdefault(channel_id or NOWHERE, Growth())):
            for name, count in zip(funnels.STEPS, counts, strict=True):
                setattr(one, name, getattr(one, name) + count)


def counted(
    rows: QuerySet[Event], asked: Asked, step: str = "", *, dimension: str = "", name: str = ""
) -> QuerySet[Event]:
    """Those of the rows that are counted as this step, or as any (of this post, attachment or resolution)."""
    rows = rows.filter(type__in=funnels.STEPS.get(step, events.FUNNEL_TYPES))
    if step in EACH_COUNTS and not dimension and asked.channels is None:
        start, end = asked.span
        return rows.filter(occurred_at__gte=start, occurred_at__lt=end)
    return rows.filter(pk__in=_ids(asked, step, dimension=dimension, name=name))


def _ids(asked: Asked, step: str, *, dimension: str, name: str) -> RawSQL:
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

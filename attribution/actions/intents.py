"""What customers want, and the word to a store where one of them is: derived from the facts known now (SPEC PRO-10).

A batch of customers costs a fixed number of queries, whatever they did; those without any signal cost two.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection

from attribution import intents
from attribution.intents import Intent, Purchase, Signal
from attribution.models import ProductIntent, StoreAlert
from orders.actions.statistics import COUNTED
from orders.models import StoreVisit
from profiles import bulk, locks, prepared, tenancy

LOCK_SPACE = 0x1A7E
# Of one customer and one product; what lies before them has long decayed.
SIGNALS_AT_MOST = 500

_SIGNALS = """
SELECT profile_id, name, type, occurred_at FROM (
  SELECT e.profile_id, p.name, e.type, e.occurred_at,
         row_number() OVER (PARTITION BY e.profile_id, p.name ORDER BY e.occurred_at DESC, e.type) AS n
    FROM profiles_event e, unnest(e.products) AS p(name)
   WHERE e.profile_id = ANY(%s) AND e.type = ANY(%s)) s
 WHERE n <= %s
"""
_PURCHASES = f"""
SELECT o.profile_id, o.id, o.placed_at, l.sku, coalesce(p.sku, ''), l.listing_ids
  FROM orders_order o JOIN orders_line l ON l.order_id = o.id AND NOT l.removed
  LEFT JOIN orders_product p ON p.id = l.product_id
 WHERE {COUNTED} AND o.profile_id = ANY(%s)
"""
_OLD_ALERTS = """
SELECT a.id FROM orders_order o JOIN attribution_storealert a ON a.order_id = o.id WHERE o.profile_id = ANY(%s)
UNION
SELECT a.id FROM attribution_storealert a WHERE a.order_id = ANY(%s)
"""
# Most customers of a batch never told of a look: one question spares the others.
_ANYTHING = f"""
SELECT EXISTS (SELECT FROM profiles_event e WHERE e.profile_id = ANY(%s) AND e.type = ANY(%s))
    OR EXISTS (SELECT FROM attribution_productintent i WHERE i.profile_id = ANY(%s))
    OR EXISTS ({_OLD_ALERTS})
"""
_FIELDS = ["state", "points", "counts", "first_at", "last_at", "order", "converted_at"]
_ALERT_FIELDS = ["store", "score", "because", "at"]


@dataclass(frozen=True, slots=True)
class Derived:
    """What the facts of some customers come to: by (customer, product), and by (order of a visit, product)."""

    intents: dict[tuple[int, str], Intent] = field(default_factory=dict)
    alerts: dict[tuple[int, str], StoreAlert] = field(default_factory=dict)


def settle(profile_ids: Iterable[int], *, order_ids: Collection[int] = ()) -> None:
    """Make the intents of these customers, and the alerts about them, equal to what their facts say.

    `order_ids` are orders that may have left a customer. Two batches with one customer go one after the other.
    """
    ids = sorted(set(profile_ids))
    if not ids and not order_ids:
        return
    locks.numbered(LOCK_SPACE, ids)
    ((anything,),) = prepared.fetch(_ANYTHING, [ids, list(intents.WEIGHTS), ids, ids, list(order_ids)])
    if not anything:
        return
    derived = derive(ids)
    stored = {(row.profile_id, row.sku): row for row in ProductIntent.objects.filter(profile__in=ids)}
    if derived.intents or stored:
        _write_intents(derived, stored)
    with connection.cursor() as cursor:
        cursor.execute(_OLD_ALERTS, [ids, list(order_ids)])
        old = [pk for (pk,) in cursor.fetchall()]
    if derived.alerts or old:
        _write_alerts(derived, {(row.order_id, row.sku): row for row in StoreAlert.objects.filter(pk__in=old)})


def derive(profile_ids: Sequence[int]) -> Derived:
    """What the facts known now say of these customers; writes nothing."""
    signals = _signals(profile_ids)
    if not signals:
        return Derived()
    purchases = _purchases(profile_ids, {name for _, name in signals})
    derived = Derived()
    for key, told in signals.items():
        intent = intents.judge(told, purchases[key])
        if intent is not None:
            derived.intents[key] = intent
    wanted: dict[int, list[str]] = defaultdict(list)
    for profile_id, name in derived.intents:
        wanted[profile_id].append(name)
    for visit in StoreVisit.objects.filter(profile__in=list(wanted)):
        for name in wanted[visit.profile_id]:
            key = (visit.profile_id, name)
            alert = _alert(visit, name, signals[key], purchases[key])
            if alert is not None:
                derived.alerts[visit.order_id, name] = alert
    return derived


def _alert(visit: StoreVisit, name: str, told: Sequence[Signal], purchases: Sequence[Purchase]) -> StoreAlert | None:
    """The word to the store, if the intent was high and still open after what the customer bought there."""
    at: datetime = visit.visited_at
    if any(purchase.at <= at for purchase in purchases):
        return None
    score = intents.score(told, at)
    if score < intents.HIGH:
        return None
    return StoreAlert(
        organization_id=visit.organization_id,
        order_id=visit.order_id,
        sku=name,
        store=visit.store,
        score=score,
        because=intents.sentence(told, name, at)[:400],
        at=at,
    )


def _signals(profile_ids: Sequence[int]) -> dict[tuple[int, str], list[Signal]]:
    found: dict[tuple[int, str], list[Signal]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_SIGNALS, [list(profile_ids), list(intents.WEIGHTS), SIGNALS_AT_MOST])
        for profile_id, name, type_, at in cursor.fetchall():
            found[profile_id, name].append(Signal(at, type_))
    return found


def _purchases(profile_ids: Sequence[int], names: Collection[str]) -> dict[tuple[int, str], list[Purchase]]:
    """By customer and each of the names a line goes by: its own SKU, its product's, the channel's ids."""
    found: dict[tuple[int, str], list[Purchase]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_PURCHASES, [list(profile_ids)])
        for profile_id, order_id, placed_at, sku, product_sku, listing_ids in cursor.fetchall():
            for name in {sku, product_sku, *listing_ids} & set(names):
                found[profile_id, name].append(Purchase(placed_at, order_id))
    return found


def _write_intents(derived: Derived, stored: dict[tuple[int, str], ProductIntent]) -> None:
    gone = [row.pk for key, row in stored.items() if key not in derived.intents]
    if gone:
        ProductIntent.objects.filter(pk__in=gone).delete()
    organization_id = tenancy.current()
    fresh, changed = [], []
    for (profile_id, sku), intent in sorted(derived.intents.items()):
        row = ProductIntent(organization_id=organization_id, profile_id=profile_id, sku=sku, **values(intent))
        former = stored.get((profile_id, sku))
        if former is None:
            fresh.append(row)
        elif values(intent) != {name: getattr(former, name) for name in values(intent)}:
            row.pk = former.pk
            changed.append(row)
    bulk.insert(ProductIntent, fresh)
    bulk.update(ProductIntent, changed, _FIELDS)


def values(intent: Intent) -> dict[str, object]:
    """The columns of a stored intent."""
    bought = intent.converted_by
    return {
        "state": ProductIntent.State.CONVERTED if bought else ProductIntent.State.OPEN,
        "points": intent.points,
        "counts": dict(intent.counts),
        "first_at": intent.first_at,
        "last_at": intent.last_at,
        "order_id": bought.order if bought else None,
        "converted_at": bought.at if bought else None,
    }


def _write_alerts(derived: Derived, stored: dict[tuple[int, str], StoreAlert]) -> None:
    """What a person acknowledged stays as it was."""
    gone = [row.pk for key, row in stored.items() if key not in derived.alerts and row.acknowledged_at is None]
    if gone:
        StoreAlert.objects.filter(pk__in=gone).delete()
    fresh, changed = [], []
    for key, row in sorted(derived.alerts.items()):
        former = stored.get(key)
        if former is None:
            fresh.append(row)
        elif former.acknowledged_at is None and _told(row) != _told(former):
            row.pk = former.pk
            changed.append(row)
    bulk.insert(StoreAlert, fresh)
    bulk.update(StoreAlert, changed, _ALERT_FIELDS)


def _told(row: StoreAlert) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in _ALERT_FIELDS)

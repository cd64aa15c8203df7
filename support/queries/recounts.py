"""What is derived of customers compared with a recount of the facts; a difference is a fault of ours (SPEC PRO-7)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from attribution.actions import intents
from attribution.models import ProductIntent, StoreAlert
from orders.actions import visits
from orders.actions.statistics import COLUMNS, RECOUNT
from orders.models import Order, ProfileTotal
from profiles import rules
from profiles.actions import resolution
from profiles.models import Identifier, Organization, Profile

BATCH = 1000
_STORED = ", ".join(f"s.{name}" for name in COLUMNS)
_COUNTED = ", ".join(f"c.{name}" for name in COLUMNS)
_TOTALS = f"""
WITH counted AS ({RECOUNT}),
     stored AS (SELECT * FROM orders_profiletotal WHERE profile_id = ANY(%s))
SELECT coalesce(s.profile_id, c.profile_id), coalesce(s.currency, c.currency), {_STORED}, {_COUNTED}
  FROM stored s FULL JOIN counted c ON c.profile_id = s.profile_id AND c.currency = s.currency
 WHERE ({_STORED}) IS DISTINCT FROM ({_COUNTED})
"""


_VISIT = ", ".join(visits.COLUMNS)
_VISITS = f"""
WITH counted AS (SELECT order_id, {_VISIT} FROM ({visits.WANTED} AND o.profile_id = ANY(%s)) w),
     stored AS (SELECT order_id, {_VISIT} FROM orders_storevisit WHERE profile_id = ANY(%s))
SELECT coalesce(s.profile_id, c.profile_id), coalesce(s.order_id, c.order_id), to_jsonb(s), to_jsonb(c)
  FROM stored s FULL JOIN counted c ON c.order_id = s.order_id WHERE to_jsonb(s) IS DISTINCT FROM to_jsonb(c)
 ORDER BY 1, 2
"""
_STATE = ("state",)


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of one customer that is not what the facts say."""

    profile: int
    what: str
    stored: Any
    counted: Any

    def document(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        return f"Customer {self.profile}, {self.what}: stored {self.stored}, counted {self.counted}"


def batches() -> Iterator[list[int]]:
    """The ids of every customer, absorbed ones included, in batches. Needs the context set."""
    after = 0
    while ids := list(Profile.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        yield ids
        after = ids[-1]


def differences(profile_ids: Sequence[int]) -> list[Difference]:
    """Whatever about these customers is not what a recount says; nothing, if all is well."""
    return [
        *_totals(profile_ids),
        *_strengths(profile_ids),
        *_visits(profile_ids),
        *_intents(profile_ids),
        *_redirects(profile_ids),
    ]


def _totals(profile_ids: Sequence[int]) -> Iterator[Difference]:
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS, [list(profile_ids), list(profile_ids)])
        rows = cursor.fetchall()
    for profile_id, currency, *figures in rows:
        stored, counted = figures[: len(COLUMNS)], figures[len(COLUMNS) :]
        for name, was, is_now in zip(COLUMNS, stored, counted, strict=True):
            if was != is_now:
                yield Difference(profile_id, f"{name} in {currency}", _plain(was), _plain(is_now))


def _strengths(profile_ids: Sequence[int]) -> Iterator[Difference]:
    known: dict[int, list[str]] = defaultdict(list)
    set_rules = rules.read(Organization.objects.get().identity)
    rows = Identifier.objects.filter(profile__in=profile_ids, status=Identifier.Status.ACTIVE)
    for profile_id, kind, value in rows.values_list("profile_id", "kind", "value"):
        known[profile_id].append(resolution.read(f"{kind}:{value}").counts_as)
    for profile_id, stored in Profile.objects.filter(pk__in=profile_ids).values_list("pk", "strength").order_by("pk"):
        counted = set_rules.strength(known[profile_id])
        if stored != counted:
            yield Difference(profile_id, "strength", stored, counted)


def _visits(profile_ids: Sequence[int]) -> Iterator[Difference]:
    """By order: what is kept of each visit, and what the orders say."""
    with connection.cursor() as cursor:
        cursor.execute(_VISITS, [list(profile_ids), list(profile_ids)])
        for profile_id, order_id, stored, counted in cursor.fetchall():
            yield Difference(profile_id, f"visit by order {order_id}", stored, counted)


def _intents(profile_ids: Sequence[int]) -> Iterator[Difference]:
    derived = intents.derive(profile_ids)
    counted = {key: intents.values(intent) for key, intent in derived.intents.items()}
    kept = {(row.profile_id, row.sku): row for row in ProductIntent.objects.filter(profile__in=profile_ids)}
    for key in sorted(counted.keys() | kept.keys()):
        wanted = counted.get(key)
        row = kept.get(key)
        stored = {name: getattr(row, name) for name in wanted or _STATE} if row else None
        if stored != wanted:
            yield Difference(key[0], f"intent for {key[1]}", _shown(stored), _shown(wanted))
    # What a person acknowledged stays, whatever the facts say since.
    alerts = StoreAlert.objects.filter(order__profile__in=profile_ids).select_related("order")
    told = {(row.order_id, row.sku): row for row in alerts}
    for key in sorted(derived.alerts.keys() | {key for key, row in told.items() if row.acknowledged_at is None}):
        if (key in told) != (key in derived.alerts):
            of = (told.get(key) or derived.alerts[key]).order
            what = f"store alert for {key[1]} by order {key[0]}"
            yield Difference(of.profile_id or 0, what, key in told, key in derived.alerts)


def _shown(columns: Mapping[str, Any] | None) -> Any:
    return None if columns is None else {name: _plain(value) for name, value in columns.items()}


def _redirects(profile_ids: Sequence[int]) -> Iterator[Difference]:
    """An absorbed customer points at one that was not absorbed itself, and nothing is left with it."""
    absorbed = Profile.objects.filter(pk__in=profile_ids, merged_into__isnull=False)
    chained = absorbed.filter(merged_into__merged_into__isnull=False).values_list("pk", "merged_into")
    for profile_id, target in chained.order_by("pk"):
        yield Difference(profile_id, "redirect", target, "an absorbed customer")
    for model, what in ((Order, "orders"), (Identifier, "identifiers"), (ProfileTotal, "totals")):
        left = model._base_manager.filter(profile__in=absorbed.values("pk")).values_list("profile_id", flat=True)
        for profile_id in sorted(set(left)):
            yield Difference(profile_id, f"{what} left with an absorbed customer", "some", "none")


def _plain(figure: Any) -> Any:
    return figure.isoformat() if isinstance(figure, datetime) else figure

"""Customers' statistics compared with a recount from the facts; a difference is a fault of ours (SPEC PRO-7, PRO-8)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import connection

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
    return [*_totals(profile_ids), *_strengths(profile_ids), *_redirects(profile_ids)]


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

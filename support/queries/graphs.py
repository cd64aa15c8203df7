"""Why a customer is one person: merges, identifiers and facts with what links them, in a fixed number of queries.

However long the history, so much of it is read as a picture can hold: facts that bear the same identifiers are one
group, and what is left out is counted.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, models

from orders.models import Order
from profiles.models import Cut, Fact, Identifier, Merge, MergeMove, Profile

MERGES, IDENTIFIERS, GROUPS = 60, 40, 24
MOMENTS = ("placed_at", "occurred_at", "started_at")
NAMES = ("number", "external_id", "event_id")
WORDS = {"Order": ("order", "orders"), "Conversation": ("conversation", "conversations"), "Event": ("event", "events")}

_GROUPS = """
SELECT identifiers, count(*), min({moment}), max({moment}), min(id), {name}, count(*) OVER (), sum(count(*)) OVER ()
  FROM {table} WHERE profile_id = %s GROUP BY identifiers ORDER BY count(*) DESC, min(id) LIMIT %s
"""
_BORNE = """
SELECT key, count(*) FROM (SELECT unnest(identifiers) AS key FROM {table} WHERE profile_id = %s) k
 WHERE key = ANY(%s) GROUP BY key
"""


@dataclass(frozen=True, slots=True)
class Group:
    """Facts of one sort that bear the same identifiers; `name` is that of the first."""

    id: str
    label: str
    keys: tuple[str, ...]
    count: int
    first: datetime | None
    last: datetime | None
    name: str
    one: str
    many: str

    @property
    def words(self) -> str:
        """order #1001, 12 orders"""
        return f"{self.one} {self.name}".strip() if self.count == 1 else f"{self.count:,} {self.many}"


@dataclass(frozen=True, slots=True)
class Graph:
    """All that made one customer of many records, and how much was left out."""

    profile: Profile
    people: dict[int, str]
    merges: list[Merge]
    identifiers: list[Identifier]
    brought: dict[int, int]
    """By identifier: the merge that brought it."""
    groups: list[Group]
    borne: dict[str, dict[str, int]]
    """By key: how many facts of each sort bear it."""
    cuts: list[Cut]
    triggers: dict[int, str]
    """By merge: the fact that brought them together, in words."""
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def standing(self) -> list[Merge]:
        return [merge for merge in self.merges if merge.undone_at is None]


def of_profile(profile: Profile) -> Graph:
    """The graph of a customer that stands; at most sixteen queries."""
    about = models.Q(survivor=profile) | models.Q(absorbed__merged_into=profile)
    merges = list(Merge.objects.filter(about).order_by("-at", "-pk")[: MERGES + 1])
    left_out = {"merges": Merge.objects.filter(about).count() - MERGES} if len(merges) > MERGES else {}
    merges = merges[:MERGES][::-1]
    rows = Identifier.objects.filter(profile=profile)
    identifiers = sorted(rows.order_by("-status", "pk")[: IDENTIFIERS + 1], key=_rank)
    if len(identifiers) > IDENTIFIERS:
        left_out["identifiers"] = rows.count() - IDENTIFIERS
    identifiers = identifiers[:IDENTIFIERS]
    keys = [key(row) for row in identifiers]
    groups: list[Group] = []
    borne: dict[str, dict[str, int]] = defaultdict(dict)
    for model in _fact_models():
        found, more = _groups(model, profile.pk)
        groups += found
        if more:
            left_out[words_of(model)[1]] = more
        for one, count in _borne(model, profile.pk, keys):
            borne[one][model._meta.label] = count
    either = models.Q(profile=profile) | models.Q(identifier__profile=profile)
    return Graph(
        profile=profile,
        people=_names(profile, merges),
        merges=merges,
        identifiers=identifiers,
        brought=_brought(merges),
        groups=groups,
        borne=borne,
        cuts=list(Cut.objects.filter(either).select_related("identifier").order_by("at", "pk")[:MERGES]),
        triggers=_triggers(merges),
        left_out=left_out,
    )


def key(row: Identifier) -> str:
    """As facts spell it."""
    return f"{row.kind}:{row.value}"


def words_of(model: type[models.Model]) -> tuple[str, str]:
    """What a person calls one row, and many."""
    name = model._meta.object_name or ""
    return WORDS.get(name, (str(model._meta.verbose_name), str(model._meta.verbose_name_plural)))


def _rank(row: Identifier) -> tuple[int, int]:
    """Telling kinds first, in the order in which they came."""
    order = ["phone", "email", "loyalty", "other", "phone_raw", "device", "cookie"]
    return (order.index(row.kind) if row.kind in order else len(order), row.pk)


def _fact_models() -> list[type[Fact]]:
    return sorted((model for model in Fact.__subclasses__() if not model._meta.abstract), key=lambda m: m._meta.label)


def _groups(model: type[Fact], profile_id: int) -> tuple[list[Group], int]:
    columns = {column.name for column in model._meta.concrete_fields}
    moment = next((name for name in MOMENTS if name in columns), "NULL::timestamptz")
    name = next((f"min({name})" for name in NAMES if name in columns), "''")
    one, many = words_of(model)
    with connection.cursor() as cursor:
        table = connection.ops.quote_name(model._meta.db_table)
        cursor.execute(_GROUPS.format(moment=moment, name=name, table=table), [profile_id, GROUPS])
        rows: list[Any] = cursor.fetchall()
    found = [
        Group(f"{model._meta.label}:{first_id}", model._meta.label, tuple(keys), count, first, last, label, one, many)
        for keys, count, first, last, first_id, label, _, _ in rows
    ]
    total = int(rows[0][7]) if rows else 0
    return found, total - sum(group.count for group in found)


def _borne(model: type[Fact], profile_id: int, keys: Sequence[str]) -> list[tuple[str, int]]:
    with connection.cursor() as cursor:
        cursor.execute(_BORNE.format(table=connection.ops.quote_name(model._meta.db_table)), [profile_id, list(keys)])
        return list(cursor.fetchall())


def _names(profile: Profile, merges: Sequence[Merge]) -> dict[int, str]:
    ids = {pk for merge in merges for pk in (merge.survivor_id, merge.absorbed_id)} | {profile.pk}
    return {row.pk: str(row) for row in Profile.objects.filter(pk__in=ids)}


def _brought(merges: Sequence[Merge]) -> dict[int, int]:
    """The first standing merge that brought each identifier."""
    standing = {merge.pk: merge.absorbed_id for merge in merges if merge.undone_at is None}
    moves = MergeMove.objects.filter(merge__in=list(standing), model=Identifier._meta.label, field="profile")
    found: dict[int, int] = {}
    for merge_id, row_id, former_id in moves.order_by("merge", "pk").values_list("merge_id", "row_id", "former_id"):
        if former_id == standing[merge_id]:
            found.setdefault(row_id, merge_id)
    return found


def _triggers(merges: Sequence[Merge]) -> dict[int, str]:
    """What brought each pair together: an order by its number, else what sort of fact it was."""
    named: dict[int, tuple[str, int]] = {}
    for merge in merges:
        label, _, number = merge.trigger.partition(":")
        if number.isdigit():
            named[merge.pk] = (label, int(number))
    orders = [pk for label, pk in named.values() if label == Order._meta.label]
    numbers = {order.pk: str(order) for order in Order.objects.filter(pk__in=orders).only("number", "external_id")}
    found = {}
    for merge_id, (label, pk) in named.items():
        word = WORDS.get(label.rpartition(".")[2], (label.rpartition(".")[2].lower(), ""))[0]
        found[merge_id] = f"{word} {numbers[pk]}" if pk in numbers and label == Order._meta.label else f"a {word}"
    return found

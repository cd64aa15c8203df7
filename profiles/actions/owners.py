"""Who owns which identifier while a batch of facts is worked through: looked up, locked, changed, written at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from django.db import connection

from profiles import bulk, identifiers, locks, rules
from profiles.models import Fact, Identifier, Organization, Profile
from profiles.rules import Rules

_KINDS = {str(kind): kind for kind in identifiers.Kind}
LOCK_SPACE, LOCK_BUCKETS = 0x1DE7, 1024

_OWNERS = """
SELECT i.kind || ':' || i.value, i.profile_id, i.status, i.ctid::text
  FROM unnest(%s::text[], %s::text[]) AS k(kind, value)
  JOIN profiles_identifier i ON i.kind = k.kind AND i.value = k.value
"""
# Where the row lay is one page to read, where an index would be four; a row that was changed lies elsewhere.
_STAYED = """
SELECT count(*) FROM unnest(%s::tid[], %s::bigint[]) AS w(place, profile_id)
  JOIN profiles_identifier i ON i.ctid = w.place AND i.profile_id IS NOT DISTINCT FROM w.profile_id AND i.status = %s
"""
_LOCK_PROFILES = "SELECT id FROM profiles_profile WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
# When they were first seen is asked by nobody here, and costs more to read than all the rest.
_READ = [field for field in Profile._meta.concrete_fields if field.name != "created_at"]
_COLUMNS = [field.attname for field in _READ]
_ID = _COLUMNS.index("id")
_READ_PROFILES = f"""
SELECT {", ".join(str(field.column) for field in _READ)} FROM profiles_profile
 WHERE id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE
"""
_KEYS = """
SELECT profile_id, kind || ':' || value FROM profiles_identifier WHERE profile_id = ANY(%s) AND status = 'active'
"""
# Each customer by their own index (OFFSET 0), although nothing is known yet of how many identifiers there are: in a new
# organization the planner believes that there are none.
_STRENGTH = """
WITH s AS MATERIALIZED (
  SELECT u.id, (SELECT least(100, coalesce(sum((%s::jsonb ->> k.kind)::int), 0))::smallint
                  FROM (SELECT DISTINCT i.kind, CASE WHEN i.kind = 'other' THEN split_part(i.value, ':', 1) END
                          FROM (SELECT kind, value, status FROM profiles_identifier
                                 WHERE profile_id = u.id OFFSET 0) i
                         WHERE i.status = 'active' AND i.kind <> 'phone_raw') k) AS strength
    FROM unnest(%s::bigint[]) AS u(id))
UPDATE profiles_profile p SET strength = s.strength FROM s
 WHERE p.id = ANY(%s) AND p.id = s.id AND p.strength IS DISTINCT FROM s.strength
"""


@dataclass
class Batch:
    """The owners of every identifier of the batch, as they stand and as they change while it is worked through."""

    organization: Organization
    owner: dict[str, Profile] = field(default_factory=dict)
    unusable: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    new_profiles: list[Profile] = field(default_factory=list)
    new_identifiers: dict[str, Identifier] = field(default_factory=dict)
    touched: dict[int, Profile] = field(default_factory=dict)
    heirs: dict[int, Profile] = field(default_factory=dict)
    """By the id of each customer that was absorbed on the way: who has taken their place."""
    strong: set[int] = field(default_factory=set)
    """New customers that were written with the strength of all their identifiers."""
    stored: dict[int, set[str]] = field(default_factory=dict)
    """The keys in the database of those customers whom some fact of the batch may give more."""
    _fresh: dict[int, set[str]] = field(default_factory=dict, init=False)

    @cached_property
    def rules(self) -> Rules:
        return rules.read(self.organization.identity)

    def keys_of(self, profile: Profile) -> set[str]:
        """Everything this customer is recognised by at this point of the batch."""
        stored = self.stored.get(profile.pk or 0, set())
        return {key for key in stored if self.owner.get(key, profile) is profile} | self._fresh.get(id(profile), set())

    def give(self, key: str, profile: Profile) -> None:
        self.owner[key] = profile
        self._fresh.setdefault(id(profile), set()).add(key)

    def pass_on(self, absorbed: Profile, survivor: Profile) -> None:
        """Whatever was the absorbed customer's is the survivor's."""
        self.heirs[absorbed.pk] = survivor
        for key, owner in self.owner.items():
            if owner is absorbed:
                self.owner[key] = survivor
        self.stored.setdefault(survivor.pk, set()).update(self.stored.pop(absorbed.pk, set()))
        self._fresh.setdefault(id(survivor), set()).update(self._fresh.pop(id(absorbed), set()))
        self.touched.pop(id(absorbed), None)


def read(key: str) -> identifiers.Identifier:
    """The identifier of a key, as it stands in `Fact.identifiers`."""
    kind, _, value = key.partition(":")
    if kind == identifiers.Kind.RAW_PHONE and "|" in value:
        source, _, rest = value.partition("|")
        return identifiers.Identifier(identifiers.Kind.RAW_PHONE, rest, rest, source)
    return identifiers.Identifier(_KINDS[kind], value, value)


def lock_keys(keys: Iterable[str]) -> None:
    """Before anything is read: whoever else decides about one of these keys waits."""
    locks.named(LOCK_SPACE, keys, buckets=LOCK_BUCKETS)


def lock_profiles(profile_ids: Iterable[int]) -> None:
    """Lock these profiles by id, in the order of their ids."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_PROFILES, [sorted(set(profile_ids))])


def _lock_and_read(profile_ids: Iterable[int]) -> dict[int, Profile]:
    """The same, and the customers as they stand then."""
    alias = connection.alias  # looked up for this thread each time it is asked for
    with bulk.cursor() as cursor:
        cursor.execute(_READ_PROFILES, [bulk.array_of_numbers(sorted(profile_ids))])
        return {row[_ID]: Profile.from_db(alias, _COLUMNS, row) for row in cursor.fetchall()}


def load(facts: Sequence[Fact], keys: Sequence[str], organization: Organization) -> Batch:
    """The owners of these keys, locked and read again until both readings say the same."""
    rows, profiles = look_up(keys), dict[int, Profile]()
    while owners := {row.profile_id for row in rows if row.profile_id}:
        profiles = _lock_and_read(owners)
        if _stayed(rows):
            break
        rows = look_up(keys)
    batch = Batch(organization)
    for key, profile_id, status, _ in rows:
        batch.known.add(key)
        if status == Identifier.Status.ACTIVE and profile_id:
            batch.owner[key] = profiles[profile_id]
        else:
            batch.unusable.add(key)
    own_domains, blocked = tuple(organization.own_domains), tuple(organization.blocked)
    for key in keys:
        if identifiers.blocked(read(key), own_domains=own_domains, patterns=blocked):
            batch.unusable.add(key)
            batch.owner.pop(key, None)
    growing = _growing(facts, batch)
    if growing:
        with connection.cursor() as cursor:
            cursor.execute(_KEYS, [sorted(growing)])
            for profile_id, key in cursor.fetchall():
                batch.stored.setdefault(profile_id, set()).add(key)
    return batch


class Known(NamedTuple):
    """An identifier as it stands in the database."""

    key: str
    profile_id: int | None
    status: str
    place: str


def look_up(keys: Sequence[str]) -> list[Known]:
    """Those of these keys that are known, in any order."""
    pairs = [key.partition(":") for key in keys]
    with bulk.cursor() as cursor:
        kinds, values = ([pair[place] for pair in pairs] for place in (0, 2))
        cursor.execute(_OWNERS, [bulk.array_literal(kinds), bulk.array_literal(values)])
        return [Known._make(row) for row in cursor.fetchall()]


def _stayed(rows: Sequence[Known]) -> bool:
    """Whether all of them are still whose they were. (Nobody adds one meanwhile: their keys are locked.)"""
    # Nearly all are in use: each status is asked for by itself, instead of sending one with every row.
    for status in {row.status for row in rows}:
        alike = [row for row in rows if row.status == status]
        with bulk.cursor() as cursor:
            places = bulk.array_literal(row.place for row in alike)
            holders = bulk.array_of_numbers(row.profile_id for row in alike)
            if next(cursor.execute(_STAYED, [places, holders, status]))[0] != len(alike):
                return False
    return True


def _growing(facts: Sequence[Fact], batch: Batch) -> set[int]:
    """Customers who may gain an identifier by this batch: those some fact names beside a key that is not theirs."""
    found: set[int] = set()
    for fact in facts:
        owners = {batch.owner[key].pk if key in batch.owner else 0 for key in fact.identifiers}
        if len(owners) > 1:
            found |= owners
    return found - {0}


def flush(batch: Batch, facts: Sequence[Fact]) -> None:
    """Write the customers and identifiers found so far; merging moves rows, so they have to exist."""
    if batch.new_profiles:
        kinds: dict[int, set[str]] = {}
        for key, identifier in batch.new_identifiers.items():
            kinds.setdefault(id(identifier.profile), set()).add(read(key).counts_as)
        for profile in batch.new_profiles:
            profile.strength = batch.rules.strength(kinds.get(id(profile), set()))
        bulk.insert(Profile, batch.new_profiles)
        batch.strong |= {profile.pk for profile in batch.new_profiles}
        batch.new_profiles.clear()
    if batch.new_identifiers:
        for identifier in batch.new_identifiers.values():
            identifier.profile_id = identifier.profile.pk if identifier.profile else None
        bulk.insert(Identifier, batch.new_identifiers.values())
        batch.new_identifiers.clear()
    for fact in facts:
        if fact.profile_id is None and fact.profile is not None:
            fact.profile = fact.profile  # takes over the id it has by now
        follow(fact, batch)


def follow(fact: Fact, batch: Batch) -> None:
    """A fact whose customer was absorbed on the way belongs to whoever took their place."""
    while fact.profile_id in batch.heirs:
        fact.profile = batch.heirs[fact.profile_id]


def strengthen(profile_ids: Iterable[int], weights: Mapping[str, int]) -> None:
    """Recompute the strength of these profiles (SPEC PRO-8): each kind once, at most 100."""
    ids = sorted(set(profile_ids))
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(_STRENGTH, [bulk.as_json(dict(weights)), ids, ids])

"""Who it is: facts that bear identifiers find, make or bring together their customer (IDENTITY.md).

A batch costs a fixed number of queries unless customers have to be merged. Locks: advisory on the sorted identifiers,
then profile rows by id, then the owners are read again.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import connection
from django.db.models import Q

from profiles import bulk, identifiers
from profiles.actions import merges, streams
from profiles.actors import Actor
from profiles.models import Fact, Identifier, Organization, Profile, Review, Separation

RULE_VERSION = "1"
MERGE_AT_MOST = 3
LOCK_SPACE, LOCK_BUCKETS = 0x1DE7, 4096

_LOCK = "SELECT pg_advisory_xact_lock(%s, b) FROM unnest(%s::int[]) AS b"
_OWNERS = """
SELECT i.kind || ':' || i.value, i.profile_id, i.status FROM unnest(%s::text[], %s::text[]) AS k(kind, value)
  JOIN profiles_identifier i ON i.kind = k.kind AND i.value = k.value
"""
_LOCK_PROFILES = "SELECT id FROM profiles_profile WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
_STRENGTH = """
UPDATE profiles_profile p SET strength = s.strength FROM (
  SELECT u.id, least(100, coalesce(sum(k.points), 0))::smallint AS strength
    FROM unnest(%s::bigint[]) AS u(id)
    LEFT JOIN (SELECT DISTINCT i.profile_id, i.kind,
                      CASE WHEN i.kind = 'other' THEN split_part(i.value, ':', 1) END AS name,
                      CASE i.kind WHEN 'phone' THEN 30 WHEN 'email' THEN 20 WHEN 'loyalty' THEN 25
                                  WHEN 'cookie' THEN 5 ELSE 10 END AS points
                 FROM profiles_identifier i
                WHERE i.profile_id = ANY(%s) AND i.status = 'active' AND i.kind <> 'phone_raw'
              ) k ON k.profile_id = u.id
   GROUP BY u.id) s
 WHERE p.id = s.id AND p.strength IS DISTINCT FROM s.strength
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
    attached: dict[int, Fact] = field(default_factory=dict)
    touched: dict[int, Profile] = field(default_factory=dict)
    heirs: dict[int, Profile] = field(default_factory=dict)
    """By the id of each customer that was absorbed on the way: who has taken their place."""
    strong: set[int] = field(default_factory=set)
    """New customers that were written with the strength of all their identifiers."""


def keys_of(
    fields: Mapping[str, str], *, region: str, source: str, programme: str = identifiers.DEFAULT_PROGRAMME
) -> tuple[list[str], str, str]:
    """The keys of the identifiers in named fields, most telling first; then the normalised e-mail and phone, or ''."""
    found = identifiers.gather(fields, region=region, programme=programme, source=source)
    by_kind = {identifier.kind: identifier.value for identifier in found}
    keys = [f"{i.kind}:{i.source}|{i.value}" if i.source else f"{i.kind}:{i.value}" for i in found]
    return keys, by_kind.get(identifiers.Kind.EMAIL, ""), by_kind.get(identifiers.Kind.PHONE, "")


def read(key: str) -> identifiers.Identifier:
    """The identifier of a key, as it stands in `Fact.identifiers`."""
    kind, _, value = key.partition(":")
    source, bar, rest = value.partition("|")
    if kind == identifiers.Kind.RAW_PHONE and bar:
        return identifiers.Identifier(identifiers.Kind.RAW_PHONE, rest, rest, source)
    return identifiers.Identifier(identifiers.Kind(kind), value, value)


FIELDS = ["profile", "provisional", "settled_identifiers"]


def settle(facts: Sequence[Fact], *, organization: Organization, write: bool = True) -> set[int]:
    """Attach each fact to its customer; returns the ids of all customers whose facts or identifiers changed.

    `facts` are of one model, locked by the caller. Without `write` the caller writes FIELDS with what else it changes.
    Safe any number of times.
    """
    open_facts = [fact for fact in facts if fact.identifiers != fact.settled_identifiers]
    touched = {fact.profile_id for fact in open_facts if fact.profile_id}
    if not open_facts:
        return set()
    former = {fact.pk: fact.profile_id for fact in open_facts}
    keys = sorted({key for fact in open_facts for key in fact.identifiers})
    _lock(keys)
    batch = _load(keys, organization)
    for fact in sorted(open_facts, key=_moment):
        if getattr(fact, "linked_by_staff", False):
            batch.attached[fact.pk] = fact
            continue
        _attach(fact, batch)
    _flush(batch, facts)
    touched |= {fact.profile_id for fact in open_facts if fact.profile_id}
    touched |= {profile.pk for profile in batch.touched.values()}
    for fact in open_facts:
        left, now = former[fact.pk], fact.profile_id
        if left is not None and now is not None and left != now and left not in batch.heirs:
            merges.follow(type(fact), [fact.pk], former=left, now=now)
    touched |= _drop_forsaken(open_facts)
    for fact in open_facts:
        fact.settled_identifiers = list(fact.identifiers)
    if write:
        bulk.update(type(open_facts[0]), open_facts, FIELDS)
    strengthen(touched - batch.strong)
    return touched


def strengthen(profile_ids: Iterable[int]) -> None:
    """Recompute the strength of these profiles (SPEC PRO-8): each kind once, at most 100."""
    ids = sorted(set(profile_ids))
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(_STRENGTH, [ids, ids])


def _moment(fact: Fact) -> tuple[object, int]:
    return (getattr(fact, "placed_at", None) or getattr(fact, "started_at", None), fact.pk)


def _lock(keys: Sequence[str]) -> None:
    buckets = sorted({zlib.crc32(key.encode()) % LOCK_BUCKETS for key in keys})
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [LOCK_SPACE, buckets])


def lock_profiles(profile_ids: Iterable[int]) -> None:
    """Lock these profiles by id, in the order of their ids."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_PROFILES, [sorted(set(profile_ids))])


def _load(keys: Sequence[str], organization: Organization) -> Batch:
    rows = _owners(keys)
    # The owners may have been merged between the look-up and the lock: read again until both say the same.
    while rows:
        lock_profiles(profile_id for _, profile_id, _ in rows)
        again = _owners(keys)
        if again == rows:
            break
        rows = again
    batch = Batch(organization)
    profiles = Profile.objects.in_bulk({profile_id for _, profile_id, _ in rows})
    for key, profile_id, status in rows:
        batch.known.add(key)
        if status == Identifier.Status.ACTIVE:
            batch.owner[key] = profiles[profile_id]
        else:
            batch.unusable.add(key)
    own_domains, blocked = tuple(organization.own_domains), tuple(organization.blocked)
    for key in keys:
        if identifiers.blocked(read(key), own_domains=own_domains, patterns=blocked):
            batch.unusable.add(key)
            batch.owner.pop(key, None)
    return batch


def _owners(keys: Sequence[str]) -> list[tuple[str, int, str]]:
    pairs = [key.partition(":") for key in keys]
    with connection.cursor() as cursor:
        cursor.execute(_OWNERS, [[kind for kind, _, _ in pairs], [value for _, _, value in pairs]])
        return sorted(cursor.fetchall())


def _attach(fact: Fact, batch: Batch) -> None:
    usable = [key for key in fact.identifiers if key not in batch.unusable]
    found: list[Profile] = []
    for key in usable:
        owner = batch.owner.get(key)
        if owner is not None and owner not in found:
            found.append(owner)
    fact.provisional = False
    _follow(fact, batch)
    if not usable:
        fact.profile = None
        return
    if not found:
        profile = fact.profile or _new_profile(batch)
    elif len(found) == 1:
        profile = found[0]
    elif len(found) <= MERGE_AT_MOST and not _separated(found):
        profile = _merge(found, fact, usable, batch)
    else:
        profile = found[0]
        kind = Review.Kind.TOO_MANY if len(found) > MERGE_AT_MOST else Review.Kind.SEPARATED
        _review(kind, fact, found, profile, batch)
    fact.profile = profile
    for key in usable:
        if key not in batch.owner:
            _own(key, fact, profile, batch)
    batch.attached[fact.pk] = fact
    batch.touched[id(profile)] = profile
    name = getattr(fact, "customer_name", "") or getattr(fact, "name", "")
    if name and not profile.name:
        profile.name = name[:300]
        if profile.pk:
            Profile.objects.filter(pk=profile.pk).update(name=profile.name)


def _new_profile(batch: Batch) -> Profile:
    profile = Profile(organization=batch.organization)
    batch.new_profiles.append(profile)
    return profile


def _own(key: str, fact: Fact, profile: Profile, batch: Batch) -> None:
    kind, _, value = key.partition(":")
    raw = {"email": getattr(fact, "email_raw", ""), "phone": getattr(fact, "phone_raw", "")}.get(kind, value)
    batch.owner[key] = profile
    if key in batch.known:
        return
    batch.known.add(key)
    batch.new_identifiers[key] = Identifier(
        organization=batch.organization,
        kind=kind,
        value=value,
        spelled=read(key).spelled[:420],
        raw=raw[:400],
        profile=profile,
    )


def _separated(found: Sequence[Profile]) -> bool:
    """Whether a person said of any two of these, or of customers absorbed by them, that they are different people."""
    ids = {profile.pk for profile in found if profile.pk}
    if len(ids) < 2:
        return False
    rows = Profile.objects.filter(Q(pk__in=ids) | Q(merged_into__in=ids)).values_list("pk", "merged_into")
    stands_for = {pk: merged_into or pk for pk, merged_into in rows}
    pairs = Separation.objects.filter(low__in=stands_for, high__in=stands_for).values_list("low", "high")
    return any(stands_for[low] != stands_for[high] for low, high in pairs)


def _merge(found: Sequence[Profile], fact: Fact, usable: Sequence[str], batch: Batch) -> Profile:
    _flush(batch, list(batch.attached.values()))
    batch.strong.clear()  # what follows may bring more identifiers
    oldest, *younger = sorted(found, key=lambda profile: profile.pk)
    matched = [key for key in usable if key in batch.owner]
    for absorbed in younger:
        merges.merge(
            oldest.pk,
            absorbed.pk,
            by=Actor.system("identity rules"),
            because="One purchase or message bears identifiers of both.",
            matched=matched,
            trigger=str(fact._meta.label) + f":{fact.pk}",
            rule_version=RULE_VERSION,
        )
        batch.heirs[absorbed.pk] = oldest
        for key, owner in batch.owner.items():
            if owner == absorbed:
                batch.owner[key] = oldest
        batch.touched.pop(id(absorbed), None)
    _flush(batch, list(batch.attached.values()))
    return oldest


def _follow(fact: Fact, batch: Batch) -> None:
    """A fact whose customer was absorbed on the way belongs to whoever took their place."""
    while fact.profile_id in batch.heirs:
        fact.profile = batch.heirs[fact.profile_id]


def _review(kind: Review.Kind, fact: Fact, found: Sequence[Profile], profile: Profile, batch: Batch) -> None:
    _flush(batch, list(batch.attached.values()))
    batch.strong.clear()
    fact.provisional = True
    Review.objects.bulk_create(
        [
            Review(
                organization=batch.organization,
                kind=kind,
                profile=profile,
                subject=f"{fact._meta.label}:{fact.pk}",
                candidates=sorted(other.pk for other in found),
                explanation=(
                    f"{len(found)} customers match; attached to the best match until a person decides."
                    if kind == Review.Kind.TOO_MANY
                    else "It bears identifiers of customers that a person said are different people."
                ),
            )
        ],
        ignore_conflicts=True,
    )
    streams.tell_review(kind, f"{fact._meta.label}:{fact.pk}")


def _flush(batch: Batch, facts: Sequence[Fact]) -> None:
    """Write the customers and identifiers found so far; merging moves rows, so they have to exist."""
    if batch.new_profiles:
        kinds: dict[int, set[str]] = {}
        for key, identifier in batch.new_identifiers.items():
            kinds.setdefault(id(identifier.profile), set()).add(read(key).counts_as)
        for profile in batch.new_profiles:
            profile.strength = identifiers.strength(kinds.get(id(profile), set()))
        bulk.insert(Profile, batch.new_profiles)
        batch.strong |= {profile.pk for profile in batch.new_profiles}
        batch.new_profiles.clear()
    if batch.new_identifiers:
        for identifier in batch.new_identifiers.values():
            identifier.profile_id = identifier.profile.pk
        bulk.insert(Identifier, batch.new_identifiers.values())
        batch.new_identifiers.clear()
    for fact in facts:
        if fact.profile_id is None and fact.profile is not None:
            fact.profile = fact.profile  # takes over the id it has by now
        _follow(fact, batch)


def _drop_forsaken(facts: Sequence[Fact]) -> set[int]:
    """Take away identifiers that only a former version of a fact bore; returns the customers that lost one.

    Without this a corrected address would stay with the customer if the first spelling arrived first, and would
    never have been there if the correction arrived first.
    """
    touched: set[int] = set()
    losing = [fact for fact in facts if set(fact.settled_identifiers or ()) - set(fact.identifiers)]
    if losing:
        # Whether somebody else bears it is asked of the database, so all of the batch has to be there.
        bulk.update(type(facts[0]), facts, ["profile", "provisional"])
    for fact in losing:
        gone = set(fact.settled_identifiers or ()) - set(fact.identifiers)
        for identifier in _identifiers(gone):
            if identifier.added_by_staff or _borne_by_another(identifier, fact):
                continue
            touched.add(identifier.profile_id)
            identifier.delete()
    _forget_empty(touched)
    return {profile_id for profile_id in touched if Profile.objects.filter(pk=profile_id).exists()}


def _identifiers(keys: Iterable[str]) -> list[Identifier]:
    found: list[Identifier] = []
    for key in keys:
        kind, _, value = key.partition(":")
        found += Identifier.objects.filter(kind=kind, value=value)
    return found


def _borne_by_another(identifier: Identifier, fact: Fact) -> bool:
    key = f"{identifier.kind}:{identifier.value}"
    for model in fact_models():
        others = model._base_manager.filter(profile_id=identifier.profile_id, identifiers__contains=[key])
        if model is type(fact):
            others = others.exclude(pk=fact.pk)
        if others.exists():
            return True
    return False


def _forget_empty(profile_ids: Iterable[int]) -> None:
    for profile in Profile.objects.filter(pk__in=list(profile_ids)):
        empty = not any(
            relation.related_model._base_manager.filter(**{relation.field.name: profile}).exists()
            for relation in Profile._meta.related_objects
            if not getattr(relation.related_model, "derived", False)
        )
        if empty:
            profile.delete()


def fact_models() -> list[type[Fact]]:
    """Every model whose rows bear identifiers, those of later apps too."""
    return [model for model in Fact.__subclasses__() if not model._meta.abstract]

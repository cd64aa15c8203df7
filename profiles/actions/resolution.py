"""Who it is: facts that bear identifiers find, make or bring together their customer (IDENTITY.md).

A batch costs a fixed number of queries unless customers have to be merged or parted. Locks: advisory on the sorted
identifiers, then profile rows by id, then the owners are read again.
"""

from collections.abc import Iterable, Mapping, Sequence

from profiles import bulk, identifiers, rules
from profiles.actions import forsaken, merges, owners, separations, sightings, streams
from profiles.actions.owners import Batch, lock_profiles, read
from profiles.actors import Actor
from profiles.models import Fact, Identifier, Organization, Profile, Review

__all__ = ["FIELDS", "fact_models", "keys_of", "lock_profiles", "read", "settle", "strengthen"]

FIELDS = ["profile", "provisional", "settled_identifiers"]
fact_models = forsaken.fact_models
BY = Actor.system("identity rules")


def keys_of(
    fields: Mapping[str, str], *, region: str, source: str, programme: str = identifiers.DEFAULT_PROGRAMME
) -> tuple[list[str], str, str]:
    """The keys of the identifiers in named fields, most telling first; then the normalised e-mail and phone, or ''."""
    found = identifiers.gather(fields, region=region, programme=programme, source=source)
    by_kind = {identifier.kind: identifier.value for identifier in found}
    keys = [f"{i.kind}:{i.source}|{i.value}" if i.source else f"{i.kind}:{i.value}" for i in found]
    return keys, by_kind.get(identifiers.Kind.EMAIL, ""), by_kind.get(identifiers.Kind.PHONE, "")


def settle(facts: Sequence[Fact], *, organization: Organization, write: bool = True) -> set[int]:
    """Attach each fact to its customer; returns the ids of all customers whose facts or identifiers changed.

    `facts` are of one model, locked by the caller. Without `write` the caller writes FIELDS with what else it changes.
    Safe any number of times.
    """
    open_facts = [fact for fact in facts if fact.identifiers != fact.settled_identifiers]
    if not open_facts:
        return set()
    keys = sorted({key for fact in open_facts for key in fact.identifiers})
    owners.lock_keys(keys)
    sightings.note(open_facts)
    batch = owners.load(open_facts, keys, organization)
    touched, batch = _set_shared_aside(open_facts, facts, keys, batch)
    former = {fact.pk: fact.profile_id for fact in open_facts}
    touched |= {profile_id for profile_id in former.values() if profile_id}
    done: list[Fact] = []
    for fact in sorted(open_facts, key=lambda fact: (fact.happened_at, fact.pk)):
        if not fact.linked_by_staff:
            _attach(fact, batch, done)
        done.append(fact)
    owners.flush(batch, facts)
    touched |= {fact.profile_id for fact in open_facts if fact.profile_id}
    touched |= {profile.pk for profile in batch.touched.values()}
    for fact in open_facts:
        left, now = former[fact.pk], fact.profile_id
        if left is not None and now is not None and left != now and left not in batch.heirs:
            merges.follow(type(fact), [fact.pk], former=left, now=now)
    touched |= forsaken.drop(open_facts)
    for fact in open_facts:
        fact.settled_identifiers = list(fact.identifiers)
    if write:
        bulk.update(type(open_facts[0]), open_facts, FIELDS)
    strengthen(touched - batch.strong, organization)
    return touched


def strengthen(profile_ids: Iterable[int], organization: Organization) -> None:
    """Recompute the strength of these profiles (SPEC PRO-8): each kind once, at most 100."""
    owners.strengthen(profile_ids, rules.read(organization.identity).weights)


def _set_shared_aside(
    open_facts: Sequence[Fact], facts: Sequence[Fact], keys: Sequence[str], batch: Batch
) -> tuple[set[int], Batch]:
    """Step 2: values that so many others were seen with join nobody from now on, this batch included."""
    crowded = sightings.crowded([key for key in keys if key not in batch.unusable], batch.rules)
    if not crowded:
        return set(), batch
    touched = separations.retire(
        crowded,
        organization=batch.organization,
        status=Identifier.Status.SHARED,
        because=separations.SHARED_BECAUSE,
        by=BY,
        busy=open_facts,
    )
    # Customers were parted in the database: whoever writes these facts must not write back what was read before it.
    rows = type(facts[0])._base_manager.select_related("profile").filter(pk__in=[fact.pk for fact in facts])
    now = {row.pk: row for row in rows}
    for fact in facts:
        for name in FIELDS:
            setattr(fact, name, getattr(now[fact.pk], name))
    return touched, owners.load(open_facts, keys, batch.organization)


def _attach(fact: Fact, batch: Batch, done: Sequence[Fact]) -> None:
    owners.follow(fact, batch)
    usable = batch.rules.ranked(key for key in fact.identifiers if key not in batch.unusable)
    fact.provisional = False
    if not usable:
        fact.profile = None
        return
    found = _found(usable, batch)
    while len(usable) > 1 and found and _breaks_a_limit(usable, found, batch):
        usable.pop()  # the weakest; then the rest is looked up again
        found = _found(usable, batch)
    kind = _doubt(usable, found, batch)
    if not found:
        profile = fact.profile or _new_profile(batch)
    elif kind:
        profile = found[0]
        _review(kind, fact, found, profile, batch, done)
    elif len(found) == 1:
        profile = found[0]
    else:
        profile = _merge(found, fact, usable, batch, done)
    fact.profile = profile
    clash = rules.conflicting(batch.keys_of(profile) | set(usable)) if kind == Review.Kind.CONFLICT else set()
    for key in usable:
        if key not in batch.owner and key not in clash:
            _own(key, fact, profile, batch)
    batch.touched[id(profile)] = profile
    name = getattr(fact, "customer_name", "") or getattr(fact, "name", "")
    if name and not profile.name:
        profile.name = name[:300]
        if profile.pk:
            Profile.objects.filter(pk=profile.pk).update(name=profile.name)


def _found(usable: Sequence[str], batch: Batch) -> list[Profile]:
    """The customers these keys name, the best match first."""
    # By identity: a customer who is new in this batch has no key to be compared by yet.
    found = {id(owner): owner for key in usable if (owner := batch.owner.get(key)) is not None}
    return list(found.values())


def _breaks_a_limit(usable: Sequence[str], found: Sequence[Profile], batch: Batch) -> bool:
    """Step 4. Nothing is gained where one customer has all of it already."""
    if len(found) == 1 and all(key in batch.owner for key in usable):
        return False
    fresh = {key for key in usable if key not in batch.owner}
    # More than may be merged are not merged: then only the best match would gain what is new.
    joined = found if len(found) <= rules.MERGE_AT_MOST else found[:1]
    return batch.rules.too_many(fresh, *(batch.keys_of(profile) for profile in joined))


def _doubt(usable: Sequence[str], found: Sequence[Profile], batch: Batch) -> Review.Kind | None:
    """Steps 5 and 6: why no rule may decide, if so."""
    if len(found) > rules.MERGE_AT_MOST:
        return Review.Kind.TOO_MANY
    if (found and any(key.startswith("loyalty:") for key in usable)) or len(found) > 1:
        together = set(usable).union(*(batch.keys_of(profile) for profile in found))
        if rules.conflicting(together):
            return Review.Kind.CONFLICT
    if merges.kept_apart(profile.pk for profile in found if profile.pk):
        return Review.Kind.SEPARATED
    return None


def _new_profile(batch: Batch) -> Profile:
    profile = Profile(organization=batch.organization)
    batch.new_profiles.append(profile)
    return profile


def _own(key: str, fact: Fact, profile: Profile, batch: Batch) -> None:
    kind, _, value = key.partition(":")
    raw = {"email": getattr(fact, "email_raw", ""), "phone": getattr(fact, "phone_raw", "")}.get(kind, value)
    batch.give(key, profile)
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


def _merge(found: Sequence[Profile], fact: Fact, usable: Sequence[str], batch: Batch, done: Sequence[Fact]) -> Profile:
    owners.flush(batch, done)
    batch.strong.clear()  # what follows may bring more identifiers
    oldest, *younger = sorted(found, key=lambda profile: profile.pk)
    matched = [key for key in usable if key in batch.owner]
    for absorbed in younger:
        merges.merge(
            oldest.pk,
            absorbed.pk,
            by=BY,
            because="One purchase or message bears identifiers of both.",
            matched=matched,
            trigger=str(fact._meta.label) + f":{fact.pk}",
            rule_version=batch.rules.version,
        )
        batch.pass_on(absorbed, oldest)
    owners.flush(batch, done)
    return oldest


_DOUBTS = {
    Review.Kind.TOO_MANY: "{} customers match; attached to the best match until a person decides.",
    Review.Kind.SEPARATED: "It bears identifiers of customers that a person said are different people.",
    Review.Kind.CONFLICT: "Two loyalty ids of one programme cannot be one customer's; attached to the best match.",
}


def _review(
    kind: Review.Kind, fact: Fact, found: Sequence[Profile], profile: Profile, batch: Batch, done: Sequence[Fact]
) -> None:
    owners.flush(batch, done)
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
                explanation=_DOUBTS[kind].format(len(found)),
            )
        ],
        ignore_conflicts=True,
    )
    streams.tell_review(kind, f"{fact._meta.label}:{fact.pk}")

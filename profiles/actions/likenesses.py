"""Looking for customers who are likely one person: a queue of whom to look at, and the search itself, in batches.

A customer is compared only with those who share a telling key or two others (`likeness.keys`), kept in the database;
what a crowd shares tells nothing. Each batch costs a fixed number of statements. Nobody is merged here.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from django.db import connection
from django.db.models import Q

from profiles import bulk, clock, likeness, prepared
from profiles.likeness import Person
from profiles.models import Likeness, LikenessKey, Profile, Separation, Suggestion
from profiles.queries import people

QUIET = timedelta(seconds=30)
"""So long nothing may change before a customer is looked at: orders come with payments, refunds and chats."""
LEASE = timedelta(seconds=90)
ATTEMPTS = 3
CROWD = 20
"""A key that more customers share than these is nobody's."""

_REQUEST = """
INSERT INTO profiles_likeness (organization_id, profile_id, digest, due_at, revision, attempts)
SELECT %s::bigint, p.id, '', statement_timestamp() + make_interval(secs => %s), 1, 0
  FROM profiles_profile p WHERE p.id = ANY(%s::bigint[]) ORDER BY p.id
ON CONFLICT (organization_id, profile_id) DO UPDATE
   SET due_at = excluded.due_at, revision = profiles_likeness.revision + 1, attempts = 0
 WHERE profiles_likeness.due_at IS NULL OR profiles_likeness.attempts > 0
"""
_CLAIM = """
UPDATE profiles_likeness SET due_at = statement_timestamp() + make_interval(secs => %s), attempts = attempts + 1
 WHERE id = ANY(ARRAY(SELECT id FROM profiles_likeness WHERE due_at <= statement_timestamp() + make_interval(secs => %s)
               ORDER BY due_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED))
RETURNING profile_id, revision, attempts
"""
_FINISH = """
UPDATE profiles_likeness l SET due_at = NULL, attempts = 0, last_error = ''
  FROM unnest(%s::bigint[], %s::int[]) AS v(id, revision) WHERE l.profile_id = v.id AND l.revision = v.revision
"""
_MISSING = """
INSERT INTO profiles_likeness (organization_id, profile_id, digest, due_at, revision, attempts)
SELECT p.organization_id, p.id, '', statement_timestamp(), 1, 0 FROM profiles_profile p
 WHERE p.merged_into_id IS NULL
   AND (%s OR NOT EXISTS (SELECT FROM profiles_likeness l WHERE l.profile_id = p.id)) ORDER BY p.id
ON CONFLICT (organization_id, profile_id) DO UPDATE
   SET due_at = excluded.due_at, digest = '', revision = profiles_likeness.revision + 1, attempts = 0
"""
_DIGESTS = """
UPDATE profiles_likeness l SET digest = v.digest FROM unnest(%s::bigint[], %s::text[]) AS v(id, digest)
 WHERE l.profile_id = v.id
"""
_KEYS = """
INSERT INTO profiles_likenesskey (organization_id, profile_id, key)
SELECT %s, id, key FROM unnest(%s::bigint[], %s::bigint[]) AS v(id, key)
"""
_PAIRS = """
WITH mine AS (SELECT key, profile_id FROM profiles_likenesskey WHERE profile_id = ANY(%s)),
     told AS (SELECT k.key FROM (SELECT DISTINCT key FROM mine) k
               WHERE (SELECT count(*) FROM (SELECT FROM profiles_likenesskey o WHERE o.key = k.key LIMIT %s) c) <= %s)
SELECT least(m.profile_id, o.profile_id), greatest(m.profile_id, o.profile_id)
  FROM told JOIN mine m ON m.key = told.key
  JOIN profiles_likenesskey o ON o.key = told.key AND o.profile_id <> m.profile_id
 GROUP BY 1, 2 HAVING count(DISTINCT told.key) > 1 OR bool_or(told.key %% 2 <> 0)
"""

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Claim:
    profile_id: int
    revision: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Found:
    """What one batch did: customers read, those whose data had changed, pairs compared, suggestions that stand."""

    looked: int = 0
    changed: int = 0
    compared: int = 0
    suggested: int = 0

    def __add__(self, other: "Found") -> "Found":
        return Found(*(a + b for a, b in zip(asdict(self).values(), asdict(other).values(), strict=True)))


# The queue -------------------------------------------------------------------------------------------------------


def request(organization_id: int, profile_ids: Iterable[int]) -> None:
    """Have these customers looked at once they have been quiet for a while; requests for one coalesce.

    Who was forgotten meanwhile, because nothing was left of them, is passed over.
    """
    ids = sorted(set(profile_ids))
    if ids:
        prepared.run(_REQUEST, [str(organization_id), QUIET.total_seconds(), bulk.array_of_numbers(ids)])


def request_missing(*, again: bool = False) -> int:
    """Have all looked at who never were, with `again` simply all; returns how many. Needs the context set."""
    with connection.cursor() as cursor:
        cursor.execute(_MISSING, [again])
        return int(cursor.rowcount)


def forget(profile_ids: Iterable[int]) -> None:
    """What is known of the last look at these customers holds no more: the next one compares them, changed or not."""
    Likeness.objects.filter(profile__in=set(profile_ids)).exclude(digest="").update(digest="")


def claim(limit: int, *, early: timedelta = timedelta(0)) -> list[Claim]:
    """Take up to `limit` due customers for 90 s, with `early` also those due so much later. Commit before working."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [LEASE.total_seconds(), early.total_seconds(), limit])
        return [Claim(*row) for row in cursor.fetchall()]


def work(claims: Sequence[Claim], organization_id: int) -> Found:
    """Look at claimed customers and take them off the queue, unless something changed again meanwhile."""
    found = find([claim.profile_id for claim in claims], organization_id)
    with connection.cursor() as cursor:
        cursor.execute(_FINISH, [[c.profile_id for c in claims], [c.revision for c in claims]])
    return found


def postpone(claim: Claim, *, error: str) -> None:
    """Try again later; after three attempts not before the customer changes, the error kept with them."""
    until = clock.real() + timedelta(seconds=30 * 2**claim.attempts) if claim.attempts < ATTEMPTS else None
    rows = Likeness.objects.filter(profile=claim.profile_id, revision=claim.revision)
    rows.update(due_at=until, last_error=error[:2000])


# The search ------------------------------------------------------------------------------------------------------


def find(profile_ids: Sequence[int], organization_id: int) -> Found:
    """Compare these customers with all who share a key, and make the suggestions about them agree.

    Safe any number of times. Who has not changed since the last time is passed over.
    """
    ids = sorted(set(profile_ids))
    known = people.known(ids)
    digests = dict(Likeness.objects.filter(profile__in=ids).values_list("profile_id", "digest"))
    changed = {pk: person for pk, person in known.items() if digests.get(pk) != _digest(person)}
    gone = [pk for pk in ids if pk not in known]
    if not changed and not gone:
        return Found(looked=len(ids))
    _keep_keys(changed, gone, organization_id)
    pairs = _pairs(sorted(changed))
    others = {pk for pair in pairs for pk in pair} - known.keys()
    known |= people.known(sorted(others))
    alike = {
        (low, high): found
        for low, high in pairs
        if low in known and high in known and (found := likeness.compare(known[low], known[high])).band is not None
    }
    suggested = _agree(sorted(changed), gone, alike, organization_id)
    return Found(len(ids), len(changed), len(pairs), suggested)


def _digest(person: Person) -> str:
    return hashlib.sha256(repr(person).encode()).hexdigest()


def _keep_keys(changed: Mapping[int, Person], gone: Sequence[int], organization_id: int) -> None:
    LikenessKey.objects.filter(profile__in=[*changed, *gone]).delete()
    forget(gone)
    rows = [(pk, key) for pk, person in changed.items() for key in sorted(likeness.keys(person))]
    with connection.cursor() as cursor:
        cursor.execute(_KEYS, [organization_id, [pk for pk, _ in rows], [key for _, key in rows]])
        cursor.execute(_DIGESTS, [list(changed), [_digest(person) for person in changed.values()]])


def _pairs(ids: Sequence[int]) -> list[Pair]:
    with connection.cursor() as cursor:
        cursor.execute(_PAIRS, [list(ids), CROWD + 1, CROWD])
        return sorted(cursor.fetchall())


def _agree(
    changed: Sequence[int], gone: Sequence[int], alike: Mapping[Pair, likeness.Likeness], organization_id: int
) -> int:
    """Write, renew and drop suggestions so that those about these customers are the pairs found; returns how many."""
    about = Q(low__in=changed) | Q(high__in=changed)
    open_ones = Suggestion.objects.filter(state=Suggestion.State.OPEN)
    open_ones.filter(Q(low__in=gone) | Q(high__in=gone)).delete()
    decided = _decided(alike)
    wanted = {pair: found for pair, found in alike.items() if decided.get(pair, -1.0) < found.score}
    known = {(row.low_id, row.high_id): row for row in Suggestion.objects.filter(about)}
    dropped = [row.pk for pair, row in known.items() if row.state == row.State.OPEN and pair not in wanted]
    Suggestion.objects.filter(pk__in=dropped, state=Suggestion.State.OPEN).delete()
    rows = [_row(pair, found, known.get(pair), organization_id) for pair, found in sorted(wanted.items())]
    Suggestion.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["organization", "low", "high"],
        update_fields=["score", "band", "evidence", "state", "found_at"],
    )
    return len(rows)


def _row(pair: Pair, found: likeness.Likeness, known: Suggestion | None, organization_id: int) -> Suggestion:
    return Suggestion(
        organization_id=organization_id,
        low_id=pair[0],
        high_id=pair[1],
        score=found.score,
        band=str(found.band),
        evidence=[asdict(finding) for finding in found.evidence],
        state=Suggestion.State.OPEN,
        found_at=known.found_at if known is not None and known.state == known.State.OPEN else clock.now(),
    )


def _decided(alike: Iterable[Pair]) -> dict[Pair, float]:
    """Of these pairs those that a person decided about: the score at which they come back; never, if kept apart.

    A word about customers who were absorbed since holds for those who took their place.
    """
    pairs = set(alike)
    ids = {pk for pair in pairs for pk in pair}
    rows = Profile.objects.filter(Q(pk__in=ids) | Q(merged_into__in=ids)).values_list("pk", "merged_into")
    stands_for = {pk: merged_into or pk for pk, merged_into in rows}
    found: dict[Pair, float] = {}
    dismissed = Suggestion.objects.filter(state=Suggestion.State.DISMISSED, low__in=stands_for, high__in=stands_for)
    apart = Separation.objects.filter(low__in=stands_for, high__in=stands_for).values_list("low", "high")
    words = [*dismissed.values_list("low", "high", "score"), *((low, high, float("inf")) for low, high in apart)]
    for low, high, score in words:
        one, other = sorted((stands_for[low], stands_for[high]))
        found[one, other] = max(score, found.get((one, other), score))
    return found

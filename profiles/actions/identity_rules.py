"""Changing an organization's rules of identity, and saying beforehand what that would alter (IDENTITY.md).

Values set aside or taken back are decided again at once, by the facts known now. Priority and limits hold for what
comes from now on: nobody is parted because a limit was lowered.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection, transaction

from profiles import bulk, identifiers, rules
from profiles.actions import audit, forsaken, owners, resolution, separations, settlement, sightings, turns
from profiles.actors import Actor, Invalid
from profiles.models import Identifier, Merge, Organization, Profile, Review, Sighting
from profiles.rules import Rules

Status = Identifier.Status
_LONGEST, _AT_MOST, _BATCH = 200, 500, 5_000

_CROWDED = """
SELECT s.key FROM profiles_sighting s, unnest(s.others) AS o
 GROUP BY s.key HAVING count(DISTINCT o) >= %s ORDER BY s.key
"""
_NAMED = """
SELECT kind || ':' || value, raw FROM profiles_identifier
 WHERE status = 'active'
   AND (lower(value) LIKE ANY(%s) OR lower(raw) LIKE ANY(%s) OR lower(spelled) LIKE ANY(%s)) ORDER BY id
"""
_STRENGTHS = """
SELECT count(*) FROM profiles_profile p,
  LATERAL (SELECT least(100, coalesce(sum((%s::jsonb ->> k.kind)::int), 0)) AS strength
             FROM (SELECT DISTINCT i.kind, CASE WHEN i.kind = 'other' THEN split_part(i.value, ':', 1) END
                     FROM profiles_identifier i
                    WHERE i.profile_id = p.id AND i.status = 'active' AND i.kind <> 'phone_raw') k) s
 WHERE p.strength <> s.strength
"""
_OVER = """
SELECT count(DISTINCT profile_id) FROM (
  SELECT profile_id FROM profiles_identifier WHERE status = 'active' AND profile_id IS NOT NULL
   GROUP BY profile_id, kind HAVING count(*) > (%s::jsonb ->> kind)::int) q
"""


@dataclass(frozen=True)
class Effects:
    """What a change of the rules alters, in numbers."""

    set_aside: int = 0
    """Identifiers that join nobody any more."""
    taken_back: int = 0
    """Identifiers that may join customers again."""
    customers_before: int = 0
    customers_after: int = 0
    merges_undone: int = 0
    merges_made: int = 0
    reviews: int = 0
    strengths: int = 0
    """Customers whose strength changes."""
    over_limit: int = 0
    """Customers who have more than the limits allow; they stay as they are."""

    def sentences(self) -> list[str]:
        """For a person, without what does not change."""
        said = [
            (self.set_aside, "Identifiers that join nobody any more: {}."),
            (self.taken_back, "Identifiers that may join customers again: {}."),
            (self.merges_undone, "Merges taken back: {}."),
            (self.merges_made, "Merges made: {}."),
            (self.reviews, "Cases listed for review: {}."),
            (self.strengths, "Customers whose strength changes: {}."),
            (self.over_limit, "Customers with more than the limits allow, who stay as they are: {}."),
        ]
        found = [words.format(number) for number, words in said if number]
        if self.customers_before != self.customers_after:
            found.append(f"Customers: {self.customers_before} before, {self.customers_after} after.")
        return found or ["Nothing changes for the customers known now."]


class _Rehearsed(Exception):
    """Ends a rehearsal: everything it did is taken back."""


def preview(organization: Organization, *, identity: Mapping[str, Any], blocked: Sequence[str]) -> Effects:
    """What the change would alter, found by making it and taking it back. Raises Invalid."""
    found = Effects()
    try:
        with transaction.atomic():
            found = _apply(organization, *_checked(identity, blocked), by=Actor.system("a preview"))
            raise _Rehearsed
    except _Rehearsed:
        organization.refresh_from_db()
    return found


def change(
    organization: Organization, *, identity: Mapping[str, Any], blocked: Sequence[str], by: Actor, because: str
) -> Effects:
    """Set the rules (a document of profiles/rules.py) and the block list, and decide again what they touch.

    Raises Invalid with a sentence; needs the right to.
    """
    by.require("manage_identity")
    reason = audit.require_reason(because)
    checked, patterns = _checked(identity, blocked)
    former = {"identity": organization.identity, "blocked": organization.blocked}
    found = _apply(organization, checked, patterns, by=by)
    audit.record(
        "organization.identity_rules_changed",
        by=by,
        subject=organization,
        because=reason,
        details={"former": former, "identity": checked.document(), "blocked": patterns, "said": found.sentences()},
        organization_id=organization.pk,
    )
    settlement.wake(organization.pk)
    return found


def take_back(keys: Sequence[str], *, organization: Organization, by: Actor, because: str) -> None:
    """Let these values join customers again: the facts that bear them are attached anew."""
    by.require("manage_identity")
    reason = audit.require_reason(because)
    turns.alone(organization.pk)
    _take_back(keys, organization)
    audit.record(
        "identifier.taken_back",
        by=by,
        because=reason,
        details={"identifiers": list(keys)},
        organization_id=organization.pk,
    )
    settlement.wake(organization.pk)


def _checked(identity: Mapping[str, Any], blocked: Sequence[str]) -> tuple[Rules, list[str]]:
    try:
        found = rules.read(identity)
    except rules.Malformed as malformed:
        raise Invalid(str(malformed)) from malformed
    patterns = list(dict.fromkeys(text.strip() for text in blocked if text.strip()))
    if len(patterns) > _AT_MOST or any(len(text) > _LONGEST for text in patterns):
        raise Invalid(f"The block list takes at most {_AT_MOST} values of {_LONGEST} letters.")
    if any(not text.strip("*?") for text in patterns):
        raise Invalid("A pattern of stars alone would block everybody.")
    return found, patterns


def _apply(organization: Organization, wanted: Rules, blocked: list[str], *, by: Actor) -> Effects:
    turns.alone(organization.pk)
    before = _standing()
    undone, made = Merge.objects.filter(undone_at__isnull=False).count(), Merge.objects.count()
    reviews = Review.objects.count()
    organization.identity, organization.blocked = wanted.document(), blocked
    organization.save(update_fields=["identity", "blocked"])
    set_aside = _block(organization, by) + _share(organization, wanted, by)
    free = _no_longer_aside(organization, wanted)
    _take_back(free, organization)
    with connection.cursor() as cursor:
        weights = bulk.as_json(wanted.weights)
        cursor.execute(_STRENGTHS, [weights])
        strengths = cursor.fetchone()[0]
        cursor.execute(_OVER, [bulk.as_json(wanted.at_most)])
        over = cursor.fetchone()[0]
    if strengths:
        everybody = list(Profile.objects.values_list("pk", flat=True))
        for first in range(0, len(everybody), _BATCH):
            resolution.strengthen(everybody[first : first + _BATCH], organization)
    return Effects(
        set_aside=set_aside,
        taken_back=len(free),
        customers_before=before,
        customers_after=_standing(),
        merges_undone=Merge.objects.filter(undone_at__isnull=False).count() - undone,
        merges_made=Merge.objects.count() - made,
        reviews=Review.objects.count() - reviews,
        strengths=strengths,
        over_limit=over,
    )


def _standing() -> int:
    return Profile.objects.filter(merged_into__isnull=True).count()


def _block(organization: Organization, by: Actor) -> int:
    """Set aside what the block list names now."""
    patterns = [_like(text) for text in organization.blocked]
    with connection.cursor() as cursor:
        cursor.execute(_NAMED, [patterns] * 3)
        named = cursor.fetchall()
    groups: dict[str, list[str]] = {}
    for key, raw in named:
        identifier = replace(owners.read(key), raw=raw)
        why = identifiers.blocked(identifier, own_domains=organization.own_domains, patterns=organization.blocked)
        if why:
            groups.setdefault(why, []).append(key)
    for why, keys in groups.items():
        owners.lock_keys(keys)
        separations.retire(keys, organization=organization, status=Status.BLOCKED, because=why, by=by)
    return sum(map(len, groups.values()))


def _like(pattern: str) -> str:
    """The pattern of the block list, as SQL's LIKE writes it."""
    escaped = pattern.casefold().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%").replace("?", "_")


def _share(organization: Organization, wanted: Rules, by: Actor) -> int:
    """Set aside what is shared by the thresholds set now."""
    with connection.cursor() as cursor:
        cursor.execute(_CROWDED, [min(wanted.shared_from.values())])
        suspects = [key for (key,) in cursor.fetchall()]
    aside = _aside(suspects)
    keys = sightings.crowded([key for key in suspects if key not in aside], wanted)
    if keys:
        owners.lock_keys(keys)
        separations.retire(
            keys, organization=organization, status=Status.SHARED, because=separations.SHARED_BECAUSE, by=by
        )
    return len(keys)


def _aside(keys: Iterable[str]) -> set[str]:
    return {key for key, _, status, _ in owners.look_up(list(keys)) if status != Status.ACTIVE}


def _no_longer_aside(organization: Organization, wanted: Rules) -> list[str]:
    """What neither the block list nor the thresholds keep aside any more; what a person set aside stays."""
    found = []
    for row in Identifier.objects.filter(status__in=[Status.BLOCKED, Status.SHARED], added_by_staff=False):
        key = f"{row.kind}:{row.value}"
        identifier = replace(owners.read(key), raw=row.raw)
        if row.status == Status.BLOCKED:
            kept = identifiers.blocked(
                identifier, own_domains=organization.own_domains, patterns=organization.blocked
            ) or not row.because.startswith(identifiers.ON_THE_LIST)
        else:
            kept = bool(sightings.crowded([key], wanted))
        if not kept:
            found.append(key)
    return found


def _take_back(keys: Sequence[str], organization: Organization) -> None:
    """The rows go, and every fact that bears them is attached as if it came now."""
    if not keys:
        return
    owners.lock_keys(keys)
    for key in keys:
        kind, _, value = key.partition(":")
        Identifier.objects.filter(kind=kind, value=value).exclude(status=Status.ACTIVE).delete()
    touched: set[int] = set()
    orders: list[int] = []
    seen = sightings.bearing(keys)
    for model in forsaken.fact_models():
        ids = seen.get(model._meta.label, [])
        if not ids:
            continue
        model._base_manager.filter(pk__in=ids).update(settled_identifiers=None)
        rows = list(model._base_manager.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"))
        touched |= resolution.settle(rows, organization=organization)
        if model.settles_as == "order":
            orders += ids
    settlement.request(organization.pk, orders=orders, profiles=touched, wake_worker=False)


def bearers(keys: Sequence[str]) -> int:
    """How many facts bear one of these values."""
    return Sighting.objects.filter(key__in=list(keys)).values("fact", "fact_id").distinct().count()

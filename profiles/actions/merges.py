"""Bringing two customers together and taking it back exactly (IDENTITY.md, SPEC PRO-5 and PRO-6).

A merge walks every table that points to a profile and journals each row it moves, so that a table born later is
covered the day it is born. A model says `derived = True` if it is recomputed, `journal_stays = True` if its rows keep
naming the absorbed profile, and `follows = "order"` if its rows belong where that fact belongs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models
from django.db.models import Q

from profiles import clock, tenancy
from profiles.actions import audit, settlement, streams, suggestions, turns
from profiles.actors import Actor, Invalid, NotFound, Refusal
from profiles.models import Fact, Identifier, Merge, Profile, Review, Separation

VERIFIED_AT_LEAST = 2


class AlreadyUndone(Refusal):
    """This merge was taken back before."""

    title = "Already undone"


class AlreadyMerged(Refusal):
    """These two are one customer already."""

    title = "Already merged"


_MOVE = """
WITH moved AS (UPDATE {table} SET {column} = %s WHERE {column} = %s RETURNING id)
INSERT INTO profiles_mergemove (organization_id, merge_id, model, field, row_id, former_id)
SELECT %s, %s, %s, %s, id, %s FROM moved
"""
_RETURN = """
UPDATE {table} t SET {column} = m.former_id FROM profiles_mergemove m
 WHERE m.merge_id = %s AND m.model = %s AND m.field = %s AND m.former_id = %s AND t.id = m.row_id AND t.{column} = %s
   {and_}
"""
_STAY = """
INSERT INTO profiles_mergemove (organization_id, merge_id, model, field, row_id, former_id)
SELECT %s, %s, %s, 'profile', id, profile_id FROM {table}
 WHERE profile_id = %s AND identifiers && (SELECT array_agg(kind || ':' || value)
                                             FROM profiles_identifier WHERE profile_id = %s)
"""


def moving_fields() -> Sequence[tuple[type[models.Model], models.Field[Any, Any]]]:
    """Every column that names a customer and moves with a merge."""
    found = []
    for relation in Profile._meta.related_objects:
        model = relation.related_model
        if not getattr(model, "derived", False) and not getattr(model, "journal_stays", False):
            found.append((model, relation.field))
    return found


def merge_by_staff(one: int, other: int, *, by: Actor, because: str, verified: Sequence[str]) -> Merge:
    """A person's merge: needs the right to, a written reason and two data points verified (SPEC PRO-6)."""
    by.require("merge")
    reason = audit.require_reason(because)
    points = [str(point).strip() for point in verified if str(point).strip()]
    if len(set(points)) < VERIFIED_AT_LEAST:
        raise Invalid("Name at least two different data points you verified, for example the e-mail and the phone.")
    turns.alone(tenancy.current())
    return merge(one, other, by=by, because=reason, verified=points)


def merge(
    one: int,
    other: int,
    *,
    by: Actor,
    because: str,
    verified: Sequence[str] = (),
    matched: Sequence[str] = (),
    trigger: str = "",
    rule_version: str = "1",
) -> Merge:
    """Make one customer of two; the older profile survives. Raises NotFound, Invalid, AlreadyMerged."""
    survivor, absorbed = both(one, other)
    merge_row = Merge.objects.create(
        organization_id=survivor.organization_id,
        survivor=survivor,
        absorbed=absorbed,
        at=clock.now(),
        automatic=not by.is_person,
        actor_id=by.user_id,
        actor_label=by.label,
        reason=because,
        verified=list(verified),
        matched=list(matched),
        trigger=trigger,
        rule_version=rule_version,
    )
    _note_who_stays(merge_row)
    for model, field in moving_fields():
        _move(merge_row, model, field)
    absorbed.merged_into = survivor
    absorbed.save(update_fields=["merged_into"])
    suggestions.merged(merge_row)
    _settle_both(merge_row)
    audit.record(
        "profile.merged",
        by=by,
        subject=merge_row,
        because=because,
        profile_id=survivor.pk,
        details={"survivor": survivor.pk, "absorbed": absorbed.pk, "rows": moved(merge_row)},
    )
    streams.tell_merge(merge_row)
    return merge_row


def both(one: int, other: int) -> tuple[Profile, Profile]:
    """Two customers who can be merged, the older first, for this transaction alone.

    Raises NotFound, Invalid, AlreadyMerged. Whoever takes the turn of the organization takes it before.
    """
    low, high = sorted((one, other))
    if low == high:
        raise Invalid("A customer cannot be merged with itself.")
    found = {p.pk: p for p in Profile.objects.select_for_update(no_key=True).filter(pk__in=[low, high]).order_by("pk")}
    if len(found) < 2:
        raise NotFound("One of the two customers does not exist.")
    survivor, absorbed = found[low], found[high]
    if survivor.merged_into_id or absorbed.merged_into_id:
        raise AlreadyMerged("One of the two was merged into another customer before; open that one.")
    return survivor, absorbed


def moved(merge_row: Merge) -> int:
    """How many rows this merge moved; the journal also holds a few that only stayed."""
    return merge_row.moves.filter(former_id=merge_row.absorbed_id).count()


def undo(merge_row: Merge, *, by: Actor, because: str) -> Merge:
    """Put every row back where it stood; what came since goes to the side whose identifiers it bears.

    Raises AlreadyUndone. Both sides fit a fact: it stays and a review is queued. The two will not be merged again
    by rule. Needs the right to.
    """
    by.require("undo_merge")
    reason = audit.require_reason(because)
    turns.alone(merge_row.organization_id)
    merge_row = Merge.objects.select_for_update(no_key=True).get(pk=merge_row.pk)
    if merge_row.undone_at:
        raise AlreadyUndone(f"Already undone by {merge_row.undone_by}.")
    root = root_of(merge_row.survivor_id)
    ids = sorted({root, merge_row.absorbed_id})
    list(Profile.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"))
    put_back(merge_row, root)
    _share_out(merge_row, root)
    Separation.objects.bulk_create(
        [
            Separation(
                organization_id=merge_row.organization_id,
                low_id=merge_row.survivor_id,
                high_id=merge_row.absorbed_id,
                merge=merge_row,
                at=clock.now(),
            )
        ],
        ignore_conflicts=True,
    )
    close(merge_row, by=by, because=reason)
    suggestions.parted(merge_row)
    _settle_both(merge_row, root)
    audit.record(
        "profile.merge_undone",
        by=by,
        subject=merge_row,
        because=reason,
        profile_id=root,
        details={"survivor": root, "absorbed": merge_row.absorbed_id},
    )
    streams.tell_merge(merge_row)
    return merge_row


def put_back(merge_row: Merge, root: int) -> None:
    """The absorbed customer stands again with every journalled row that is still with the root."""
    Profile.objects.filter(pk=merge_row.absorbed_id).update(merged_into=None)
    for model, field in moving_fields():
        _return(merge_row, model, field, root)


def close(merge_row: Merge, *, by: Actor, because: str) -> None:
    """Note that a merge stands no longer."""
    merge_row.undone_at, merge_row.undone_by, merge_row.undo_reason = clock.now(), by.label[:200], because
    merge_row.save(update_fields=["undone_at", "undone_by", "undo_reason"])


def kept_apart(profile_ids: Iterable[int]) -> bool:
    """Whether a person said of any two of these, or of customers absorbed by them, that they are different people."""
    ids = set(profile_ids)
    if len(ids) < 2:
        return False
    rows = Profile.objects.filter(Q(pk__in=ids) | Q(merged_into__in=ids)).values_list("pk", "merged_into")
    stands_for = {pk: merged_into or pk for pk, merged_into in rows}
    pairs = Separation.objects.filter(low__in=stands_for, high__in=stands_for).values_list("low", "high")
    return any(stands_for[low] != stands_for[high] for low, high in pairs)


def root_of(profile_id: int) -> int:
    """Who stands for this customer today: itself, or whoever absorbed it."""
    merged_into = Profile.objects.values_list("merged_into_id", flat=True).get(pk=profile_id)
    return merged_into or profile_id


def _settle_both(merge_row: Merge, root: int | None = None) -> None:
    from profiles.actions import proofs, resolution  # these call each other: both of them merge

    ids = {root or merge_row.survivor_id, merge_row.absorbed_id}
    resolution.strengthen(ids, merge_row.organization)
    proofs.recount(ids)
    # Whoever merges by rule is a worker, and looks for what is due anyway; waking would make all others wait for it.
    settlement.request(merge_row.organization_id, profiles=ids, wake_worker=not merge_row.automatic)


def _names(model: type[models.Model], field: models.Field[Any, Any]) -> dict[str, str]:
    quote = connection.ops.quote_name
    return {"table": quote(model._meta.db_table), "column": quote(str(field.column))}


def _move(merge_row: Merge, model: type[models.Model], field: models.Field[Any, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _MOVE.format(**_names(model, field)),
            [
                merge_row.survivor_id,
                merge_row.absorbed_id,
                merge_row.organization_id,
                merge_row.pk,
                model._meta.label,
                field.name,
                merge_row.absorbed_id,
            ],
        )


def _return(
    merge_row: Merge, model: type[models.Model], field: models.Field[Any, Any], root: int, *, leader: str | None = None
) -> None:
    """Put back by the journal what is with the root; with a `leader`, only rows that have none."""
    without: Any = model._meta.get_field(leader) if leader else None
    and_ = f"AND t.{connection.ops.quote_name(without.column)} IS NULL" if without else ""
    with connection.cursor() as cursor:
        cursor.execute(
            _RETURN.format(**_names(model, field), and_=and_),
            [merge_row.pk, model._meta.label, field.name, merge_row.absorbed_id, root],
        )


def _note_who_stays(merge_row: Merge) -> None:
    """Journal the survivor's facts that bore the other's identifiers before: an undo leaves them where they are."""
    from profiles.actions import resolution

    with connection.cursor() as cursor:
        for model in resolution.fact_models():
            cursor.execute(
                _STAY.format(table=connection.ops.quote_name(model._meta.db_table)),
                [
                    merge_row.organization_id,
                    merge_row.pk,
                    model._meta.label,
                    merge_row.survivor_id,
                    merge_row.absorbed_id,
                ],
            )


def return_others(merge_row: Merge, *, root: int) -> None:
    """Put back by the journal what is neither a fact, nor follows one, nor an identifier.

    Of what may follow a fact, the rows that follow none: what was given without an order is nobody else's to move.
    """
    for model, field in moving_fields():
        if not (issubclass(model, Fact) or model is Identifier):
            _return(merge_row, model, field, root, leader=getattr(model, "follows", None))


def _share_out(merge_row: Merge, root: int) -> None:
    """Facts and identifiers that came since the merge: to the side whose own identifiers they bear."""
    from profiles.actions import resolution

    returned = _keys(merge_row.absorbed_id)
    since = set(
        Identifier.objects.filter(profile_id=root, created_at__gt=merge_row.recorded_at, added_by_staff=False)
        .exclude(pk__in=merge_row.moves.filter(model=Identifier._meta.label).values("row_id"))
        .values_list("pk", flat=True)
    )
    new = _keys(root, only=since)
    own = _keys(root) - new
    facts: list[Fact] = [
        fact
        for model in resolution.fact_models()
        for fact in model._base_manager.filter(profile_id=root, identifiers__len__gt=0).exclude(
            pk__in=merge_row.moves.filter(model=model._meta.label, former_id=merge_row.survivor_id).values("row_id")
        )
    ]
    groups = _components(facts, new)
    sides: dict[str, set[str]] = {}
    for fact in facts:
        marks = _marks(fact, returned, own)
        for key in new & set(fact.identifiers):
            sides.setdefault(groups[key], set()).update(marks)
    going: dict[type[Fact], list[int]] = {}
    for fact in facts:
        marks = _marks(fact, returned, own)
        for key in new & set(fact.identifiers):
            marks |= sides[groups[key]]
        if marks == {"absorbed"}:
            going.setdefault(type(fact), []).append(fact.pk)
        elif marks == {"absorbed", "survivor"}:
            _doubt(merge_row, fact, root)
    for model, ids in going.items():
        model._base_manager.filter(pk__in=ids).update(profile_id=merge_row.absorbed_id)
        follow(model, ids, former=root, now=merge_row.absorbed_id)
    leaving = [key for key in new if sides.get(groups[key]) == {"absorbed"}]
    for key in leaving:
        kind, _, value = key.partition(":")
        Identifier.objects.filter(kind=kind, value=value).update(profile_id=merge_row.absorbed_id)


def _keys(profile_id: int, only: set[int] | None = None) -> set[str]:
    rows = Identifier.objects.filter(profile_id=profile_id)
    if only is not None:
        rows = rows.filter(pk__in=only)
    return {f"{kind}:{value}" for kind, value in rows.values_list("kind", "value")}


def _marks(fact: Fact, returned: set[str], own: set[str]) -> set[str]:
    keys = set(fact.identifiers)
    return ({"absorbed"} if keys & returned else set()) | ({"survivor"} if keys & own else set())


def _components(facts: Sequence[Fact], new: set[str]) -> dict[str, str]:
    """Group the new identifiers that some fact bears together; each maps to its group's representative."""
    parent = {key: key for key in new}

    def find(key: str) -> str:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for fact in facts:
        first, *others = sorted(new & set(fact.identifiers)) or [""]
        for key in others:
            parent[find(key)] = find(first)
    return {key: find(key) for key in new}


def follow(model: type[Fact], ids: Sequence[int], *, former: int, now: int | None) -> None:
    """Rows that belong to a fact go where the fact goes."""
    for follower, field in moving_fields():
        leader = getattr(follower, "follows", None)
        if leader and follower._meta.get_field(leader).related_model is model:
            follower._base_manager.filter(**{f"{leader}__in": ids, field.name: former}).update(**{field.name: now})


def _doubt(merge_row: Merge, fact: Fact, root: int) -> None:
    Review.objects.get_or_create(
        organization_id=merge_row.organization_id,
        kind=Review.Kind.AFTER_UNDO,
        subject=f"{fact._meta.label}:{fact.pk}",
        defaults={
            "profile_id": root,
            "candidates": [root, merge_row.absorbed_id],
            "explanation": "It came after a merge that was undone and bears identifiers of both sides.",
        },
    )
    streams.tell_review(Review.Kind.AFTER_UNDO, f"{fact._meta.label}:{fact.pk}")

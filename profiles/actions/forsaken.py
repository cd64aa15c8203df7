"""Identifiers that no fact bears any more, and customers with nothing left: taken away."""

from collections.abc import Iterable, Sequence

from profiles import bulk
from profiles.models import Fact, Identifier, Profile, Sighting


def drop(facts: Sequence[Fact]) -> set[int]:
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
            if identifier.added_by_staff or _borne_by_another(identifier):
                continue
            if identifier.profile_id:
                touched.add(identifier.profile_id)
            identifier.delete()
    forget_empty(touched)
    return {profile_id for profile_id in touched if Profile.objects.filter(pk=profile_id).exists()}


def forget_empty(profile_ids: Iterable[int]) -> None:
    """Delete those of these customers to whom nothing belongs any more."""
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


def _identifiers(keys: Iterable[str]) -> list[Identifier]:
    found: list[Identifier] = []
    for key in keys:
        kind, _, value = key.partition(":")
        found += Identifier.objects.filter(kind=kind, value=value)
    return found


def _borne_by_another(identifier: Identifier) -> bool:
    """Whether another fact of its customer bears it: the fact's own sighting is gone by now."""
    key = f"{identifier.kind}:{identifier.value}"
    if identifier.profile_id is None:
        return Sighting.objects.filter(key=key).exists()
    seen: dict[str, list[int]] = {}
    for label, fact_id in Sighting.objects.filter(key=key).values_list("fact", "fact_id"):
        seen.setdefault(label, []).append(fact_id)
    return any(
        model._base_manager.filter(pk__in=seen[model._meta.label], profile_id=identifier.profile_id).exists()
        for model in fact_models()
        if model._meta.label in seen
    )

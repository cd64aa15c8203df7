"""Likely same people as a person judges them: the open pairs, what both are known by, and the next one to look at."""

from collections.abc import Sequence

from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import Combinable

from orders.models import ProfileTotal
from profiles import likeness
from profiles.likeness import Likeness
from profiles.models import Identifier, Profile, Separation, Suggestion
from profiles.queries import people

AT_MOST = 5
SHOWN = 20


def waiting() -> QuerySet[Suggestion]:
    """The pairs a person should look at, the surest first."""
    return Suggestion.objects.filter(state=Suggestion.State.OPEN).order_by("-score", "-pk")


def about(profile: Profile | Combinable) -> QuerySet[Suggestion]:
    """The open suggestions about a customer, the surest first."""
    either = Q(low=profile) | Q(high=profile)
    return waiting().filter(either).select_related("low", "high")[:AT_MOST]


def told_apart(profile_id: int) -> Q:
    """A filter of customers: those of whom a person said that they are somebody else than this one."""
    own = Profile.objects.filter(Q(pk=profile_id) | Q(merged_into=profile_id)).values("pk")
    outer = OuterRef(OuterRef("pk"))
    others = Profile.objects.filter(Q(pk=outer) | Q(merged_into=outer)).values("pk")
    either = Q(low__in=own, high__in=others) | Q(low__in=others, high__in=own)
    dismissed = Suggestion.objects.filter(either, state=Suggestion.State.DISMISSED)
    return Q(Exists(Separation.objects.filter(either))) | Q(Exists(dismissed))


def after(suggestion: Suggestion) -> int | None:
    """The next pair of the queue, from its top again at its end; None where no other waits."""
    rest = waiting().exclude(pk=suggestion.pk)
    below = Q(score__lt=suggestion.score) | Q(score=suggestion.score, pk__lt=suggestion.pk)
    found = rest.filter(below).values_list("pk", flat=True).first()
    return found or rest.values_list("pk", flat=True).first()


def next_of(rows: QuerySet[models.Model], pk: int) -> int | None:
    """The row of a queue that comes after this one, newest first and then from its top; None where no other waits."""
    rest = rows.exclude(pk=pk).order_by("-pk").values_list("pk", flat=True)
    found: int | None = rest.filter(pk__lt=pk).first() or rest.first()
    return found


def compared(one: Profile, other: Profile) -> Likeness:
    """What is found of two customers now."""
    known = people.known([one.pk, other.pk])
    if len(known) < 2:
        return Likeness(0, ())
    return likeness.compare(known[one.pk], known[other.pk])


def known_by(profiles: Sequence[Profile]) -> tuple[dict[int, list[Identifier]], dict[int, list[ProfileTotal]]]:
    """Identifiers and totals of these customers; two queries."""
    quiet = (Identifier.Kind.COOKIE, Identifier.Kind.DEVICE)
    rows = Identifier.objects.filter(profile__in=profiles).exclude(kind__in=quiet).order_by("kind", "value")
    identifiers: dict[int, list[Identifier]] = {profile.pk: [] for profile in profiles}
    for row in rows:
        identifiers[row.profile_id or 0].append(row)
    totals: dict[int, list[ProfileTotal]] = {profile.pk: [] for profile in profiles}
    for total in ProfileTotal.objects.filter(profile__in=profiles).order_by("-net_minor", "currency"):
        totals[total.profile_id].append(total)
    return {pk: found[:SHOWN] for pk, found in identifiers.items()}, totals

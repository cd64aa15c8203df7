"""What a customer proved: that an e-mail address is theirs. The first proof claims the customer (SPEC FUL-7, SUP-14).

Whether a customer is claimed follows from their proved addresses, so that a merge brings it along and its undo takes
it back. The proofs themselves (a link, a code, another's word for it) are made and checked elsewhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection
from django.db.models import F

from profiles import clock, identifiers, rules
from profiles.actions import audit, owners, settlement, streams, turns
from profiles.actors import Actor, Refusal
from profiles.models import Identifier, Merge, Organization, Profile, Review

EMAIL = Identifier.Kind.EMAIL

# By each customer's own index, whatever is known of the tables: in a new organization nothing is, and a join went
# through all of both for each of them.
_RECOUNT = """
UPDATE profiles_profile p
   SET claimed_at = (SELECT min(i.verified_at) FROM profiles_identifier i WHERE i.profile_id = p.id)
 WHERE p.id = ANY(%s) AND p.merged_into_id IS NULL
   AND p.claimed_at IS DISTINCT FROM (SELECT min(i.verified_at) FROM profiles_identifier i WHERE i.profile_id = p.id)
"""


class NotTheirs(Refusal):
    """The address is not one of this customer's (any more)."""

    status = 410
    title = "Not their address"


class Unusable(Refusal):
    """The address can belong to no customer: it is the seller's, shared by many, or set aside."""

    title = "Address cannot be used"


@dataclass(frozen=True, slots=True)
class Attached:
    """Whose the address is now. `merge` brought its former owner along; with `review` a person has to decide first."""

    profile_id: int
    merge: Merge | None = None
    review: Review | None = None


def verify(profile_id: int, address: str, *, by: Actor, how: str) -> Profile:
    """The customer proved an address on record; the first proof claims what they bought. Raises NotTheirs.

    `how` says what proved it, for the audit log.
    """
    profile = Profile.objects.select_for_update(no_key=True).get(pk=profile_id)
    row = Identifier.objects.filter(profile=profile, kind=EMAIL, value=address, status=Identifier.Status.ACTIVE).first()
    if row is None:
        raise NotTheirs("This address is no longer one of this customer's.")
    _proved(row)
    if profile.claimed_at is None:
        # Addresses that come later are for recognising, until the customer says otherwise.
        if not Identifier.objects.filter(profile=profile, preferred_at__isnull=False).exists():
            Identifier.objects.filter(pk=row.pk).update(preferred_at=clock.now())
        recount([profile.pk])
        profile.refresh_from_db(fields=["claimed_at"])
        settlement.request(profile.organization_id, profiles=[profile.pk])
        audit.record("profile.claimed", by=by, subject=profile, because=how, profile_id=profile.pk)
    return profile


def attach(profile_id: int, address: str, *, by: Actor, how: str) -> Attached:
    """The customer proved one more address: it is theirs, and so is what its former owner bought. Raises Unusable.

    Where the two cannot be one (two cards of one programme, or a person said *do not link*), a review is opened.
    """
    organization = Organization.objects.get(
        pk=Profile.objects.values_list("organization_id", flat=True).get(pk=profile_id)
    )
    turns.alone(organization.pk)
    key = f"{EMAIL}:{address}"
    owners.lock_keys([key])
    row = Identifier.objects.filter(kind=EMAIL, value=address).first()
    if row is None:
        return Attached(_add(profile_id, address, organization, by=by, how=how))
    if row.status != Identifier.Status.ACTIVE or row.profile_id is None:
        raise Unusable("This address cannot be used to recognise one person.")
    _proved(row)
    if row.profile_id == profile_id:
        return Attached(profile_id)
    return _join(profile_id, row, by=by, how=how)


def prefer(profile_id: int, address: str, *, instead_of: str, by: Actor, because: str = "") -> None:
    """The customer's mail goes to this address of theirs from now on; the other one only recognises them."""
    mine = Identifier.objects.filter(profile=profile_id, kind=EMAIL, status=Identifier.Status.ACTIVE)
    row = mine.filter(value=address).first()
    if row is None:
        raise NotTheirs("This address is no longer one of this customer's.")
    now = clock.now()
    mine.filter(pk=row.pk).update(preferred_at=now, retired_at=None)
    former = mine.filter(value=instead_of).exclude(pk=row.pk).first()
    if former is not None:
        mine.filter(pk=former.pk).update(retired_at=now, preferred_at=None)
    audit.record(
        "profile.email_changed",
        by=by,
        because=because,
        profile_id=profile_id,
        organization_id=row.organization_id,
        details={"identifier": row.pk, "former": former.pk if former else None},
    )


def mail_addresses(profile_ids: Iterable[int]) -> dict[int, list[str]]:
    """Where mail may reach each of these customers: the address they chose first, then the newest. One query."""
    rows = (
        Identifier.objects.filter(
            profile__in=list(profile_ids), kind=EMAIL, status=Identifier.Status.ACTIVE, retired_at__isnull=True
        )
        .order_by(F("preferred_at").desc(nulls_last=True), "-pk")
        .values_list("profile_id", "value")
    )
    found: dict[int, list[str]] = {}
    for profile_id, value in rows:
        if profile_id is not None and (usable := identifiers.mailable(value)):
            found.setdefault(profile_id, []).append(usable)
    return found


def recount(profile_ids: Iterable[int]) -> None:
    """Whether these customers are claimed, by the proved addresses they have now. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_RECOUNT, [sorted(set(profile_ids))])


def _proved(row: Identifier) -> None:
    Identifier.objects.filter(pk=row.pk, verified_at__isnull=True).update(verified_at=clock.now())


def _add(profile_id: int, address: str, organization: Organization, *, by: Actor, how: str) -> int:
    """An address of nobody joins the customer, as far as the rules of identity allow."""
    from profiles.actions import resolution  # the two call each other: resolution merges

    found = identifiers.normalise(EMAIL, address)
    if found is None or identifiers.blocked(found, own_domains=organization.own_domains, patterns=organization.blocked):
        raise Unusable("This address cannot be used to recognise one person.")
    mine = Identifier.objects.filter(profile=profile_id, status=Identifier.Status.ACTIVE).values_list("kind", "value")
    keys = {f"{kind}:{value}" for kind, value in mine}
    if rules.read(organization.identity).too_many({f"{EMAIL}:{address}"}, keys):
        raise Unusable("There are as many addresses on record already as one customer may have.")
    row = Identifier.objects.create(
        organization=organization,
        kind=EMAIL,
        value=found.value,
        spelled=found.spelled[:420],
        raw=address,
        profile_id=profile_id,
        # No fact bears it: what a person put there stays with the customer.
        added_by_staff=True,
        verified_at=clock.now(),
    )
    resolution.strengthen([profile_id], organization)
    recount([profile_id])
    audit.record(
        "identifier.proved", by=by, subject=row, because=how, profile_id=profile_id, details={"identifier": row.pk}
    )
    settlement.request(organization.pk, profiles=[profile_id])
    return profile_id


def _join(profile_id: int, row: Identifier, *, by: Actor, how: str) -> Attached:
    """Both addresses are one person's, who proved it: their two customers become one, if nothing speaks against."""
    from profiles.actions import merges  # the two call each other: merges recount

    other = row.profile_id
    assert other is not None
    keys = Identifier.objects.filter(profile__in=[profile_id, other]).values_list("kind", "value")
    kind = (
        Review.Kind.SEPARATED
        if merges.kept_apart([profile_id, other])
        else Review.Kind.CONFLICT
        if rules.conflicting(f"{name}:{value}" for name, value in keys)
        else None
    )
    if kind is not None:
        return Attached(profile_id, review=_doubt(kind, profile_id, other, row))
    merge = merges.merge(
        profile_id,
        other,
        by=by,
        because="The customer proved that both addresses are theirs.",
        verified=[how, "signed in to their library by another address of theirs"],
        matched=[f"{EMAIL}:{row.value}"],
    )
    return Attached(merge.survivor_id, merge=merge)


_DOUBTS = {
    Review.Kind.SEPARATED: "One person proved addresses of two customers of whom somebody said that they differ.",
    Review.Kind.CONFLICT: "One person proved addresses of two customers with two loyalty ids of one programme.",
}


def _doubt(kind: Review.Kind, profile_id: int, other: int, row: Identifier) -> Review:
    subject = f"{Identifier._meta.label}:{row.pk}"
    review, fresh = Review.objects.get_or_create(
        organization_id=row.organization_id,
        kind=kind,
        subject=subject,
        defaults={
            "profile_id": profile_id,
            "candidates": sorted({profile_id, other}),
            "explanation": _DOUBTS[kind],
        },
    )
    if fresh:
        streams.tell_review(kind, subject)
    return review

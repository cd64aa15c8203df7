"""Taking a value out of matching, and parting the customers that only it had joined (IDENTITY.md, step 2).

What remains is decided by what remains: facts that still bear a common identifier, or that a person brought together,
stay one customer. A merge whose sides fall apart is taken back; nobody says *do not link* of them, for a value of their
own may join them again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Q

from profiles import clock, tenancy
from profiles.actions import audit, forsaken, merges, owners, proofs, settlement, sightings, streams, suggestions
from profiles.actors import Actor
from profiles.models import Fact, Identifier, Merge, MergeMove, Organization, Profile, Review
from profiles.rules import RULE_VERSION

Node = tuple[str, int]
"""A row by app.Model and id. The anchor, what a person put with the customer, is ("", 0)."""
ANCHOR: Node = ("", 0)

SHARED_BECAUSE = "It was seen with too many other identifiers within 90 days to be one person's."

_RETIRE = """
INSERT INTO profiles_identifier
       (organization_id, kind, value, spelled, raw, profile_id, status, added_by_staff, set_aside_at, because)
SELECT %s, v.kind, v.value, v.spelled, '', NULL, %s, false, %s, %s
  FROM unnest(%s::text[], %s::text[], %s::text[]) AS v(kind, value, spelled) ORDER BY v.kind, v.value
ON CONFLICT (organization_id, kind, value) DO UPDATE
   SET status = excluded.status, profile_id = NULL, set_aside_at = excluded.set_aside_at, because = excluded.because
RETURNING id, kind || ':' || value
"""


@dataclass
class Parted:
    """How one customer's rows fall apart: each list is one customer from now on, the first is who stays."""

    profile_id: int
    groups: list[list[Node]] = field(default_factory=list)
    alone: list[Node] = field(default_factory=list)
    """Facts that bear nothing to recognise anybody by any more."""

    @property
    def customers(self) -> int:
        return len(self.groups)


def retire(
    keys: Sequence[str],
    *,
    organization: Organization,
    status: Identifier.Status,
    because: str,
    by: Actor,
    busy: Sequence[Fact] = (),
) -> set[int]:
    """These values join nobody from now on; returns the customers that changed.

    The caller holds the locks of the keys. Facts that lost their customer look for another by what they still bear,
    except those the caller is `busy` with, and attaches itself.
    """
    holders = _holders(keys)
    absorbed = Profile.objects.filter(merged_into__in=holders).values_list("pk", flat=True)
    owners.lock_profiles({*holders, *absorbed})
    with connection.cursor() as cursor:
        pairs = [key.partition(":") for key in keys]
        spelled = [owners.read(key).spelled[:420] for key in keys]
        now = clock.now()
        kinds, values = [kind for kind, _, _ in pairs], [value for _, _, value in pairs]
        cursor.execute(_RETIRE, [organization.pk, str(status), now, because[:300], kinds, values, spelled])
        rows = {key: pk for pk, key in cursor.fetchall()}
    touched, parted = set(holders), []
    for profile_id in sorted(holders):
        found = part(profile_id)
        parted.append(found)
        touched |= _separate(found, because=because, by=by)
    for key, pk in rows.items():
        _list_for_review(key, pk, because, parted, organization)
    forsaken.forget_empty(touched)
    touched = set(Profile.objects.filter(pk__in=touched).values_list("pk", flat=True))
    proofs.recount(touched)
    _attach_again(parted, {(fact._meta.label, fact.pk) for fact in busy}, organization)
    orders = [pk for found in parted for label, pk in found.alone if label in _settled_by_themselves()]
    settlement.request(organization.pk, orders=orders, profiles=touched, wake_worker=not busy)
    audit.record(
        "identifier.set_aside",
        by=by,
        because=because,
        details={"identifiers": list(keys), "customers_parted": sum(max(0, p.customers - 1) for p in parted)},
        organization_id=organization.pk,
    )
    return touched


def part(profile_id: int) -> Parted:
    """How what this customer has falls apart by the identifiers that may still join it."""
    identifiers = Identifier.objects.filter(profile_id=profile_id, status=Identifier.Status.ACTIVE)
    label = Identifier._meta.label
    nodes: dict[str, Node] = {}
    links: list[tuple[Node, Node]] = []
    for pk, kind, value, by_staff in identifiers.values_list("pk", "kind", "value", "added_by_staff").order_by("pk"):
        nodes[f"{kind}:{value}"] = (label, pk)
        if by_staff:
            links.append((ANCHOR, (label, pk)))
    found = Parted(profile_id)
    ages: dict[Node, Any] = {}
    for model in forsaken.fact_models():
        for fact in model._base_manager.filter(profile_id=profile_id).order_by("pk"):
            node = (model._meta.label, fact.pk)
            joined = [nodes[key] for key in fact.identifiers if key in nodes]
            if fact.linked_by_staff or not fact.identifiers:
                joined.append(ANCHOR)
            if not joined:
                found.alone.append(node)
                continue
            ages[node] = (fact.happened_at, fact.pk)
            links += [(node, other) for other in joined]
    known = {*nodes.values(), *ages}
    former = {node: owner for node, owner in _former(profile_id).items() if node in known}
    own = [node for node in ages if node not in former] or list(ages)
    # What a person put there, and the oldest fact of its own, stay with the customer.
    links.append((ANCHOR, min(own, key=lambda node: ages[node]) if own else next(iter(nodes.values()), ANCHOR)))
    links += _by_staff(profile_id, former)
    found.groups = _components(known, links)
    found.groups.sort(key=lambda group: (ANCHOR not in group, min(group)))
    return found


def _holders(keys: Sequence[str]) -> set[int]:
    """The customers who own one of these values or one of the facts that bear it."""
    found = {profile_id for _, profile_id, *_ in owners.look_up(list(keys)) if profile_id}
    seen = sightings.bearing(keys)
    for model in forsaken.fact_models():
        ids = seen.get(model._meta.label)
        if ids:
            rows = model._base_manager.filter(pk__in=ids, profile__isnull=False)
            found |= set(rows.order_by().values_list("profile_id", flat=True).distinct())
    return found


def _former(profile_id: int) -> dict[Node, int]:
    """Of the rows merges brought to this customer: whose they were, by the merge that first moved them."""
    standing = Merge.objects.filter(undone_at__isnull=True).filter(
        Q(survivor=profile_id) | Q(survivor__merged_into=profile_id)
    )
    moves = MergeMove.objects.filter(merge__in=standing, former_id__in=standing.values("absorbed"))
    found: dict[Node, int] = {}
    for model, row_id, former_id in moves.order_by("-pk").values_list("model", "row_id", "former_id"):
        found[(model, row_id)] = former_id
    return found


def _by_staff(profile_id: int, former: Mapping[Node, int]) -> list[tuple[Node, Node]]:
    """A merge by a person holds its two sides together, whatever identifiers they have left."""
    rows = Merge.objects.filter(undone_at__isnull=True, automatic=False).filter(
        Q(survivor=profile_id) | Q(survivor__merged_into=profile_id)
    )
    first: dict[int, Node] = {}
    for node, owner in sorted(former.items()):
        first.setdefault(owner, node)
    return [
        (first.get(survivor, ANCHOR), first[absorbed])
        for survivor, absorbed in rows.values_list("survivor", "absorbed")
        if absorbed in first
    ]


def _components(nodes: Iterable[Node], links: Sequence[tuple[Node, Node]]) -> list[list[Node]]:
    parent: dict[Node, Node] = {node: node for node in nodes}

    def find(node: Node) -> Node:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for one, other in links:
        parent[find(one)] = find(other)
    groups: dict[Node, list[Node]] = {}
    for node in sorted(parent):
        groups.setdefault(find(node), []).append(node)
    return [group for group in groups.values() if group != [ANCHOR]]


def _separate(found: Parted, *, because: str, by: Actor) -> set[int]:
    """Give each group but the first a customer of its own: who it was before a merge, else a new one."""
    touched: set[int] = set()
    former = _former(found.profile_id)
    homes: dict[int, int] = {}
    for group in found.groups[1:]:
        before = sorted({former[node] for node in group if node in former} - set(homes))
        if before:
            home, *others = before
        else:
            home, others = _new(found.profile_id, group), []
        Profile.objects.filter(pk=home).update(merged_into=None)
        for other in (home, *others):
            homes[other] = home
        _give(group, former=found.profile_id, now=home)
        for other in others:
            _stay_merged(home, other, group, former, because=because, by=by)
        touched.add(home)
    for node in found.alone:
        _give([node], former=found.profile_id, now=None)
    _take_back(found.profile_id, homes, because=because, by=by)
    return touched


def _stay_merged(
    home: int, other: int, group: Sequence[Node], former: Mapping[Node, int], *, because: str, by: Actor
) -> None:
    """Two who were absorbed by one customer, and are still one person without it."""
    Profile.objects.filter(pk=other).update(merged_into=home)
    if Merge.objects.filter(undone_at__isnull=True, absorbed=other, survivor__in={*former.values()}).exists():
        return
    organization_id = tenancy.current()
    row = Merge.objects.create(
        organization_id=organization_id,
        survivor_id=home,
        absorbed_id=other,
        at=clock.now(),
        automatic=True,
        actor_label=by.label,
        reason=f"They bear common identifiers still. {because}",
        rule_version=RULE_VERSION,
    )
    MergeMove.objects.bulk_create(
        MergeMove(
            organization_id=organization_id, merge=row, model=node[0], field="profile", row_id=node[1], former_id=other
        )
        for node in group
        if former.get(node) == other
    )
    streams.tell_merge(row)


def _new(profile_id: int, group: Sequence[Node]) -> int:
    organization_id = Profile.objects.values_list("organization_id", flat=True).get(pk=profile_id)
    names = (getattr(fact, "customer_name", "") or getattr(fact, "name", "") for fact in _facts(group))
    return Profile.objects.create(organization_id=organization_id, name=next(filter(None, names), "")[:300]).pk


def _facts(group: Sequence[Node]) -> list[Fact]:
    found: list[Fact] = []
    for model in forsaken.fact_models():
        ids = [pk for label, pk in group if label == model._meta.label]
        if ids:
            found += model._base_manager.filter(pk__in=ids).order_by("pk")
    return found


def _give(group: Sequence[Node], *, former: int, now: int | None) -> None:
    """Hand these rows over, and what follows them."""
    identifiers = [pk for label, pk in group if label == Identifier._meta.label]
    if identifiers:
        Identifier.objects.filter(pk__in=identifiers).update(profile_id=now)
    for model in forsaken.fact_models():
        ids = [pk for label, pk in group if label == model._meta.label]
        if ids:
            model._base_manager.filter(pk__in=ids).update(profile_id=now)
            merges.follow(model, ids, former=former, now=now)


def _take_back(profile_id: int, homes: Mapping[int, int], *, because: str, by: Actor) -> None:
    """Merges whose sides stand apart now are undone; their other rows go back by the journal."""
    if not homes:
        return
    for row in Merge.objects.filter(undone_at__isnull=True, absorbed__in=homes).order_by("pk"):
        survivor = homes.get(row.survivor_id, profile_id)
        if survivor == homes[row.absorbed_id]:
            continue
        merges.return_others(row, root=profile_id)
        row.undone_at, row.undone_by, row.undo_reason = clock.now(), by.label, because
        row.save(update_fields=["undone_at", "undone_by", "undo_reason"])
        suggestions.parted(row)
        streams.tell_merge(row)


def _list_for_review(
    key: str, identifier_id: int, because: str, parted: Sequence[Parted], organization: Organization
) -> None:
    apart = sum(max(0, found.customers - 1) for found in parted)
    says = f"{owners.read(key).spelled} joins nobody any more. {because}"
    Review.objects.bulk_create(
        [
            Review(
                organization=organization,
                kind=Review.Kind.SHARED,
                profile_id=parted[0].profile_id if parted and parted[0].groups else None,
                subject=f"{Identifier._meta.label}:{identifier_id}",
                candidates=[],
                explanation=f"{says} {apart} customers were separated." if apart else says,
            )
        ],
        ignore_conflicts=True,
    )
    streams.tell_review(Review.Kind.SHARED, f"{Identifier._meta.label}:{identifier_id}")


def _settled_by_themselves() -> set[str]:
    return {model._meta.label for model in forsaken.fact_models() if model.settles_as == "order"}


def _attach_again(parted: Sequence[Parted], busy: set[Node], organization: Organization) -> None:
    from profiles.actions import resolution  # the two call each other: resolution retires

    lost: dict[str, list[int]] = {}
    for found in parted:
        for label, pk in set(found.alone) - busy:
            lost.setdefault(label, []).append(pk)
    for model in forsaken.fact_models():
        ids = lost.get(model._meta.label)
        if ids:
            model._base_manager.filter(pk__in=ids).update(settled_identifiers=None)
            rows = list(model._base_manager.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"))
            resolution.settle(rows, organization=organization)

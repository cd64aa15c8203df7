"""Cutting a link: an identifier joins nobody any more, and those whom it alone had joined stand apart again.

Facts and the identifiers they bear form a graph. Without the identifier it may fall into parts: the one with the
customer's own oldest identifier stays, each other leaves to the customer it came from by a merge, else to a new one.
The ends are those of a history in which the identifier had been blocked from the start. What a person joined stays
joined, and facts that bear nothing else stay with the identifier. Nothing is deleted; "Use again" joins the parts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db.models import Q

from profiles import clock
from profiles.actions import audit, merges, proofs, resolution, settlement, turns
from profiles.actors import Actor, Refusal
from profiles.models import Cut, Fact, Identifier, Merge, MergeMove, Organization, Profile

RULES = Actor.system("identity rules")
IDENTIFIER = Identifier._meta.label


class NotMatching(Refusal):
    """The identifier joins nobody as it is."""

    title = "Not used for matching"


class UsedAgain(Refusal):
    """The cut was taken back before."""

    title = "Already used again"


class KeptApart(Refusal):
    """Somebody said since that those to be joined are different people."""

    title = "Different people"


@dataclass
class Part:
    """Facts and identifiers that hang together; `merges` brought (some of) them here, newest first."""

    identifiers: set[int] = field(default_factory=set)
    facts: dict[str, set[int]] = field(default_factory=dict)
    merges: list[Merge] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many facts it holds."""
        return sum(len(ids) for ids in self.facts.values())


@dataclass(frozen=True)
class Plan:
    """What a cut would do: the parts that leave, and the facts that bear nothing else and stay with the identifier."""

    root: int
    stays: Part
    leaving: tuple[Part, ...]
    alone: Part
    alone_leaves: Merge | None = None
    """The merge that brought a customer who is known by this identifier alone; they leave with these facts."""
    goes_to: int | None = None
    """The customer with whom the identifier leaves, and these facts with it; None where it stays."""


def cut(identifier: Identifier, *, by: Actor, because: str) -> Cut:
    """Take an identifier off matching and separate whom it alone had joined. Raises NotMatching."""
    by.require("undo_merge")
    reason = audit.require_reason(because)
    turns.alone(identifier.organization_id)
    identifier = Identifier.objects.select_for_update(no_key=True).get(pk=identifier.pk)
    if identifier.status != Identifier.Status.ACTIVE:
        raise NotMatching(f"This identifier is not used for matching: {identifier.get_status_display().lower()}.")
    planned = plan(identifier)
    resolution.lock_profiles([planned.root, *(merge.absorbed_id for part in planned.leaving for merge in part.merges)])
    undone: list[int] = []
    apart = [_part(part, planned.root, undone, by=by, because=reason) for part in planned.leaving]
    if (last := planned.alone_leaves) is not None:
        # Who absorbed them may have left a moment ago, and taken them along.
        now = merges.root_of(last.absorbed_id)
        apart.append(_part(Part(merges=[last]), now, undone, by=by, because=reason))
    identifier.refresh_from_db()
    identifier.status = Identifier.Status.BLOCKED
    identifier.save(update_fields=["status"])
    for former in {planned.root, *apart}:
        _give(planned.alone, former=former, now=identifier.profile_id or planned.root)
    row = Cut.objects.create(
        organization_id=identifier.organization_id,
        identifier=identifier,
        profile_id=planned.root,
        at=clock.now(),
        actor_label=by.label[:200],
        reason=reason,
        merges=undone,
        apart=sorted(apart),
    )
    _settle({planned.root, *apart}, row)
    audit.record(
        "identifier.cut",
        by=by,
        subject=identifier,
        because=reason,
        profile_id=planned.root,
        details={"cut": row.pk, "merges": undone, "customers": sorted(apart)},
    )
    return row


def use_again(row: Cut, *, by: Actor, because: str) -> int:
    """Match by the identifier again and join whom the cut separated; returns whose it is. Raises UsedAgain, KeptApart.

    Facts that came meanwhile and bear it find their customer by the rules, as if it had never been cut.
    """
    by.require("undo_merge")
    reason = audit.require_reason(because)
    turns.alone(row.organization_id)
    row = Cut.objects.select_for_update(no_key=True).get(pk=row.pk)
    if row.undone_at:
        raise UsedAgain(f"Already used again, said by {row.undone_by}.")
    roots = sorted({merges.root_of(pk) for pk in (row.profile_id, *row.apart)})
    if merges.kept_apart(roots):
        raise KeptApart("A person said since that these are different people: merge them by hand if that was wrong.")
    identifier = Identifier.objects.select_for_update(no_key=True).get(pk=row.identifier_id)
    identifier.status = Identifier.Status.ACTIVE
    identifier.save(update_fields=["status"])
    for other in roots[1:]:
        merges.merge(roots[0], other, by=by, because=reason, matched=[identifier.spelled], trigger=f"Cut:{row.pk}")
    row.undone_at, row.undone_by, row.undo_reason = clock.now(), by.label[:200], reason
    row.save(update_fields=["undone_at", "undone_by", "undo_reason"])
    _settle({*roots, *_find_again(identifier)}, row)
    audit.record(
        "identifier.used_again",
        by=by,
        subject=identifier,
        because=reason,
        profile_id=roots[0],
        details={"cut": row.pk, "customers": roots},
    )
    return roots[0]


def _settle(profile_ids: set[int], row: Cut) -> None:
    resolution.strengthen(profile_ids, row.organization)
    proofs.recount(profile_ids)
    settlement.request(row.organization_id, profiles=profile_ids)


# The graph -------------------------------------------------------------------------------------------------------


class _Graph:
    """A customer's facts and active identifiers without the one to be cut, and which hang together."""

    def __init__(self, cut: Identifier) -> None:
        if cut.profile_id is None:
            raise NotMatching("This identifier belongs to nobody.")
        self.cut, self.key, self.root = cut, f"{cut.kind}:{cut.value}", cut.profile_id
        rows = Identifier.objects.filter(profile=self.root, status=Identifier.Status.ACTIVE).exclude(pk=cut.pk)
        self.identifiers = {f"{row.kind}:{row.value}": row for row in rows}
        self.parent: dict[str, str] = {}
        self.alone: dict[str, set[int]] = {}
        self.bearing: set[str] = set()
        self.facts: dict[str, tuple[str, int]] = {}
        for model in resolution.fact_models():
            self._read(model)
        for row in self.identifiers.values():
            if row.added_by_staff:
                self.join("staff", self._name(row.pk))
        for merge in self.standing:
            if not merge.automatic:
                self._keep_joined(merge)

    def _read(self, model: type[Fact]) -> None:
        label, linked = model._meta.label, hasattr(model, "linked_by_staff")
        columns = ["pk", "identifiers", *(["linked_by_staff"] if linked else [])]
        for pk, keys, *by_staff in model._base_manager.filter(profile=self.root).values_list(*columns):
            name = f"{label}:{pk}"
            mine = [self.identifiers[key].pk for key in keys if key in self.identifiers]
            if any(by_staff):
                self.join("staff", name)
            elif not mine:
                if self.key in keys:
                    self.alone.setdefault(label, set()).add(pk)
                continue
            self.facts[name] = (label, pk)
            for identifier in mine:
                self.join(name, self._name(identifier))
            if self.key in keys:
                self.bearing.add(name)

    @cached_property
    def standing(self) -> list[Merge]:
        """The merges into this customer that stand, newest first."""
        rows = Merge.objects.filter(absorbed__merged_into=self.root, undone_at__isnull=True)
        return list(rows.order_by("-pk"))

    @cached_property
    def moved(self) -> Mapping[int, set[int]]:
        """By merge: the identifiers it brought."""
        found: dict[int, set[int]] = {merge.pk: set() for merge in self.standing}
        moves = MergeMove.objects.filter(merge__in=list(found), model=IDENTIFIER, field="profile")
        absorbed = {merge.pk: merge.absorbed_id for merge in self.standing}
        for merge_id, row_id, former_id in moves.values_list("merge_id", "row_id", "former_id"):
            if former_id == absorbed[merge_id]:
                found[merge_id].add(row_id)
        return found

    def _keep_joined(self, merge: Merge) -> None:
        """A person said of both sides of this merge that they are one: all that was theirs then hangs together."""
        later = {pk for other in self.standing if other.pk > merge.pk for pk in self.moved[other.pk]}
        for row in self.identifiers.values():
            if row.pk in self.moved[merge.pk] or (row.created_at <= merge.recorded_at and row.pk not in later):
                self.join("staff", self._name(row.pk))

    @staticmethod
    def _name(identifier_id: int) -> str:
        return f"{IDENTIFIER}:{identifier_id}"

    def find(self, name: str) -> str:
        self.parent.setdefault(name, name)
        while self.parent[name] != name:
            self.parent[name] = self.parent[self.parent[name]]
            name = self.parent[name]
        return name

    def join(self, one: str, other: str) -> None:
        self.parent[self.find(other)] = self.find(one)

    def parts(self) -> tuple[Part, list[Part]]:
        """The part that stays, with all the cut does not touch; and the parts that only the identifier held here."""
        touched = {self.find(name) for name in self.bearing}
        own = self._own_first(touched)
        found = {name: Part() for name in touched}
        stays = found[own] if own else Part()
        for row in self.identifiers.values():
            found.get(self.find(self._name(row.pk)), stays).identifiers.add(row.pk)
        for name, (label, pk) in self.facts.items():
            found.get(self.find(name), stays).facts.setdefault(label, set()).add(pk)
        return stays, [part for name, part in sorted(found.items()) if name != own]

    def _own_first(self, touched: set[str]) -> str:
        """The part that stays: what a person joined, else the one with the customer's own oldest identifier."""
        if "staff" in self.parent and self.find("staff") in touched:
            return self.find("staff")
        brought = set().union(*self.moved.values())
        order = sorted(self.identifiers.values(), key=lambda row: (row.pk in brought, row.pk))
        return next((part for row in order if (part := self.find(self._name(row.pk))) in touched), "")


def plan(identifier: Identifier) -> Plan:
    """What cutting this identifier would do; a fixed number of queries, and nothing is written."""
    graph = _Graph(identifier)
    stays, leaving = graph.parts()
    active = {row.pk for row in graph.identifiers.values()}
    for part in leaving:
        part.merges = [
            merge
            for merge in graph.standing
            if merge.automatic and (side := graph.moved[merge.pk] & active) and side <= part.identifiers
        ]
    alone = Part(facts=graph.alone)
    only = [merge for merge in graph.standing if merge.automatic and graph.moved[merge.pk] == {identifier.pk}]
    came = next(iter(only), None) if graph.identifiers else None
    back = [came] if came else [merge for part in leaving for merge in part.merges]
    goes_to = next((merge.absorbed_id for merge in back if identifier.pk in graph.moved[merge.pk]), None)
    return Plan(graph.root, stays, tuple(leaving), alone, came, goes_to)


# Moving ----------------------------------------------------------------------------------------------------------


def _part(part: Part, root: int, undone: list[int], *, by: Actor, because: str) -> int:
    """Have a part leave; returns to whom. Merges that brought it are taken back, and what has come since follows."""
    back: list[int] = []
    for merge in part.merges:
        if merges.root_of(merge.absorbed_id) == root:
            merges.put_back(merge, root)
            merges.close(merge, by=by, because=because)
            back.append(merge.absorbed_id)
            undone.append(merge.pk)
    target = min(back) if back else _new_customer(part, root)
    for other in sorted(set(back) - {target}):
        merges.merge(target, other, by=RULES, because="Joined by identifiers other than the one that was cut.")
    Identifier.objects.filter(pk__in=part.identifiers, profile=root).update(profile=target)
    _give(part, former=root, now=target)
    return target


def _give(part: Part, *, former: int, now: int) -> None:
    """These facts go to their customer, and what follows them too."""
    for model in resolution.fact_models():
        ids = sorted(part.facts.get(model._meta.label, ()))
        if ids and former != now:
            model._base_manager.filter(pk__in=ids, profile=former).update(profile_id=now)
            merges.follow(model, ids, former=former, now=now)


def _new_customer(part: Part, root: int) -> int:
    organization_id = Profile.objects.values_list("organization_id", flat=True).get(pk=root)
    names = (
        name for model in resolution.fact_models() for name in _names(model, part.facts.get(model._meta.label, ()))
    )
    return Profile.objects.create(organization_id=organization_id, name=next(names, "")).pk


def _names(model: type[Fact], ids: Iterable[int]) -> Sequence[str]:
    columns = {column.name for column in model._meta.concrete_fields} & {"customer_name", "name"}
    for column in sorted(columns):
        rows: Any = model._base_manager.filter(pk__in=sorted(ids)).exclude(**{column: ""}).order_by("pk")
        return list(rows.values_list(column, flat=True)[:1])
    return ()


def _find_again(identifier: Identifier) -> set[int]:
    """Settle the facts that bear it afresh; of other kinds than e-mail and phone only those without a customer."""
    organization = Organization.objects.get(pk=identifier.organization_id)
    touched: set[int] = set()
    for model in resolution.fact_models():
        columns = {column.name for column in model._meta.concrete_fields}
        of = Q(**{identifier.kind: identifier.value}) if identifier.kind in columns else Q(profile__isnull=True)
        rows = model._base_manager.filter(of, identifiers__contains=[f"{identifier.kind}:{identifier.value}"])
        facts = list(rows.select_for_update(of=("self",), no_key=True).order_by("pk"))
        for fact in facts:
            fact.settled_identifiers = None
        touched |= resolution.settle(facts, organization=organization)
    return touched

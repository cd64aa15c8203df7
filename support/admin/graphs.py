"""Why are these one person? A customer's merges, identifiers and facts in words, in order of time, and as a picture."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from profiles.actions import audit
from profiles.actors import Actor
from profiles.models import Cut, Identifier, Merge, Profile
from support import pictures
from support.admin import dialogs
from support.admin.base import BAD, OVER, WELL, address_of, masked, moment, redacted, when, word
from support.pictures import Edge, Node
from support.queries import graphs
from support.queries.graphs import Graph, Group

DRAWN = 16
"""So many of each sort are drawn; the words tell of more."""
NAMED = 5
LAYERS = ("Customers", "Known by", "Orders and messages")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One step of the story; `button` cuts the link it tells of, or uses it again."""

    at: datetime
    rank: int
    text: str
    icon: str
    word: Any = ""
    button: dialogs.Button | None = None


def why(request: HttpRequest, profile: Profile, *, site: Any) -> HttpResponse:
    """The page of a customer that stands; one that was absorbed leads to whoever took its place."""
    if profile.merged_into_id is not None:
        return redirect(address_of_why(profile.merged_into_id))
    actor: Actor = request.actor  # type: ignore[attr-defined]
    graph = graphs.of_profile(profile)
    audit.record(
        "profile.viewed", by=actor, subject=profile, profile_id=profile.pk, details={"page": "why"}, at=moment()
    )
    words = Words(graph, request)
    story = sorted(words.story(), key=lambda sentence: (sentence.at, sentence.rank))
    nodes, edges = list(words.nodes()), list(words.edges())
    context = {
        **site.each_context(request),
        "title": f"Why is {masked(str(profile), request)} one person?",
        "profile": profile,
        "url": address_of(Profile, profile.pk),
        "summary": words.summary(),
        "story": [(sentence, when(sentence.at)) for sentence in story],
        "wide": pictures.wide(nodes, edges, LAYERS),
        "narrow": pictures.narrow(nodes, edges, LAYERS),
        "described": f"{len(nodes)} boxes and {len(edges)} lines; the sentences above say the same in words.",
        "left_out": [f"{count:,} {what}" for what, count in graph.left_out.items()],
        "acts": dialogs.buttons(actor, ("merge", profile.pk, True)),
    }
    return TemplateResponse(request, "admin/why.html", context)


def address_of_why(profile_id: int) -> str:
    return reverse("admin:profiles_profile_why", args=[profile_id])


class Words:
    """A graph in the words that this member of staff may read."""

    def __init__(self, graph: Graph, request: HttpRequest) -> None:
        self.graph, self.request = graph, request
        self.root = graph.profile.pk
        self.actor: Actor = request.actor  # type: ignore[attr-defined]
        self.cuts = {cut.identifier_id: cut for cut in graph.cuts if cut.undone_at is None}
        self.by_key = {graphs.key(row): row for row in graph.identifiers}
        self.merges = {merge.pk: merge for merge in graph.merges}

    # Words.

    def named(self, row: Identifier) -> str:
        """Phone +49 151 …"""
        return f"{row.get_kind_display()} {self.value(row)}"

    def value(self, row: Identifier) -> str:
        return masked(row.spelled.partition(":")[2], self.request)

    def customer(self, pk: int) -> str:
        name = self.graph.people.get(pk, "")
        return f"customer {pk}" if not name or name == f"Customer {pk}" else f"{masked(name, self.request)} ({pk})"

    def summary(self) -> str:
        """What there is, in one sentence."""
        graph, standing = self.graph, self.graph.standing
        active = sum(1 for row in graph.identifiers if row.status == Identifier.Status.ACTIVE)
        hidden = {what: count for what, count in graph.left_out.items() if what not in ("merges", "identifiers")}
        facts: dict[tuple[str, str], int] = {}
        for group in graph.groups:
            facts[group.one, group.many] = facts.get((group.one, group.many), 0) + group.count
        told = [counted(count + hidden.get(many, 0), one, many) for (one, many), count in facts.items()]
        parts = [counted(1 + len(standing), "customer record"), counted(active, "active identifier"), *told]
        return f"{', '.join(parts[:-1])} and {parts[-1]} hang together here."

    def story(self) -> Iterator[Sentence]:
        """Every step, to be put in order of time."""
        profile = self.graph.profile
        first = min([profile.created_at, *(group.first for group in self.graph.groups if group.first)])
        yield Sentence(first, 0, f"{_first_up(self.customer(self.root))} was first seen.", "person")
        yield from (self._identifier(row) for row in self.graph.identifiers)
        for merge in self.graph.merges:
            yield from self._merge(merge)
        yield from (self._group(group) for group in self.graph.groups if len(self._known(group)) > 1 and group.last)
        for cut in self.graph.cuts:
            yield from self._cut(cut)

    def _identifier(self, row: Identifier) -> Sentence:
        merge = self.merges.get(self.graph.brought.get(row.pk, 0))
        came = f"came with {self.customer(merge.absorbed_id)}" if merge else "is known"
        counts = self.graph.borne.get(graphs.key(row), {})
        names = {group.label: (group.one, group.many) for group in self.graph.groups}
        borne = [counted(count, *names.get(label, ("fact", "facts"))) for label, count in sorted(counts.items())]
        own = "proved by the customer" if row.verified_at else "added by staff" if row.added_by_staff else ""
        told = f"borne by {_listed(borne)}" if borne else own or "borne by nothing"
        status = "" if row.status == Identifier.Status.ACTIVE else word(row.status, row.get_status_display())
        return Sentence(row.created_at, 1, f"{self.named(row)} {came}, {told}.", "key", status, self._scissors(row))

    def _scissors(self, row: Identifier) -> dialogs.Button | None:
        if cut := self.cuts.get(row.pk):
            return dialogs.button("use_again", cut.pk, self.actor)
        if row.status != Identifier.Status.ACTIVE:
            return None
        return dialogs.button("cut_identifier", row.pk, self.actor)

    def _merge(self, merge: Merge) -> Iterator[Sentence]:
        one, other = self.customer(merge.absorbed_id), self.customer(merge.survivor_id)
        text = f"{_first_up(one)} became part of {other}, by {merge.actor_label}: {self.evidence(merge)}"
        if merge.undone_at is None:
            cut = dialogs.button("undo_merge", merge.pk, self.actor, label="Cut…")
            yield Sentence(merge.at, 2, text, "merge", word("", "Merged", WELL), cut)
            return
        yield Sentence(merge.at, 2, text, "merge", word("dismissed", "Undone"))
        back = f"{_first_up(one)} stands apart from {other} again, by {merge.undone_by}: "
        yield Sentence(merge.undone_at, 3, back + redacted(merge.undo_reason, self.request), "call_split")

    def evidence(self, merge: Merge) -> str:
        """Why they were merged: the fact and what it bore, or what a person verified."""
        values = [self._spelled(key) for key in merge.matched]
        trigger = self.graph.triggers.get(merge.pk, "")
        if merge.automatic and trigger and values:
            return f"{trigger} bears {_listed(values)}."
        reason = redacted(merge.reason, self.request).rstrip(".")
        verified = [redacted(str(point), self.request) for point in merge.verified]
        return f"{reason} (verified: {_listed(verified)})." if verified else f"{reason}."

    def _spelled(self, key: str) -> str:
        kind, _, value = key.partition(":")
        label = Identifier.Kind(kind).label.lower() if kind in Identifier.Kind.values else kind
        return f"{label} {masked(value.partition('|')[2] or value, self.request)}"

    def _known(self, group: Group) -> list[Identifier]:
        return [self.by_key[key] for key in group.keys if key in self.by_key]

    def _group(self, group: Group) -> Sentence:
        rows = self._known(group)
        values = _listed([f"{row.get_kind_display().lower()} {self.value(row)}" for row in rows])
        verb = "bears" if group.count == 1 else "bear"
        holds = "this holds them together." if any(row.status == "active" for row in rows) else ""
        assert group.last is not None
        return Sentence(group.last, 4, f"{_first_up(group.words)} {verb} {values}: {holds}", "receipt_long")

    def _cut(self, cut: Cut) -> Iterator[Sentence]:
        left = [f"customer {pk}" for pk in cut.apart[:NAMED]]
        left += [f"{len(cut.apart) - NAMED:,} more"] if len(cut.apart) > NAMED else []
        what = f"{_listed(left)} left" if left else "nobody left"
        reason = redacted(cut.reason, self.request)
        text = f"{self.named(cut.identifier)} was cut by {cut.actor_label}, {what}: {reason}"
        yield Sentence(cut.at, 5, text, "content_cut", word("", "Cut", BAD if cut.undone_at is None else OVER))
        if cut.undone_at is not None:
            again = f"{self.named(cut.identifier)} was used again by {cut.undone_by}: "
            yield Sentence(cut.undone_at, 6, again + redacted(cut.undo_reason, self.request), "link")

    # Picture.

    def nodes(self) -> Iterator[Node]:
        """The customer and so many of what belongs to them."""
        yield Node(self._person(self.root), 0, _first_up(self.customer(self.root)), "stands for all", "root")
        standing = self.graph.standing[::-1]
        for merge in standing[:DRAWN]:
            note = f"merged {merge.at:%-d %b %Y}"
            yield Node(self._person(merge.absorbed_id), 0, _first_up(self.customer(merge.absorbed_id)), note, "person")
        yield from _rest(0, len(standing) + self.graph.left_out.get("merges", 0))
        for row in self.graph.identifiers[:DRAWN]:
            note = row.get_kind_display() if row.status == "active" else f"{row.get_kind_display()}, {row.status}"
            yield Node(f"i{row.pk}", 1, self.value(row), note, row.status)
        yield from _rest(1, len(self.graph.identifiers) + self.graph.left_out.get("identifiers", 0))
        groups = self._drawn_groups()
        for group in groups:
            yield Node(group.id, 2, _first_up(group.words), _span(group), "fact")
        yield from _rest(2, len(self.graph.groups))

    def edges(self) -> Iterator[Edge]:
        """Merges, who brought which identifier, and which facts bear it."""
        for merge in self.graph.standing:
            yield Edge(self._person(self.root), self._person(merge.absorbed_id), self.evidence(merge), "merge")
        for row in self.graph.identifiers[:DRAWN]:
            brought = self.merges.get(self.graph.brought.get(row.pk, 0))
            owner = brought.absorbed_id if brought else self.root
            tone = "" if row.status == Identifier.Status.ACTIVE else "off"
            yield Edge(self._person(owner), f"i{row.pk}", f"{self.named(row)} of {self.customer(owner)}", tone)
            for group in self._drawn_groups():
                if graphs.key(row) in group.keys:
                    yield Edge(f"i{row.pk}", group.id, f"{group.words} with {self.named(row)}", tone)

    def _drawn_groups(self) -> list[Group]:
        return sorted(self.graph.groups, key=lambda group: (-len(group.keys), -group.count, group.id))[:DRAWN]

    @staticmethod
    def _person(pk: int) -> str:
        return f"p{pk}"


def _rest(layer: int, count: int) -> Iterator[Node]:
    """A box for what is not drawn."""
    if count > DRAWN:
        yield Node(f"rest{layer}", layer, f"and {count - DRAWN:,} more", "told in the words above", "rest")


def _span(group: Group) -> str:
    if group.first is None or group.last is None:
        return ""
    first, last = f"{group.first:%-d %b %Y}", f"{group.last:%-d %b %Y}"
    return first if first == last else f"{first} to {last}"


def _first_up(text: str) -> str:
    return text[:1].upper() + text[1:]


def _listed(parts: Iterable[str]) -> str:
    *most, last = list(parts) or [""]
    return f"{', '.join(most)} and {last}" if most else last


def counted(number: int, one: str, many: str = "") -> str:
    """1 order, 1,200 orders"""
    return f"{number:,} {one if number == 1 else many or one + 's'}"

"""Whoever is one customer is so by the links that remain: a plain union-find over them says the same (IDENTITY.md)."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders.models import Order
from profiles.actions import events, merges
from profiles.events import Told
from profiles.models import Event, Identifier, Merge, MergeMove, Organization, Profile, Review
from tests.profiles.people import LEAD, People, broken, facts_of

_count = count()
START = datetime(2026, 11, 1, tzinfo=UTC)
# The story is about links: limits and shared values have tests of their own.
WIDE = dict.fromkeys(("phone", "email", "device", "cookie"), 1000)


def everybody(slug: str) -> People:
    people = People(slug)
    people.organization.identity = {"at_most": WIDE, "shared_from": WIDE}
    with people.inside():
        people.organization.save()
    return people


def happen(people: People, number: int, identifiers: dict[str, str], *, minutes: int) -> None:
    """A customer event told and settled."""
    told = Told(
        event_id=f"e-{number}",
        source="api:manual",
        type="page_view",
        occurred_at=START + timedelta(minutes=minutes),
        identifiers=identifiers,
        payload={},
    )
    with people.inside():
        events.record([told], organization=people.organization)


class Links:
    """A plain union-find."""

    def __init__(self) -> None:
        self.parent: dict[str, str] = {}

    def find(self, name: str) -> str:
        while self.parent.setdefault(name, name) != name:
            name = self.parent[name]
        return name

    def join(self, *names: str) -> None:
        for other in names[1:]:
            self.parent[self.find(other)] = self.find(names[0])


def by_links(people: People) -> set[frozenset[str]]:
    """Who belongs together by the links that remain, read from the facts and the merges, not from who has them."""
    links, named = Links(), set[str]()
    with people.inside():
        doubted = set(Review.objects.values_list("subject", flat=True))
        aside = {f"{r.kind}:{r.value}" for r in Identifier.objects.exclude(status="active")}
        for model in (Order, Event):
            for fact in model._base_manager.all():
                name = f"{model._meta.label}:{fact.pk}"
                keys = [key for key in fact.identifiers if key not in aside]
                if name not in doubted and keys:
                    links.join(name, *keys)
                    named |= {name, *keys}
        keys_of = {row.pk: f"{row.kind}:{row.value}" for row in Identifier.objects.all()}
        for merge in Merge.objects.filter(undone_at__isnull=True):
            moves = MergeMove.objects.filter(merge=merge, model=Identifier._meta.label)
            brought = [keys_of[pk] for pk in moves.filter(former_id=merge.absorbed_id).values_list("row_id", flat=True)]
            links.join(f"customer:{merge.survivor_id}", f"customer:{merge.absorbed_id}")
            for key in brought:
                links.join(f"customer:{merge.absorbed_id}", key)
        # Each customer's own oldest identifier stands for them in the merges above.
        for profile_id, pk in _firsts().items():
            if pk in keys_of:
                links.join(f"customer:{profile_id}", keys_of[pk])
    groups: dict[str, set[str]] = {}
    for name in list(links.parent):
        if name in named:
            groups.setdefault(links.find(name), set()).add(name)
    return {frozenset(group) for group in groups.values()}


def _firsts() -> dict[int, int]:
    """By customer: the identifier they began with, wherever it is now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT owner, min(id) FROM (SELECT profile_id AS owner, id FROM profiles_identifier WHERE id NOT IN"
            " (SELECT row_id FROM profiles_mergemove m JOIN profiles_merge g ON g.id = m.merge_id"
            "   WHERE m.model = %s AND g.undone_at IS NULL)"
            " UNION ALL SELECT former_id, row_id FROM profiles_mergemove m JOIN profiles_merge g ON g.id = m.merge_id"
            "   WHERE m.model = %s AND g.undone_at IS NULL AND former_id = g.absorbed_id) o GROUP BY owner",
            [Identifier._meta.label] * 2,
        )
        return dict(cursor.fetchall())


def by_customer(people: People) -> set[frozenset[str]]:
    """The same as the database has it."""
    groups: dict[int, set[str]] = {}
    with people.inside():
        doubted = set(Review.objects.values_list("subject", flat=True))
        borne: set[str] = set()
        for model in (Order, Event):
            for fact in model._base_manager.filter(profile__isnull=False):
                name = f"{model._meta.label}:{fact.pk}"
                if name not in doubted:
                    groups.setdefault(fact.profile_id or 0, set()).add(name)
                    borne |= set(fact.identifiers)
        # What only a doubtful fact bears is where that fact is until a person decides.
        for row in Identifier.objects.filter(status="active"):
            if f"{row.kind}:{row.value}" in borne:
                groups.setdefault(row.profile_id or 0, set()).add(f"{row.kind}:{row.value}")
    return {frozenset(group) for group in groups.values()}


bearing = st.fixed_dictionaries(
    {},
    optional={
        "email": st.sampled_from([f"{letter}@example.org" for letter in "abcd"]),
        "phone": st.sampled_from([f"+493090182{digit}" for digit in range(3)]),
        "cookie_id": st.sampled_from(["c1", "c2"]),
        "device_id": st.sampled_from(["d1", "d2"]),
    },
).filter(bool)
step = st.one_of(
    st.tuples(st.just("event"), bearing, st.integers(0, 500)),
    st.tuples(st.just("order"), bearing),
    st.tuples(st.just("merge"), st.integers(0, 9), st.integers(0, 9)),
    st.tuples(st.just("undo"), st.integers(0, 9)),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(story=st.lists(step, min_size=3, max_size=14))
def test_after_any_history_customers_are_what_the_remaining_links_say(db: None, story: list[Any]) -> None:
    with transaction.atomic():
        people = everybody(f"links-{next(_count)}")
        for number, (kind, *rest) in enumerate(story):
            if kind == "event":
                happen(people, number, rest[0], minutes=rest[1])
            elif kind == "order":
                people.send(number, **rest[0])
            elif kind == "merge":
                people.work()
                standing = people.standing()
                one, other = (standing[place % len(standing)] if standing else 0 for place in rest)
                if one != other:
                    people.merge(one, other)
            else:
                people.work()
                live = [merge for merge in people.merges() if merge.undone_at is None]
                if live:
                    people.undo(live[rest[0] % len(live)])
        people.work()
        assert by_customer(people) == by_links(people), json.dumps(story)
        assert broken(people) == []
        transaction.set_rollback(True)


CHAIN = 50


@pytest.mark.parametrize("undone", [0, 7, 24, 49])
def test_of_fifty_chained_merges_any_undone_leaves_what_the_others_alone_would(db: None, undone: int) -> None:
    people = everybody("chain")
    for number in range(CHAIN + 1):
        people.send(number, email=f"p{number}@example.org", phone=f"+4930901{1000 + number}")
    people.work()
    ids = people.standing()
    pairs = [(ids[place], ids[place + 1]) for place in range(CHAIN)][::-1]  # each absorbs all that came before
    with transaction.atomic():
        made = [_merge(people, pair) for pair in pairs]
        people.work()
        assert len(people.standing()) == 1
        people.undo(made[undone])
        after, whole = facts_of(people), broken(people)
        transaction.set_rollback(True)
    for place, pair in enumerate(pairs):
        if place != undone:
            _merge(people, pair)
    people.work()
    assert len(people.standing()) == 2 and whole == []
    assert after == facts_of(people)


def _merge(people: People, pair: tuple[int, int]) -> Merge:

    with people.inside():
        one, other = (Profile.objects.get(pk=pk) for pk in pair)
        points = ["e-mail", "order number"]
        return merges.merge_by_staff(
            one.merged_into_id or one.pk, other.merged_into_id or other.pk, by=LEAD, because="one", verified=points
        )


def test_the_rules_of_the_story_are_the_organizations_own(db: None) -> None:
    people = everybody("wide")
    with people.inside():
        assert Organization.objects.get().identity["at_most"]["email"] == 1000

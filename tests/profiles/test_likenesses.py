"""The search for likely same people: whom it compares, what it suggests, and when it looks again."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config import drains, dues
from profiles import clock
from profiles.actions import likenesses, merges, suggestions
from profiles.models import Identifier, Likeness, LikenessKey, Profile, Separation, Suggestion
from profiles.queries import people as known_people
from tests.profiles.people import LEAD, People

HOME = {"street": "Hauptstr. 5", "postcode": "20095", "city": "Hamburg"}


@pytest.fixture
def people(db: None) -> People:
    return People()


def look(people: People) -> likenesses.Found:
    """Look at everybody who is due, quiet or not."""
    found = likenesses.Found()
    with people.inside():
        while claims := likenesses.claim(100, early=likenesses.QUIET):
            found += likenesses.work(claims, people.organization.pk)
    return found


def pairs(people: People, state: str = "open") -> list[tuple[int, int, str]]:
    with people.inside():
        return list(Suggestion.objects.filter(state=state).order_by("pk").values_list("low", "high", "band"))


def twins(people: People, number: int = 1) -> tuple[int, int]:
    """One person as two customers: another mailbox spelling, the same name and home."""
    one = people.customer(number, email=f"maya.okafor{number}@gmail.com", name="Maya Okafor", address=HOME)
    home = {**HOME, "street": "5 Hauptstraße"}
    other = people.customer(number + 1, email=f"mayaokafor{number}@googlemail.com", name="Okafor, Maya", address=home)
    assert one != other
    return one, other


def test_one_person_as_two_customers_is_suggested_with_the_evidence(people: People) -> None:
    one, other = twins(people)
    people.buy(3, email="ivo@example.org", name="Ivo Brandt", address=HOME)
    look(people)
    assert pairs(people) == [(one, other, "almost_certain")]
    with people.inside():
        (row,) = Suggestion.objects.all()
    assert row.sentence == "Same mailbox, spelled another way, same address, same name"
    assert {found["field"] for found in row.evidence} == {"name", "email", "address"}
    assert row.score == sum(found["weight"] for found in row.evidence)


def test_nobody_is_merged_by_a_suggestion(people: People) -> None:
    one, other = twins(people)
    look(people)
    assert people.standing() == [one, other] and people.merges() == []


def test_they_are_found_whichever_came_last(people: People) -> None:
    one = people.customer(1, email="maya.okafor@gmail.com", name="Maya Okafor")
    look(people)
    assert pairs(people) == []
    other = people.customer(2, email="mayaokafor@gmail.com", name="Maya Okafor")
    found = look(people)
    assert (found.looked, found.changed) == (1, 1) and pairs(people) == [(one, other, "almost_certain")]


def test_who_has_not_changed_is_not_compared_again(people: People) -> None:
    twins(people)
    assert look(people).changed == 2
    people.buy(1, email="maya.okafor1@gmail.com", name="Maya Okafor", address=HOME, version=2)
    found = look(people)
    assert (found.looked, found.changed, found.compared) == (1, 0, 0)
    assert look(people).looked == 0


def test_looking_at_everybody_again_changes_nothing(people: People) -> None:
    twins(people)
    look(people)
    before = pairs(people)
    with people.inside():
        found_at = Suggestion.objects.get().found_at
        assert likenesses.request_missing(again=True) == 2
    assert look(people).changed == 2 and pairs(people) == before
    with people.inside():
        assert Suggestion.objects.get().found_at == found_at


def test_a_suggestion_goes_when_the_likeness_does(people: People) -> None:
    twins(people)
    look(people)
    people.send(2, email="ivo.brandt@example.org", name="Ivo Brandt", version=2)
    people.work()
    look(people)
    with people.inside():
        Profile.objects.filter(name="Okafor, Maya").update(name="Ivo Brandt")
        likenesses.request_missing(again=True)
    look(people)
    assert pairs(people) == []


def test_a_shared_or_blocked_value_tells_nothing(people: People) -> None:
    one = people.customer(1, email="maya.okafor@gmail.com")
    with people.inside():
        assert known_people.known([one])[one].emails == ("maya.okafor@gmail.com",)
        Identifier.objects.update(status=Identifier.Status.BLOCKED)
        assert known_people.known([one])[one].emails == ()


def test_those_whom_a_person_keeps_apart_are_not_suggested(people: People) -> None:
    one, other = twins(people)
    with people.inside():
        Separation.objects.create(organization=people.organization, low_id=one, high_id=other, at=clock.now())
    look(people)
    assert pairs(people) == []


def test_a_crowd_under_one_key_is_passed_over(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likenesses, "CROWD", 3)
    for number in range(1, 6):
        people.send(number, email=f"a{number}{'x' * number}@mail{number}.example", name="Maya Okafor", address=HOME)
    people.work()
    assert look(people).compared == 0
    monkeypatch.setattr(likenesses, "CROWD", 5)
    with people.inside():
        likenesses.request_missing(again=True)
    assert look(people).compared == 10


def test_a_batch_costs_the_same_whatever_its_size(people: People) -> None:
    def cost(ids: list[int]) -> int:
        with people.inside():
            Likeness.objects.update(digest="")
            with CaptureQueriesContext(connection) as captured:
                likenesses.find(ids, people.organization.pk)
        return len(captured)

    first = twins(people, 1)
    look(people)
    few = cost([first[0]])
    ids = [pk for number in range(11, 31, 2) for pk in twins(people, number)]
    look(people)
    assert cost(ids[:-1]) == few <= 20


# The queue -------------------------------------------------------------------------------------------------------


def test_the_workers_look_once_a_customer_is_quiet(people: People) -> None:
    one, other = twins(people)
    assert pairs(people) == []
    unclaimed, claimed = dues.outlook(people.organization.pk)
    assert claimed is None and unclaimed is not None and unclaimed > clock.real()
    with people.inside():
        Likeness.objects.update(due_at=clock.real() - timedelta(seconds=1))
    assert drains.round_of(people.organization.pk) == 2
    assert pairs(people) == [(one, other, "almost_certain")]
    assert dues.outlook(people.organization.pk) == (None, None)


def test_a_change_during_the_look_is_looked_at_again(people: People) -> None:
    one = people.customer(1, email="maya@example.org", name="Maya Okafor")
    with people.inside():
        claims = likenesses.claim(10, early=likenesses.QUIET)
        likenesses.request(people.organization.pk, [one])
        likenesses.work(claims, people.organization.pk)
        assert Likeness.objects.get().due_at is not None
    assert look(people).looked == 1


def test_who_was_forgotten_meanwhile_is_passed_over(people: People) -> None:
    one = people.customer(1, email="maya@example.org", name="Maya Okafor")
    with people.inside():
        likenesses.request(people.organization.pk, [one, one + 1000])
        assert list(Likeness.objects.values_list("profile", flat=True)) == [one]


def test_a_customer_that_cannot_be_compared_is_set_aside_with_the_error(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = twins(people)
    third = people.customer(9, email="ivo@example.org", name="Ivo Brandt")
    find = likenesses.find

    def choke(ids: list[int], organization_id: int) -> Any:
        if third in ids:
            raise ValueError("a name nobody can read")
        return find(ids, organization_id)

    monkeypatch.setattr(likenesses, "find", choke)
    for _ in range(3):
        with people.inside():
            Likeness.objects.filter(due_at__isnull=False).update(due_at=clock.real() - timedelta(seconds=1))
        drains.alike(people.organization.pk)
    with people.inside():
        sad = Likeness.objects.get(profile=third)
        assert sad.due_at is None and "a name nobody can read" in sad.last_error
        assert not Likeness.objects.exclude(profile=third).exclude(due_at=None).exists()
    assert pairs(people) == [(one, other, "almost_certain")]


# Merging and parting ---------------------------------------------------------------------------------------------


def test_a_merge_closes_the_suggestion_and_drops_those_of_the_absorbed(people: People) -> None:
    one, other = twins(people)
    third = people.customer(9, email="maya.okafor1@gmial.com", name="Maya Okafor")
    look(people)
    assert [(low, high) for low, high, _ in pairs(people)] == [(one, other), (one, third), (other, third)]
    people.merge(one, other)
    assert [(low, high) for low, high, _ in pairs(people)] == [(one, third)]
    assert [(low, high) for low, high, _ in pairs(people, "merged")] == [(one, other)]
    look(people)
    assert [(low, high) for low, high, _ in pairs(people)] == [(one, third)]
    with people.inside():
        assert not LikenessKey.objects.filter(profile=other).exists()


def test_an_undone_merge_is_not_suggested_again(people: People) -> None:
    one, other = twins(people)
    look(people)
    people.undo(people.merge(one, other))
    look(people)
    assert pairs(people) == []
    assert [(low, high) for low, high, _ in pairs(people, "dismissed")] == [(one, other)]


def test_who_was_absorbed_and_parted_before_anybody_looked_is_compared_again(people: People) -> None:
    one, other = twins(people)
    third = people.customer(9, email="maya.okafor1@gmial.com", name="Maya Okafor")
    look(people)
    people.undo(people.merge(one, other))
    assert [(low, high) for low, high, _ in pairs(people)] == [(one, third)]
    look(people)
    assert sorted((low, high) for low, high, _ in pairs(people)) == [(one, third), (other, third)]


def test_a_word_about_an_absorbed_customer_holds_for_its_survivor(people: People) -> None:
    one, other = twins(people)
    first = people.customer(20, email="zoe@example.org", name="Zoe Quist")
    look(people)
    with people.inside():
        suggestions.dismiss(Suggestion.objects.get(), by=LEAD, because="mother and daughter")
        merges.merge_by_staff(one, first, by=LEAD, because="married name", verified=["a", "b"])
    people.work()
    look(people)
    assert pairs(people) == [] and other in people.standing()


ACTS = st.lists(
    st.tuples(st.sampled_from(["buy", "merge", "undo", "look", "again"]), st.integers(1, 6), st.integers(1, 6)),
    max_size=10,
)


@given(ACTS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_any_history_the_open_suggestions_are_those_of_a_fresh_look(
    django_db_blocker: Any, db: None, acts: list[tuple[str, int, int]]
) -> None:
    from django.db import transaction

    with transaction.atomic():
        people = People(slug=f"s{Profile.objects.count()}")
        for number in range(1, 4):
            people.buy(number, email=f"maya.okafor+{number}@example.org", name="Maya Okafor")
        for act, one, other in acts:
            _act(people, act, one, other)
        look(people)
        found = pairs(people)
        with people.inside():
            Suggestion.objects.filter(state="open").delete()
            LikenessKey.objects.all().delete()
            Likeness.objects.all().delete()
            likenesses.request_missing(again=True)
        look(people)
        assert sorted(pairs(people)) == sorted(found)
        transaction.set_rollback(True)


def _act(people: People, act: str, one: int, other: int) -> None:
    standing = people.standing()
    if act == "buy":
        people.buy(10 * one + other, email=f"maya.okafor+{one}@example.org", name="Maya Okafor" if other > 2 else "Ivo")
    elif act == "merge" and len(standing) > 1 and one % len(standing) != other % len(standing):
        people.merge(standing[one % len(standing)], standing[other % len(standing)])
    elif act == "undo" and (done := [merge for merge in people.merges() if merge.undone_at is None]):
        people.undo(done[one % len(done)])
    elif act == "look":
        look(people)
    elif act == "again":
        with people.inside():
            likenesses.request_missing(again=True)

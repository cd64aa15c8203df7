"""Deciding about likely same people: dismissed, looked at again, kept apart."""

import pytest

from profiles.actions import suggestions
from profiles.actors import Actor, Invalid, NotPermitted
from profiles.models import AuditEntry, Separation, Suggestion
from tests.profiles.people import LEAD, People
from tests.profiles.test_likenesses import look, pairs, twins


@pytest.fixture
def people(db: None) -> People:
    people = People()
    twins(people)
    look(people)
    return people


def dismiss(people: People, *, separate: bool = False, by: Actor = LEAD, because: str = "two sisters") -> Suggestion:
    with people.inside():
        return suggestions.dismiss(Suggestion.objects.get(), by=by, because=because, separate=separate)


def test_different_people_do_not_come_back(people: People) -> None:
    row = dismiss(people)
    assert (row.state, row.decided_by, row.because, row.separated) == ("dismissed", "Lea", "two sisters", False)
    people.buy(1, email="maya.okafor1@gmail.com", name="Maya A. Okafor", version=3)
    look(people)
    assert pairs(people) == []
    with people.inside():
        assert not Separation.objects.exists()
        assert AuditEntry.objects.get(action="suggestion.dismissed").details["customers"] == [row.low_id, row.high_id]


def test_they_come_back_when_the_evidence_grows(people: People) -> None:
    dismiss(people)
    people.buy(30, email="maya.okafor1@gmail.com", phone="+4915112345678", name="Maya Okafor")
    people.buy(31, email="mayaokafor1@googlemail.com", phone="+4915112345687", name="Maya Okafor")
    look(people)
    ((_, _, band),) = pairs(people)
    assert band == "almost_certain"


def test_do_not_link_keeps_rules_from_merging_them(people: People) -> None:
    row = dismiss(people, separate=True)
    assert row.separated
    people.buy(40, email="maya.okafor1@gmail.com", loyalty_id="L1")
    people.send(41, email="mayaokafor1@googlemail.com", loyalty_id="L1")
    people.work()
    assert len(people.standing()) == 2 and people.merges() == [] and people.reviews() == ["separated"]


def test_a_dismissal_is_taken_back_with_its_do_not_link(people: People) -> None:
    row = dismiss(people, separate=True)
    with people.inside():
        suggestions.reopen(row, by=LEAD, because="pressed the wrong one")
        assert not Separation.objects.exists()
    assert len(pairs(people)) == 1
    look(people)
    assert len(pairs(people)) == 1
    with people.inside(), pytest.raises(suggestions.NotDecided):
        suggestions.reopen(row, by=LEAD, because="once more")


def test_a_do_not_link_of_somebody_else_stays_when_a_dismissal_is_taken_back(people: People) -> None:
    with people.inside():
        suggestion = Suggestion.objects.get()
        Separation.objects.create(
            organization=people.organization, low=suggestion.low, high=suggestion.high, at="2026-11-01T00:00:00Z"
        )
    row = dismiss(people, separate=True)
    assert row.separated is False
    with people.inside():
        suggestions.reopen(row, by=LEAD, because="pressed the wrong one")
        assert Separation.objects.count() == 1


def test_deciding_twice_is_refused(people: People) -> None:
    dismiss(people)
    with pytest.raises(suggestions.AlreadyDecided, match="Already decided by Lea"):
        dismiss(people)


def test_it_needs_the_right_and_a_reason(people: People) -> None:
    with pytest.raises(NotPermitted):
        dismiss(people, by=Actor(label="Al", role="agent"))
    with pytest.raises(Invalid):
        dismiss(people, because="  ")
    assert len(pairs(people)) == 1

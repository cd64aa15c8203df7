"""Bringing customers together and taking it back exactly, whatever came between."""

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from profiles.actions import merges
from profiles.actors import Actor, Invalid, NotFound, NotPermitted
from profiles.models import AuditEntry, Identifier, Profile, Review
from tests.profiles.people import LEAD, People, broken, facts_of


@pytest.fixture
def people(db: None) -> People:
    return People()


def cast(people: People, count: int) -> list[int]:
    """So many customers, each with one order, by their ids."""
    ids = [people.buy(number, email=f"p{number}@example.org", total=f"{number}0.00") for number in range(1, count + 1)]
    return [pk for pk in ids if pk is not None]


# Merging --------------------------------------------------------------------------------------------------------


def test_the_older_survives_whichever_is_named_first(people: People) -> None:
    one, two = cast(people, 2)
    merge = people.merge(two, one)
    assert (merge.survivor_id, merge.absorbed_id) == (one, two)
    assert people.standing() == [one] and people.owners(1, 2) == [one, one]
    assert people.total(one) == (2, 3000) and people.total(two) == (0, 0)
    assert people.keys(one) == ["email:p1@example.org", "email:p2@example.org"]
    assert broken(people) == []


def test_a_merge_says_who_did_it_why_and_by_what_evidence(people: People) -> None:
    merge = people.merge(*cast(people, 2))
    assert (merge.actor_label, merge.reason, merge.automatic) == ("Lea", "one person", False)
    assert merge.verified == ["e-mail", "order number"]
    with people.inside():
        entry = AuditEntry.objects.get(action="profile.merged")
        assert (entry.actor_label, entry.reason, entry.profile_id) == ("Lea", "one person", merge.survivor_id)


def test_the_absorbed_is_led_to_its_survivor_in_one_hop(people: People) -> None:
    one, two, three = cast(people, 3)
    people.merge(two, three)
    people.merge(one, two)
    with people.inside():
        led = dict(Profile.objects.values_list("pk", "merged_into"))
    assert led == {one: None, two: one, three: one} and people.total(one) == (3, 6000)


def test_a_new_order_of_the_absorbed_goes_to_the_survivor(people: People) -> None:
    one, two = cast(people, 2)
    people.merge(one, two)
    assert people.buy(3, email="p2@example.org") == one and people.total(one) == (3, 4000)


@pytest.mark.parametrize("verified", [[], ["e-mail"], ["e-mail", "e-mail"], ["e-mail", "  "]])
def test_one_verified_point_is_not_enough(people: People, verified: list[str]) -> None:
    one, two = cast(people, 2)
    with people.inside(), pytest.raises(Invalid):
        merges.merge_by_staff(one, two, by=LEAD, because="one person", verified=verified)


def test_what_cannot_be_merged_is_refused_in_a_sentence(people: People) -> None:
    one, two, three = cast(people, 3)
    people.merge(one, two)
    points = ["e-mail", "order number"]
    with people.inside():
        for other, refusal in ((one, Invalid), (999_999, NotFound), (two, merges.AlreadyMerged)):
            with pytest.raises(refusal):
                merges.merge_by_staff(one, other, by=LEAD, because="one person", verified=points)
        with pytest.raises(merges.AlreadyMerged):
            merges.merge_by_staff(two, three, by=LEAD, because="one person", verified=points)
        with pytest.raises(NotPermitted):
            by = Actor(label="Ann", role="agent")
            merges.merge_by_staff(one, three, by=by, because="one person", verified=points)
        with pytest.raises(Invalid):
            merges.merge_by_staff(one, three, by=LEAD, because=" ", verified=points)


def test_a_stranger_merges_nothing_of_ours(people: People) -> None:
    one, two = cast(people, 2)
    stranger = People("stranger")
    (theirs,) = cast(stranger, 1)
    for pair in ((one, two), (theirs, one)):
        with stranger.inside(), pytest.raises(NotFound):
            merges.merge(*pair, by=LEAD, because="one person")
    assert people.standing() == [one, two]


def test_the_database_itself_refuses_a_circle(people: People) -> None:
    one, two = cast(people, 2)
    for younger, into in ((one, two), (one, one)):
        with people.inside(), pytest.raises(IntegrityError), transaction.atomic():
            Profile.objects.filter(pk=younger).update(merged_into=into)


# Undoing --------------------------------------------------------------------------------------------------------


def test_an_undo_puts_everything_back(people: People) -> None:
    one, two = cast(people, 2)
    people.chat("c-1", email="p2@example.org")
    people.work()
    before = people.snapshot()
    merge = people.merge(one, two)
    assert people.snapshot() != before
    people.undo(merge)
    assert people.snapshot() == before and people.owners(1, 2) == [one, two] and broken(people) == []


def test_twice_undone_is_refused(people: People) -> None:
    merge = people.merge(*cast(people, 2))
    people.undo(merge)
    with people.inside(), pytest.raises(merges.AlreadyUndone, match="Already undone by Lea"):
        merges.undo(merge, by=LEAD, because="two people")


def test_rules_do_not_link_again_whom_a_person_has_parted(people: People) -> None:
    one, two = cast(people, 2)
    people.undo(people.merge(one, two))
    people.buy(3, email="p1@example.org", phone="+4930901820")
    assert people.buy(4, email="p2@example.org", phone="+4930901820") == one, "the phone tells most"
    assert people.standing() == [one, two] and people.reviews() == ["separated"]
    again = people.merge(one, two)
    assert people.standing() == [one] and again.pk, "a person may change their mind"


def test_whom_a_person_has_parted_stay_parted_through_later_merges(people: People) -> None:
    """Two and three are different people; two becomes one, and three must not follow by rule."""
    one, two, three = cast(people, 3)
    people.undo(people.merge(two, three))
    people.merge(one, two)
    people.buy(4, email="p1@example.org", phone="+4930901820")
    people.buy(5, email="p3@example.org", phone="+4930901820")
    assert people.standing() == [one, three] and people.reviews() == ["separated"]


def chain(people: People) -> tuple[list[int], list]:
    """C, B and A by age; A goes into B, then B into C."""
    c, b, a = cast(people, 3)
    return [c, b, a], [people.merge(b, a), people.merge(c, b)]


def test_of_a_chain_the_first_undone_leaves_a_alone_and_b_with_c(people: People) -> None:
    (c, b, a), (first, second) = chain(people)
    people.undo(first)
    assert people.standing() == [c, a] and people.owners(1, 2, 3) == [c, c, a]
    assert (people.total(c), people.total(a)) == ((2, 3000), (1, 3000)) and broken(people) == []
    people.undo(second)
    assert people.standing() == [c, b, a] and people.owners(1, 2, 3) == [c, b, a] and broken(people) == []
    assert [people.total(pk) for pk in (c, b, a)] == [(1, 1000), (1, 2000), (1, 3000)]


def test_of_a_chain_the_second_undone_leaves_a_with_b(people: People) -> None:
    (c, b, a), (first, second) = chain(people)
    people.undo(second)
    assert people.standing() == [c, b] and people.owners(1, 2, 3) == [c, b, b] and broken(people) == []
    people.undo(first)
    assert people.standing() == [c, b, a] and people.owners(1, 2, 3) == [c, b, a] and broken(people) == []


def test_parted_in_the_middle_of_a_chain_stay_parted(people: People) -> None:
    (c, b, a), (first, second) = chain(people)
    people.undo(first)
    people.undo(second)
    people.buy(4, email="p2@example.org", phone="+4930901820")
    people.buy(5, email="p3@example.org", phone="+4930901820")
    assert people.standing() == [c, b, a] and "separated" in people.reviews()


def test_what_came_since_goes_to_the_side_whose_identifiers_it_bears(people: People) -> None:
    one, two = cast(people, 2)
    merge = people.merge(one, two)
    people.buy(3, email="p2@example.org", phone="+4930901820")
    people.buy(4, phone="+4930901820")
    people.buy(5, email="p1@example.org", loyalty_id="L1")
    people.buy(6, loyalty_id="L1")
    people.chat("c-1", email="p2@example.org")
    people.work()
    people.undo(merge)
    assert people.owners(3, 4, 5, 6) == [two, two, one, one]
    assert people.keys(two) == ["email:p2@example.org", "phone:+4930901820"]
    assert people.keys(one) == ["email:p1@example.org", "loyalty:default:L1"]
    assert people.reviews() == [] and broken(people) == []
    assert [c["customer"] for c in people.snapshot()["conversations"]] == [people.keys(two)]


def test_what_fits_both_sides_stays_and_waits_for_a_person(people: People) -> None:
    one, two = cast(people, 2)
    merge = people.merge(one, two)
    people.buy(3, email="p2@example.org", phone="+4930901820")
    people.buy(4, email="p1@example.org", phone="+4930901820")
    people.undo(merge)
    assert people.owners(3, 4) == [one, one]
    assert people.keys(two) == ["email:p2@example.org"] and broken(people) == []
    with people.inside():
        reviews = Review.objects.filter(kind=Review.Kind.AFTER_UNDO)
        assert [row.candidates for row in reviews] == [[one, two]] * 2


def test_an_undone_rule_leaves_its_trigger_to_a_person(people: People) -> None:
    one, two = cast(people, 2)
    assert people.buy(3, email="p1@example.org", phone="+4930901820") == one
    assert people.buy(4, email="p2@example.org", phone="+4930901820") == one
    (merge,) = people.merges()
    people.undo(merge)
    assert people.owners(1, 2, 3, 4) == [one, two, one, one]
    assert people.reviews() == ["after_undo"] and broken(people) == []


def test_what_was_the_survivors_before_stays_though_it_bears_the_others_marks(people: People) -> None:
    """A fact attached by priority bears identifiers of both; a merge and its undo do not move it."""
    one, two = cast(people, 2)
    people.undo(people.merge(one, two))
    people.buy(3, email="p1@example.org", phone="+4930901820")
    people.buy(4, email="p2@example.org", phone="+4930901820")
    before = people.snapshot()
    people.undo(people.merge(one, two))
    assert people.snapshot() == before and people.owners(3, 4) == [one, one]


def test_an_identifier_a_person_added_stays_where_it_was_put(people: People) -> None:
    one, two = cast(people, 2)
    merge = people.merge(one, two)
    with people.inside():
        Identifier.objects.create(
            organization=people.organization, kind="phone", value="+4930901820", spelled="phone:+4930901820",
            profile_id=one, added_by_staff=True,
        )  # fmt: skip
    people.buy(3, phone="+4930901820")
    people.undo(merge)
    assert people.owner(3) == one and "phone:+4930901820" in people.keys(one)


# Any history ----------------------------------------------------------------------------------------------------

EMAILS = [{}, *({"email": f"{letter}@example.org"} for letter in "abcd")]
PHONES = [{}, {}, {"phone": "+4930901820"}, {"phone": "+4930901821"}]
CARDS = [{}, {}, {"loyalty_id": "L1"}, {"loyalty_id": "L2"}]
bearing = st.tuples(st.sampled_from(EMAILS), st.sampled_from(PHONES), st.sampled_from(CARDS))
step = st.one_of(
    st.tuples(st.just("order"), st.integers(1, 9), bearing, st.booleans()),
    st.tuples(st.just("merge"), st.integers(0, 9), st.integers(0, 9)),
    st.tuples(st.just("undo"), st.integers(0, 9)),
)


def take(people: People, number: int, said: tuple) -> None:
    kind, *rest = said
    if kind == "order":
        name, parts, at_once = rest
        customer = {key: value for part in parts for key, value in part.items()}
        people.send(name, version=number, total=f"{number + 1}.00", **customer)
        if at_once:
            people.work()
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


_count = iter(range(10**9))
any_history = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


@any_history
@given(story=st.lists(step, min_size=2, max_size=12))
def test_after_any_history_everybody_is_whole(db: None, story: list[tuple]) -> None:
    people = People(f"history-{next(_count)}")
    for number, said in enumerate(story):
        take(people, number, said)
    people.work()
    assert broken(people) == []


@any_history
@given(story=st.lists(step, min_size=3, max_size=10), pair=st.tuples(st.integers(0, 9), st.integers(0, 9)))
def test_after_any_history_a_merge_and_its_undo_change_nothing(
    db: None, story: list[tuple], pair: tuple[int, int]
) -> None:
    people = People(f"history-{next(_count)}")
    for number, said in enumerate(story):
        take(people, number, said)
    people.work()
    standing = people.standing()
    if len(standing) < 2:
        return
    one, other = standing[pair[0] % len(standing)], standing[pair[1] % len(standing)]
    if one == other:
        return
    before, owners = people.snapshot(), {number: people.owner(number) for number in _orders(people)}
    people.undo(people.merge(one, other))
    assert people.snapshot() == before
    assert {number: people.owner(number) for number in owners} == owners


def _orders(people: People) -> list[int]:
    return [int(row["external_id"].removeprefix("o-")) for row in facts_of(people)["orders"]]

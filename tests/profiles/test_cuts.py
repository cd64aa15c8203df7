"""Cutting a link and using it again: who parts, who stays, and that it ends as if the value had joined nobody."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attribution.models import Conversation
from fulfillment.models import Email
from orders.models import Order
from profiles.actions import cuts
from profiles.actors import Actor, Invalid, NotPermitted
from profiles.models import AuditEntry, Cut, Identifier, Organization, Profile, Separation
from tests.profiles.people import LEAD, People, broken, facts_of

TILL = "+4915112345678"


@pytest.fixture
def people(db: None) -> People:
    return People(shared_from=99)


def cut(people: People, spelled: str = f"phone:{TILL}", *, by: Actor = LEAD, because: str = "the till's phone") -> Cut:
    with people.inside():
        row = cuts.cut(Identifier.objects.get(spelled=spelled), by=by, because=because)
    people.work()
    return row


def again(people: People, row: Cut) -> int:
    with people.inside():
        root = cuts.use_again(row, by=LEAD, because="it was theirs after all")
    people.work()
    return root


def status(people: People, spelled: str = f"phone:{TILL}") -> tuple[str, int]:
    with people.inside():
        return Identifier.objects.values_list("status", "profile_id").get(spelled=spelled)


# Who parts ------------------------------------------------------------------------------------------------------


def test_a_customer_joined_by_the_value_alone_leaves_to_one_of_their_own(people: People) -> None:
    one = people.customer(1, email="a@example.org", phone=TILL, total="10.00")
    assert people.buy(2, email="b@example.org", phone=TILL, total="20.00", name="Bea Quist") == one
    row = cut(people)
    (other,) = row.apart
    assert people.owners(1, 2) == [one, other] and people.standing() == [one, other]
    assert people.keys(other) == ["email:b@example.org"] and people.total(other) == (1, 2000)
    assert people.total(one) == (1, 1000) and status(people) == ("blocked", one)
    with people.inside():
        assert Profile.objects.get(pk=other).name == "Bea Quist"
    assert broken(people) == []


def test_a_merge_that_only_the_value_made_is_taken_back(people: People) -> None:
    one, other = people.customer(1, email="a@example.org", phone=TILL), people.customer(2, email="b@example.org")
    assert people.buy(3, email="b@example.org", phone=TILL) == one and people.standing() == [one]
    row = cut(people)
    assert row.apart == [other] and len(row.merges) == 1
    assert people.owners(1, 2, 3) == [one, other, other] and people.standing() == [one, other]
    (merge,) = people.merges()
    assert (merge.undone_by, merge.undo_reason) == ("Lea", "the till's phone")
    with people.inside():
        assert not Separation.objects.exists()
    assert broken(people) == []


def test_who_is_joined_by_something_else_as_well_stays(people: People) -> None:
    one = people.customer(1, email="a@example.org", phone=TILL, loyalty_id="L1")
    people.buy(2, email="b@example.org", phone=TILL, loyalty_id="L1")
    row = cut(people)
    assert row.apart == [] and people.owners(1, 2) == [one, one] and status(people) == ("blocked", one)


def test_what_a_person_joined_stays_joined(people: People) -> None:
    one, other = people.customer(1, email="a@example.org", phone=TILL), people.customer(2, email="b@example.org")
    people.merge(one, other)
    third = people.customer(3, email="b@example.org", phone=TILL)
    people.buy(4, email="c@example.org", phone=TILL)
    row = cut(people)
    assert people.owners(1, 2, 3) == [one, one, one] == [one, one, third]
    assert row.merges == [] and people.owners(4) == row.apart != [one]
    assert broken(people) == []


def test_facts_that_bear_nothing_else_stay_with_the_value(people: People) -> None:
    one = people.customer(1, email="a@example.org", phone=TILL)
    people.buy(2, phone=TILL)
    people.chat("c-1", phone=TILL)
    people.buy(3, email="b@example.org", phone=TILL)
    row = cut(people)
    assert people.owners(1, 2) == [one, one] and people.owners(3) == row.apart
    with people.inside():
        assert Conversation.objects.get().profile_id == one


def test_a_customer_known_by_the_value_alone_stands_again_with_what_bears_nothing_else(people: People) -> None:
    one = people.customer(1, email="a@example.org")
    other = people.customer(2, phone=TILL)
    people.buy(3, email="a@example.org", phone=TILL)
    assert people.standing() == [one]
    people.buy(4, phone=TILL)
    row = cut(people)
    assert row.apart == [other] and people.owners(1, 2, 3, 4) == [one, other, one, other]
    assert status(people) == ("blocked", other) and broken(people) == []


def test_a_chain_of_merges_comes_apart_where_it_hung_together(people: People) -> None:
    one = people.customer(1, email="a@example.org")
    two = people.customer(2, email="b@example.org", phone=TILL)
    three = people.customer(3, email="c@example.org")
    assert people.buy(4, email="b@example.org", loyalty_id="L1") == two
    assert people.buy(5, email="c@example.org", loyalty_id="L1") == two  # three into two
    assert people.buy(6, email="a@example.org", phone=TILL) == one  # two into one
    row = cut(people)
    assert people.standing() == [one, two] and row.apart == [two]
    assert people.owners(1, 2, 3, 4, 5, 6) == [one, two, two, two, two, one]
    with people.inside():
        assert Profile.objects.get(pk=three).merged_into_id == two
    assert broken(people) == []


def test_two_who_came_by_two_merges_and_hang_together_leave_as_one(people: People) -> None:
    one = people.customer(1, email="a@example.org", phone=TILL)
    two, three = people.customer(2, email="b@example.org"), people.customer(3, email="c@example.org")
    people.buy(4, email="b@example.org", phone=TILL)
    people.buy(5, email="c@example.org", phone=TILL)
    people.buy(6, email="b@example.org", loyalty_id="L1")
    people.buy(7, email="c@example.org", loyalty_id="L1")
    assert people.standing() == [one]
    row = cut(people)
    assert row.apart == [two] and people.owners(1, 2, 3, 4, 5, 6, 7) == [one, *[two] * 6]
    with people.inside():
        assert Profile.objects.get(pk=three).merged_into_id == two
    assert broken(people) == []


def test_rights_and_mail_follow_their_orders(people: People) -> None:
    one = people.customer(1, email="a@example.org", phone=TILL)
    people.buy(2, email="b@example.org", phone=TILL)
    (other,) = cut(people).apart
    with people.inside():
        owners = dict(Email.objects.values_list("order__external_id", "profile_id"))
    assert owners == {"o-1": one, "o-2": other}


def test_the_value_joins_nobody_afterwards(people: People) -> None:
    one = people.customer(1, email="a@example.org", phone=TILL)
    cut(people)
    assert people.buy(2, email="b@example.org", phone=TILL) != one
    assert people.buy(3, phone=TILL) is None


# Using it again -------------------------------------------------------------------------------------------------


def test_used_again_all_is_as_it_was(people: People) -> None:
    people.buy(1, email="a@example.org", phone=TILL)
    people.buy(2, email="b@example.org")
    people.buy(3, email="b@example.org", phone=TILL)
    people.buy(4, email="c@example.org", phone=TILL)
    people.buy(5, phone=TILL)
    before = facts_of(people)
    row = cut(people)
    assert len(people.standing()) == 3 and facts_of(people) != before
    assert again(people, row) == people.standing()[0]
    assert facts_of(people) == before and broken(people) == []


def test_what_came_meanwhile_is_joined_too(people: People) -> None:
    one = people.customer(1, email="a@example.org", phone=TILL)
    row = cut(people)
    people.buy(2, email="b@example.org", phone=TILL)
    people.buy(3, phone=TILL)
    again(people, row)
    assert people.owners(1, 2, 3) == [one, one, one] and people.standing() == [one]


def test_used_again_twice_is_refused(people: People) -> None:
    people.buy(1, email="a@example.org", phone=TILL)
    row = cut(people)
    again(people, row)
    with people.inside(), pytest.raises(cuts.UsedAgain, match="Lea"):
        cuts.use_again(row, by=LEAD, because="once more")
    assert cut(people).pk != row.pk


def test_those_whom_a_person_keeps_apart_since_are_not_joined(people: People) -> None:
    one = people.customer(1, email="a@example.org", phone=TILL)
    people.buy(2, email="b@example.org", phone=TILL)
    row = cut(people)
    with people.inside():
        Separation.objects.create(
            organization=people.organization, low_id=one, high_id=row.apart[0], at="2026-11-01T00:00:00Z"
        )
    with pytest.raises(cuts.KeptApart), people.inside():
        cuts.use_again(row, by=LEAD, because="it was theirs")
    assert status(people)[0] == "blocked"


# Rights, words, cost --------------------------------------------------------------------------------------------


def test_it_needs_the_right_and_a_reason(people: People) -> None:
    people.buy(1, email="a@example.org", phone=TILL)
    with pytest.raises(NotPermitted):
        cut(people, by=Actor(label="Al", role="agent"))
    with pytest.raises(Invalid):
        cut(people, because=" ")
    row = cut(people)
    with pytest.raises(cuts.NotMatching, match="blocked"):
        cut(people)
    with people.inside():
        entry = AuditEntry.objects.get(action="identifier.cut")
        assert (entry.reason, entry.details["cut"]) == ("the till's phone", row.pk)
        assert TILL not in str(entry.details)


def test_what_the_plan_says_is_what_happens(people: People) -> None:
    people.buy(1, email="a@example.org", phone=TILL)
    people.buy(2, email="b@example.org", phone=TILL)
    people.buy(3, email="b@example.org")
    people.buy(4, phone=TILL)
    with people.inside():
        planned = cuts.plan(Identifier.objects.get(kind="phone"))
        assert not Cut.objects.exists()
    (part,) = planned.leaving
    assert (part.count, len(part.identifiers), planned.alone.count, planned.stays.count) == (2, 1, 1, 1)
    (other,) = cut(people).apart
    with people.inside():
        assert set(Order.objects.filter(profile=other).values_list("pk", flat=True)) == part.facts["orders.Order"]


def test_the_plan_says_with_whom_the_value_leaves(people: People) -> None:
    one, other = people.customer(1, email="a@example.org"), people.customer(2, phone=TILL)
    people.buy(3, email="a@example.org", phone=TILL)
    people.buy(4, phone=TILL)
    with people.inside():
        planned = cuts.plan(Identifier.objects.get(kind="phone"))
        assert (planned.root, planned.goes_to, planned.alone.count) == (one, other, 2)
    cut(people)
    assert status(people)[1] == other and people.owners(2, 4) == [other, other]


def test_a_plan_costs_the_same_whatever_the_history(people: People) -> None:
    def cost() -> int:
        with people.inside(), CaptureQueriesContext(connection) as captured:
            cuts.plan(Identifier.objects.get(kind="phone"))
        return len(captured)

    people.buy(1, email="a@example.org", phone=TILL)
    people.buy(2, email="b@example.org")
    people.buy(3, email="b@example.org", phone=TILL)
    few = cost()
    for number in range(4, 24):
        people.send(number, email=f"c{number}@example.org", phone=TILL)
    people.work()
    assert cost() == few <= 12


# As if it had never been ----------------------------------------------------------------------------------------

ORDERS = st.lists(
    st.tuples(
        st.sampled_from("abcd "), st.sampled_from(["", TILL, TILL, "+4915100000009"]), st.sampled_from(["", "L1"])
    ),
    min_size=1,
    max_size=7,
)


def told(bought: tuple[str, str, str]) -> dict[str, Any]:
    letter, phone, loyalty = bought
    values = {"email": f"{letter}@example.org" if letter.strip() else "", "phone": phone, "loyalty_id": loyalty}
    return {name: value for name, value in values.items() if value}


def grouping(people: People, orders: Sequence[tuple[str, str, str]]) -> set[frozenset[int]]:
    """Which orders are of one customer, of those that bear something beside the value."""
    groups: dict[int | None, set[int]] = {}
    for number, bought in enumerate(orders):
        if set(told(bought).values()) - {TILL}:
            groups.setdefault(people.owner(number), set()).add(number)
    return {frozenset(group) for group in groups.values()}


@given(ORDERS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_cut_ends_as_if_the_value_had_been_blocked_from_the_start(
    db: None, orders: list[tuple[str, str, str]]
) -> None:
    with transaction.atomic():
        people, other = People("cut", shared_from=99), People("blocked", shared_from=99)
        with other.inside():
            Organization.objects.filter(pk=other.organization.pk).update(blocked=[TILL])
        for number, bought in enumerate(orders):
            people.buy(number, **told(bought))
            other.buy(number, **told(bought))
        before, whole = grouping(people, orders), facts_of(people)
        reviewed = people.reviews() + other.reviews()
        with people.inside():
            known = Identifier.objects.filter(kind="phone", value=TILL).exists()
        if known and not reviewed:
            row = cut(people)
            assert grouping(people, orders) == grouping(other, orders) and broken(people) == []
            again(people, row)
            assert grouping(people, orders) == before and facts_of(people) == whole and broken(people) == []
        transaction.set_rollback(True)

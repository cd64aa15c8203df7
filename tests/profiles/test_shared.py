"""Values that many people share, limits of one customer and cards that exclude each other, by orders that arrive."""

from itertools import permutations

import pytest

from orders.models import Order
from profiles.actions import settlement
from profiles.models import Identifier, Merge, Profile, Review
from tests.profiles.people import People, broken

TILL = "+4930901820"


@pytest.fixture
def people(db: None) -> People:
    return People()


def status(people: People, spelled: str) -> str:
    with people.inside():
        return str(Identifier.objects.get(spelled=spelled).status)


def shared_reviews(people: People) -> list[str]:
    with people.inside():
        return list(Review.objects.filter(kind="shared").values_list("explanation", flat=True))


def test_the_tills_phone_on_a_thousand_orders_joins_nobody(people: People) -> None:
    for number in range(1000):
        people.send(number, email=f"buyer{number}@example.org", phone=TILL)
    people.work()
    assert len(people.standing()) == 1000 and len(set(people.owners(0, 1, 2, 500, 999))) == 5
    assert status(people, f"phone:{TILL}") == "shared" and len(shared_reviews(people)) == 1
    assert people.keys(people.standing()[0]) == ["email:buyer0@example.org"]
    assert broken(people) == []


def test_customers_it_had_joined_are_parted_again_when_it_is_found_out(people: People) -> None:
    first = people.buy(1, email="a@example.org", phone=TILL, total="10.00")
    assert people.buy(2, email="b@example.org", phone=TILL, total="20.00") == first
    assert first is not None and people.total(first) == (2, 3000)
    third = people.buy(3, email="c@example.org", phone=TILL, total="30.00")
    assert people.owner(1) == first and len(set(people.owners(1, 2, 3))) == 3
    assert [people.total(pk or 0) for pk in people.owners(1, 2, 3)] == [(1, 1000), (1, 2000), (1, 3000)]
    assert third == people.owner(3) and broken(people) == []
    assert shared_reviews(people)[0].endswith("1 customers were separated.")


def test_a_merge_that_only_it_had_caused_is_taken_back_to_who_they_were(people: People) -> None:
    ada, bob = people.buy(1, email="a@example.org"), people.buy(2, email="b@example.org")
    people.buy(3, email="a@example.org", phone=TILL)
    assert people.buy(4, email="b@example.org", phone=TILL) == ada  # the phone brought both together
    with people.inside():
        assert Profile.objects.get(pk=bob or 0).merged_into_id == ada
    people.buy(5, email="c@example.org", phone=TILL)
    assert people.owners(1, 2, 3, 4) == [ada, bob, ada, bob]
    with people.inside():
        assert Profile.objects.get(pk=bob or 0).merged_into_id is None
        assert Merge.objects.get().undone_at is not None
    assert broken(people) == []


def test_orders_settled_before_follow_those_who_are_parted_beside_them(people: People) -> None:
    ada, bob = people.buy(1, email="a@example.org"), people.buy(2, email="b@example.org")
    people.buy(3, email="a@example.org", phone=TILL)
    assert people.buy(4, email="b@example.org", phone=TILL) == ada
    people.send(5, email="c@example.org", phone=TILL)
    with people.inside():  # somebody changed the others at the same moment: all five are settled in one batch
        settlement.request(people.organization.pk, orders=Order.objects.values_list("pk", flat=True))
    people.work()
    assert people.owners(1, 2, 3, 4) == [ada, bob, ada, bob]
    assert broken(people) == []
    # Nobody said that they are different people: an identifier of their own may still join them.
    assert people.buy(6, email="a@example.org", loyalty_id="L1") == ada
    assert people.buy(7, email="b@example.org", loyalty_id="L1") == ada


def test_who_is_one_person_by_another_identifier_stays_one(people: People) -> None:
    people.buy(1, email="a@example.org", phone=TILL, loyalty_id="L1")
    people.buy(2, phone=TILL, loyalty_id="L1")
    people.buy(3, email="b@example.org", phone=TILL)
    first = people.owner(1)
    assert people.owners(2) == [first] and people.owner(3) != first
    assert people.keys(first or 0) == ["email:a@example.org", "loyalty:default:L1"]


def test_an_order_that_bears_nothing_else_stands_alone(people: People) -> None:
    people.buy(1, phone=TILL)
    assert people.owner(1) is not None
    for number, name in enumerate("abc", start=2):
        people.buy(number, email=f"{name}@example.org", phone=TILL)
    assert people.owner(1) is None and people.snapshot()["unattached_events"] == 1
    assert people.buy(9, phone=TILL) is None and broken(people) == []


def test_a_merge_by_a_person_holds(people: People) -> None:
    ada, bob = people.buy(1, email="a@example.org", phone=TILL), people.buy(2, email="b@example.org")
    people.merge(ada or 0, bob or 0)
    people.buy(3, email="c@example.org", phone=TILL)
    people.buy(4, email="d@example.org", phone=TILL)
    assert status(people, f"phone:{TILL}") == "shared"
    assert people.owners(1, 2) == [ada, ada] and len(set(people.owners(1, 3, 4))) == 3
    assert broken(people) == []


@pytest.mark.parametrize("turn", list(permutations(range(4))))
def test_in_any_order_the_same_people_come_out(people: People, turn: tuple[int, ...]) -> None:
    said = [
        {"email": "a@example.org", "phone": TILL},
        {"email": "b@example.org", "phone": TILL},
        {"email": "a@example.org", "loyalty_id": "L1"},
        {"email": "c@example.org", "phone": TILL},
    ]
    for number in turn:
        people.buy(number, **said[number])
    groups = {frozenset(n for n in range(4) if people.owner(n) == pk) for pk in people.standing()}
    assert groups == {frozenset({0, 2}), frozenset({1}), frozenset({3})}
    assert status(people, f"phone:{TILL}") == "shared" and broken(people) == []


def test_a_batch_with_several_orders_of_a_new_customer_is_worked_as_one(
    people: People, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(4):
        people.send(number, email="new@example.org", loyalty_id=f"L{number % 2}" if number < 2 else "")
    people.work()
    assert not [record for record in caplog.records if record.message.startswith("batch.failed")]
    assert len(set(people.owners(0, 2, 3))) == 1 and people.reviews() == ["conflict"]


def test_the_sixth_address_is_not_taken_in(people: People) -> None:
    first = people.buy(1, email="0@example.org", loyalty_id="L1")
    for number in range(1, 5):
        assert people.buy(1 + number, email=f"{number}@example.org", loyalty_id="L1") == first
    # The card is the weaker of the two and is dropped; the address then is somebody new.
    sixth = people.buy(6, email="5@example.org", loyalty_id="L1")
    assert sixth not in (None, first) and len(people.keys(first or 0)) == 6
    assert people.keys(sixth or 0) == ["email:5@example.org"]
    assert people.owners(1, 5) == [first, first]


def test_two_cards_of_one_programme_are_a_persons_to_decide(people: People) -> None:
    ada = people.buy(1, phone=TILL, loyalty_id="L1")
    bob = people.buy(2, email="b@example.org", loyalty_id="L2")
    assert people.buy(3, phone=TILL, email="b@example.org") == ada
    assert people.owners(1, 2) == [ada, bob] and people.reviews() == ["conflict"] and people.merges() == []
    with people.inside():
        assert Review.objects.get().candidates == [ada, bob]


def test_a_second_card_does_not_come_in_by_the_back_door(people: People) -> None:
    ada = people.buy(1, phone=TILL, loyalty_id="L1")
    assert people.buy(2, phone=TILL, loyalty_id="L2") == ada
    assert people.keys(ada or 0) == ["loyalty:default:L1", f"phone:{TILL}"] and people.reviews() == ["conflict"]
    assert people.buy(3, loyalty_id="L2") != ada


def test_the_organizations_own_priority_decides_who_is_the_best_match(people: People) -> None:
    people.organization.identity = {"priority": ["email", "phone", "loyalty", "device", "cookie", "phone_raw", "other"]}
    with people.inside():
        people.organization.save()
    ada = people.buy(1, phone=TILL, loyalty_id="L1")
    bob = people.buy(2, email="b@example.org", loyalty_id="L2")
    assert ada != bob and people.buy(3, phone=TILL, email="b@example.org") == bob

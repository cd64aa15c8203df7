"""Who it is: the scenarios of identity, each told by orders that really arrive."""

import pytest

from orders.models import Order
from profiles.models import Identifier, Organization, Profile, Review
from tests.profiles.people import People, broken


@pytest.fixture
def people(db: None) -> People:
    return People()


def ada(people: People) -> int:
    owner = people.buy(1, email="ada@example.org", total="89.99")
    assert owner is not None
    return owner


def test_a_first_order_makes_one_customer(people: People) -> None:
    first = ada(people)
    assert people.standing() == [first]
    assert people.keys(first) == ["email:ada@example.org"] and people.total(first) == (1, 8999)


def test_a_second_order_by_the_same_address_is_the_same_customers(people: People) -> None:
    first = ada(people)
    assert people.buy(2, email=" ADA@Example.ORG ", total="150.00") == first
    assert people.standing() == [first] and people.total(first) == (2, 23999)


def test_a_shop_a_till_and_a_chat_are_one_customer(people: People) -> None:
    """Shopify with e-mail and phone, the till with phone and loyalty id, WhatsApp with the phone."""
    first = people.buy(1, email="ada@example.org", phone="+49 30 901820", total="89.99")
    assert people.buy(2, phone="030 901820", loyalty_id="loy-0042", total="125.50") == first
    people.chat("c-1", phone="+4930901820")
    people.work()
    assert first is not None and people.standing() == [first]
    assert people.total(first) == (2, 21549)
    assert people.keys(first) == ["email:ada@example.org", "loyalty:default:LOY0042", "phone:+4930901820"]


def test_a_cookie_then_an_address_then_a_phone_become_one_customer(people: People) -> None:
    first = people.buy(1, cookie_id="c00kie")
    assert people.buy(2, email="ada@example.org", cookie_id="c00kie") == first
    assert people.buy(3, phone="+4930901820", email="ada@example.org") == first
    assert people.standing() == [first]


def test_without_identifiers_an_order_stands_alone(people: People) -> None:
    assert people.buy(1) is None
    assert people.buy(2, email="not an address", phone="0") is None
    assert people.standing() == [] and people.snapshot()["unattached_events"] == 2


def test_new_identifiers_go_to_the_customer_who_is_known(people: People) -> None:
    first = ada(people)
    people.buy(2, email="ada@example.org", phone="+4930901820")
    assert people.buy(3, phone="+4930901820") == first


@pytest.mark.parametrize("count", [2, 3])
def test_two_or_three_matches_are_merged_into_the_oldest(people: People, count: int) -> None:
    fields = [{"email": "ada@example.org"}, {"phone": "+4930901820"}, {"loyalty_id": "LOY1"}][:count]
    ids = [people.buy(number, **one) for number, one in enumerate(fields)]
    assert len(set(ids)) == count
    assert people.buy(9, **{name: value for one in fields for name, value in one.items()}) == ids[0]
    assert people.standing() == [ids[0]] and people.owners(*range(count)) == [ids[0]] * count
    assert [(row.survivor_id, row.absorbed_id, row.automatic) for row in people.merges()] == [
        (ids[0], other, True) for other in ids[1:]
    ]
    (row, *_) = people.merges()
    assert row.trigger.startswith("orders.Order:") and row.rule_version and row.reason and row.matched
    assert broken(people) == []


def four(people: People) -> tuple[list[int | None], dict[str, str]]:
    fields = {"email": "ada@example.org", "phone": "+4930901820", "loyalty_id": "LOY1", "cookie_id": "c00kie"}
    return [people.buy(number, **{name: value}) for number, (name, value) in enumerate(fields.items())], fields


def test_more_than_three_matches_wait_for_a_person(people: People) -> None:
    ids, fields = four(people)
    assert people.buy(9, **fields) == ids[1], "the phone tells most"
    assert people.standing() == sorted(filter(None, ids)) and people.merges() == []
    with people.inside():
        review = Review.objects.get()
        order = Order.objects.get(external_id="o-9")
    assert review.kind == Review.Kind.TOO_MANY and review.candidates == sorted(filter(None, ids))
    assert review.subject == f"orders.Order:{order.pk}" and order.provisional
    assert broken(people) == []


def test_more_than_three_matches_are_one_review_however_often_they_come(people: People) -> None:
    ids, fields = four(people)
    for version in range(3):
        people.buy(9, version=version, total=f"1{version}.00", **fields)
    assert people.reviews() == ["too_many"] and people.owner(9) == ids[1]


def test_a_correction_that_tells_who_it_is_is_no_longer_provisional(people: People) -> None:
    ids, fields = four(people)
    people.buy(9, **fields)
    assert people.buy(9, version=1, email="ada@example.org") == ids[0]
    with people.inside():
        assert not Order.objects.get(external_id="o-9").provisional
    assert broken(people) == []


def test_a_corrected_address_goes_with_the_order(people: People) -> None:
    first = people.buy(1, email="ada@exmaple.org")
    assert people.buy(1, version=1, email="ada@example.org") == first
    assert first is not None and people.keys(first) == ["email:ada@example.org"]
    assert people.buy(2, email="ada@exmaple.org") != first
    assert broken(people) == []


def test_a_wrong_address_that_another_order_bears_stays(people: People) -> None:
    first = people.buy(1, email="ada@example.org")
    people.buy(2, email="ada@example.org")
    people.buy(1, version=1, email="bob@example.org")
    assert first is not None and people.keys(first) == ["email:ada@example.org", "email:bob@example.org"]


def test_a_customer_without_anything_left_is_forgotten(people: People) -> None:
    first = people.buy(1, email="ada@example.org")
    second = people.buy(2, email="bob@example.org")
    assert people.buy(1, version=1, email="bob@example.org") == second
    assert first not in people.standing() and broken(people) == []


def test_blocked_values_join_nobody(people: People) -> None:
    with people.inside():
        Organization.objects.filter(pk=people.organization.pk).update(
            blocked=["phone:+4930901820", "*@kiosk.example"], own_domains=["lantern.example"]
        )
    shared = [
        {"phone": "+4930901820"}, {"email": "till@kiosk.example"}, {"email": "shop@lantern.example"},
        {"email": "noreply@shop.example"}, {"email": "test@test.com"}, {"loyalty_id": "guest"},
    ]  # fmt: skip
    for number, one in enumerate(shared):
        assert people.buy(100 + number, **one) is None
        first = people.buy(200 + number, **{"cookie_id": f"a-{number}", **one})
        assert first != people.buy(300 + number, **{"cookie_id": f"b-{number}", **one})
    assert people.merges() == [] and len(people.standing()) == 2 * len(shared)
    with people.inside():
        assert not Identifier.objects.exclude(kind="cookie").exists()


def test_a_number_nobody_can_read_matches_only_within_its_shop(people: People) -> None:
    first = people.buy(1, phone="55-01")
    assert people.buy(2, phone="55-01") == first
    people.chat("c-1", phone="55-01")
    people.work()
    assert len(people.standing()) == 2
    assert first is not None and people.keys(first) == ["phone:raw:55-01"]


def test_strength_counts_each_kind_once(people: People) -> None:
    people.buy(1, email="ada@example.org", phone="+4930901820", loyalty_id="L1", device_id="d", cookie_id="c")
    people.buy(2, email="ada2@example.org", loyalty_id="L1")
    with people.inside():
        assert Profile.objects.get().strength == 20 + 30 + 25 + 10 + 5
    assert broken(people) == []


def test_facts_stay_as_they_were_sent(people: People) -> None:
    people.buy(1, email=" Ada@Example.ORG ", name="Ada B.")
    people.buy(2, email="ada@example.org", phone="+4930901820", name="Augusta Ada")
    with people.inside():
        first = Order.objects.get(external_id="o-1")
        assert (first.email_raw.strip(), first.customer_name, first.phone) == ("Ada@Example.ORG", "Ada B.", "")
        assert Profile.objects.get().name == "Ada B."


def test_a_batch_is_decided_like_one_by_one(people: People) -> None:
    """One batch that makes, joins, merges, corrects and asks, beside the same orders worked one at a time."""
    story = [
        (1, 0, {"email": "a@example.org"}), (2, 0, {"phone": "+4930901820"}), (3, 0, {"loyalty_id": "L1"}),
        (4, 0, {"email": "a@example.org", "phone": "+4930901820"}), (5, 0, {"cookie_id": "c"}),
        (6, 0, {"email": "b@example.org", "cookie_id": "c"}), (2, 1, {"phone": "+4930901820", "loyalty_id": "L1"}),
        (7, 0, {"email": "x@example.org"}), (7, 1, {"email": "y@example.org"}), (8, 0, {}),
    ]  # fmt: skip
    other = People("one-by-one")
    for number, version, customer in story:
        people.send(number, version=version, **customer)
        other.buy(number, version=version, **customer)
    people.work()
    assert broken(people) == broken(other) == []
    # The first spelling of an address was written to before it was corrected.
    different = {"organization": "", "emails": ""}
    assert {**people.snapshot(), **different} == {**other.snapshot(), **different}


def test_what_was_settled_before_follows_its_customer_within_a_batch(people: People) -> None:
    """Word of an old order beside the order whose identifiers merge its customer away."""
    first = people.buy(1, email="ada@example.org")
    second = people.buy(2, phone="+4930901820")
    assert first != second
    people.send(2, version=1, total="12.00", phone="+4930901820")
    people.send(3, email="ada@example.org", phone="+4930901820")
    people.work()
    assert people.owners(1, 2, 3) == [first] * 3
    assert first is not None and people.total(first) == (3, 3200) and broken(people) == []

"""An organization sets its own rules of identity: what would change is said beforehand, and then happens."""

from typing import Any

import pytest

from profiles.actions import identity_rules
from profiles.actions.identity_rules import Effects
from profiles.actors import Actor, Invalid, NotPermitted
from profiles.models import AuditEntry, Identifier, Organization, Profile
from tests.profiles.people import LEAD, People, broken

TILL = "+4930901820"


@pytest.fixture
def people(db: None) -> People:
    return People()


def asked(people: People, identity: dict[str, Any] | None = None, blocked: list[str] | None = None) -> Effects:
    """What is foretold; then it is done, and has to be the same."""
    with people.inside():
        organization = Organization.objects.get()
        foretold = identity_rules.preview(organization, identity=identity or {}, blocked=blocked or [])
    unchanged = people.snapshot()
    with people.inside():
        organization = Organization.objects.get()
        done = identity_rules.change(
            organization, identity=identity or {}, blocked=blocked or [], by=LEAD, because="the till"
        )
    people.work()
    assert done == foretold and unchanged["organization"] == "lantern"
    assert broken(people) == []
    return done


def two_by_the_till(people: People) -> int:
    first = people.buy(1, email="a@example.org", phone=TILL)
    assert people.buy(2, email="b@example.org", phone=TILL) == first and first is not None
    return first


def test_a_blocked_value_joins_nobody_any_more(people: People) -> None:
    first = two_by_the_till(people)
    effects = asked(people, blocked=[TILL])
    assert (effects.set_aside, effects.customers_before, effects.customers_after) == (1, 1, 2)
    assert people.owner(1) == first and people.owner(2) != first
    with people.inside():
        row = Identifier.objects.get(spelled=f"phone:{TILL}")
        assert (row.status, row.profile_id, row.because) == ("blocked", None, f"It is on the block list ({TILL}).")


def test_a_preview_changes_nothing(people: People) -> None:
    two_by_the_till(people)
    before = people.snapshot()
    with people.inside():
        organization = Organization.objects.get()
        identity_rules.preview(organization, identity={"weights": {"email": 1}}, blocked=[TILL, "*@example.org"])
        assert organization.blocked == [] and AuditEntry.objects.filter(action__startswith="identifier").count() == 0
    assert people.snapshot() == before


def test_taken_off_the_list_it_joins_them_again(people: People) -> None:
    first = two_by_the_till(people)
    asked(people, blocked=["+49 30 901820", "*820"])
    effects = asked(people)
    assert (effects.taken_back, effects.customers_before, effects.customers_after) == (1, 2, 1)
    assert people.owners(1, 2) == [first, first]
    assert people.keys(first) == ["email:a@example.org", "email:b@example.org", f"phone:{TILL}"]


def test_a_pattern_blocks_addresses_and_leaves_others(people: People) -> None:
    ada, kiosk = people.buy(1, email="ada@example.org"), people.buy(2, email="shop_1@kiosk.example")
    assert asked(people, blocked=["*@kiosk.example"]).set_aside == 1
    assert people.owner(1) == ada and people.owner(2) is None and kiosk not in people.standing()


def test_a_lower_threshold_parts_and_a_higher_one_joins(people: People) -> None:
    first = two_by_the_till(people)
    lowered = asked(people, {"shared_from": {"phone": 2}})
    assert (lowered.set_aside, lowered.customers_after, lowered.reviews) == (1, 2, 1)
    raised = asked(people, {"shared_from": {"phone": 9}})
    assert (raised.taken_back, raised.customers_after) == (1, 1)
    assert people.owners(1, 2) == [first, first]


def test_other_weights_are_other_strengths(people: People) -> None:
    first = people.buy(1, email="a@example.org", phone=TILL)
    assert asked(people, {"weights": {"phone": 1}}).strengths == 1
    with people.inside():
        assert Profile.objects.get(pk=first or 0).strength == 21
    assert asked(people, {"weights": {"phone": 1}}) == Effects(customers_before=1, customers_after=1)


def test_lower_limits_part_nobody_and_say_who_is_over(people: People) -> None:
    first = people.buy(1, email="a@example.org", loyalty_id="L1")
    people.buy(2, email="b@example.org", loyalty_id="L1")
    effects = asked(people, {"at_most": {"email": 1}})
    assert effects.over_limit == 1 and effects.customers_after == 1
    assert people.buy(3, email="a@example.org") == first
    assert people.buy(4, email="c@example.org", loyalty_id="L1") != first


@pytest.mark.parametrize("blocked", [["*"], ["**?"], ["x" * 201], ["x"] * 0 + [f"v{n}" for n in range(501)]])
def test_a_list_that_would_block_everybody_is_refused(people: People, blocked: list[str]) -> None:
    with people.inside(), pytest.raises(Invalid):
        identity_rules.change(people.organization, identity={}, blocked=blocked, by=LEAD, because="x")


def test_an_agent_may_not(people: People) -> None:
    agent = Actor(label="Amal", role="agent")
    with people.inside(), pytest.raises(NotPermitted):
        identity_rules.change(people.organization, identity={}, blocked=[], by=agent, because="x")


def test_the_change_stands_in_the_audit_log(people: People) -> None:
    two_by_the_till(people)
    asked(people, blocked=[TILL])
    with people.inside():
        entry = AuditEntry.objects.get(action="organization.identity_rules_changed")
        assert entry.reason == "the till" and entry.details["former"] == {"identity": {}, "blocked": []}
        assert "Customers: 1 before, 2 after." in entry.details["said"]

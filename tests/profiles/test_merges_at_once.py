"""Eight people and workers merge, part, sell and chat at the same moment: nothing is lost, nobody meets a deadlock."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client
from psycopg.errors import DeadlockDetected

from attribution.actions import conversations
from orders.actions import statistics
from orders.models import Order
from profiles import locks
from profiles.actions import merges, organizations, turns
from profiles.actors import Refusal
from profiles.models import Merge, Profile
from tests.faults.crowd import at_once
from tests.profiles.people import LEAD, SYSTEM, People, broken

pytestmark = pytest.mark.django_db(transaction=True)
WRITERS, ROUNDS = 8, 6
POINTS = ["e-mail", "order number"]


@pytest.fixture
def people() -> People:
    made = People()
    for number in range(1, 7):
        made.send(number, email=f"p{number}@example.org")
    made.work()
    return made


def merge_two(people: People, chance: random.Random) -> None:
    with people.inside():
        standing = list(Profile.objects.filter(merged_into=None).order_by("pk").values_list("pk", flat=True))
        if len(standing) > 1:
            merges.merge_by_staff(*chance.sample(standing, 2), by=LEAD, because="one person", verified=POINTS)


def undo_one(people: People, chance: random.Random) -> None:
    with people.inside():
        live = list(Merge.objects.filter(undone_at=None))
        if live:
            merges.undo(chance.choice(live), by=LEAD, because="two people")


def sell(people: People, chance: random.Random) -> None:
    number = chance.randrange(1, 30)
    customer = {"email": f"p{chance.randrange(1, 9)}@example.org"}
    if chance.random() < 0.4:
        customer["phone"] = f"+493090182{chance.randrange(3)}"
    people.send(number, version=chance.randrange(1, 50), **customer)


def chat(people: People, chance: random.Random) -> None:
    name, email = f"c-{chance.randrange(5)}", f"p{chance.randrange(1, 9)}@example.org"
    turns.take(people.organization.pk, lambda: people.chat(name, email=email))


def work(people: People, chance: random.Random) -> None:
    people.work()


def patiently(act: Callable[[People, random.Random], None], people: People, seed: int) -> Callable[[], None]:
    def run() -> None:
        chance = random.Random(seed)
        for _ in range(ROUNDS):
            try:
                act(people, chance)
            except Refusal:
                continue  # somebody was first: that is an answer

    return run


@pytest.mark.parametrize("seed", range(3))
def test_eight_writers_leave_everybody_whole(people: People, seed: int) -> None:
    acts = [merge_two, merge_two, undo_one, sell, sell, chat, work, work]
    found = at_once([patiently(act, people, 100 * seed + place) for place, act in enumerate(acts)])
    assert [one for one in found if one is not None] == []
    people.work()
    assert broken(people) == []
    with people.inside():
        assert not list(Profile.objects.raw("SELECT * FROM profiles_settlementrequest WHERE state = 'dead'"))


def test_the_same_two_merged_by_eight_are_merged_once(people: People) -> None:
    one, two, *_ = people.standing()

    def press() -> str:
        with people.inside():
            merges.merge_by_staff(two, one, by=LEAD, because="one person", verified=POINTS)
        return "merged"

    found = at_once([press] * WRITERS)
    assert sorted(type(answer).__name__ for answer in found) == ["AlreadyMerged"] * 7 + ["str"]
    people.work()
    assert len(people.merges()) == 1 and broken(people) == []


def test_an_undo_pressed_by_eight_happens_once(people: People) -> None:
    one, two, *_ = people.standing()
    merge = people.merge(one, two)

    def press() -> str:
        with people.inside():
            merges.undo(merge, by=LEAD, because="two people")
        return "undone"

    found = at_once([press] * WRITERS)
    assert sorted(type(answer).__name__ for answer in found) == ["AlreadyUndone"] * 7 + ["str"]
    people.work()
    assert broken(people) == []


def test_without_turns_two_merges_would_meet_half_way(people: People) -> None:
    """The control: the same locks, taken by each in an order of its own, end in a deadlock."""
    one, two, *_ = people.standing()

    def press(first: int, second: int) -> Callable[[], None]:
        def run() -> None:
            with people.inside(), connection.cursor() as cursor:
                for pk in (first, second):
                    cursor.execute("SELECT 1 FROM profiles_profile WHERE id = %s FOR NO KEY UPDATE", [pk])
                    cursor.execute("SELECT pg_sleep(0.3)")

        return run

    found = at_once([press(one, two), press(two, one)])
    (error,) = [answer for answer in found if answer is not None]
    assert isinstance(error, OperationalError) and turns.deadlocked(error)


def test_without_turns_a_merge_and_a_batch_would_meet_half_way(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the turns themselves: a batch that holds an order while its customer is merged away."""
    one, two, *_ = people.standing()
    meet_half_way = [hold_an_order(people, two), press_merge(people, one, two)]
    assert [answer for answer in at_once(meet_half_way) if answer is not None] == []
    people.undo(people.merges()[0])
    monkeypatch.setattr(turns, "together", lambda _: None)
    found = [answer for answer in at_once(meet_half_way) if answer is not None]
    assert [turns.deadlocked(error) for error in found if isinstance(error, OperationalError)] == [True]


def hold_an_order(people: People, profile_id: int) -> Callable[[], None]:
    def run() -> None:
        with people.inside(), transaction.atomic(), connection.cursor() as cursor:
            turns.together(people.organization.pk)
            cursor.execute("SELECT 1 FROM orders_order WHERE profile_id = %s FOR UPDATE", [profile_id])
            cursor.execute("SELECT pg_sleep(0.5)")
            cursor.execute("SELECT 1 FROM profiles_profile WHERE id = %s FOR NO KEY UPDATE", [profile_id])

    return run


def press_merge(people: People, one: int, two: int) -> Callable[[], None]:
    def run() -> None:
        with people.inside(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.2)")
            merges.merge_by_staff(one, two, by=LEAD, because="one person", verified=POINTS)

    return run


def test_two_batches_with_orders_of_one_customer_count_both(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """The later recount has to see what the earlier wrote, or its older view of the orders becomes the total."""
    (profile_id, *_) = people.standing()
    for number in (11, 12):
        people.send(number, email="p1@example.org")
    people.work()
    assert people.total(profile_id) == (3, 3000)

    def batch(number: int, net: int, *, after: float) -> Callable[[], None]:
        def run() -> None:
            with people.inside(), connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(%s)", [after])
                Order.objects.filter(external_id=f"o-{number}").update(captured_minor=net)
                statistics.settle([profile_id])
                cursor.execute("SELECT pg_sleep(0.5)")

        return run

    at_once([batch(11, 1100, after=0.0), batch(12, 1200, after=0.2)])
    assert people.total(profile_id) == (3, 3300) and broken(people) == []
    monkeypatch.setattr(locks, "numbered", lambda space, numbers: None)
    at_once([batch(11, 2100, after=0.0), batch(12, 2200, after=0.2)])
    assert broken(people) != [], "the control: without the lock the first is lost"


def test_a_call_that_met_another_half_way_is_done_again_alone(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller of the API never hears of a deadlock; the body is read again."""
    with people.inside():
        secret = organizations.issue_token(people.organization, name="test", scopes=["*"], by=SYSTEM)
    whole, calls = conversations.record, []

    def meet_once(*args: Any, **options: Any) -> Any:
        calls.append(args)
        if len(calls) == 1:
            raise OperationalError("deadlock detected") from DeadlockDetected("deadlock detected")
        return whole(*args, **options)

    monkeypatch.setattr(conversations, "record", meet_once)
    body = {"external_id": "c-1", "email": "p1@example.org", "started_at": "2026-11-12T07:40:00Z"}
    answer: Any = Client().post(
        "/api/conversations", body, content_type="application/json", headers={"Authorization": f"Bearer {secret}"}
    )
    assert (answer.status_code, len(calls)) == (201, 2)
    assert [row["external_id"] for row in people.snapshot()["conversations"]] == ["c-1"]

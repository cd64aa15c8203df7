"""Merging two customers who paid: asked of a second person once, whoever presses, how often and however at once."""

import threading
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from profiles import clock
from profiles.actions import merges
from profiles.actors import Actor
from profiles.models import AuditEntry, Merge, Profile
from support.actions import approvals, customers
from support.models import Approval
from tests.desk import Desk, Sign, member
from tests.faults.crowd import at_once
from tests.stage import Stage

State = Approval.State
POINTS = ["the same card", "asked in chat"]


def two(desk: Desk) -> tuple[int, int]:
    """Two customers who both paid."""
    other = {"id": 77, "first_name": "Inês", "last_name": "Carvalho", "email": "ines@work.example", "phone": None}
    desk.buy(id=9_700, name="#M2", email="ines@work.example", contact_email="ines@work.example", phone=None,
             customer=other, checkout_id=1, checkout_token="m2", token="m2", billing_address=None,
             shipping_address=None)  # fmt: skip
    with desk.inside():
        one, two_ = Profile.objects.order_by("pk").values_list("pk", flat=True)
    return one, two_


def press(desk: Desk, pair: tuple[int, int], by: Actor, key: str) -> Approval:
    with desk.inside():
        found = customers.merge(*pair, by=by, because="one person", verified=POINTS, key=key)
    assert isinstance(found, Approval)
    return found


def test_the_same_merge_asked_for_again_is_the_question_there_is(desk: Desk) -> None:
    pair = two(desk)
    ava, lea = member(desk.stage, "ava", "lead"), member(desk.stage, "lea", "lead")
    first = press(desk, pair, ava, "a")
    again = [press(desk, pair, ava, "a"), press(desk, pair, ava, "b"), press(desk, (pair[1], pair[0]), lea, "c")]
    assert {row.pk for row in again} == {first.pk}
    assert len(desk.acts("approval.asked")) == 1


def test_a_question_that_was_declined_or_ran_out_may_be_asked_again(desk: Desk) -> None:
    pair = two(desk)
    ava, lea = member(desk.stage, "ava", "lead"), member(desk.stage, "lea", "lead")
    first = press(desk, pair, ava, "a")
    with desk.inside():
        approvals.decline(first, by=lea, because="two people")
    second = press(desk, pair, ava, "b")
    assert second.pk != first.pk
    with desk.inside():
        Approval.objects.filter(pk=second.pk).update(expires_at=clock.now() - timedelta(seconds=1))
    third = press(desk, pair, ava, "c")
    assert third.pk not in (first.pk, second.pk)
    with desk.inside():
        # Nobody has let go of the second yet, and that keeps the third from nothing.
        approvals.expire(desk.stage.organization.pk)
        assert Approval.objects.get(pk=third.pk).state == State.WAITING


def test_a_merge_that_was_done_is_not_asked_for(desk: Desk) -> None:
    pair = two(desk)
    ava, lea = member(desk.stage, "ava", "lead"), member(desk.stage, "lea", "lead")
    question = press(desk, pair, ava, "a")
    with desk.inside():
        approvals.approve(question, by=lea, because="the same person")
        assert Merge.objects.count() == 1
    with pytest.raises(merges.AlreadyMerged), desk.inside():
        customers.merge(*pair, by=ava, because="one person", verified=POINTS, key="b")
    with desk.inside():
        assert Approval.objects.count() == 1


def test_the_dialog_shows_the_question_and_a_press_leads_to_it(desk: Desk, sign: Sign) -> None:
    one, other = two(desk)
    member(desk.stage, "lea", "lead")
    client = sign("lead")
    data = {"other": other, "first_point": POINTS[0], "second_point": POINTS[1]}
    asked = desk.press(client, "merge", one, **data)
    with desk.inside():
        question = Approval.objects.get()
    address = desk.url("support_approval_change", question.pk)
    assert asked.status_code == 302 and asked["Location"].endswith(address)
    opened = client.get(f"{desk.act('merge', one)}?other={other}")
    assert address in opened.content.decode() and b'name="first_point"' not in opened.content
    again = desk.press(client, "merge", other, **{**data, "other": one})
    assert again["Location"].endswith(address)
    with desk.inside():
        assert Approval.objects.count() == 1 and not Merge.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("locked", [True, False], ids=["", "control"])
def test_two_who_ask_for_the_same_merge_at_once_make_one_question(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, locked: bool
) -> None:
    desk = Desk(Stage())
    pair = two(desk)
    ava, lea = member(desk.stage, "ava", "lead"), member(desk.stage, "lea", "lead")
    if not locked:
        gate = threading.Barrier(2, timeout=20)

        def unlocked(one: int, other: int) -> Any:
            return tuple(Profile.objects.filter(pk__in=[one, other]).order_by("pk"))

        def slow(low: int, high: int) -> Approval | None:
            seen = asked(low, high)
            gate.wait()
            return seen

        asked = customers.asked
        monkeypatch.setattr(merges, "both", unlocked)
        monkeypatch.setattr(customers, "asked", slow)
    found = at_once([partial(press, desk, pair, ava, "a"), partial(press, desk, pair[::-1], lea, "b")])
    assert all(isinstance(one, Approval) for one in found), found
    with desk.inside():
        assert Approval.objects.count() == (1 if locked else 2)
        assert AuditEntry.objects.filter(action="approval.asked").count() == (1 if locked else 2)

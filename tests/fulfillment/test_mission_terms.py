"""A mission gets other terms: they hold for what comes, and nobody loses what they earned by the former ones."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fulfillment.actions import mission_terms, missions
from fulfillment.models import Entitlement, FormerTerms, Mission, MissionCompletion
from profiles.actors import Actor, Invalid, NotPermitted
from profiles.models import AuditEntry, Event, Profile
from tests.fulfillment.test_missions import ADA, BOB, DAY, LEAD, START, WHY, mission, rewards, tell
from tests.stage import Stage


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


def change(stage: Stage, row: Mission, **more: Any) -> int:
    terms = {"title": row.title, "times": row.times, "starts_at": row.starts_at, "ends_at": row.ends_at, **more}
    terms.setdefault("rewards", ["EBOOK-TIDE-EN"])
    with stage.inside():
        return mission_terms.change(Mission.objects.get(pk=row.pk), by=LEAD, because=WHY, **terms)


def earned(stage: Stage) -> list[tuple[str, str, str]]:
    with stage.inside():
        rows = Entitlement.objects.filter(source="reward").order_by("pk")
        return [(row.profile.identifiers.get().value, row.product.sku, row.status) for row in rows]


def test_what_was_earned_by_the_former_terms_stays_and_new_customers_meet_the_new(stage: Stage) -> None:
    row = mission(stage, times=1)
    tell(stage, 1)
    assert change(stage, row, times=2, rewards=["EBOOK-HARB-EN"], starts_at=START + 2 * DAY) == 0
    tell(stage, 3)
    tell(stage, 4, BOB)
    assert earned(stage) == [(ADA, "EBOOK-TIDE-EN", "active")]
    tell(stage, 5, BOB)
    assert earned(stage) == [(ADA, "EBOOK-TIDE-EN", "active"), (BOB, "EBOOK-HARB-EN", "active")]


def test_who_meets_easier_terms_already_is_rewarded_at_once(stage: Stage) -> None:
    row = mission(stage, times=2)
    tell(stage, 1)
    assert change(stage, row, times=1) == 1
    stage.work()
    assert rewards(stage) == ["active"]


def test_a_fact_taken_back_takes_back_what_it_earned_by_the_former_terms(stage: Stage) -> None:
    row = mission(stage, times=1)
    tell(stage, 1)
    change(stage, row, times=2)
    with stage.inside():
        people = list(Profile.objects.values_list("pk", flat=True))
        Event.objects.update(profile=None)
        missions.settle(people, organization=stage.organization)
    assert rewards(stage) == ["revoked"]


def test_an_old_reward_is_issued_again_as_it_was_promised(stage: Stage) -> None:
    row = mission(stage, times=1)
    tell(stage, 1)
    change(stage, row, rewards=["EBOOK-HARB-EN"])
    with stage.inside():
        missions.reissue(MissionCompletion.objects.get(), by=LEAD, because="the mail was lost")
    found = [("EBOOK-TIDE-EN", "revoked"), ("EBOOK-TIDE-EN", "active")]
    assert [(sku, status) for _, sku, status in earned(stage)] == found


def test_a_change_is_in_the_audit_log_with_both_sides_and_the_same_again_is_refused(stage: Stage) -> None:
    row = mission(stage, times=1)
    change(stage, row, times=3, title="Three reviews")
    with stage.inside():
        entry = AuditEntry.objects.get(action="mission.changed")
        assert entry.details == {"title": ["Two reviews", "Three reviews"], "times": ["1", "3"]}
        assert (entry.reason, FormerTerms.objects.get().times) == (WHY, 1)
    with pytest.raises(mission_terms.AlreadySo):
        change(stage, row, times=3, title="Three reviews")
    change(stage, row, times=3, title="Reviews of books")
    with stage.inside():
        assert FormerTerms.objects.count() == 1, "a title is no term"


@pytest.mark.parametrize(
    "wrong", [{"times": 0}, {"times": 1001}, {"rewards": [" "]}, {"title": " "}, {"ends_at": START}]
)
def test_terms_that_no_mission_can_have_are_refused(stage: Stage, wrong: dict[str, Any]) -> None:
    row = mission(stage)
    with pytest.raises(Invalid):
        change(stage, row, **wrong)


def test_only_who_manages_coupons_may_change_them(stage: Stage) -> None:
    row = mission(stage)
    with stage.inside(), pytest.raises(NotPermitted):
        mission_terms.change(
            row, title="T", times=1, starts_at=START, ends_at=None, rewards=["A"],
            by=Actor(label="Ann", role="agent"), because=WHY,
        )  # fmt: skip


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.integers(1, 4), st.integers(0, 6)), min_size=1, max_size=4))
def test_no_change_of_terms_ever_takes_a_reward_away(stage: Stage, changes: list[tuple[int, int]]) -> None:
    with transaction.atomic():
        row = mission(stage, times=1)
        tell(stage, 1)
        for number, (times, days) in enumerate(changes):
            starts = START + days * DAY + timedelta(minutes=number + 1)
            change(stage, row, times=times, starts_at=starts, rewards=["EBOOK-HARB-EN"])
            stage.work()
        assert earned(stage)[0] == (ADA, "EBOOK-TIDE-EN", "active")
        transaction.set_rollback(True)

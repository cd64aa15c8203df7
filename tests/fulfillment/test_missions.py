"""Missions: which deeds complete one, whatever their order, and rewards that follow the facts with their own log."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from fulfillment import missions as rules
from fulfillment.actions import bundles, entitlements, mission_terms, missions
from fulfillment.missions import Deed, Period, Rule, Terms
from fulfillment.models import DownloadLink, Email, Entitlement, Mission, MissionCompletion, MissionEntry
from fulfillment.queries import missions as looking
from orders.models import Product
from profiles.actions import events, merges
from profiles.actors import Actor, Refusal
from profiles.events import Told
from profiles.models import Event, Profile
from support import alarms
from support.queries import troubles
from tests.stage import Stage, sample

LEAD = Actor(label="Lea", role="lead")
WHY = "the autumn campaign"
DAY = timedelta(days=1)
START = datetime(2026, 10, 1, tzinfo=UTC)
ADA, BOB = "ada@example.org", "bob@example.org"


# The rule -------------------------------------------------------------------------------------------------------


def deed(day: int, number: int = 1, **more: Any) -> Deed:
    return Deed(START + day * DAY, f"event:{number}", **{"type": "review", **more})


@pytest.mark.parametrize(
    ("terms", "deeds", "periods"),
    [
        ({}, [deed(0)], [""]),
        ({}, [deed(-1)], []),
        ({"ends_at": START + DAY}, [deed(1)], []),
        ({"times": 2}, [deed(1)], []),
        ({"times": 2}, [deed(1), deed(40, 2)], [""]),
        ({"times": 2, "period": Period.MONTH}, [deed(1), deed(40, 2)], []),
        ({"period": Period.MONTH}, [deed(1), deed(2, 2), deed(40, 3)], ["2026-10", "2026-11"]),
        ({"period": Period.YEAR}, [deed(1), deed(100, 2)], ["2026", "2027"]),
        ({}, [deed(1, type="signup")], []),
        ({"times": 9}, [deed(1, type="mission_completed", mission="m")], [""]),
        ({}, [deed(1, type="mission_completed", mission="other")], []),
        ({"rule": Rule.PURCHASES}, [deed(1, type="", purchase=True)], [""]),
        ({"rule": Rule.PURCHASES, "skus": frozenset("A")}, [deed(1, type="", purchase=True)], []),
        ({"rule": Rule.PURCHASES, "skus": frozenset("A")}, [deed(1, purchase=True, skus=frozenset("AB"))], [""]),
        ({"rule": Rule.REPORTED}, [deed(1)], []),
    ],
)
def test_which_deeds_complete_a_mission(terms: dict[str, Any], deeds: list[Deed], periods: list[str]) -> None:
    made = Terms(**{"slug": "m", "rule": Rule.EVENTS, "starts_at": START, "event_type": "review", **terms})
    assert sorted(rules.completed(made, deeds)) == periods


@settings(max_examples=40)
@given(st.permutations([deed(day, day) for day in range(6)]), st.integers(1, 6))
def test_the_order_of_the_deeds_says_nothing(deeds: list[Deed], times: int) -> None:
    terms = Terms(slug="m", rule=Rule.EVENTS, starts_at=START, event_type="review", times=times)
    assert rules.completed(terms, deeds) == {"": deed(times - 1, times - 1)}


# What follows ---------------------------------------------------------------------------------------------------


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


def mission(stage: Stage, **more: Any) -> Mission:
    terms = {"slug": "reader", "title": "Two reviews", "rule": "events", "event_type": "review", "times": 2, **more}
    terms.setdefault("rewards", ["EBOOK-TIDE-EN"])
    with stage.inside():
        return mission_terms.add(organization=stage.organization, starts_at=START, by=LEAD, because=WHY, **terms)


def tell(stage: Stage, number: int, email: str = ADA, type_: str = "review", **payload: Any) -> None:
    told = Told(
        event_id=f"e-{number}",
        type=type_,
        occurred_at=START + number * DAY,
        source="api:test",
        identifiers={"email": email},
        payload=payload,
    )
    with stage.inside():
        events.record([told], organization=stage.organization)
    stage.work()


def rewards(stage: Stage) -> list[str]:
    with stage.inside():
        return sorted(Entitlement.objects.filter(source="reward").values_list("status", flat=True))


def log(stage: Stage) -> list[str]:
    with stage.inside():
        return list(MissionEntry.objects.order_by("pk").values_list("kind", flat=True))


def test_a_completed_mission_is_rewarded_once_by_mail(stage: Stage) -> None:
    mission(stage)
    tell(stage, 2)
    assert rewards(stage) == []
    tell(stage, 1)
    tell(stage, 3)
    assert rewards(stage) == ["active"] and log(stage) == ["completed", "granted"]
    with stage.inside():
        assert "/download/" in Email.objects.get().text
        assert MissionCompletion.objects.get().completed_at == START + 2 * DAY


def test_what_was_done_before_the_mission_was_made_counts_from_its_start(stage: Stage) -> None:
    tell(stage, 1)
    tell(stage, 2)
    mission(stage)
    stage.work()
    assert rewards(stage) == ["active"]


def test_another_system_reports_a_completion(stage: Stage) -> None:
    mission(stage, rule="reported", event_type="")
    tell(stage, 1, type_="mission_completed", mission="reader")
    assert rewards(stage) == ["active"]


def test_a_refund_of_what_earned_it_revokes_the_reward_and_says_so(stage: Stage) -> None:
    mission(stage, rule="purchases", times=1, skus=["EBOOK-HARB-EN"])
    paid = sample("api/order.json")
    paid.update(external_id="p-1", placed_at="2026-11-13T19:05:41Z", updated_at="2026-11-13T19:05:41Z")
    paid["customer"] = {"email": ADA}
    paid["lines"] = [{**paid["lines"][0], "sku": "EBOOK-HARB-EN", "title": ""}]
    stage.post("api", paid)
    stage.work()
    assert rewards(stage) == ["active"]
    stage.post("api", {**paid, "status": "cancelled", "updated_at": "2026-11-14T19:05:41Z"})
    stage.work()
    assert rewards(stage) == ["revoked"] and log(stage) == ["completed", "granted", "revoked"]
    with stage.inside():
        dead = DownloadLink.objects.filter(entitlement__source="reward", revoked_at__isnull=False)
        assert dead.count() == 1


@pytest.mark.parametrize(("keeps", "left", "last"), [(False, ["revoked"], "revoked"), (True, ["active"], "kept")])
def test_a_withdrawn_fact_takes_the_reward_back_unless_it_stays(
    stage: Stage, keeps: bool, left: list[str], last: str
) -> None:
    mission(stage, keeps=keeps, times=1)
    tell(stage, 1, type_="signup")
    tell(stage, 2, email="")
    with stage.inside():
        review, ada = Event.objects.get(type="review"), Profile.objects.get()
        events.link(review, ada, by=LEAD, because="she says so")
    stage.work()
    assert rewards(stage) == ["active"]
    with stage.inside():
        events.unlink(review, by=LEAD, because="it was somebody else")
    stage.work()
    assert rewards(stage) == left and log(stage)[-1] == last
    with stage.inside():
        events.link(review, ada, by=LEAD, because="it was her after all")
    stage.work()
    assert rewards(stage) == ["active"] and log(stage)[-1] == ("kept" if keeps else "restored")


def test_two_who_become_one_hold_the_mission_once_and_part_again(stage: Stage) -> None:
    mission(stage, times=1)
    tell(stage, 1)
    tell(stage, 2, BOB)
    with stage.inside():
        one, other = Profile.objects.order_by("pk").values_list("pk", flat=True)
        made = merges.merge(one, other, by=LEAD, because="the same person")
    stage.work()
    with stage.inside():
        assert sorted(MissionCompletion.objects.values_list("state", flat=True)) == ["completed", "doubled"]
    assert rewards(stage) == ["active", "active"]
    with stage.inside():
        merges.undo(made, by=LEAD, because="they are two")
    stage.work()
    with stage.inside():
        assert list(MissionCompletion.objects.values_list("state", flat=True)) == ["completed", "completed"]
    assert rewards(stage) == ["active", "active"] and log(stage).count("granted") == 2


def test_a_reward_issued_again_has_new_links_and_one_line_in_the_log(stage: Stage) -> None:
    mission(stage, times=1)
    tell(stage, 1)
    by = Actor(label="Lea", role="lead")
    with stage.inside():
        completion = MissionCompletion.objects.get()
        assert missions.reissue(completion, by=by, because="the mail was lost") == 1
    stage.work()
    assert rewards(stage) == ["active", "revoked"]
    assert log(stage) == ["completed", "granted", "revoked", "reissued"]
    with stage.inside():
        assert set(MissionEntry.objects.filter(kind__in=["revoked", "reissued"]).values_list("act", flat=True)) == {
            by.act
        }
        reissued = MissionEntry.objects.get(kind="reissued")
        assert (reissued.who, reissued.because) == ("Lea", "the mail was lost")


def test_a_person_who_revokes_a_reward_stands_in_the_missions_log(stage: Stage) -> None:
    mission(stage, times=1)
    tell(stage, 1)
    with stage.inside():
        entitlements.revoke(Entitlement.objects.get(source="reward"), by=LEAD, because="misused")
    tell(stage, 2)
    assert rewards(stage) == ["revoked"]
    with stage.inside():
        last = MissionEntry.objects.order_by("pk").last()
        assert last is not None and (last.kind, last.who, last.because) == ("revoked", "Lea", "misused")


def test_a_reward_that_cannot_be_delivered_is_red_and_told(stage: Stage) -> None:
    stage.product("SERV-HOUR", "One hour", kind="service")
    stage.product("EBOOK-BARE", "Not yet written")
    made = mission(stage, times=1, rewards=["EBOOK-TIDE-EN", "SERV-HOUR", "EBOOK-BARE", "NO-SUCH"])
    with stage.inside():
        found = {reward.sku: bool(reward.wrong) for reward in looking.rewards([made.pk])}
        (told,) = [one for one in troubles.found(alarms.USUAL, START) if one.key == "missions.rewards"]
    assert found == {"EBOOK-TIDE-EN": False, "SERV-HOUR": True, "EBOOK-BARE": True, "NO-SUCH": True}
    assert told.count == 3
    tell(stage, 1)
    assert log(stage).count("ungrantable") == 2 and log(stage).count("granted") == 2


def test_a_reward_with_work_in_it_says_so_and_gives_what_can_be_given(stage: Stage) -> None:
    stage.product("SERV-HOUR", "One hour", kind="service")
    stage.product("SET", "A set", kind="bundle")
    with stage.inside():
        bundles.fill(Product.objects.get(sku="SET"), ["EBOOK-TIDE-EN", "SERV-HOUR"], by=LEAD)
    made = mission(stage, times=1, rewards=["SET", "SERV-HOUR"])
    with stage.inside():
        wrong = {reward.sku: reward.wrong for reward in looking.rewards([made.pk])}
    assert wrong["SET"].startswith("SERV-HOUR in it is a service") and wrong["SERV-HOUR"].startswith("It is a service")
    tell(stage, 1)
    assert rewards(stage) == ["active"]


def test_a_stopped_mission_gives_nothing_until_it_starts_again(stage: Stage) -> None:
    made = mission(stage, times=1)
    with stage.inside():
        mission_terms.stop(made, by=LEAD, because=WHY)
        with pytest.raises(Refusal):
            mission_terms.stop(made, by=LEAD, because=WHY)
    tell(stage, 1)
    assert rewards(stage) == []
    with stage.inside():
        mission_terms.start(made, by=LEAD, because=WHY)
    stage.work()
    assert rewards(stage) == ["active"]


def test_any_number_of_customers_costs_the_same_queries(stage: Stage) -> None:
    mission(stage, times=1)
    counts = []
    for numbers in ([1], range(2, 12)):
        with stage.inside():
            mission_ids = Mission.objects.update(active=False)
        for number in numbers:
            tell(stage, number, f"reader{number}@example.org")
        with stage.inside():
            Mission.objects.update(active=True)
            people = set(Profile.objects.values_list("pk", flat=True))
            with CaptureQueriesContext(connection) as caught:
                missions.settle(people, organization=stage.organization)
            counts.append(len(caught))
        assert mission_ids == 1
    assert counts[1] <= counts[0] + 2
    with CaptureQueriesContext(connection) as caught, stage.inside():
        Mission.objects.update(active=False)
        before = len(caught)
        missions.settle([1], organization=stage.organization)
        assert len(caught) == before + 1

"""Figures that are kept by day equal a recount, whatever happened, in any order, counted in between or not."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attribution.actions import attributions, conversations
from attribution.models import Attribution, Conversation
from config import counting, drains, dues
from fulfillment.models import Job
from orders.messages import Customer, DisputeStatus, OrderStatus
from orders.models import Line as LineRow
from orders.models import Order, StaleDay
from profiles.actions import merges
from profiles.actors import Actor, Refusal
from profiles.models import Merge, Organization, Profile
from support.actions import tallies
from support.analytics import Asked
from support.models import ProductMonth, RevenueTally
from support.queries import analytics, proofs_of_tallies
from tests import figures
from tests.figures import Shop, lines
from tests.money import dispute, refund, tell, work
from tests.talks import conversation

LEAD = Actor(label="Lena", role="lead")
BERLIN = "Europe/Berlin"
# Around midnight in Berlin at the ends of months, and in the nights in which the clocks change.
MOMENTS = [
    datetime.fromisoformat(text).replace(tzinfo=UTC)
    for text in (
        "2026-03-28T22:59:59", "2026-03-28T23:00:00", "2026-03-29T00:30:00", "2026-03-29T21:59:59",
        "2026-03-31T21:59:59", "2026-03-31T22:00:00", "2026-09-14T12:00:00", "2026-10-24T22:00:00",
        "2026-10-25T00:30:00", "2026-10-25T01:30:00", "2026-10-25T22:59:59", "2026-10-25T23:00:00",
        "2026-10-31T23:30:00",
    )
]  # fmt: skip
NAMES = ("o-1", "o-2", "o-3", "o-4", "o-5")


# What may happen --------------------------------------------------------------------------------------------------


def sold(shop: Shop, name: str, who: int, moment: datetime, totals: list[int]) -> None:
    shop.say(
        name,
        placed_at=moment,
        total_minor=sum(totals),
        lines=lines(*totals),
        customer=Customer(email=f"c{who}@b.example"),
    )


def changed(shop: Shop, name: str, what: dict[str, Any]) -> None:
    if name in shop.words:
        shop.say(name, **what)


def returned(shop: Shop, name: str, amount: int) -> None:
    tell(shop, refund(name, amount, number=amount, currency="USD" if name == "o-5" else "EUR"), kind=shop.kind(name))


def disputed(shop: Shop, name: str) -> None:
    tell(shop, dispute(name, 700, status=DisputeStatus.LOST), kind=shop.kind(name), settle=False)


def chatted(shop: Shop, name: str, who: int, moment: datetime, source: str) -> None:
    started = moment - timedelta(minutes=50)
    message = conversation(
        external_id=name, started_at=started, last_activity_at=moment - timedelta(minutes=5), source=source,
        customer=Customer(email=f"c{who}@b.example"), message_count=3,
    )  # fmt: skip
    with shop.inside():
        conversations.record(message, organization=shop.organization)


def merged(shop: Shop) -> None:
    with shop.inside():
        found = list(Profile.objects.filter(merged_into=None).order_by("pk").values_list("pk", flat=True)[:2])
        if len(found) == 2:
            merges.merge_by_staff(*found, by=LEAD, because="one person", verified=["phone", "name"])


def undone(shop: Shop) -> None:
    with shop.inside():
        if merge := Merge.objects.filter(undone_at=None).order_by("-pk").first():
            merges.undo(merge, by=LEAD, because="two people")


def decided(shop: Shop, name: str, chat: bool) -> None:
    with shop.inside():
        if row := shop.row(name):
            talk = Conversation.objects.order_by("pk").first() if chat else None
            attributions.override(row, talk, by=LEAD, because="told on the phone")


def lifted(shop: Shop, name: str) -> None:
    with shop.inside():
        if row := shop.row(name):
            attributions.lift(row, by=LEAD, because="it was not so")


def past_the_acts(shop: Shop, what: str) -> None:
    """What a repair by hand would write, past every act of ours."""
    with shop.inside():
        if what == "attribution":
            Attribution.objects.filter(current=True).delete()
        elif what == "jobs":
            Job.objects.update(state="completed")
        elif what == "mapping":
            LineRow.objects.filter(sku="").update(product=shop.book)
        elif what == "talks":
            Conversation.objects.update(started_at=MOMENTS[4], source="till.example")
        else:
            Order.objects.filter(external_id="o-1").update(placed_at=MOMENTS[-1], currency="USD")


def settled(shop: Shop) -> None:
    work(shop)


def rebuilt(shop: Shop) -> None:
    counting.days(shop.organization.pk)


who = st.integers(1, 3)
names, moments = st.sampled_from(NAMES), st.sampled_from(MOMENTS)
totals = st.lists(st.integers(0, 3000), min_size=1, max_size=3).filter(sum)
CHANGES = [
    {"test": True}, {"test": False}, {"cancelled": True, "status": OrderStatus.CANCELLED},
    *({"placed_at": moment} for moment in MOMENTS), {"paid": False}, {"lines": lines(0, 0, 0)},
]  # fmt: skip
BY_HAND = ["attribution", "jobs", "mapping", "talks", "orders"]
bought = st.tuples(st.just(sold), names, who, moments, totals)
chat = st.tuples(
    st.just(chatted), st.sampled_from(["c-1", "c-2"]), who, moments, st.sampled_from(["api", "till.example"])
)
rest = st.one_of(
    st.tuples(st.just(changed), names, st.sampled_from(CHANGES)),
    st.tuples(st.just(returned), names, st.integers(1, 900)),
    st.tuples(st.just(disputed), names),
    st.tuples(st.just(merged)),
    st.tuples(st.just(undone)),
    st.tuples(st.just(decided), names, st.booleans()),
    st.tuples(st.just(lifted), names),
    st.tuples(st.just(past_the_acts), st.sampled_from(BY_HAND)),
    st.tuples(st.just(settled)),
)
steps = st.lists(st.one_of(bought, chat, rest, st.tuples(st.just(rebuilt)), bought), min_size=6, max_size=14)
NUMBER = iter(range(1_000_000))


@settings(max_examples=8, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_what_is_kept_always_equals_a_recount(db: None, story: list[tuple[Any, ...]]) -> None:
    shop = Shop(slug=f"shop-{next(NUMBER)}")
    ranges = [
        shop.asked(),
        shop.asked(currency="USD"),
        shop.asked(date(2026, 3, 29), date(2026, 10, 26), channels=(shop.channels["stripe"].pk,)),
    ]
    for act, *given_ in story:
        try:
            act(shop, *given_)
        except Refusal:
            continue  # what may not be done changes nothing
        figures.agree(shop, *ranges)
    while drains.settlements(shop.organization.pk) or counting.days(shop.organization.pk):
        pass
    figures.agree(shop, *ranges)
    with shop.inside():
        assert not StaleDay.objects.exists()
        assert proofs_of_tallies.differences(Organization.objects.get(pk=shop.organization.pk)) == []


# One thing at a time ----------------------------------------------------------------------------------------------


@pytest.fixture
def shop(db: None) -> Shop:
    return Shop()


def sell(shop: Shop, name: str, moment: str, who: int = 1, total: int = 1000) -> None:
    sold(shop, name, who, datetime.fromisoformat(moment).replace(tzinfo=UTC), [total])
    idle(shop)


def idle(shop: Shop) -> None:
    """Work until no figure waits to be counted."""
    while drains.settlements(shop.organization.pk) or counting.days(shop.organization.pk):
        pass


def days(shop: Shop) -> dict[date, int]:
    with shop.inside():
        return {day.day: day.total.orders for day in analytics.figures(shop.asked()).by_day}


def proved(shop: Shop) -> list[Any]:
    with shop.inside():
        return proofs_of_tallies.differences(Organization.objects.get(pk=shop.organization.pk))


def test_a_settled_shop_has_nothing_stale_and_work_that_waits_is_known(shop: Shop) -> None:
    sold(shop, "o-1", 1, MOMENTS[0], [900])
    work(shop)
    assert dues.outlook(shop.organization.pk)[0] is not None
    assert shop.work() > 0
    with shop.inside():
        assert not StaleDay.objects.exists() and RevenueTally.objects.get().gross_minor == 900
    assert counting.days(shop.organization.pk) == 0


def test_an_order_whose_time_is_corrected_leaves_its_former_day(shop: Shop) -> None:
    sell(shop, "o-1", "2026-03-28T22:59:59")
    assert days(shop) == {date(2026, 3, 28): 1}
    shop.say("o-1", placed_at=MOMENTS[5])
    assert days(shop) == {date(2026, 4, 1): 1}
    idle(shop)
    assert days(shop) == {date(2026, 4, 1): 1} and proved(shop) == []


def test_an_earlier_order_that_comes_late_changes_the_cohort_and_who_came_back(shop: Shop) -> None:
    sell(shop, "o-1", "2026-04-05T10:00:00")
    sell(shop, "o-2", "2026-06-05T10:00:00")
    with shop.inside():
        (april,) = analytics.cohorts(shop.asked())
        assert (april.month, april.customers, [cell.orders for cell in april.cells[:3]]) == (
            date(2026, 4, 1), 1, [1, 0, 1],
        )  # fmt: skip
    sold(shop, "o-3", 1, datetime(2026, 3, 5, 10, tzinfo=UTC), [700])
    work(shop)
    for _ in range(2):
        with shop.inside():
            (march,) = analytics.cohorts(shop.asked())
            assert (march.month, [cell.customers for cell in march.cells[:4]]) == (date(2026, 3, 1), [1, 1, 0, 1])
            growth = dict(analytics.growth_by_week(shop.asked()))
            assert [(week, one.repeated) for week, one in growth.items()] == [
                (date(2026, 3, 2), 0), (date(2026, 3, 30), 1), (date(2026, 6, 1), 1),
            ]  # fmt: skip
        idle(shop)


def test_an_order_at_midnight_and_in_the_hour_that_comes_twice(shop: Shop) -> None:
    for number, moment in enumerate(("24T21:59:59", "24T22:00:00", "25T00:30:00", "25T01:30:00", "25T23:00:00")):
        sell(shop, f"n-{number}", f"2026-10-{moment}")
    kept = {date(2026, 10, 24): 1, date(2026, 10, 25): 3, date(2026, 10, 26): 1}
    assert days(shop) == kept
    with shop.inside():
        asked = shop.asked(date(2026, 10, 25), date(2026, 10, 26))
        assert analytics.figures(asked).total.orders == 3
        assert asked.span[1].astimezone(UTC) - asked.span[0].astimezone(UTC) == timedelta(hours=25)


def test_the_first_purchase_is_of_each_currency(shop: Shop) -> None:
    sell(shop, "o-1", "2026-04-05T10:00:00")
    sell(shop, "o-5", "2026-05-05T10:00:00")
    with shop.inside():
        assert [one.month for one in analytics.cohorts(shop.asked())] == [date(2026, 4, 1)]
        assert [one.month for one in analytics.cohorts(shop.asked(currency="USD"))] == [date(2026, 5, 1)]
        assert [one.repeated for one in analytics.growth_by_channel(shop.asked(currency="USD")).values()] == [0]


def test_a_conversation_that_names_another_shop_is_not_of_this_one(shop: Shop) -> None:
    chatted(shop, "c-1", 1, MOMENTS[6], "api")
    chatted(shop, "c-2", 2, MOMENTS[6], "till.example")
    sell(shop, "o-1", "2026-09-14T12:05:00")
    for _ in range(2):
        with shop.inside():
            stripe, api = ((shop.channels[kind].pk,) for kind in ("stripe", "api"))
            of = {pick: analytics.figures(shop.asked(channels=pick)) for pick in (None, stripe, api)}
        assert {pick: (one.conversations, one.converted) for pick, one in of.items()} == {
            None: (2, 1), stripe: (1, 1), api: (2, 0),
        }  # fmt: skip
        idle(shop)


def test_another_time_zone_makes_every_day_stale(shop: Shop) -> None:
    sell(shop, "o-1", "2026-03-31T21:59:59")
    sell(shop, "o-2", "2026-09-14T12:00:00")
    with shop.inside():
        Organization.objects.filter(pk=shop.organization.pk).update(timezone="Asia/Tokyo")
    figures.agree(shop, shop.asked(zone="Asia/Tokyo"))
    idle(shop)
    figures.agree(shop, shop.asked(zone="Asia/Tokyo"))
    assert proved(shop) == []


def test_a_range_of_whole_months_is_read_by_months(shop: Shop) -> None:
    for number, day in enumerate(
        ("2026-03-31T12:00:00", "2026-04-05T12:00:00", "2026-04-20T12:00:00", "2026-05-01T12:00:00")
    ):
        sell(shop, f"m-{number}", day, total=100 + number)
    with shop.inside():
        assert ProductMonth.objects.count() == 3
        ProductMonth.objects.update(quantity=0)
        whole = analytics.figures(shop.asked(date(2026, 4, 1), date(2026, 5, 1))).products
        part = analytics.figures(shop.asked(date(2026, 4, 2), date(2026, 5, 1))).products
    assert [one.quantity for one in whole] == [0] and [one.quantity for one in part] == [2]
    assert {one.table for one in proved(shop)} == {"support_productmonth"}


def test_the_newest_days_are_counted_first_and_a_few_at_once(shop: Shop) -> None:
    sold(shop, "o-1", 1, MOMENTS[0], [900])
    sold(shop, "o-2", 2, MOMENTS[-1], [800])
    work(shop)
    with shop.inside():
        assert tallies.settle(shop.organization, limit=1) == 1
        assert [row.gross_minor for row in RevenueTally.objects.all()] == [800]
    figures.agree(shop, shop.asked())


def test_a_strangers_days_stay_as_they_are(shop: Shop) -> None:
    stranger = Shop(slug="stranger")
    for one in (shop, stranger):
        sold(one, "o-1", 1, MOMENTS[0], [900])
        work(one)
    idle(shop)
    with stranger.inside():
        assert StaleDay.objects.exists() and not RevenueTally.objects.exists()
    figures.agree(stranger, stranger.asked())


def test_any_range_costs_the_same_statements(shop: Shop) -> None:
    def cost(question: Any, asked: Asked) -> int:
        with shop.inside(), CaptureQueriesContext(connection) as found:
            question(asked)
        return len(found)

    sell(shop, "o-1", "2026-03-31T12:00:00")
    few = [
        cost(question, shop.asked()) for question in (analytics.figures, analytics.cohorts, analytics.growth_by_week)
    ]
    for number in range(5):
        sell(shop, f"q-{number}", f"2026-0{number + 2}-11T12:00:00", who=number)
    sold(shop, "o-2", 1, MOMENTS[0], [900])
    work(shop)
    many = [
        cost(question, shop.asked()) for question in (analytics.figures, analytics.cohorts, analytics.growth_by_week)
    ]
    assert few == many == [5, 2, 2]


def test_counting_one_day_or_forty_costs_the_same_statements(shop: Shop) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as found:
            counting.days(shop.organization.pk)
        return len(found)

    sold(shop, "o-1", 1, MOMENTS[0], [900])
    work(shop)
    one = cost()
    for number, moment in enumerate(MOMENTS):
        sold(shop, f"o-{number}", number, moment, [900])
    work(shop)
    assert cost() == one


# The proof --------------------------------------------------------------------------------------------------------


def test_a_day_somebody_forgot_to_mark_is_named_and_mended(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    sell(shop, "o-1", "2026-03-31T12:00:00")
    call_command("verify_analytics", "--organization", shop.slug)
    assert "0 differences on 0 days." in capsys.readouterr().out
    with shop.inside():
        Order.objects.update(captured_minor=5)
        StaleDay.objects.all().delete()
        assert analytics.figures(shop.asked()).total.gross_minor == 1000
    with pytest.raises(CommandError, match="figures differ"):
        call_command("verify_analytics", "--organization", shop.slug)
    assert "2026-03-31 support_revenuetally (" in (said := capsys.readouterr().out)
    assert "gross_minor 1000, counted 5" in said
    call_command("verify_analytics", "--organization", shop.slug, "--repair", "--json")
    document = json.loads(capsys.readouterr().out)
    assert (document["days"], document["repaired"]) == (["2026-03-31"], 1)
    assert {one["table"] for one in document["differences"]} > {"support_revenuetally", "support_cohorttally"}
    idle(shop)
    assert proved(shop) == []
    figures.agree(shop, shop.asked())

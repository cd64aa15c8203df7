"""The funnel: which events are a step of it, each counted once, and the money of a conversion told once."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders import money
from orders.models import Order
from profiles import events
from profiles.models import Event
from support import funnels
from support.analytics import Asked
from support.queries import funnels as queries
from tests.events import event, post, tell
from tests.money import order, refund
from tests.money import tell as tell_money
from tests.stage import Stage

WEEK = (date(2026, 11, 9), date(2026, 11, 16))


def test_every_type_of_a_step_is_in_the_index_and_of_one_step_alone():
    named = [name for names in funnels.STEPS.values() for name in names]
    assert sorted(named) == sorted(set(named)) == list(events.FUNNEL_TYPES)
    assert all(events.TYPE.fullmatch(name) for name in named)


def test_rates_are_percent_and_nothing_where_there_is_nothing_to_divide_by():
    row = funnels.Row(clicks=3, checkouts=2, conversions=1, orders=2, net_minor=1001)
    assert (row.checkout_rate, row.paid_rate, row.whole_rate) == (Decimal("66.67"), Decimal("50.00"), Decimal("33.33"))
    assert row.average_minor == 500
    empty = funnels.Row(conversions=4)
    assert (empty.checkout_rate, empty.paid_rate, empty.whole_rate, empty.average_minor) == (None,) * 4


# What is counted ---------------------------------------------------------------------------------------------------


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


def asked(stage: Stage, **more: Any) -> Asked:
    span = {"start": WEEK[0], "end": WEEK[1], **more}
    return Asked(organization_id=stage.organization.pk, zone="Europe/Berlin", **{"currency": "EUR", **span})


def funnel(stage: Stage, **more: Any) -> queries.Funnel:
    with stage.inside():
        return queries.of(asked(stage, **more))


def step(number: int | str, type_: str, at: str = "2026-11-10T10:00:00Z", **payload: Any) -> dict[str, Any]:
    return event(number, type_, at, payload=payload)


def test_steps_are_counted_by_what_they_name_under_all_their_types(stage: Stage) -> None:
    tell(
        stage,
        step(1, "button_clicked", post_id="p-1", attachment_id=7, resolution="3840x2160"),
        step(2, "button_click", post="p-1"),
        step(3, "checkout_started", post_id="p-1", attachment="7"),
        step(4, "begin_checkout", post_id="p-2"),
        step(5, "purchase", post_id="p-1", total="12.50", currency="eur"),
        step(6, "review_submitted", post_id="p-1"),
        step(7, "page_view", post_id="p-1"),
    )
    found = funnel(stage)
    assert found.total == funnels.Row("", 2, 2, 1, 1, 1, 1250)
    assert found.posts == [funnels.Row("p-1", 2, 1, 1, 1, 1, 1250), funnels.Row("p-2", checkouts=1)]
    assert found.attachments == [funnels.Row("7", clicks=1, checkouts=1)]
    assert found.resolutions == [funnels.Row("3840x2160", clicks=1)]
    assert found.names == {"post": 2, "attachment": 1, "resolution": 1}


def test_an_event_repeated_counts_once_and_so_does_an_order_told_twice(stage: Stage) -> None:
    again = step(1, "checkout_completed", order_id="no-such", total="10.00", currency="EUR")
    tell(stage, again, again)
    assert funnel(stage).total.conversions == 1
    tell(stage, step(2, "purchase", "2026-11-11T10:00:00Z", order_id="no-such", total="10.00", currency="EUR"))
    assert (funnel(stage).total.conversions, funnel(stage).total.net_minor) == (1, 1000)


def test_an_order_that_is_known_says_what_a_conversion_brought_and_refunds_count(stage: Stage) -> None:
    told = step(1, "checkout_completed", order_id="o-1", total="99.00", currency="EUR", post_id="p-1")
    tell(stage, told)
    assert funnel(stage).total.net_minor == 9900 and funnel(stage).money.told == 1
    tell_money(stage, order("o-1", 2500))
    found = funnel(stage)
    assert (found.total.net_minor, found.total.orders, found.money.known, found.money.told) == (2500, 1, 1, 0)
    tell_money(stage, refund("o-1", 500))
    assert funnel(stage).total.net_minor == 2000 and funnel(stage).posts[0].net_minor == 2000


def test_an_order_named_with_and_without_its_channel_counts_once(stage: Stage) -> None:
    tell_money(stage, order("o-1", 2500))
    with stage.inside():
        channel = Order.objects.select_related("channel").get().channel
    tell(
        stage,
        step(1, "purchase", order_id="o-1"),
        step(2, "purchase", order_id="o-1", channel=channel.domain),
        step(3, "purchase", order_id="o-1", channel=channel.label),
    )
    assert (funnel(stage).total.conversions, funnel(stage).total.net_minor) == (1, 2500)


def test_an_id_that_two_channels_know_is_nobodys_until_the_channel_is_named(stage: Stage) -> None:
    tell_money(stage, order("o-1", 2500))
    with stage.inside():
        row = Order.objects.get()
        row.pk, row.channel = row.pk + 1, stage.channels["woocommerce"]
        row.captured_minor = 1100
        row._state.adding = True
        row.save()
    tell(stage, step(1, "purchase", order_id="o-1", total="7.00", currency="EUR"))
    assert funnel(stage).total.net_minor == 700
    tell(stage, step(2, "purchase", order_id="o-1", channel=stage.channels["woocommerce"].domain))
    assert funnel(stage).total.net_minor == 1800


def test_tests_are_no_conversions_and_cancelled_orders_bring_nothing(stage: Stage) -> None:
    tell_money(stage, order("o-1", 2500))
    tell(stage, step(1, "purchase", order_id="o-1", total="25.00", currency="EUR"))
    with stage.inside():
        Order.objects.update(status="cancelled")
    found = funnel(stage)
    assert (found.total.conversions, found.total.orders, found.money.not_counted) == (1, 0, 1)
    with stage.inside():
        Order.objects.update(test=True)
    assert funnel(stage).total == funnels.Row()


TOLD: tuple[tuple[dict[str, Any], int | None], ...] = (
    ({"total": "12.50", "currency": "EUR"}, 1250),
    ({"total": 12, "currency": "eur"}, 1200),
    ({"total": 12.5, "currency": "EUR"}, 1250),
    ({"total": "12.5000", "currency": "EUR"}, 1250),
    ({"value": "0", "currency": "EUR"}, 0),
    ({"total": "12,50", "currency": "EUR"}, None),
    ({"total": "12.505", "currency": "EUR"}, None),
    ({"total": "-1", "currency": "EUR"}, None),
    ({"total": "1e3", "currency": "EUR"}, None),
    ({"total": "12.", "currency": "EUR"}, None),
    ({"total": "9" * 40, "currency": "EUR"}, None),
    ({"total": {"amount": "12"}, "currency": "EUR"}, None),
    ({"total": [], "currency": "EUR"}, None),
    ({"total": True, "currency": "EUR"}, None),
    ({"total": "12.50"}, None),
    ({"total": "12.50", "currency": "EURO"}, None),
    ({"total": "12.50", "currency": 978}, None),
    ({"total": "\u0661", "currency": "EUR"}, None),
)


def test_a_sum_that_is_none_is_named_and_brings_nothing(stage: Stage) -> None:
    for number, (payload, _) in enumerate(TOLD):
        assert post(stage, step(number, "purchase", post_id=f"p-{number}", **payload)).status_code == 201
    found = funnel(stage)
    brought = {row.name: row.net_minor if row.orders else None for row in found.posts}
    assert brought == {f"p-{number}": minor for number, (_, minor) in enumerate(TOLD)}
    bad = {f"e-{number}" for number, (_, minor) in enumerate(TOLD) if minor is None}
    assert found.money.unreadable == len(bad) and len(found.money.examples) == queries.NAMED
    assert {one.event_id for one in found.money.examples} < bad
    assert found.total.conversions == len(TOLD) == found.money.told + found.money.unreadable


def test_sums_of_other_currencies_stand_apart(stage: Stage) -> None:
    tell(stage, step(1, "purchase", total="500", currency="JPY"), step(2, "purchase", total="5.00", currency="EUR"))
    assert (funnel(stage).total.net_minor, funnel(stage).money.elsewhere) == (500, 1)
    yen = funnel(stage, currency="JPY")
    assert (yen.total.conversions, yen.total.orders, yen.total.net_minor) == (2, 1, 500)


def test_days_begin_by_the_zone_and_steps_count_for_the_channel_they_name(stage: Stage) -> None:
    shop = stage.channels["shopify"]
    tell(
        stage,
        step(1, "button_clicked", "2026-11-08T22:59:59Z"),
        step(2, "button_clicked", "2026-11-08T23:00:00Z", channel=shop.domain),
        step(3, "button_clicked", "2026-11-15T22:59:59Z", domain=shop.label),
        step(4, "button_clicked", "2026-11-15T23:00:00Z"),
        step(5, "button_clicked", channel="no.such.shop"),
    )
    assert funnel(stage).total.clicks == 3
    assert funnel(stage, channels=(shop.pk,)).total.clicks == 2
    with stage.inside():
        told_by = Event.objects.get(event_id="e-5").source
        built_in = next(one.pk for one in type(shop).objects.all() if one.label == told_by)
    assert funnel(stage, channels=(built_in,)).total.clicks == 1
    assert funnel(stage, channels=()).total.clicks == 0


def test_a_stranger_counts_nothing_of_it(stage: Stage) -> None:
    tell(stage, step(1, "button_clicked", post_id="p-1"))
    assert funnel(Stage("stranger")).total == funnels.Row()


def test_the_funnel_costs_two_statements_whatever_is_in_it(stage: Stage) -> None:
    for number in range(3):
        tell(stage, step(number, "purchase", total="1.00", currency="EUR", post_id=str(number)))
        with stage.inside(), CaptureQueriesContext(connection) as found:
            queries.of(asked(stage))
        assert len(found) == 2


def test_events_of_other_types_are_never_read(stage: Stage) -> None:
    tell(stage, step(1, "button_clicked"), *(step(f"other-{number}", "page_view") for number in range(3)))
    with stage.inside(), connection.cursor() as cursor, CaptureQueriesContext(connection) as found:
        cursor.execute("SET LOCAL enable_seqscan = off")
        queries.of(asked(stage))
        for query in [one["sql"] for one in found if "profiles_event" in one["sql"]]:
            cursor.execute(f"EXPLAIN {query}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "event_of_a_funnel on profiles_event" in plan


KINDS = st.sampled_from(["button_clicked", "checkout_started", "purchase", "review", "cart"])
SUMS = st.sampled_from([None, "1.00", "0.07", "x", "12.345", 9])


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=st.lists(st.tuples(KINDS, st.sampled_from([None, "a", "b"]), SUMS), max_size=8))
def test_any_events_in_any_order_any_number_of_times_count_as_the_rules_say(stage: Stage, told: list) -> None:
    bodies: list[dict[str, Any]] = []
    for kind, post_id, total in told:
        number = len(bodies)
        payload = {"post_id": post_id, "total": total, "currency": "EUR"}
        body = step(f"{kind}-{number}-{post_id}-{total}", kind, **{k: v for k, v in payload.items() if v is not None})
        bodies.append(body)
    with stage.inside():
        Event.objects.all().delete()
    if bodies:
        tell(stage, *reversed(bodies), *bodies[:2])
    whole = funnels.Row()
    for body in bodies:
        names = [name for name, types in funnels.STEPS.items() if body["type"] in types]
        for name in names:
            setattr(whole, name, getattr(whole, name) + 1)
        if names == ["conversions"] and "total" in body["payload"]:
            try:
                minor = money.to_minor(body["payload"]["total"], "EUR")
            except money.MoneyError:
                continue
            whole.orders, whole.net_minor = whole.orders + 1, whole.net_minor + minor
    assert funnel(stage).total == whole
    with stage.inside():
        for name in funnels.STEPS:
            shown = queries.counted(Event.objects.all(), asked(stage), name)
            derived = Event.objects.filter(pk__in=queries._ids(asked(stage), name, dimension="", name=""))
            assert set(shown) == set(derived) and shown.count() == getattr(whole, name)

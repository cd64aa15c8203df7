"""Services in a bought bundle: each opened once by its line, followed by itself, ended and opened again with it."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from config import drains
from fulfillment.actions import bundles
from fulfillment.models import Entitlement, Followup, Service
from orders.actions import products
from orders.models import Line, Order, Product
from profiles import clock
from profiles.actions import settlement
from profiles.actors import Actor
from tests.buyers import Buyer, buyer
from tests.fulfillment.conftest import Later
from tests.servers import MailServer
from tests.stage import BY, Stage, sample

LEAD = Actor(label="Lea", role="lead")
WHY = "the autumn offer"
BOTH = {"ADVICE": "intake", "REVIEW": "intake"}


@pytest.fixture
def bob(db: None, smtp: MailServer) -> Buyer:
    """Somebody who may buy a set of a book and two services."""
    made = buyer(Stage(), smtp)
    stage = made.stage
    stage.product("ADVICE", "An hour of advice", kind="service")
    stage.product("REVIEW", "A review of your draft", kind="service")
    stage.product("SET", "The writer's set", kind="bundle")
    fill(stage, "SET", "EBOOK-TIDE-EN", "ADVICE", "REVIEW")
    return made


def fill(stage: Stage, sku: str, *skus: str) -> None:
    with stage.inside():
        bundles.fill(Product.objects.get(sku=sku), skus, by=BY)


def product(stage: Stage, sku: str) -> Product:
    with stage.inside():
        return Product.objects.get(sku=sku)


def opened(stage: Stage, **of: Any) -> dict[str, str]:
    """The state of each service, by its product."""
    with stage.inside():
        return dict(Service.objects.filter(**of).order_by("product__sku").values_list("product__sku", "state"))


def settle_again(stage: Stage) -> None:
    with stage.inside():
        settlement.request(stage.organization.pk, orders=Order.objects.values_list("pk", flat=True))
    stage.work()


def test_each_service_of_a_bought_bundle_is_opened_and_its_buyer_is_told(bob: Buyer, later: Later) -> None:
    bob.buy(sku="SET")
    bob.buy(sku="SET")
    settle_again(bob.stage)
    assert opened(bob.stage, source="bundle") == BOTH
    with bob.stage.inside():
        assert set(Service.objects.values_list("line__product__sku", flat=True)) == {"SET"}
    later(2)
    bob.stage.work()
    assert sorted(bob.subjects()[1:]) == ["Let us begin: A review of your draft", "Let us begin: An hour of advice"]
    forms = [bob.address_in(mail.text(), "intake") for mail in bob.smtp.to(bob.address)[1:]]
    assert bob.client.post(forms[0], {"answer_0": "A novel."}).status_code == 200
    later(47)
    bob.stage.work()
    assert len(bob.subjects()) == 5, "the reminders of the download and of the one form that is still empty"
    with bob.stage.inside():
        rows = Followup.objects.filter(kind="intake").values_list("state", "why")
        assert sorted(rows) == [("sent", ""), ("skipped", "answered")]
    later(500)
    bob.stage.work()
    about_services = [one for one in bob.subjects() if "Let us begin" in one or "your answers" in one]
    assert len(about_services) == 3


def test_a_bundle_of_services_alone_and_one_in_another_open_each_once(bob: Buyer) -> None:
    bob.stage.product("TALKS", "Two talks", kind="bundle")
    bob.stage.product("ALL", "All of it", kind="bundle")
    fill(bob.stage, "TALKS", "ADVICE", "REVIEW")
    fill(bob.stage, "ALL", "TALKS", "SET", "ADVICE")
    bob.buy(sku="TALKS")
    assert opened(bob.stage) == BOTH
    bob.buy(9002, sku="ALL")
    assert opened(bob.stage, order__external_id="api-9002") == BOTH
    with bob.stage.inside():
        assert Service.objects.count() == 4


def test_what_comes_into_a_bundle_later_is_opened_for_nobody_who_has_it(bob: Buyer) -> None:
    """Neither of a bundle that gave rights before, nor of one that gave services alone."""
    bob.stage.product("TALKS", "A talk", kind="bundle")
    fill(bob.stage, "TALKS", "REVIEW")
    bob.buy(sku="SET")
    bob.buy(9002, sku="TALKS")
    before = opened(bob.stage)
    bob.stage.product("CALL", "A call", kind="service")
    fill(bob.stage, "SET", "CALL")
    fill(bob.stage, "TALKS", "CALL", "EBOOK-HARB-EN")
    with bob.stage.inside():
        bundles.remove(Product.objects.get(sku="SET"), Product.objects.get(sku="ADVICE"), by=LEAD, because=WHY)
    settle_again(bob.stage)
    assert opened(bob.stage) == before
    with bob.stage.inside():
        assert not Entitlement.objects.filter(product__sku="EBOOK-HARB-EN").exists()
    bob.buy(9003, sku="SET")
    assert opened(bob.stage, order__external_id="api-9003") == {"CALL": "intake", "REVIEW": "intake"}


def test_owners_are_given_a_new_service_by_choice_and_told_however_long_ago_they_bought(
    bob: Buyer, later: Later
) -> None:
    bob.buy(sku="SET")
    with bob.stage.inside():
        long_ago = timedelta(days=30)
        Order.objects.update(placed_at=F("placed_at") - long_ago, arrived_at=F("arrived_at") - long_ago)
        Order.objects.update(paid_at=F("placed_at"))
    call = bob.stage.product("CALL", "A call", kind="service")
    with bob.stage.inside():
        bundle = Product.objects.get(sku="SET")
        assert bundles.owners(bundle) == 1
        assert bundles.add(bundle, call, to_owners=True, by=LEAD, because=WHY) == 1
    bob.stage.work()
    assert opened(bob.stage)["CALL"] == "intake"
    later(2)
    bob.stage.work()
    assert "Let us begin: A call" in bob.subjects()


def test_an_unmapped_line_opens_its_services_once_mapped_a_week_later(bob: Buyer, later: Later) -> None:
    bob.buy(sku="SOME-NAME")
    with bob.stage.inside():
        week = timedelta(days=7)
        Order.objects.update(placed_at=F("placed_at") - week, arrived_at=F("arrived_at") - week)
        Order.objects.update(paid_at=F("placed_at"))
        line = Line.objects.get()
        products.map_lines(product=product(bob.stage, "SET"), sku=line.sku, title=line.title, by=LEAD, because=WHY)
    bob.stage.work()
    assert opened(bob.stage) == BOTH
    later(2)
    bob.stage.work()
    assert bob.rows() == {"kickoff": "sent", "intake": "waiting"}


def test_an_imported_purchase_of_last_year_opens_them_and_writes_to_nobody(bob: Buyer) -> None:
    bob.buy(sku="SET", ago=timedelta(days=365))
    assert opened(bob.stage) == BOTH
    assert bob.rows() == {}


def test_a_line_mapped_to_something_else_ends_what_it_opened(bob: Buyer) -> None:
    bob.buy(sku="SET")
    for sku, states in (
        ("REVIEW", {"ADVICE": "ended", "REVIEW": "intake"}),
        ("SET", {"ADVICE": "intake", "REVIEW": "intake"}),
        ("EBOOK-HARB-EN", {"ADVICE": "ended", "REVIEW": "ended"}),
    ):
        with bob.stage.inside():
            Line.objects.update(product=Product.objects.get(sku=sku), sku=sku)
        settle_again(bob.stage)
        with bob.stage.inside():
            found = dict.fromkeys(("ADVICE", "REVIEW"), "ended")
            found |= dict(Service.objects.exclude(state="ended").values_list("product__sku", "state"))
        assert found == states, sku


WORDS = (
    ({"payment_status": "unpaid"}, False),
    ({"payment_status": "paid"}, True),
    ({"payment_status": "paid", "status": "cancelled"}, False),
)


def test_any_order_and_any_number_of_words_leave_what_the_newest_says(bob: Buyer) -> None:
    numbers = itertools.count(9100)
    start = clock.real() - timedelta(hours=1)

    @settings(max_examples=6, deadline=None)
    @given(
        newest_first=st.permutations(range(len(WORDS))),
        told=st.lists(st.integers(0, len(WORDS) - 1), min_size=3, max_size=5),
    )
    def check(newest_first: list[int], told: list[int]) -> None:
        number = next(numbers)
        for word in told:
            at = start - timedelta(minutes=newest_first.index(word))
            bob.buy(number, sku="SET", updated_at=at.isoformat(), **WORDS[word][0])
        newest = min(told, key=newest_first.index)
        states = opened(bob.stage, order__external_id=f"api-{number}")
        assert set(states.values()) <= ({"intake"} if WORDS[newest][1] else {"ended"})
        assert set(states) == set(BOTH) if WORDS[newest][1] else set(states) <= set(BOTH)
        with bob.stage.inside():
            rows = Followup.objects.filter(order__external_id=f"api-{number}", kind__in=("kickoff", "intake"))
            assert set(rows.values_list("state", flat=True)) <= ({"waiting"} if WORDS[newest][1] else {"stopped"})
            assert rows.count() == (4 if WORDS[newest][1] else 2 * len(states))
            assert rows.values("source_key").distinct().count() == rows.count()

    check()


def test_ten_bundles_with_services_cost_as_many_queries_as_one(bob: Buyer) -> None:
    stage, counts = bob.stage, []
    for numbers in ([1], range(2, 12)):
        for number in numbers:
            body = sample("api/order.json")
            body.update(external_id=f"b-{number}", customer={"email": f"reader{number}@example.org"})
            body.update(placed_at=clock.real().strftime("%Y-%m-%dT%H:%M:%SZ"))
            body["lines"] = [{**body["lines"][0], "sku": "SET", "title": ""}]
            assert stage.post("api", body).status_code == 200
        drains.inbox(stage.organization.pk)
        with CaptureQueriesContext(connection) as caught:
            drains.settlements(stage.organization.pk)
        counts.append(len(caught))
    assert counts[1] <= counts[0] + 2
    with stage.inside():
        assert Service.objects.count() == 22 and Followup.objects.filter(kind="kickoff").count() == 22

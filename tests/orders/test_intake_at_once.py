"""Copies of one delivery that come at the same moment are one delivery."""

import json
import time
from functools import partial
from typing import Any

import pytest
from django.db import DataError, connection
from django.test import Client

from config import databases, drains
from orders.actions import deliveries
from orders.models import Delivery, Order
from profiles import prepared, tenancy
from tests.faults.crowd import at_once
from tests.stage import Stage, sample

pytestmark = pytest.mark.django_db(transaction=True)
COPIES, THREADS = 100, 16


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_hundred_copies_at_once_are_one_order(stage: Stage) -> None:
    body = json.dumps(sample("shopify/orders-paid.json")).encode()
    headers = stage.signed("shopify", body, topic="orders/paid")
    path = stage.channels["shopify"].webhook_path

    def deliver() -> int:
        answer: Any = Client().post(path, body, content_type="application/json", headers=headers)
        return int(answer.status_code)

    assert at_once([deliver] * COPIES, threads=THREADS) == [200] * COPIES
    with stage.inside():
        assert Delivery.objects.count() == 1
    at_once([lambda: drains.round_of(stage.organization.pk)] * 4)
    stage.work()
    with stage.inside():
        assert Order.objects.count() == 1
    assert [mail["count"] for mail in stage.snapshot()["emails"]] == [1]


def test_a_hundred_copies_under_fresh_ids_worked_by_four_are_one_order(stage: Stage) -> None:
    """The id stands in an unsigned header: the inbox keeps each, the order is one, and so is its receipt."""
    body = json.dumps(sample("woocommerce/order.created.json")).encode()
    path = stage.channels["woocommerce"].webhook_path

    def deliver(number: int) -> int:
        headers = stage.signed("woocommerce", body, topic="order.created", delivery=f"d-{number}")
        answer: Any = Client().post(path, body, content_type="application/json", headers=headers)
        return int(answer.status_code)

    works = [lambda n=n: deliver(n) for n in range(COPIES)]
    drain = [lambda: drains.round_of(stage.organization.pk)] * 30
    mixed = [work for pair in zip(works, drain * 4, strict=False) for work in pair]
    results = at_once(mixed, threads=THREADS)
    assert [found for found in results if isinstance(found, Exception)] == []
    assert results[::2] == [200] * COPIES
    stage.work()
    with stage.inside():
        assert (Delivery.objects.count(), Order.objects.count()) == (COPIES, 1)
        assert set(Delivery.objects.values_list("state", flat=True)) == {"done"}
    assert [mail["count"] for mail in stage.snapshot()["emails"]] == [1]


def store(stage: Stage, name: str) -> bool:
    organization, channel = stage.organization.pk, stage.channels["api"].pk
    return deliveries.store(organization, channel, delivery_id=name, topic="order", body=b"{}", headers={})


def test_what_comes_at_the_same_moment_is_one_commit(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    group, statements = deliveries._together(stage.organization.pk), list[int]()
    fetch = prepared.fetch_again

    def held(statement: str, values: Any) -> Any:
        statements.append(statement.count("::bigint,") + 1)
        while len(statements) == 1 and len(group._waiting) < THREADS - 1:
            time.sleep(0.001)
        return fetch(statement, values)

    monkeypatch.setattr(prepared, "fetch_again", held)
    # Half of them are told twice: the one in company is kept once, and its other sender hears that it was known.
    works = [partial(store, stage, f"d-{n % 12}") for n in range(THREADS)]
    assert sorted(at_once(works), key=str) == [False] * 4 + [True] * 12
    assert statements[0] == 1 and len(statements) == 2
    with stage.inside():
        assert Delivery.objects.count() == Delivery.objects.values("delivery_id").distinct().count() == 12
        # Kept in one transaction, they came at one instant; the first was a transaction of its own.
        assert Delivery.objects.values("received_at").distinct().count() == 2


def test_what_cannot_be_kept_takes_no_others_with_it(stage: Stage) -> None:
    names = [f"d-{n}" if n % 10 else f"nul\0{n}" for n in range(COPIES)]
    answers = at_once([partial(store, stage, name) for name in names], threads=THREADS)
    for name, answer in zip(names, answers, strict=True):
        assert isinstance(answer, DataError) if "\0" in name else answer is True
    with stage.inside():
        assert set(Delivery.objects.values_list("delivery_id", flat=True)) == {n for n in names if "\0" not in n}


def test_two_organizations_at_once_keep_their_own(stage: Stage) -> None:
    other = Stage(slug="other")
    works = [partial(store, other if n % 2 else stage, f"d-{n}") for n in range(COPIES)]
    assert at_once(works, threads=THREADS) == [True] * COPIES
    for one, rest in ((stage, 0), (other, 1)):
        with one.inside():
            assert set(Delivery.objects.values_list("delivery_id", flat=True)) == {
                f"d-{n}" for n in range(COPIES) if n % 2 == rest
            }


def test_without_the_unique_key_the_copies_would_be_many(stage: Stage) -> None:
    """The control: looking first and keeping then, as one would without the constraint."""
    channel = stage.channels["api"]
    keys = ["organization_id", "channel_id", "delivery_id", "body_hash"]

    def look_then_keep() -> None:
        with tenancy.organization(stage.organization.pk):
            if not Delivery.objects.filter(delivery_id="one").exists():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_sleep(0.05)")
                Delivery.objects.create(
                    organization_id=stage.organization.pk,
                    channel=channel,
                    delivery_id="one",
                    body=b"{}",
                    body_hash=b"1" * 32,
                )

    with databases.as_owner(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE orders_delivery DROP CONSTRAINT delivery_unique")
    try:
        at_once([look_then_keep] * 8)
        with stage.inside():
            assert Delivery.objects.filter(delivery_id="one").count() > 1
            Delivery.objects.all().delete()
    finally:
        with databases.as_owner(), connection.cursor() as cursor:
            columns = ", ".join(keys)
            cursor.execute(f"ALTER TABLE orders_delivery ADD CONSTRAINT delivery_unique UNIQUE ({columns})")

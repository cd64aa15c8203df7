"""A batch of deliveries is read in as many statements as one, each as what came through its own channel."""

import json
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.actions import deliveries
from orders.models import Delivery
from tests.stage import Stage, sample

PAID = {"shopify": ("shopify/orders-paid.json", "orders/paid"), "woocommerce": ("woocommerce/order.created.json", "")}


@pytest.fixture
def stage(db: None) -> Iterator[Stage]:
    stage = Stage()
    with stage.inside():
        yield stage


def claimed(stage: Stage, kind: str, body: bytes | None = None, *, name: str = "") -> int:
    path, topic = PAID[kind]
    told = sample(path) | {"id": int(name or 7)}
    row = Delivery.objects.create(
        organization=stage.organization,
        channel=stage.channels[kind],
        delivery_id=name or "7",
        body=json.dumps(told).encode() if body is None else body,
        body_hash=b"",
        headers={"x-shopify-topic": topic, "x-wc-webhook-topic": "order.created"},
        state=Delivery.State.CLAIMED,
    )
    return row.pk


def test_each_is_read_as_what_came_through_its_own_channel(stage: Stage) -> None:
    kinds = ["shopify", "woocommerce", "shopify"]
    ids = [claimed(stage, kind, name=str(number)) for number, kind in enumerate(kinds, start=100)]
    said = deliveries.read(ids, organization=stage.organization).said
    assert [(s.channel.kind, s.message.external_id) for s in said] == [
        ("shopify", "100"), ("woocommerce", "101"), ("shopify", "102"),
    ]  # fmt: skip
    assert said[0].channel is said[2].channel


def test_many_are_read_in_as_many_statements_as_one(stage: Stage) -> None:
    counts = []
    for ids in ([claimed(stage, "shopify")], [claimed(stage, "shopify", name=str(n)) for n in range(20, 50)]):
        with CaptureQueriesContext(connection) as captured:
            assert len(deliveries.read(ids, organization=stage.organization).said) == len(ids)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_one_that_cannot_be_read_is_set_aside_and_takes_no_other_with_it(stage: Stage) -> None:
    bad, good = claimed(stage, "shopify", b'{"id": 1, "id": 2}'), claimed(stage, "shopify", name="8")
    said = deliveries.read([bad, good], organization=stage.organization).said
    assert [s.message.external_id for s in said] == ["8"]
    row = Delivery.objects.get(pk=bad)
    assert (row.state, row.reason) == ("quarantined", "The name 'id' stands twice in one object.")
    assert deliveries.read([], organization=stage.organization) == ([], [])

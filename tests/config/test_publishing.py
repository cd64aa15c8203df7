"""From the outbox to a real Redis: every event arrives, in order, with the id it keeps."""

import json
from typing import Any

import pytest

from profiles.models import StreamEntry
from tests.servers import RedisServer
from tests.stage import Stage, sample


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


def read(server: RedisServer, stream: str) -> list[dict[str, Any]]:
    """What a consumer reads, in the order of the stream."""
    rows = server.client.xrange(stream)
    return [{name.decode(): value.decode() for name, value in fields.items()} for _, fields in rows]


def test_an_order_is_told_as_it_came_and_as_it_is_known(stage: Stage, redis_server: RedisServer) -> None:
    body = sample("shopify/orders-paid.json")
    stage.post("shopify", body, topic="orders/paid", delivery="d1")
    stage.work()
    (raw,) = read(redis_server, "events.raw")
    (known,) = read(redis_server, "events.normalized")
    assert json.loads(json.loads(raw["payload"])["body"]) == body
    assert known["organization"] == "lantern" and known["type"] == "order.updated"
    payload = json.loads(known["payload"])
    assert payload["payment_status"] == "paid" and known["profile"] == str(payload["profile"])
    with stage.inside():
        assert StreamEntry.objects.filter(published_at__isnull=True).count() == 0

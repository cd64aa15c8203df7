"""Conversations that a program tells: kept in the inbox in its own words, and read again when replayed."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from attribution.models import Conversation, Message
from orders.actions import deliveries
from orders.messages import Unusable
from orders.models import Delivery
from orders.providers import api_talks
from profiles.actors import Actor
from tests.stage import Stage
from tests.support.test_api import call

LEAD = Actor(label="Lea", role="lead")
TALK = {
    "external_id": "c-1",
    "channel": "shop-chat",
    "email": "maya@example.com",
    "started_at": "2026-11-12T07:40:00Z",
    "messages": [{"at": "2026-11-12T07:41:00Z", "by": "customer", "text": "How much is it?"}],
}


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


def tell(stage: Stage, **more: Any) -> int:
    return call(stage, "POST", "/api/conversations", {**TALK, **more}).status_code


def known(stage: Stage) -> list[Any]:
    with stage.inside():
        rows = Conversation.objects.values_list("channel", "external_id", "source", "email", "message_count", "tags")
        return [*rows, *Message.objects.values_list("by", "text")]


def replay(stage: Stage) -> None:
    with stage.inside():
        deliveries.replay(list(Delivery.objects.values_list("pk", flat=True)), by=LEAD, because="to be sure")
    stage.work()


def test_what_was_told_is_kept_and_read_again_changes_nothing(stage: Stage) -> None:
    assert tell(stage) == 201 and tell(stage) == 201
    with stage.inside():
        kept = Delivery.objects.select_related("channel").get()
        assert (kept.channel.label, kept.topic, kept.state) == ("api:manual", "conversation", "done")
        assert json.loads(bytes(kept.body)) == TALK
    before = known(stage)
    assert before == [
        (None, "c-1", "shop-chat", "maya@example.com", 1, ["price_check"]),
        ("customer", "How much is it?"),
    ]
    replay(stage)
    assert known(stage) == before
    with stage.inside():
        assert Delivery.objects.get().state == "done"


def test_a_correction_stands_whatever_is_read_again(stage: Stage) -> None:
    tell(stage)
    tell(stage, email="right@example.com")
    with stage.inside():
        first = Delivery.objects.order_by("pk")[0]
        deliveries.replay([first.pk], by=LEAD, because="to be sure")
    stage.work()
    assert known(stage)[0][3] == "right@example.com"
    tell(stage)
    assert known(stage)[0][3] == "maya@example.com", "told once more, it is the newest word"


def test_what_could_not_be_told_is_not_kept(stage: Stage) -> None:
    assert tell(stage, started_at="yesterday") == 400
    with stage.inside():
        assert not Delivery.objects.exists() and not Conversation.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"started_at": None}, "started_at: The time is missing."),
        ({"external_id": ""}, "external_id"),
        ({"last_activity_at": "2026-11-12T07:39:59Z"}, "last_activity_at: It lies before started_at."),
        ({"ended_at": "2026-11-12T07:39:59Z"}, "ended_at: It lies before started_at."),
        ({"message_count": True}, "message_count: Give a whole number up to 1,000,000."),
        ({"message_count": -1}, "message_count"),
        ({"tags": "price_check"}, "tags: Give a list of texts."),
        ({"tags": ["vip"]}, "tags: 'vip' is none of price_check, product_inquiry."),
        ({"messages": {}}, "messages"),
        ({"messages": [{"at": "2026-11-12T07:41:00Z", "by": "cat"}]}, "messages[0].by: It is none of customer, agent"),
        ({"messages": [{"by": "bot"}]}, "messages[0].at: The time is missing."),
    ],
)
def test_each_wrong_field_is_named(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(Unusable, match=named.replace("[", r"\[").replace("]", r"\]")):
        api_talks.parse_talk({**TALK, **wrong}, at=datetime(2026, 11, 12, tzinfo=UTC))

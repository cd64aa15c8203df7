"""Conversations from Chatwoot, Intercom and WhatsApp: through the inbox, in any order, any number of times."""

import copy
import itertools
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from attribution.actions import messages
from attribution.models import Attribution, Conversation, Message
from config import pipeline, schedules
from orders.models import Delivery, Order
from profiles import clock
from profiles.actors import Actor, Invalid, NotPermitted
from profiles.models import Organization
from support.queries import timelines
from tests import talks
from tests.stage import PAYLOADS, Stage, sample

LEAD = Actor(label="Lea", role="lead")


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


def written(number: int, text: str, *, at: int = 1_794_470_412, by: str = "incoming", **more: Any) -> dict[str, Any]:
    """One more message of Chatwoot's conversation."""
    body = copy.deepcopy(sample("chatwoot/message_created.json"))
    body.update(id=number, content=text, message_type=by, created_at=f"2026-11-12T08:{number % 60:02}:00.000Z", **more)
    body["conversation"].update(messages=[], updated_at=at, last_activity_at=at)
    return body


def story() -> list[dict[str, Any]]:
    """A question, an answer, a note, a price, an edit, a label, the end, and the beginning again."""
    closed = copy.deepcopy(sample("chatwoot/conversation_status_changed.json"))
    labelled = {
        **copy.deepcopy(closed),
        "labels": ["vip"],
        "updated_at": 1_794_471_060,
        "event": "conversation_updated",
    }
    edited = written(11, "How much is the print?", at=1_794_470_900, event="message_updated")
    return [
        sample("chatwoot/message_created.json"),
        written(7, "Yes, it does.", by="outgoing", sender={"id": 2, "type": "user"}),
        written(8, "She always asks", by="outgoing", private=True, sender={"id": 2, "type": "user"}),
        written(9, "Rate us!", by="outgoing", sender={"id": 9, "type": "agent_bot"}),
        written(11, "And the print?", at=1_794_470_700),
        edited,
        closed,
        labelled,
    ]


def told(stage: Stage) -> list[dict[str, Any]]:
    """Everything known of the conversations, by what outsiders call it."""
    with stage.inside():
        return [
            {
                **{
                    name: getattr(row, name)
                    for name in (
                        "external_id", "source", "email", "phone", "name", "started_at", "last_activity_at",
                        "ended_at", "status", "message_count", "labels", "tags", "enquiries", "words", "identifiers",
                    )
                },
                "messages": sorted(row.messages.values_list("external_id", "by", "at", "text")),
            }
            for row in Conversation.objects.order_by("source", "external_id")
        ]  # fmt: skip


def play(stage: Stage, kind: str, bodies: Sequence[dict[str, Any]]) -> None:
    channel = talks.connect(stage, kind)
    for body in bodies:
        assert talks.deliver(stage, channel, body).status_code == 200
    stage.work()


# Through the inbox ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("chatwoot", "chatwoot/message_created.json"),
        ("intercom", "intercom/conversation.user.created.json"),
        ("whatsapp", "whatsapp/messages.text.json"),
    ],
)
def test_a_sample_is_a_conversation_and_a_forged_one_is_nothing(stage: Stage, kind: str, name: str) -> None:
    channel, body = talks.connect(stage, kind), (PAYLOADS / name).read_bytes()
    assert talks.deliver(stage, channel, body, secret="another").status_code == 401
    assert stage.client.post(channel.webhook_path, body, content_type="application/json").status_code == 401
    assert talks.deliver(stage, channel, body).status_code == 200
    stage.work()
    (found,) = told(stage)
    assert (found["source"], found["message_count"]) == (f"{kind}:desk.example", 1)
    assert found["email"] == "maya.okafor@example.com" or found["phone"] == "+15035550142"
    with stage.inside():
        assert Delivery.objects.get().state == Delivery.State.DONE
        assert Conversation.objects.get().profile is not None


def test_any_order_and_any_number_of_deliveries_end_in_the_same_conversation(db: None) -> None:
    chance, bodies = random.Random(20261121), story()
    expected = None
    for number in range(8):
        order = list(bodies) if not number else chance.sample(bodies + chance.choices(bodies, k=3), len(bodies) + 3)
        stage = Stage(slug=f"s{number}")
        channel = talks.connect(stage, "chatwoot")
        for body in order:
            assert talks.deliver(stage, channel, body).status_code == 200
            if chance.random() < 0.5:
                stage.work()
        stage.work()
        found = told(stage)
        expected = expected or found
        assert found == expected, order
    assert expected is not None
    (last,) = expected
    assert (last["message_count"], last["status"], last["labels"]) == (3, "closed", ["vip"])
    assert [line[0] for line in last["messages"]] == ["11", "7", "9", "90210"]
    assert {line[3] for line in last["messages"]} >= {"How much is the print?", "Yes, it does."}
    assert last["tags"] == ["price_check", "product_inquiry"]
    price, product = last["enquiries"]
    assert (price["sentence"], price["because"]) == ("How much is the print?", "says “how much”")
    assert product["because"] == "began on the page of “Tide Atlas”"


def test_the_samples_of_every_source_arrive_in_every_order_the_same(db: None) -> None:
    sent = [
        ("chatwoot", "chatwoot/message_created.json"),
        ("chatwoot", "chatwoot/conversation_status_changed.json"),
        ("intercom", "intercom/conversation.user.created.json"),
        ("whatsapp", "whatsapp/messages.text.json"),
    ]
    expected = None
    for number, order in enumerate(itertools.islice(itertools.permutations(sent), 0, None, 5)):
        stage = Stage(slug=f"p{number}")
        connected = {kind: talks.connect(stage, kind) for kind in talks.KINDS}
        for kind, name in order:
            talks.deliver(stage, connected[kind], (PAYLOADS / name).read_bytes())
        stage.work()
        expected = expected or (told(stage), stage.snapshot()["profiles"])
        assert (told(stage), stage.snapshot()["profiles"]) == expected
    assert expected is not None and len(expected[1]) == 1


def test_two_channels_may_number_their_conversations_alike(stage: Stage) -> None:
    one, other = talks.connect(stage, "chatwoot"), talks.connect(stage, "chatwoot", "other.example")
    for channel in (one, other):
        talks.deliver(stage, channel, sample("chatwoot/message_created.json"))
    stage.work()
    assert [row["source"] for row in told(stage)] == ["chatwoot:desk.example", "chatwoot:other.example"]


def test_two_words_of_one_second_are_two_messages(stage: Stage) -> None:
    body = sample("whatsapp/messages.text.json")
    more = copy.deepcopy(body)
    more["entry"][0]["changes"][0]["value"]["messages"][0]["id"] = "wamid.other"
    play(stage, "whatsapp", [body, more, body])
    assert told(stage)[0]["message_count"] == 2


def test_a_late_conversation_attributes_the_order_it_led_to(stage: Stage) -> None:
    assert stage.post("shopify", sample("shopify/orders-paid.json"), topic="orders/paid").status_code == 200
    stage.work()
    with stage.inside():
        assert Attribution.objects.get(current=True).method == Attribution.Method.NONE
    play(stage, "chatwoot", [sample("chatwoot/message_created.json")])
    with stage.inside():
        row = Attribution.objects.get(current=True)
        assert row.conversation is not None and row.conversation.external_id == "4417"
        assert row.order_id == Order.objects.get().pk and row.confidence_cents > 0


def test_a_batch_costs_the_same_statements_whatever_its_size(stage: Stage) -> None:
    counts = []
    channel = talks.connect(stage, "whatsapp")
    for size, start in ((2, 0), (20, 100)):
        for number in range(start, start + size):
            body = copy.deepcopy(sample("whatsapp/messages.text.json"))
            row = body["entry"][0]["changes"][0]["value"]["messages"][0]
            row.update({"id": f"wamid.{number}", "from": f"15035550{number:03}"})
            talks.deliver(stage, channel, body)
        with stage.inside():
            waiting = list(Delivery.objects.filter(state="queued").values_list("pk", flat=True))
            Delivery.objects.filter(pk__in=waiting).update(state="claimed")
            with CaptureQueriesContext(
                connection,
            ) as queries:
                pipeline.take_in(waiting, stage.organization)
            counts.append(len(queries))
            assert Conversation.objects.count() == start // 50 + size
    assert counts[0] == counts[1]


# What is kept ---------------------------------------------------------------------------------------------------


def keep_days(stage: Stage, days: int) -> int:
    with stage.inside():
        organization = Organization.objects.get(pk=stage.organization.pk)
        return messages.change_terms(organization, {"keep_days": days}, by=LEAD, because="we keep less")


def test_texts_go_after_their_time_and_counts_and_enquiries_stay(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    play(stage, "chatwoot", story())
    (before,) = told(stage)
    sweep = next(one for one in schedules.SCHEDULES if one.name == "conversation_texts")
    with stage.inside():
        assert sweep.act(stage.organization.pk) == 0
    later = clock.now() + timedelta(days=31)
    monkeypatch.setattr(clock, "now", lambda: later)
    with stage.inside():
        assert (sweep.act(stage.organization.pk), sweep.act(stage.organization.pk)) == (4, 0)
    (after,) = told(stage)
    assert {line[3] for line in after["messages"]} == {""}
    assert [(one["tag"], one["because"], one["sentence"]) for one in after["enquiries"]] == [
        (one["tag"], one["because"], "") for one in before["enquiries"]
    ]
    for name in ("message_count", "tags", "status"):
        assert after[name] == before[name]
    channel = talks.connect(stage, "chatwoot")
    talks.deliver(stage, channel, {**story()[0], "again": True})
    stage.work()
    (again,) = told(stage)
    assert {line[3] for line in again["messages"]} == {""} and again["message_count"] == 3


def test_an_organization_that_keeps_no_text_never_writes_one(stage: Stage) -> None:
    assert keep_days(stage, 0) == 0
    play(stage, "chatwoot", story())
    (found,) = told(stage)
    assert {line[3] for line in found["messages"]} == {""} and found["message_count"] == 3
    assert [(one["tag"], one["sentence"]) for one in found["enquiries"]] == [
        ("price_check", ""),
        ("product_inquiry", ""),
    ]
    with stage.inside():
        assert not Message.objects.exclude(text="").exists()


def test_fewer_days_take_old_texts_away_at_once(stage: Stage) -> None:
    play(stage, "chatwoot", story())
    assert keep_days(stage, 0) == 4
    with pytest.raises(Invalid):
        keep_days(stage, 0)
    with pytest.raises(Invalid):
        keep_days(stage, -1)
    with stage.inside(), pytest.raises(NotPermitted):
        messages.change_terms(stage.organization, {}, by=Actor(label="Al", role="agent"), because="I want to")


def test_the_timeline_says_what_was_asked_for(stage: Stage) -> None:
    play(stage, "chatwoot", story())
    with stage.inside():
        (entry,) = timelines.conversations(Conversation.objects.all())
    assert "3 messages" in entry.detail
    assert "Asked for the price (says “how much”): “How much is the print?”" in entry.detail

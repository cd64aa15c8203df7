"""Webhooks to a real server: signed, tried again for days, never in each other's way, given up and sent again."""

import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from standardwebhooks import Webhook, WebhookVerificationError

from config import publishing, sending
from profiles import clock, retries
from profiles.actions import sendings, streams, webhooks
from profiles.actors import Actor, NotPermitted
from profiles.models import AuditEntry, StreamEntry, WebhookDelivery, WebhookEndpoint
from tests.receivers import Receiver
from tests.servers import run_script, wait_until
from tests.stage import Stage, sample

ENGINEER = Actor(label="Ines", role="engineer", user_id=None)
EVERYTHING = list(streams.TOPICS)
State = WebhookDelivery.State


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Moves the clock of due times on."""
    moved = timedelta()

    def on(span: timedelta) -> None:
        nonlocal moved
        moved += span
        monkeypatch.setattr(clock, "_offset", moved)

    return on


def endpoint(stage: Stage, url: str, topics: list[str] | None = None) -> WebhookEndpoint:
    with stage.inside():
        return webhooks.add(
            stage.organization,
            name=url[-40:],
            url=url,
            topics=topics or [streams.NORMALIZED],
            by=ENGINEER,
            because="for the warehouse",
        )


def buy(stage: Stage, number: int = 1, **changes: Any) -> None:
    body = sample("shopify/orders-paid.json")
    body.update(id=900 + number, name=f"#W{number}", **changes)
    assert stage.post("shopify", body, topic="orders/paid", delivery=f"w{number}").status_code == 200
    stage.work()


def send(stage: Stage) -> int:
    return sending.send(stage.organization.pk)


def deliveries(stage: Stage) -> list[WebhookDelivery]:
    with stage.inside():
        return list(WebhookDelivery.objects.select_related("entry", "endpoint").order_by("pk"))


def fresh(stage: Stage, row: WebhookEndpoint) -> WebhookEndpoint:
    with stage.inside():
        return WebhookEndpoint.objects.get(pk=row.pk)


# Sent and signed -------------------------------------------------------------------------------------------------


def test_an_event_is_sent_once_and_its_signature_holds(stage: Stage, receiver: Receiver) -> None:
    row = endpoint(stage, receiver.url())
    buy(stage)
    assert send(stage) == 1 and send(stage) == 0
    (got,) = receiver.received
    told = Webhook(row.secret).verify(got.body, got.headers)
    assert told["type"] == "order.updated" and told["data"]["payment_status"] == "paid"
    (delivery,) = deliveries(stage)
    assert delivery.state == State.DELIVERED and delivery.last["status"] == 204
    assert got.id == str(delivery.entry.event_id)


def test_a_changed_body_or_another_secret_does_not_verify(stage: Stage, receiver: Receiver) -> None:
    row = endpoint(stage, receiver.url())
    buy(stage)
    send(stage)
    (got,) = receiver.received
    for body, secret in ((got.body + b" ", row.secret), (got.body, "whsec_" + "A" * 44)):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, got.headers)


def test_each_endpoint_is_sent_its_topics_only(stage: Stage, receiver: Receiver) -> None:
    endpoint(stage, receiver.url("/raw"), [streams.RAW])
    endpoint(stage, receiver.url("/all"), EVERYTHING)
    buy(stage)
    send(stage)
    assert [json.loads(one.body)["type"] for one in receiver.at("/raw")] == ["delivery.received"]
    assert sorted(json.loads(one.body)["type"] for one in receiver.at("/all")) == ["delivery.received", "order.updated"]
    assert json.loads(json.loads(receiver.at("/raw")[0].body)["data"]["body"])["name"] == "#W1"


def test_settling_again_sends_nothing_again(stage: Stage, receiver: Receiver) -> None:
    endpoint(stage, receiver.url())
    buy(stage)
    with stage.inside():
        from orders.models import Order
        from profiles.actions import settlement

        settlement.request(stage.organization.pk, orders=Order.objects.values_list("pk", flat=True))
    stage.work()
    assert send(stage) == 1


def test_for_a_day_both_secrets_sign(stage: Stage, receiver: Receiver, later: Any) -> None:
    row = endpoint(stage, receiver.url())
    with stage.inside():
        new = webhooks.rotate(row, by=ENGINEER, because="it leaked").secret
    buy(stage, 1)
    send(stage)
    for secret in (row.secret, new):
        Webhook(secret).verify(receiver.received[-1].body, receiver.received[-1].headers)
    later(timedelta(hours=25))
    buy(stage, 2)
    send(stage)
    Webhook(new).verify(receiver.received[-1].body, receiver.received[-1].headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(row.secret).verify(receiver.received[-1].body, receiver.received[-1].headers)


def test_a_test_event_goes_to_its_endpoint_and_nowhere_else(stage: Stage, receiver: Receiver) -> None:
    row = endpoint(stage, receiver.url("/one"))
    endpoint(stage, receiver.url("/two"))
    with stage.inside():
        webhooks.test(row, by=ENGINEER, because="does it work")
        webhooks.test(row, by=Actor(label="Ines", role="engineer"), because="does it work")
    assert send(stage) == 2
    assert {one.path for one in receiver.received} == {"/one"}
    assert json.loads(receiver.received[0].body)["type"] == "webhook.test"
    assert len({one.id for one in receiver.received}) == 2


# Tried again -----------------------------------------------------------------------------------------------------


def test_an_endpoint_that_fails_for_an_hour_gets_everything_afterwards(
    stage: Stage, receiver: Receiver, later: Any
) -> None:
    receiver.answers = lambda path: 503
    row = endpoint(stage, receiver.url())
    for number in range(3):
        buy(stage, number)
    send(stage)
    for _ in range(4):
        later(timedelta(minutes=15))
        send(stage)
    assert {one.state for one in deliveries(stage)} == {State.QUEUED}
    assert fresh(stage, row).failing_since is not None
    tried = len(receiver.received)
    receiver.answers = lambda path: 200
    later(timedelta(hours=3))
    send(stage)
    got = receiver.received[tried:]
    assert sorted(one.id for one in got) == sorted(str(one.entry.event_id) for one in deliveries(stage))
    assert {one.id for one in receiver.received} == {one.id for one in got}, "a retry carries the same id"
    assert {one.state for one in deliveries(stage)} == {State.DELIVERED}
    assert fresh(stage, row).failing_since is None


def test_nothing_is_tried_before_its_time(stage: Stage, receiver: Receiver, later: Any) -> None:
    receiver.answers = lambda path: 500
    endpoint(stage, receiver.url())
    buy(stage)
    assert send(stage) == 1 and send(stage) == 0
    later(timedelta(seconds=7))
    assert send(stage) == 1
    later(timedelta(minutes=4))
    assert send(stage) == 0
    later(timedelta(minutes=2))
    assert send(stage) == 1


def test_what_the_other_side_asks_for_is_waited(stage: Stage, receiver: Receiver, later: Any) -> None:
    receiver.answers, receiver.headers = (lambda path: 429), {"retry-after": "1800"}
    endpoint(stage, receiver.url())
    buy(stage)
    send(stage)
    later(timedelta(minutes=29))
    assert send(stage) == 0
    later(timedelta(minutes=8))
    assert send(stage) == 1


@pytest.mark.parametrize("status", [301, 302, 304, 400, 404, 500])
def test_anything_but_200_and_its_kind_is_a_failure(stage: Stage, receiver: Receiver, status: int) -> None:
    receiver.answers, receiver.headers = (lambda path: status), {"location": "/elsewhere"}
    endpoint(stage, receiver.url())
    buy(stage)
    send(stage)
    (delivery,) = deliveries(stage)
    assert delivery.state == State.QUEUED and delivery.last["status"] == status
    assert [one.path for one in receiver.received] == ["/hook"], "no redirect is followed"


def test_after_days_a_delivery_ends_and_its_endpoint_is_switched_off(
    stage: Stage, receiver: Receiver, later: Any
) -> None:
    receiver.answers = lambda path: 500
    row = endpoint(stage, receiver.url())
    buy(stage)
    calls = 0
    for _ in range(120):
        calls += send(stage)
        later(timedelta(hours=1))
    (delivery,) = deliveries(stage)
    ended = fresh(stage, row)
    assert ended.state == "disabled" and ended.by_itself and "3 days" in ended.why
    assert calls == delivery.attempts <= retries.ATTEMPTS
    with stage.inside():
        (entry,) = AuditEntry.objects.filter(action="webhook.disabled")
    assert entry.actor_label == "webhooks" and "3 days" in entry.reason


def test_410_switches_it_off_at_once(stage: Stage, receiver: Receiver) -> None:
    receiver.answers = lambda path: 410
    row = endpoint(stage, receiver.url())
    buy(stage)
    send(stage)
    assert fresh(stage, row).state == "disabled" and "410" in fresh(stage, row).why
    assert [one.state for one in deliveries(stage)] == [State.FAILED]
    buy(stage, 2)
    assert send(stage) == 0


# Nobody waits for another ----------------------------------------------------------------------------------------


def test_a_slow_endpoint_delays_nobody(stage: Stage, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver.delays["/slow"] = 3
    endpoint(stage, receiver.url("/slow"))
    endpoint(stage, receiver.url("/fast"))
    for number in range(12):
        buy(stage, number)
    began = time.monotonic()
    send(stage)
    fast = [one.at - began for one in receiver.at("/fast")]
    slow = [one.at - began for one in receiver.at("/slow")]
    assert len(fast) == len(slow) == 12
    assert max(fast) < 3 <= max(slow)


def test_without_a_bound_for_each_endpoint_a_slow_one_would_hold_the_others_up(
    stage: Stage, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above: with room for few calls and no bound, the slow ones take all of it."""
    monkeypatch.setattr(sendings, "AT_ONCE_EACH", 100)
    monkeypatch.setattr(sending, "AT_ONCE", 8)
    receiver.delays["/slow"] = 3
    endpoint(stage, receiver.url("/slow"))
    for number in range(12):
        buy(stage, number)
    endpoint(stage, receiver.url("/fast"))
    buy(stage, 13)
    began = time.monotonic()
    send(stage)
    assert max(one.at - began for one in receiver.at("/fast")) >= 3


def test_an_endpoint_that_answers_nothing_is_cut_after_its_time(
    stage: Stage, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SECONDS", 1.0)
    receiver.delays["/hook"] = 5
    endpoint(stage, receiver.url())
    buy(stage)
    began = time.monotonic()
    send(stage)
    assert time.monotonic() - began < 4
    assert "did not answer within 1 s" in str(deliveries(stage)[0].last["error"])


def test_an_endpoint_without_an_answer_is_left_alone_for_a_minute_whatever_waits_for_it(
    stage: Stage, receiver: Receiver, later: Any
) -> None:
    row = endpoint(stage, receiver.url())
    for number in range(12):
        buy(stage, number)
    receiver.stop()
    assert send(stage) <= sendings.AT_ONCE_EACH, "those that were under way when the first failed"
    assert not sending.is_busy(stage.organization.pk) and send(stage) == 0
    later(timedelta(seconds=61))
    assert send(stage) == 1, "one asks whether it is back"
    receiver.start()
    later(timedelta(seconds=61))
    send(stage)
    later(timedelta(minutes=7))
    send(stage)
    assert len({one.id for one in receiver.received}) == 12
    assert fresh(stage, row).rests_until is None


def test_no_more_are_claimed_than_asked_for_however_the_database_goes_about_it(
    stage: Stage, receiver: Receiver
) -> None:
    """A nested loop would run a subquery with SKIP LOCKED once a row, and take other rows each time."""
    endpoint(stage, receiver.url())
    for number in range(12):
        buy(stage, number)
    with stage.inside(), connection.cursor() as cursor:
        for way in ("hashjoin", "hashagg", "sort", "material"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        assert len(sendings.claim(3)) == 3 and len(sendings.claim(10)) == 1
        assert WebhookDelivery.objects.filter(state="claimed").count() == sendings.AT_ONCE_EACH


def test_two_senders_never_send_one_delivery_both(stage: Stage, receiver: Receiver) -> None:
    endpoint(stage, receiver.url())
    buy(stage)
    with stage.inside():
        (mine,) = sendings.claim(10)
        assert sendings.claim(10) == [] and mine.attempts == 1
        assert sendings.is_busy()
    with stage.inside():
        WebhookDelivery.objects.update(lease_until=clock.real() - timedelta(seconds=1))
    assert send(stage) == 1
    assert deliveries(stage)[0].attempts == 2, "the attempt of the sender that died counts"


# Switched off, on, and sent again --------------------------------------------------------------------------------


def test_what_failed_and_what_was_missed_is_sent_when_a_person_says_so(
    stage: Stage, receiver: Receiver, later: Any
) -> None:
    row = endpoint(stage, receiver.url())
    receiver.answers = lambda path: 410
    began = clock.now()
    buy(stage, 1)
    send(stage)
    buy(stage, 2)  # while it is off
    receiver.answers = lambda path: 200
    receiver.received.clear()
    with stage.inside():
        webhooks.enable(row, by=ENGINEER, because="it is back")
        assert webhooks.replay_since(row, began, by=ENGINEER, because="they need it") == (1, 1)
        assert webhooks.replay_since(row, began, by=ENGINEER, because="they need it") == (0, 0)
    assert send(stage) == 2
    with stage.inside():
        ids = {str(entry.event_id) for entry in StreamEntry.objects.filter(topic=streams.NORMALIZED)}
    assert {one.id for one in receiver.received} == ids


def test_a_replay_carries_the_same_id(stage: Stage, receiver: Receiver) -> None:
    endpoint(stage, receiver.url())
    buy(stage)
    send(stage)
    with stage.inside():
        assert webhooks.replay([deliveries(stage)[0].pk], by=ENGINEER, because="they lost it") == 1
        with pytest.raises(webhooks.NotPossible):
            webhooks.replay([deliveries(stage)[0].pk], by=ENGINEER, because="they lost it")
    send(stage)
    first, second = receiver.received
    assert first.id == second.id and first.body == second.body


def test_while_it_is_off_nothing_is_sent_and_what_waited_goes_afterwards(stage: Stage, receiver: Receiver) -> None:
    row = endpoint(stage, receiver.url())
    buy(stage)
    with stage.inside():
        webhooks.disable(row, by=ENGINEER, because="they move house")
        assert not sendings.is_busy()
    assert send(stage) == 0
    with stage.inside():
        webhooks.enable(row, by=ENGINEER, because="they have moved")
    assert send(stage) == 1


def test_only_an_engineer_adds_an_endpoint(stage: Stage, receiver: Receiver) -> None:
    with stage.inside(), pytest.raises(NotPermitted):
        webhooks.add(
            stage.organization,
            name="x",
            url=receiver.url(),
            topics=EVERYTHING,
            by=Actor(label="Lou", role="lead"),
            because="why not",
        )


def test_no_organization_is_sent_anothers_events(stage: Stage, receiver: Receiver) -> None:
    other = Stage(slug="other")
    endpoint(other, receiver.url("/other"), EVERYTHING)
    endpoint(stage, receiver.url("/own"), EVERYTHING)
    buy(stage)
    send(stage)
    sending.send(other.organization.pk)
    assert receiver.at("/other") == [] and len(receiver.at("/own")) == 2


# Beside the workers ----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_worker_sends_for_every_organization_until_it_ends(receiver: Receiver) -> None:
    stages = [Stage(), Stage(slug="other")]
    for number, stage in enumerate(stages):
        endpoint(stage, receiver.url(f"/{number}"))
        buy(stage)
    running = sending.start()
    try:
        wait_until(lambda: {one.path for one in receiver.received} == {"/0", "/1"}, seconds=20)
    finally:
        running.end()
    assert not running.thread.is_alive()
    for stage in stages:
        assert [one.state for one in deliveries(stage)] == [State.DELIVERED]


KILLED = """
import os, signal, sys
import django
django.setup()
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
from config import publishing, sending
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
sending._conclude = die
sending.send(int(sys.argv[2]))
"""


@pytest.mark.django_db(transaction=True)
def test_a_sender_killed_after_the_answer_sends_the_same_id_once_more(receiver: Receiver) -> None:
    stage = Stage()
    endpoint(stage, receiver.url())
    buy(stage)
    script = run_script(
        KILLED, str(connection.settings_dict["NAME"]), str(stage.organization.pk), environ=dict(os.environ)
    )
    _, errors = script.communicate(timeout=60)
    assert script.returncode == -signal.SIGKILL, errors
    (row,) = deliveries(stage)
    assert row.state == State.CLAIMED and row.attempts == 1, "the attempt is on record"
    with stage.inside():
        WebhookDelivery.objects.update(lease_until=clock.real() - timedelta(seconds=1))
    assert send(stage) == 1
    first, second = receiver.received
    assert first.id == second.id and first.body == second.body
    assert [one.state for one in deliveries(stage)] == [State.DELIVERED]


def test_what_kills_its_sender_every_time_has_an_end(stage: Stage, receiver: Receiver) -> None:
    endpoint(stage, receiver.url())
    buy(stage)
    for _ in range(retries.ATTEMPTS):
        with stage.inside():
            assert len(sendings.claim(10)) == 1
            WebhookDelivery.objects.update(lease_until=clock.real() - timedelta(seconds=1))
    with stage.inside():
        assert sendings.claim(10) == []
    assert [one.state for one in deliveries(stage)] == [State.FAILED]


def test_a_secret_no_key_reads_holds_no_other_organization_up(stage: Stage, receiver: Receiver) -> None:
    other = Stage(slug="other")
    for one, path in ((stage, "/own"), (other, "/other")):
        endpoint(one, receiver.url(path))
        buy(one)
    with stage.inside(), connection.cursor() as cursor:
        cursor.execute("UPDATE profiles_webhookendpoint SET secret = 'unreadable'")
    with ThreadPoolExecutor(4) as pool:
        sender = sending.Sender(pool)
        both = [stage.organization.pk, other.organization.pk]
        while sender.turn(both) or sender.flying:
            pass
    assert [one.path for one in receiver.received] == ["/other"]


def test_the_log_ends_after_two_weeks(stage: Stage, receiver: Receiver) -> None:
    endpoint(stage, receiver.url())
    buy(stage)
    send(stage)
    old = clock.real() - timedelta(days=15)
    with stage.inside():
        WebhookDelivery.objects.update(done_at=old)
        StreamEntry.objects.update(published_at=old)
    assert publishing.forget_all() == 3, "the delivery, and what both events said"
    assert deliveries(stage) == []

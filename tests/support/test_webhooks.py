"""Webhooks and streams at the desk: what one sees, what one may press, and what then happens."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages

from config import sending
from profiles import clock
from profiles.models import AuditEntry, StreamCircuit, StreamEntry, WebhookDelivery, WebhookEndpoint
from tests.desk import Desk, Sign
from tests.receivers import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def add(desk: Desk, client: Any, url: str, *topics: str) -> WebhookEndpoint:
    answer = desk.press(
        client,
        "add_webhook",
        desk.stage.organization.pk,
        label="warehouse",
        url=url,
        topics=list(topics) or ["events.normalized"],
    )
    assert answer.status_code == 200, answer.content
    with desk.inside():
        row = WebhookEndpoint.objects.get(url=url)
    assert row.secret in answer.content.decode(), "shown this once"
    return row


def page(desk: Desk, client: Any, name: str = "webhookendpoint", **query: str) -> str:
    return client.get(desk.url(f"profiles_{name}_changelist"), query).content.decode()


def test_an_engineer_adds_an_endpoint_tests_it_and_reads_the_answer(desk: Desk, sign: Sign, receiver: Receiver) -> None:
    client = sign("engineer")
    assert "No endpoint yet" in page(desk, client)
    row = add(desk, client, receiver.url())
    assert row.secret not in page(desk, client), "and never again"
    assert "1 test event" in said(desk.press(client, "test_webhook", row.pk))
    sending.send(desk.stage.organization.pk)
    assert len(receiver.received) == 1
    assert "1 delivered" in page(desk, client) and "webhook.test" in page(desk, client, "webhookdelivery")
    with desk.inside():
        delivery = WebhookDelivery.objects.get()
    shown = client.get(desk.url("profiles_webhookdelivery_change", delivery.pk)).content.decode()
    assert "This is a test of your endpoint." in shown and "204" in shown


def test_an_address_that_leads_inside_is_refused_in_production(desk: Desk, sign: Sign, settings: Any) -> None:
    settings.PRODUCTION = True
    settings.SECURE_SSL_REDIRECT = False
    client = sign("engineer")
    answer = desk.press(
        client,
        "add_webhook",
        desk.stage.organization.pk,
        label="x",
        url="https://169.254.169.254/latest",
        topics=["events.raw"],
    )
    assert "not public" in answer.content.decode()
    with desk.inside():
        assert not WebhookEndpoint.objects.exists()


def test_switching_off_and_on_says_what_waits(desk: Desk, sign: Sign, receiver: Receiver) -> None:
    client = sign("engineer")
    row = add(desk, client, receiver.url())
    desk.buy(id=9_500, name="#S1")
    desk.press(client, "disable_webhook", row.pk, because="they move house")
    assert "they move house" in page(desk, client) and "Switched off" in page(desk, client)
    opened = client.get(desk.act("enable_webhook", row.pk)).content.decode()
    assert "1 delivery that waits goes out within seconds" in opened
    assert "1 delivery that waits" in said(desk.press(client, "enable_webhook", row.pk))
    assert sending.send(desk.stage.organization.pk) == 1


def test_what_failed_is_sent_again_from_the_log(desk: Desk, sign: Sign, receiver: Receiver) -> None:
    client = sign("engineer")
    row = add(desk, client, receiver.url())
    desk.buy(id=9_501, name="#S2")
    receiver.answers = lambda path: 410
    sending.send(desk.stage.organization.pk)
    assert "Given up" in page(desk, client) and "It answered 410" in page(desk, client)
    assert 'data-need="webhooks"' in client.get(desk.url("index")).content.decode()
    receiver.answers = lambda path: 200
    desk.press(client, "enable_webhook", row.pk)
    assert 'data-need="webhooks"' not in client.get(desk.url("index")).content.decode()
    with desk.inside():
        failed = WebhookDelivery.objects.get(state="failed")
    lead = sign("lead")
    assert "1 delivery waits" in said(desk.press(lead, "replay_sending", failed.pk))
    assert sending.send(desk.stage.organization.pk) == 1
    assert "1 delivered" in page(desk, client)


def test_one_press_sends_again_all_that_did_not_arrive(desk: Desk, sign: Sign, receiver: Receiver) -> None:
    client = sign("engineer")
    receiver.answers = lambda path: 410
    row = add(desk, client, receiver.url())
    desk.buy(id=9_502, name="#S3")
    sending.send(desk.stage.organization.pk)
    receiver.answers = lambda path: 200
    desk.press(client, "enable_webhook", row.pk)
    answer = desk.press(client, "replay_webhook", row.pk, since="24")
    assert said(answer).endswith("1 failed delivery and 1 missed wait to be sent.")
    with desk.inside():
        assert AuditEntry.objects.filter(action="webhook.replayed").count() == 1


def test_the_acts_are_drawn_only_for_whom_may_press_them(desk: Desk, sign: Sign, receiver: Receiver) -> None:
    row = add(desk, sign("engineer"), receiver.url())
    for role, may in (("engineer", True), ("lead", False), ("auditor", False), ("agent", False)):
        shown = page(desk, sign(role))
        assert (desk.act("rotate_webhook", row.pk) in shown) is may, role
        assert (desk.act("add_webhook", desk.stage.organization.pk) in shown) is may, role
    assert desk.act("replay_webhook", row.pk) in page(desk, sign("lead"))


def test_an_auditor_sees_neither_body_nor_answer(desk: Desk, sign: Sign, receiver: Receiver) -> None:
    receiver.body, receiver.answers = b"maya.okafor@example.com is known here", lambda path: 500
    add(desk, sign("engineer"), receiver.url())
    desk.buy(id=9_503, name="#S4")
    sending.send(desk.stage.organization.pk)
    with desk.inside():
        row = WebhookDelivery.objects.get()
    url = desk.url("profiles_webhookdelivery_change", row.pk)
    assert "maya.okafor@example.com" not in sign("auditor").get(url).content.decode()
    shown = sign("lead").get(url).content.decode()
    assert "is known here" in shown and "payment_status" in shown


def test_the_streams_say_what_waits_and_why(desk: Desk, sign: Sign, settings: Any) -> None:
    client = sign("engineer")
    shown = page(desk, client, "streamentry")
    assert "No Redis: events wait" in shown and "order.updated" in shown
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    now = clock.real()
    StreamCircuit.objects.create(failures=3, failing_since=now, retry_at=now, last_error="Connection refused")
    shown = page(desk, client, "streamentry", state="waiting")
    assert "Redis does not answer" in shown and "Connection refused" in shown
    assert 'data-need="streams"' not in client.get(desk.url("index")).content.decode(), "not before five minutes"
    with desk.inside():
        StreamEntry.objects.update(recorded_at=now - timedelta(minutes=6))
    assert 'data-need="streams"' in client.get(desk.url("index")).content.decode()

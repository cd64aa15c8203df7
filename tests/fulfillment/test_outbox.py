"""The outbox beside real mail servers: who takes over, what is tried again, what is given up, and what is kept."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from config import drains
from fulfillment.models import Circuit, Email, Job
from fulfillment.providers import mail
from profiles import clock
from tests.servers import MailServer
from tests.stage import Stage, sample

LINK = re.compile(r"/download/[0-9a-f]{64}")
BUYER = "ines.carvalho@example.org"


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Moves the clock of due times on, by so many minutes more."""
    moved = timedelta()

    def on(minutes: float) -> None:
        nonlocal moved
        moved += timedelta(minutes=minutes)
        monkeypatch.setattr(clock, "_offset", moved)

    yield on


def buy(stage: Stage) -> None:
    assert stage.post("stripe", sample("stripe/checkout.session.completed.json")).status_code == 200
    stage.work()


def email(stage: Stage) -> Email:
    with stage.inside():
        return Email.objects.get()


def job(stage: Stage) -> Job:
    with stage.inside():
        return Job.objects.get()


def rested() -> None:
    """Forget what the circuit breakers remember, as time would have them do."""
    Circuit.objects.all().delete()


# Accepted -------------------------------------------------------------------------------------------------------


def test_once_accepted_the_secrets_are_gone_and_a_masked_copy_is_kept(stage: Stage, smtp: MailServer) -> None:
    buy(stage)
    (received,) = smtp.messages
    assert LINK.search(received.text()) and LINK.search(received.text("html"))
    kept = email(stage)
    assert (kept.state, kept.provider, kept.secrets, kept.lease_until) == ("sent", "smtp", "", None)
    assert kept.message_id == received.message_id and kept.to in received.recipients
    assert not LINK.search(kept.text + kept.html) and "/download/" in kept.text
    assert job(stage).state == Job.State.COMPLETED


def test_before_it_is_accepted_only_the_encrypted_field_holds_the_link(stage: Stage, smtp: MailServer) -> None:
    smtp.answer("451 4.3.0 Later", times=9)
    buy(stage)
    kept = email(stage)
    assert not LINK.search(kept.text + kept.html) and kept.secrets
    from django.db import connection

    with stage.inside(), connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM fulfillment_email")
        (stored,) = cursor.fetchone()
    assert "download" not in stored and not re.search("[0-9a-f]{64}", stored)


def test_without_a_provider_the_mail_is_kept_with_its_link(stage: Stage, settings: Any) -> None:
    settings.EMAIL_PROVIDERS = []
    buy(stage)
    kept = email(stage)
    assert (kept.state, job(stage).state) == ("kept", Job.State.COMPLETED)
    assert kept.secrets and not LINK.search(kept.text)
    from fulfillment.actions import emails

    link = LINK.search(emails.revealed(kept)[0])
    assert link and stage.client.get(link[0]).status_code == 200
    assert [mail["count"] for mail in stage.snapshot()["emails"]] == [1]


# Not now --------------------------------------------------------------------------------------------------------


def test_put_off_by_451_it_is_sent_later_and_once(stage: Stage, smtp: MailServer, later: Any) -> None:
    smtp.answer("451 4.7.1 Greylisted", times=2)
    buy(stage)
    waiting = email(stage)
    assert (waiting.state, waiting.attempts, job(stage).state) == ("queued", 1, Job.State.PENDING_EMAIL)
    assert "451" in waiting.last_error and waiting.due_at > clock.now()
    assert drains.round_of(stage.organization.pk) == 0, "not before it is due"
    for _ in range(2):
        later(6)
        rested()
        stage.work()
    assert (email(stage).state, email(stage).attempts, len(smtp.messages)) == ("sent", 3, 1)
    assert job(stage).state == Job.State.COMPLETED


def test_a_server_that_is_down_is_waited_for(stage: Stage, smtp: MailServer, later: Any) -> None:
    smtp.stop()
    buy(stage)
    assert email(stage).state == "queued" and email(stage).last_error
    later(6)
    rested()
    smtp.start()
    stage.work()
    assert email(stage).state == "sent" and len(smtp.messages) == 1


def test_after_sixty_tries_it_is_given_up_and_seen(stage: Stage, smtp: MailServer, later: Any) -> None:
    smtp.answer("451 4.3.0 Never today", times=100)
    buy(stage)
    with stage.inside():
        Email.objects.update(attempts=59)
    later(6)
    rested()
    stage.work()
    assert email(stage).state == "failed"
    assert job(stage).state == Job.State.FAILED, "a buyer who was not reached must be on somebody's list"


# Never ----------------------------------------------------------------------------------------------------------


def test_refused_by_550_it_fails_with_its_job_and_the_others_go_out(stage: Stage, smtp: MailServer) -> None:
    smtp.refuse(BUYER)
    stage.post("shopify", sample("shopify/orders-paid.json"), topic="orders/paid")
    buy(stage)
    with stage.inside():
        states = dict(Email.objects.values_list("to", "state"))
        failed = Job.objects.get(state=Job.State.FAILED)
        assert "550" in failed.last_error
    assert states == {BUYER: "failed", "maya.okafor@example.com": "sent"}
    assert [message.recipients for message in smtp.messages] == [("maya.okafor@example.com",)]
    assert stage.work() == 0


# Perhaps --------------------------------------------------------------------------------------------------------


def test_unknown_it_is_sent_at_most_once_more_under_the_same_id(stage: Stage, smtp: MailServer, later: Any) -> None:
    smtp.hang_up_after_data(times=9)
    buy(stage)
    assert (email(stage).state, job(stage).state, len(smtp.messages)) == ("unknown", Job.State.PENDING_EMAIL, 1)
    assert stage.work() == 0, "not at once"
    for minutes in (11, 60, 60 * 24 * 40):
        later(minutes)
        rested()
        stage.work()
    assert len(smtp.messages) == 2 and len({message.message_id for message in smtp.messages}) == 1
    assert email(stage).state == "unknown"


def test_unknown_and_then_accepted_is_delivered(stage: Stage, smtp: MailServer, later: Any) -> None:
    smtp.hang_up_after_data()
    buy(stage)
    later(11)
    rested()
    stage.work()
    assert (email(stage).state, job(stage).state) == ("sent", Job.State.COMPLETED)
    assert len(smtp.messages) == 2 and smtp.messages[0].message_id == smtp.messages[1].message_id


def test_killed_while_it_was_being_sent_it_is_sent_again_when_the_lease_ends(stage: Stage, smtp: MailServer) -> None:
    from fulfillment.actions import emails

    stage.post("stripe", sample("stripe/checkout.session.completed.json"))
    for queue in (drains.inbox, drains.settlements, drains.fulfilment):
        queue(stage.organization.pk)
    with stage.inside():
        assert len(emails.claim(10)) == 1, "a worker that is then killed"
        assert emails.claim(10) == [], "nobody else takes it meanwhile"
        Email.objects.update(lease_until=clock.real() - timedelta(seconds=1))
    stage.work()
    assert (email(stage).state, email(stage).attempts, len(smtp.messages)) == ("sent", 2, 1)


def test_a_mail_that_kills_its_worker_takes_no_others_with_it_and_is_left_to_a_person(
    stage: Stage, smtp: MailServer
) -> None:
    """F19 for mail: after two deaths each is taken alone, after three nobody knows what became of it."""
    from fulfillment.actions import emails

    body = sample("shopify/orders-paid.json")
    for number in range(4):
        body.update(id=100 + number, name=f"#{number}", email=f"b{number}@example.org", phone=None)
        stage.post("shopify", body, topic="orders/paid", delivery=str(number))
    for queue in (drains.inbox, drains.settlements, drains.fulfilment):
        queue(stage.organization.pk)
    with stage.inside():
        poison = Email.objects.order_by("-pk")[0].pk
    done: set[int] = set()
    for _ in range(20):
        with stage.inside():
            if not (rows := emails.claim(50)) and Email.objects.get(pk=poison).state == "unknown":
                break
            if poison in rows:
                Email.objects.filter(pk__in=rows).update(lease_until=clock.real() - timedelta(seconds=1))
            else:
                done.update(rows)
                Email.objects.filter(pk__in=rows).update(state="sent")
    with stage.inside():
        assert len(done) == 3 and poison not in done
        assert Email.objects.get(pk=poison).last_error == emails.GIVE_UP


# Several providers ----------------------------------------------------------------------------------------------


@pytest.fixture
def two(settings: Any, smtp: MailServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    """A chain of two servers of which the first is `smtp`; gives the second."""
    from fulfillment.providers import smtp as dialect

    with MailServer() as second:
        settings.EMAIL_PROVIDERS = ["smtp", "other"]
        whole = mail.open_connection
        monkeypatch.setattr(
            mail.Chain.__init__,
            "__kwdefaults__",
            {
                **(mail.Chain.__init__.__kwdefaults__ or {}),
                "opened_by": lambda name: (
                    whole(name) if name == "smtp" else dialect.Connection(host=second.host, port=second.port)
                ),
            },
        )
        yield second


def test_when_the_first_is_down_the_second_takes_over(stage: Stage, smtp: MailServer, two: MailServer) -> None:
    smtp.stop()
    buy(stage)
    assert (email(stage).state, email(stage).provider, len(two.messages)) == ("sent", "other", 1)


def test_what_the_first_may_have_taken_is_not_given_to_the_second(
    stage: Stage, smtp: MailServer, two: MailServer
) -> None:
    smtp.hang_up_after_data()
    buy(stage)
    assert (email(stage).state, len(smtp.messages), len(two.messages)) == ("unknown", 1, 0)


def test_what_the_first_refuses_for_good_is_not_tried_elsewhere(
    stage: Stage, smtp: MailServer, two: MailServer
) -> None:
    smtp.refuse(BUYER)
    buy(stage)
    assert (email(stage).state, email(stage).provider, two.messages) == ("failed", "smtp", [])

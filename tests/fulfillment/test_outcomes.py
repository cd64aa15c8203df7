"""What came of sending: noted mail by mail, concluded by the batch, and a kill between them costs no second copy."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config import mailing
from fulfillment.actions import outcomes
from fulfillment.models import Email
from profiles import clock
from tests.faults.test_mail import queue, states
from tests.servers import MailServer
from tests.stage import Stage

MAILS = 5


class Killed(BaseException):
    """Stands for a signal that ends the process: nothing catches it."""


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


def killed_before_the_batch_was_concluded(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """All are sent, none is concluded, and the lease of the worker that died is over."""

    def die(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as killed:
        killed.setattr(outcomes, "accept", die)
        with pytest.raises(Killed):
            mailing.outbox(stage.organization.pk)
    with stage.inside():
        Email.objects.update(lease_until=clock.real() - timedelta(seconds=1))


def test_f29_killed_after_a_batch_was_sent_no_second_copy_goes_out(
    stage: Stage, smtp: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(stage, MAILS)
    killed_before_the_batch_was_concluded(stage, monkeypatch)
    assert states(stage) == Counter(claimed=MAILS) and len(smtp.messages) == MAILS
    stage.work()
    assert states(stage) == Counter(sent=MAILS) and len(smtp.messages) == MAILS
    with stage.inside():
        for email in Email.objects.all():
            assert (email.provider, email.provider_message_id, email.secrets) == ("smtp", email.message_id, "")

    queue(stage, MAILS, domain="control.example")
    monkeypatch.setattr(outcomes, "note", lambda *_, **__: None)
    killed_before_the_batch_was_concluded(stage, monkeypatch)
    stage.work()
    assert len(smtp.messages) == 3 * MAILS, "the control: concluded by the batch alone, each goes out twice"


def test_what_was_taken_is_in_no_doubt_however_many_workers_died_since(stage: Stage, smtp: MailServer) -> None:
    queue(stage, 1)
    over = clock.real() - timedelta(seconds=1)
    with stage.inside():
        Email.objects.update(state="claimed", deaths=5, lease_until=over, done_at=clock.now(), provider="smtp")
    stage.work()
    assert states(stage) == Counter(sent=1) and not smtp.messages


def test_what_waits_is_sent_whatever_stood_there_before(stage: Stage, smtp: MailServer) -> None:
    """Only a claim that was noted tells that somebody took it."""
    queue(stage, 1)
    with stage.inside():
        Email.objects.update(done_at=clock.now())
    stage.work()
    assert states(stage) == Counter(sent=1) and len(smtp.messages) == 1


@pytest.mark.usefixtures("smtp")
def test_one_more_mail_costs_one_more_statement(stage: Stage) -> None:
    costs = []
    for number in (1, 3, 23):  # the first finds everything as nobody has used it yet
        queue(stage, number, domain=f"n{number}.example")
        with CaptureQueriesContext(connection) as captured:
            assert mailing.outbox(stage.organization.pk) == number
        costs.append(len(captured))
    assert costs[2] - costs[1] == 20, costs


def test_refused_and_put_off_among_the_taken_are_told_apart(stage: Stage, smtp: MailServer) -> None:
    smtp.refuse("buyer1@example.org")
    smtp.answer("451 4.3.0 Try again later", times=1)
    queue(stage, MAILS)
    mailing.outbox(stage.organization.pk)
    assert states(stage) == Counter(sent=MAILS - 2, queued=1, failed=1)
    assert len(smtp.messages) == MAILS - 2

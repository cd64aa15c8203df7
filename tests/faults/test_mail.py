"""Mail servers that are down, refuse, put off and hang up: what arrives, counted at the server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from fulfillment.models import Circuit, Email, Reach
from profiles import bulk, clock
from tests.servers import MailServer
from tests.stage import Stage

RUNS = 25
OUTAGE = 60


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the clock of due times on, by so many minutes more; the breakers' short rests are over by then."""
    moved = timedelta()

    def on(minutes: float) -> None:
        nonlocal moved
        moved += timedelta(minutes=minutes)
        monkeypatch.setattr(clock, "_offset", moved)
        Circuit.objects.all().delete()

    return on


def queue(stage: Stage, number: int, *, domain: str = "example.org") -> None:
    """So many messages, each to somebody else."""
    rows = [
        Email(
            organization_id=stage.organization.pk,
            effect_key=f"test:{domain}:{n}",
            template=Email.Template.DELIVERY,
            to=f"buyer{n}@{domain}",
            subject=f"Message {n}",
            text="Your link",
            html="<p>Your link</p>",
            message_id=f"<{n}.{domain}@aurora.example>",
        )
        for n in range(number)
    ]
    with stage.inside():
        bulk.insert(Email, rows)


def states(stage: Stage) -> Counter[str]:
    with stage.inside():
        return Counter(Email.objects.values_list("state", flat=True))


def copies(smtp: MailServer) -> Counter[str]:
    return Counter(message.message_id for message in smtp.messages)


def test_f25_after_an_outage_everything_is_sent_within_a_quarter_of_an_hour_and_once(
    stage: Stage, smtp: MailServer, later: Callable[[float], None]
) -> None:
    smtp.stop()
    queue(stage, OUTAGE)
    for _ in range(10):
        stage.work()
        later(3)
    assert states(stage) == {"queued": OUTAGE}, "half an hour without a server loses nothing"
    smtp.start()
    assert minutes_until_sent(stage, later) <= 15
    assert states(stage) == {"sent": OUTAGE}
    assert len(smtp.messages) == len(copies(smtp)) == OUTAGE


def test_f25_a_server_that_answers_and_refuses_everything_is_waited_for_too(
    stage: Stage, smtp: MailServer, later: Callable[[float], None]
) -> None:
    everybody = [f"buyer{number}@example.org" for number in range(RUNS)]
    for recipient in everybody:
        smtp.refuse(recipient, "421 4.3.2 System not accepting messages")
    queue(stage, RUNS)
    for _ in range(6):
        stage.work()
        later(5)
    assert states(stage) == {"queued": RUNS} and smtp.messages == []
    for recipient in everybody:
        smtp.accept(recipient)
    assert minutes_until_sent(stage, later) <= 15
    assert states(stage) == {"sent": RUNS} and set(copies(smtp).values()) == {1}


def minutes_until_sent(stage: Stage, later: Callable[[float], None]) -> int:
    """By the clock of due times, a minute a round."""
    minutes = 0
    while states(stage)["queued"] and minutes < 60:
        stage.work()
        later(1)
        minutes += 1
    return minutes


def test_f26_a_refused_recipient_fails_at_once_and_holds_up_nobody(stage: Stage, smtp: MailServer) -> None:
    for number in range(RUNS):
        smtp.refuse(f"buyer{number}@gone.example")
    queue(stage, RUNS, domain="gone.example")
    queue(stage, RUNS)
    stage.work()
    assert states(stage) == {"failed": RUNS, "sent": RUNS}
    assert {message.recipients[0].partition("@")[2] for message in smtp.messages} == {"example.org"}
    assert stage.work() == 0, "no loop"


@pytest.mark.parametrize("answer", ["450 4.2.0 Greylisted", "421 4.7.0 Try again later", "452 4.2.2 Mailbox full"])
def test_f27_what_is_put_off_is_sent_within_half_an_hour_and_once(
    stage: Stage, smtp: MailServer, later: Callable[[float], None], answer: str
) -> None:
    for number in range(RUNS):
        smtp.refuse(f"buyer{number}@example.org", answer)
    queue(stage, RUNS)
    for _ in range(3):
        stage.work()
        later(2)
    assert states(stage) == {"queued": RUNS}
    for number in range(RUNS):
        smtp.accept(f"buyer{number}@example.org")
    assert 6 + minutes_until_sent(stage, later) <= 30
    assert states(stage) == {"sent": RUNS} and set(copies(smtp).values()) == {1}


def test_f28_taken_and_cut_there_is_one_more_copy_at_most_under_the_same_id(
    stage: Stage, smtp: MailServer, later: Callable[[float], None]
) -> None:
    smtp.hang_up_after_data(times=RUNS)
    queue(stage, RUNS)
    for _ in range(6 * RUNS):  # the breaker lets three through, then rests half a minute
        stage.work()
        later(0.1)
        if states(stage)["unknown"] == RUNS:
            break
    assert states(stage) == {"unknown": RUNS} and set(copies(smtp).values()) == {1}
    for _ in range(4):
        later(11)
        stage.work()
    assert states(stage) == {"sent": RUNS}
    assert set(copies(smtp).values()) == {2} and len(copies(smtp)) == RUNS


def test_f28_cut_again_it_stays_in_doubt_and_no_third_copy_goes_out(
    stage: Stage, smtp: MailServer, later: Callable[[float], None]
) -> None:
    smtp.hang_up_after_data(times=200)
    queue(stage, 5)
    for _ in range(12):
        later(11)
        stage.work()
    assert states(stage) == {"unknown": 5} and set(copies(smtp).values()) == {2}
    with stage.inside():
        assert not Reach.objects.exists(), "these belong to no order"
        # What the limit is for: without it every round is one more copy.
        Email.objects.update(attempts=0, due_at=clock.now())
    later(1)
    stage.work()
    assert max(copies(smtp).values()) == 3

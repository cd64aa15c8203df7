"""The chain of mail providers by hand: rest, use again, try out, and what a drill measures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fulfillment import circuits
from fulfillment.actions import chains
from fulfillment.models import Circuit, Email
from fulfillment.providers import mail
from fulfillment.providers.mail import Accepted, TryLater
from profiles import clock
from profiles.actors import Actor, Invalid, NotPermitted
from profiles.models import AuditEntry
from tests.servers import MailServer
from tests.stage import Stage, sample

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
ENGINEER = Actor(label="Eva", role="engineer")


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


@pytest.fixture
def second(settings: Any, smtp: MailServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    """A chain of two servers of which the first is `smtp`; gives the second."""
    from fulfillment.providers import smtp as dialect

    whole = mail.open_connection
    with MailServer() as other:
        settings.EMAIL_PROVIDERS = ["smtp", "postmark"]
        opened = {"smtp": whole, "postmark": lambda name: dialect.Connection(host=other.host, port=other.port)}
        monkeypatch.setattr(
            mail.Chain.__init__,
            "__kwdefaults__",
            {**(mail.Chain.__init__.__kwdefaults__ or {}), "opened_by": lambda name: opened[name](name)},
        )
        yield other


def circuit(name: str = "smtp") -> Circuit:
    return Circuit.objects.filter(provider=name).first() or Circuit(provider=name)


def buy(stage: Stage) -> None:
    assert stage.post("stripe", sample("stripe/checkout.session.completed.json")).status_code == 200
    stage.work()


def test_a_persons_rest_lets_nothing_through_and_no_outcome_ends_it() -> None:
    rested = circuits.Circuit(rested_until=NOON + timedelta(hours=1))
    assert circuits.ask(rested, now=NOON) == (False, rested)
    assert circuits.ask(rested, now=NOON + timedelta(hours=1)) == (True, rested)
    assert circuits.succeed(rested) == rested
    for _ in range(4):
        rested = circuits.fail(rested, now=NOON)
    assert rested.rested_until == NOON + timedelta(hours=1) and rested.state == "open"


def test_a_rested_provider_is_passed_over_until_it_is_used_again(
    stage: Stage, smtp: MailServer, second: MailServer
) -> None:
    with stage.inside():
        chains.rest(circuit(), until=clock.real() + timedelta(hours=4), by=ENGINEER, because="It loses mail")
    buy(stage)
    assert (len(smtp.messages), len(second.messages)) == (0, 1)
    assert Circuit.objects.get(provider="smtp").rested_by == "Eva", "what the breakers learn leaves it alone"
    with stage.inside():
        chains.use_again(circuit(), by=ENGINEER, because="They say it is mended")
        actions = list(
            AuditEntry.objects.filter(action__startswith="mail_provider.")
            .order_by("pk")
            .values_list("action", "details")
        )
    assert [action for action, _ in actions] == ["mail_provider.rested", "mail_provider.used_again"]
    assert actions[0][1]["provider"] == "smtp"
    stage.post("shopify", sample("shopify/orders-paid.json"), topic="orders/paid")
    stage.work()
    assert (len(smtp.messages), len(second.messages)) == (1, 1)


def test_a_rest_ends_by_itself(stage: Stage, smtp: MailServer, second: MailServer) -> None:
    with stage.inside():
        chains.rest(circuit(), until=clock.real() + timedelta(hours=4), by=ENGINEER, because="It loses mail")
    Circuit.objects.update(rested_until=clock.real() - timedelta(seconds=1))
    buy(stage)
    assert len(smtp.messages) == 1


def test_mail_that_waits_for_a_provider_goes_out_when_it_is_used_again(stage: Stage, smtp: MailServer) -> None:
    Circuit.objects.create(provider="smtp", rested_until=clock.real() + timedelta(hours=4))
    buy(stage)
    with stage.inside():
        waiting = Email.objects.get()
        assert (waiting.state, waiting.attempts) == ("queued", 0), "nobody was asked, so that no try is used up"
        chains.use_again(circuit(), by=ENGINEER, because="It is mended")
    stage.work()
    assert len(smtp.messages) == 1


def test_the_only_provider_cannot_be_rested(stage: Stage, smtp: MailServer) -> None:
    with stage.inside(), pytest.raises(chains.LastOne):
        chains.rest(circuit(), until=clock.real() + timedelta(hours=1), by=ENGINEER, because="It loses mail")


@pytest.mark.parametrize("hours", [0, -1, 169])
def test_a_rest_has_an_end(stage: Stage, second: MailServer, hours: int) -> None:
    with stage.inside(), pytest.raises(Invalid):
        chains.rest(circuit(), until=clock.real() + timedelta(hours=hours), by=ENGINEER, because="It loses mail")


@pytest.mark.parametrize("role", ["agent", "lead", "finance", "auditor"])
def test_only_an_engineer_touches_the_chain(stage: Stage, second: MailServer, role: str) -> None:
    by = Actor(label="Lou", role=role)
    with stage.inside():
        for act in (chains.use_again, lambda one, **more: chains.test(one, to="a@example.com", **more)):
            with pytest.raises(NotPermitted):
                act(circuit(), by=by, because="Just so")


def test_a_test_mail_goes_to_who_asks_through_one_provider_alone(
    stage: Stage, smtp: MailServer, second: MailServer
) -> None:
    with stage.inside():
        Circuit.objects.create(provider="postmark", rested_until=clock.real() + timedelta(hours=1))
        sent = chains.test(circuit("postmark"), to="eva@lantern.example", by=ENGINEER, because="Looking")
        assert isinstance(sent.outcome, Accepted)
        assert [m.recipients for m in second.messages] == [("eva@lantern.example",)] and not smtp.messages
        for _ in range(chains.TESTS_AT_MOST - 1):
            chains.test(circuit(), to="eva@lantern.example", by=ENGINEER, because="Looking")
        with pytest.raises(chains.TooManyTests):
            chains.test(circuit(), to="eva@lantern.example", by=ENGINEER, because="Looking")
        with pytest.raises(Invalid):
            chains.test(circuit(), to="", by=Actor(label="x", role="engineer"), because="Looking")
        assert not Email.objects.exists()


def test_a_drill_says_who_takes_over_and_how_fast_and_changes_nothing(
    db: None, smtp: MailServer, second: MailServer
) -> None:
    whole = chains.take_over(to="drill@lantern.example")
    assert (whole.provider, whole.accepted) == ("smtp", True)
    without = chains.take_over(to="drill@lantern.example", without="smtp")
    assert (without.provider, without.accepted, without.tries) == ("postmark", True, (("postmark", "Accepted"),))
    smtp.stop()
    down = chains.take_over(to="drill@lantern.example")
    assert (down.provider, [name for name, _ in down.tries]) == ("postmark", ["smtp", "postmark"])
    assert not Circuit.objects.exists()


def test_the_last_trouble_of_a_provider_is_remembered(stage: Stage, smtp: MailServer, second: MailServer) -> None:
    smtp.stop()
    buy(stage)
    row = Circuit.objects.get(provider="smtp")
    assert "could not be reached" in row.last_error and row.last_error_at is not None and row.failures == 1
    assert Circuit.objects.get(provider="postmark").last_error == ""


def test_nobody_asked_is_told_from_nobody_willing() -> None:
    resting = {"a": circuits.Circuit(rested_until=NOON + timedelta(hours=9))}
    with mail.Chain(["a"], now=lambda: NOON, circuits=resting) as chain:
        from tests.fulfillment.test_mail import letter

        sent = chain.send(letter())
    assert sent.tries == () and isinstance(sent.outcome, TryLater) and sent.outcome.retry_after is None

"""Refunds asked for here: what may be given back, once, at Stripe; and that an unclear answer never pays twice."""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config import refunding
from fulfillment.models import Email, Entitlement
from orders.actions import refund_requests, refund_tries
from orders.actions.refund_requests import NotAllowed, NotConnected, NotPaid, TooMuch
from orders.models import Order, Refund, RefundRequest
from profiles import clock
from profiles.actors import Actor, Invalid, NotPermitted
from profiles.models import AuditEntry
from tests.stage import Stage, sample, stripe_event
from tests.stripe_server import StripeServer, bought, connect
from tests.trouble import troubled

FINANCE = Actor(label="Finn", role="finance")
State = RefundRequest.State


@pytest.fixture
def stripe(settings: Any) -> Iterator[StripeServer]:
    with StripeServer() as server:
        settings.STRIPE_API_BASE = server.base
        yield server


@pytest.fixture
def stage(db: None, stripe: StripeServer, settings: Any) -> Stage:
    made = Stage()
    connect(made, stripe, settings)
    return made


@pytest.fixture
def order(stage: Stage, stripe: StripeServer) -> Order:
    return bought(stage, stripe)


def ask(stage: Stage, order: Order, amount_minor: int | None = None, key: str = "k", **more: Any) -> RefundRequest:
    options = {"by": FINANCE, "because": "the customer asked", **more}
    with stage.inside():
        return refund_requests.request(order, amount_minor=amount_minor, key=key, **options)


def now_(row: RefundRequest, stage: Stage) -> RefundRequest:
    with stage.inside():
        return RefundRequest.objects.get(pk=row.pk)


def later(stage: Stage, monkeypatch: pytest.MonkeyPatch, span: timedelta) -> None:
    """So much later nothing waits any more."""
    moved = clock.offset() + span
    monkeypatch.setattr(clock, "_offset", moved)
    stage.work()


def access(stage: Stage, order: Order) -> list[str]:
    with stage.inside():
        rows = Entitlement.objects.filter(order=order).order_by("pk")
        return [row.status for row in rows]


def paid(stage: Stage, order: Order) -> tuple[str, int]:
    with stage.inside():
        row = Order.objects.get(pk=order.pk)
        return row.payment_status, row.refunded_minor


# What comes of it ---------------------------------------------------------------------------------------------


def test_a_refund_of_all_is_made_recorded_and_told(stage: Stage, stripe: StripeServer, order: Order) -> None:
    row = ask(stage, order)
    assert (row.state, row.amount_minor, access(stage, order)) == (State.QUEUED, 3120, ["pending_claim"])
    stage.work()
    (made,) = stripe.refunds
    done = now_(row, stage)
    assert (done.state, done.provider_refund_id, made["amount"]) == (State.DONE, made["id"], 3120)
    assert paid(stage, order) == ("refunded", 3120) and access(stage, order) == ["revoked"]
    (call,) = stripe.posts()
    assert call.key == str(row.reference) == call.parameters["metadata"]["aftersale_refund"]
    with stage.inside():
        assert Email.objects.filter(template="refund").count() == 1
        assert [e.action for e in AuditEntry.objects.filter(order_id=order.pk)] == ["refund.requested"]


def test_the_webhook_that_follows_changes_nothing(stage: Stage, stripe: StripeServer, order: Order) -> None:
    with stage.inside():
        (line,) = order.lines.all()
    ask(stage, order, 1000, lines={line.external_id: 1})
    stage.work()
    before = stage.snapshot()
    (made,) = stripe.refunds
    event = stripe_event("refund.created", made, created=made["created"] + 1, event_id="evt_1")
    assert stage.post("stripe", event).status_code == 200
    stage.work()
    assert stage.snapshot() == before
    with stage.inside():
        assert Refund.objects.get().covered_lines == [f"{line.external_id}×1"]
        assert Email.objects.filter(template="refund").count() == 1


def test_a_webhook_that_is_faster_than_the_answer_loses_no_line(
    stage: Stage, stripe: StripeServer, order: Order
) -> None:
    with stage.inside():
        (line,) = order.lines.all()
    row = ask(stage, order, 1000, lines={line.external_id: 1})
    with stage.inside():
        (tried,) = refund_tries.claim(5)
    outcome = refunding.call(tried)
    stage.post("stripe", stripe_event("refund.created", stripe.refunds[0], created=1_900_000_000, event_id="evt_1"))
    stage.work()
    with stage.inside():
        refund_tries.conclude(tried, outcome)
    stage.work()
    assert access(stage, order) == ["revoked"] and now_(row, stage).state == State.DONE
    with stage.inside():
        assert Order.objects.get(pk=order.pk).needs_person == ""


def test_one_that_is_pending_suspends_and_one_that_fails_gives_access_back(
    stage: Stage, stripe: StripeServer, order: Order
) -> None:
    stripe.status = "pending"
    ask(stage, order)
    stage.work()
    assert access(stage, order) == ["suspended"] and paid(stage, order) == ("paid", 0)
    failed = {**stripe.refunds[0], "status": "failed"}
    stage.post("stripe", stripe_event("refund.failed", failed, created=1_900_000_000, event_id="evt_f"))
    stage.work()
    assert access(stage, order) == ["pending_claim"] and paid(stage, order) == ("paid", 0)
    stripe.payments[order.payment_reference].refunds[0]["status"] = "failed"
    stripe.status = "succeeded"
    ask(stage, order, key="again")
    stage.work()
    assert paid(stage, order) == ("refunded", 3120)


def test_parts_add_up_and_the_rest_is_what_is_left(stage: Stage, stripe: StripeServer, order: Order) -> None:
    ask(stage, order, 1000, key="1")
    stage.work()
    assert paid(stage, order) == ("partially_refunded", 1000)
    rest = ask(stage, order, key="2")
    stage.work()
    assert rest.amount_minor == 2120 and [one["amount"] for one in stripe.refunds] == [1000, 2120]
    assert paid(stage, order) == ("refunded", 3120)


@pytest.mark.parametrize(
    ("currency", "amount", "asked", "sent"),
    [("jpy", 1500, "500", 500), ("kwd", 12340, "2.340", 2340), ("eur", 3120, "0.01", 1)],
)
def test_each_currency_has_its_own_decimals(
    stage: Stage, stripe: StripeServer, currency: str, amount: int, asked: str, sent: int
) -> None:
    sold = {"id": f"cs_{currency}", "payment_intent": f"pi_{currency}", "amount_total": amount, "currency": currency}
    order = bought(stage, stripe, **sold)
    ask(stage, order, refund_requests.amount(asked, order.currency))
    stage.work()
    assert [one["amount"] for one in stripe.refunds] == [sent]
    assert paid(stage, order)[0] == "partially_refunded"


# What is refused ----------------------------------------------------------------------------------------------


BAD = ["-1", "0", "0.00", "0.001", "NaN", "1e2", "１０", "", " ", "1,50", "+5", "0x10", None, 5, True]


@pytest.mark.parametrize("text", BAD)
def test_an_amount_that_is_none_is_refused(text: object) -> None:
    with pytest.raises(Invalid, match="amount"):
        refund_requests.amount(text, "EUR")


def test_more_than_is_left_is_refused_and_nobody_called(stage: Stage, stripe: StripeServer, order: Order) -> None:
    with pytest.raises(TooMuch, match=r"Only 31\.20 EUR"):
        ask(stage, order, 3121)
    ask(stage, order, 3000)
    with pytest.raises(TooMuch, match=r"Only 1\.20 EUR"):
        ask(stage, order, 121, key="2")
    ask(stage, order, 120, key="3")
    with pytest.raises(NotPaid, match="Nothing is left"):
        ask(stage, order, key="4")
    assert stripe.calls == []


def test_who_may_not_refund_is_refused(stage: Stage, order: Order) -> None:
    for role in ("agent", "auditor", ""):
        with pytest.raises(NotPermitted):
            ask(stage, order, by=Actor(label="x", role=role))
    with pytest.raises(Invalid, match="reason"):
        ask(stage, order, because=" ")


def test_a_line_of_another_order_or_twice_is_refused(stage: Stage, order: Order) -> None:
    with pytest.raises(Invalid, match="no line of this order"):
        ask(stage, order, lines={"li_other": 1})
    with stage.inside():
        (line,) = order.lines.all()
    with pytest.raises(Invalid, match="there are 1 to 1"):
        ask(stage, order, lines={line.external_id: 2})
    ask(stage, order, 100, lines={line.external_id: 1})
    with pytest.raises(TooMuch, match="asked for already"):
        ask(stage, order, 100, lines={line.external_id: 1}, key="2")


def test_a_channel_without_credentials_says_what_to_do(stage: Stage) -> None:
    stage.post("woocommerce", sample("woocommerce/order.created.json"), topic="order.created")
    stage.work()
    with stage.inside():
        order = Order.objects.get(channel__kind="woocommerce")
    with pytest.raises(NotConnected, match="consumer_key, consumer_secret: an engineer connects"):
        ask(stage, order)


def test_what_a_provider_could_never_do_is_refused_before(stage: Stage, stripe: StripeServer) -> None:
    order = bought(stage, stripe, id="cs_kwd", payment_intent="pi_kwd", amount_total=12340, currency="kwd")
    with pytest.raises(Invalid, match="must end in 0"):
        ask(stage, order, 1001)
    assert stripe.calls == []


# Once ---------------------------------------------------------------------------------------------------------


def test_the_same_press_twice_is_one_refund(stage: Stage, stripe: StripeServer, order: Order) -> None:
    first, second = ask(stage, order, 1000), ask(stage, order, 1000)
    stage.work()
    assert first.pk == second.pk and len(stripe.refunds) == 1


FAULTS = ["drop before", "drop after", "500", "html", "other", "429"]


def test_whatever_the_line_does_there_is_one_refund(
    stage: Stage, stripe: StripeServer, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F35, F36, twenty times: answers lost before and after the act, kills between call and note."""
    for seed in range(20):
        row = ask(stage, order, 100 + seed, key=str(seed))
        troubled(stage, row, stripe.plan, FAULTS, random.Random(seed), monkeypatch)
        done = now_(row, stage)
        assert (done.state, len(stripe.refunds)) == (State.DONE, seed + 1), (seed, done.last_error)
    stage.work()
    assert paid(stage, order) == ("partially_refunded", sum(range(100, 120)))


def test_without_key_and_look_up_it_would_be_paid_twice(
    stage: Stage, stripe: StripeServer, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the same fault with a fresh key each time and nobody looking."""
    from dataclasses import replace

    ask(stage, order, 1000)
    stripe.plan = ["drop after"]
    with stage.inside():
        (tried,) = refund_tries.claim(5)
    refunding.call(tried)
    refunding.call(replace(tried, wanted=replace(tried.wanted, reference="another")))
    assert len(stripe.refunds) == 2


def test_a_lost_answer_is_looked_up_before_anything_is_sent_again(
    stage: Stage, stripe: StripeServer, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ask(stage, order, 1000)
    stripe.plan = ["drop after"]
    stage.work()
    silent = now_(row, stage)
    assert (silent.state, silent.doubtful) == (State.UNKNOWN, True) and "Server disconnected" in silent.last_error
    assert paid(stage, order) == ("paid", 0) and len(stripe.refunds) == 1
    later(stage, monkeypatch, timedelta(days=2))
    assert [call.method for call in stripe.calls] == ["POST", "GET"]
    assert now_(row, stage).state == State.DONE and paid(stage, order) == ("partially_refunded", 1000)


def test_after_a_refusal_a_person_tries_again_with_a_fresh_key(
    stage: Stage, stripe: StripeServer, order: Order
) -> None:
    stripe.payments[order.payment_reference].amount = 500
    row = ask(stage, order, 1000)
    stage.work()
    refused = now_(row, stage)
    assert refused.state == State.FAILED and "greater than unrefunded amount" in refused.last_error
    with stage.inside():
        assert refund_requests.room(order).left == 3120
    stripe.payments[order.payment_reference].amount = 3120
    with stage.inside():
        refund_requests.again(refused, by=FINANCE, because="topped up")
    stage.work()
    assert now_(row, stage).state == State.DONE and now_(row, stage).reference != row.reference
    with stage.inside(), pytest.raises(NotAllowed):
        refund_requests.cancel(now_(row, stage), by=FINANCE, because="too late")


def test_one_given_up_is_sent_no_more(stage: Stage, stripe: StripeServer, order: Order) -> None:
    row = ask(stage, order)
    with stage.inside():
        refund_requests.cancel(row, by=FINANCE, because="changed their mind")
    stage.work()
    assert stripe.calls == [] and access(stage, order) == ["pending_claim"]


# A provider in trouble ----------------------------------------------------------------------------------------


def test_a_store_in_trouble_is_asked_once_and_the_others_go_on(
    stage: Stage, stripe: StripeServer, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F34: 429 with Retry-After is honoured, the rest of the channel waits, other channels do not."""
    other = bought(stage, stripe, id="cs_2", payment_intent="pi_2")
    rows = [ask(stage, order, 100 + n, key=f"a{n}") for n in range(4)]
    stripe.retry_after = 600
    stripe.plan = ["429"]
    stage.work()
    assert len(stripe.posts()) == 1
    states = [now_(row, stage) for row in rows]
    assert {row.state for row in states} == {State.QUEUED} and [row.attempts for row in states] == [1, 0, 0, 0]
    with stage.inside():
        assert states[0].due_at >= clock.now() + timedelta(seconds=590)
    later(stage, monkeypatch, timedelta(minutes=2))
    assert len(stripe.refunds) == 3
    later(stage, monkeypatch, timedelta(minutes=20))
    assert len(stripe.refunds) == 4 and sum(one["amount"] for one in stripe.refunds) == 406
    assert paid(stage, other) == ("paid", 0)


def test_a_server_that_is_down_is_tried_for_three_days_and_then_a_person_looks(
    stage: Stage, stripe: StripeServer, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    stripe.stop()
    row = ask(stage, order)
    stage.work()
    for _ in range(12):
        later(stage, monkeypatch, timedelta(days=2))
    dead = now_(row, stage)
    assert (dead.state, dead.attempts, dead.doubtful) == (State.FAILED, 10, False)
    assert "Connection refused" in dead.last_error and access(stage, order) == ["pending_claim"]


def test_a_claim_costs_a_fixed_number_of_queries(stage: Stage, stripe: StripeServer, order: Order) -> None:
    for number in range(6):
        ask(stage, order, 10 + number, key=str(number))
    counts = []
    for limit in (1, 5):
        with (
            stage.inside(),
            CaptureQueriesContext(
                connection,
            ) as asked,
        ):
            refund_tries.claim(limit)
        counts.append(len(asked))
    assert counts[0] == counts[1]


# By hand ------------------------------------------------------------------------------------------------------


def test_where_nobody_is_called_it_is_told_as_paid_back_by_hand(stage: Stage) -> None:
    assert stage.post("api", sample("api/order.json")).status_code == 200
    stage.work()
    with stage.inside():
        order = Order.objects.select_related("channel").get(channel__kind="api")
    row = ask(stage, order)
    assert row.state == State.DONE
    stage.work()
    assert paid(stage, order)[0] == "refunded"
    with stage.inside():
        assert Refund.objects.get().external_id == row.provider_refund_id == f"by-hand-{row.reference}"
        assert Email.objects.filter(template="refund").count() == 1

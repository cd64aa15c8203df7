"""The same facts end in the same state, in any order, any number of times, and all at once."""

import copy
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from attribution.actions import conversations
from config import drains
from orders import parsing
from orders.messages import Customer
from tests.stage import Stage, sample, stripe_event
from tests.talks import conversation

Step = Callable[[Stage], None]


def stripe_story() -> list[Step]:
    """Paid, updated, partial refund, second refund, dispute opened, won."""
    paid = sample("stripe/checkout.session.completed.json")
    paid["data"]["object"]["customer_details"]["email"] = "ines@example.org"
    session, at = paid["data"]["object"], paid["created"]
    updated = copy.deepcopy(paid)
    updated.update(id="evt_updated", type="checkout.session.async_payment_succeeded", created=at + 60)
    refund = sample("stripe/refund.created.json")["data"]["object"]
    second = {**refund, "id": "re_second", "amount": 500, "created": at + 90_000}
    dispute = sample("stripe/charge.dispute.closed.json")["data"]["object"]
    dispute = {**dispute, "payment_intent": session["payment_intent"]}
    events = [
        paid,
        updated,
        stripe_event("refund.created", {**refund, "amount": 700}, created=at + 80_000, event_id="evt_r1"),
        stripe_event("refund.created", second, created=at + 90_000, event_id="evt_r2"),
        stripe_event(
            "charge.dispute.created", {**dispute, "status": "needs_response"}, created=at + 95_000, event_id="evt_d1"
        ),
        stripe_event("charge.dispute.closed", {**dispute, "status": "won"}, created=at + 99_000, event_id="evt_d2"),
    ]
    steps: list[Step] = [lambda stage, e=e: _post(stage, "stripe", e) for e in events]  # type: ignore[misc]
    return [*steps, _chat("ines@example.org", "2026-09-21T10:00:00Z")]


def shopify_story() -> list[Step]:
    """Created unpaid, paid, updated with another address, refunds of each line, and a late conversation."""
    paid = sample("shopify/orders-paid.json")
    created = copy.deepcopy(paid)
    created.update(financial_status="pending", updated_at="2026-11-12T09:14:08+01:00", email="maya.typo@example.com")
    created["customer"]["email"] = created["contact_email"] = "maya.typo@example.com"
    updated = copy.deepcopy(paid)
    updated.update(updated_at="2026-11-12T11:00:00+01:00", note="please hurry")
    first = sample("shopify/refunds-create.json")
    second = copy.deepcopy(first)
    second["id"] = 77
    second["created_at"] = second["processed_at"] = "2026-11-15T10:00:00+01:00"
    second["refund_line_items"][0].update(id=78, line_item_id=paid["line_items"][0]["id"])
    second["transactions"][0].update(id=79, amount="5.00", currency="EUR")
    steps: list[tuple[str, dict[str, Any]]] = [
        ("orders/create", created),
        ("orders/paid", paid),
        ("orders/updated", updated),
        ("refunds/create", first),
        ("refunds/create", second),
    ]
    told: list[Step] = [lambda stage, t=t, b=b: _post(stage, "shopify", b, topic=t) for t, b in steps]  # type: ignore[misc]
    return [*told, _chat("maya.okafor@example.com", "2026-11-12T07:40:00Z")]


def woocommerce_story() -> list[Step]:
    """Created, partly refunded, completed, and a refund that was taken back in the newest version."""
    created = sample("woocommerce/order.created.json")
    refunded = sample("woocommerce/order.updated.refunded.json")
    twice = copy.deepcopy(refunded)
    twice.update(date_modified_gmt="2026-11-17T09:30:12", date_modified="2026-11-17T10:30:12")
    twice["refunds"].append({"id": 2860, "reason": "goodwill", "total": "-5.00"})
    undone = copy.deepcopy(refunded)
    undone.update(date_modified_gmt="2026-11-18T09:30:12", date_modified="2026-11-18T10:30:12")
    bodies = [
        (created, "order.created"),
        (refunded, "order.updated"),
        (twice, "order.updated"),
        (undone, "order.updated"),
    ]
    steps: list[Step] = [lambda stage, b=b, t=t: _post(stage, "woocommerce", b, topic=t) for b, t in bodies]  # type: ignore[misc]
    return [*steps, _chat("tomas.rivera@example.org", "2026-11-13T18:00:00Z")]


STORIES = {"stripe": stripe_story, "shopify": shopify_story, "woocommerce": woocommerce_story}


def _post(stage: Stage, kind: str, body: dict[str, Any], *, topic: str = "") -> None:
    assert stage.post(kind, body, topic=topic, delivery=f"d-{random.random()}").status_code == 200


def _chat(email: str, at: str) -> Step:
    started = parsing.instant(at)

    def say(stage: Stage) -> None:
        with stage.inside():
            conversations.record(
                conversation(
                    external_id="c-1",
                    started_at=started,
                    last_activity_at=started + timedelta(minutes=5),
                    customer=Customer(email=email),
                    labels=("product_inquiry",),
                ),
                organization=stage.organization,
            )

    return say


def facts(state: dict[str, Any]) -> dict[str, Any]:
    """The promise of any order covers everything but the history of mails and the name of the organization."""
    return {name: value for name, value in state.items() if name not in ("emails", "organization")}


@pytest.mark.parametrize("shop", STORIES)
def test_every_order_of_arrival_ends_the_same(db: None, shop: str) -> None:
    shuffle = random.Random(20261121)
    expected = None
    for number in range(24):
        stage = Stage(slug=f"{shop}-{number}")
        steps = STORIES[shop]()
        if number:
            shuffle.shuffle(steps)
        for step in steps:
            step(stage)
            if shuffle.random() < 0.5:
                stage.work()
        stage.work()
        state = facts(stage.snapshot())
        expected = expected or state
        assert state == expected, f"order of arrival {number}"


@pytest.mark.parametrize("shop", STORIES)
def test_five_times_over_changes_nothing(stage: Stage, shop: str) -> None:
    for step in STORIES[shop]():
        step(stage)
    stage.work()
    once = stage.snapshot()
    for _ in range(4):
        for step in STORIES[shop]():
            step(stage)
    stage.work()
    assert stage.snapshot() == once


def test_the_story_of_stripe_ends_in_what_the_money_says(stage: Stage) -> None:
    for step in stripe_story():
        step(stage)
    stage.work()
    (order,) = stage.snapshot()["orders"]
    assert order["payment_status"] == "partially_refunded" and order["refunded"] == "12.00"
    assert order["entitlements"][0]["status"] == "pending_claim"
    assert order["attribution"] == {"method": "session_match", "confidence": "0.95", "conversation": "c-1"}
    (profile,) = stage.snapshot()["profiles"]
    assert profile["lifetime_value"] == {"EUR": "19.20"}


def test_a_corrected_address_leaves_no_trace_of_the_first(stage: Stage) -> None:
    for step in shopify_story()[:3]:
        step(stage)
        stage.work()
    (profile,) = stage.snapshot()["profiles"]
    assert profile["identifiers"] == ["email:maya.okafor@example.com", "phone:+15035550142"]


def test_one_poisonous_delivery_does_not_stop_the_others(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from orders.actions import order_facts as recording
    from orders.actions.statements import digest as whole

    def poison(message: Any) -> str:
        if getattr(message, "number", "") == "poison":
            raise RuntimeError("poison")
        return whole(message)

    monkeypatch.setattr(recording, "digest", poison)
    bad = sample("woocommerce/order.created.json")
    bad.update(id=1, number="poison")
    _post(stage, "woocommerce", bad, topic="order.created")
    _post(stage, "woocommerce", sample("woocommerce/order.created.json"), topic="order.created")
    drains.round_of(stage.organization.pk)
    stage.work()
    assert [order["number"] for order in stage.snapshot()["orders"]] == ["LP-2841"]

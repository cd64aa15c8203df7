"""Stripe tells of one purchase in several voices: the payment alone, its charge, and the checkout it belongs to."""

import itertools
from typing import Any

from tests.stage import Stage, sample, stripe_event

AT = 1789986400


def voices() -> dict[str, dict[str, Any]]:
    session = sample("stripe/checkout.session.completed.json")
    intent = session["data"]["object"]["payment_intent"]
    payment = {
        "id": intent,
        "object": "payment_intent",
        "amount": 3120,
        "amount_received": 3120,
        "currency": "eur",
        "created": AT,
        "latest_charge": "ch_1",
        "livemode": True,
        "metadata": {},
        "receipt_email": None,
        "status": "succeeded",
    }
    charge = {
        "id": "ch_1",
        "object": "charge",
        "amount": 3120,
        "amount_captured": 3120,
        "captured": True,
        "created": AT + 1,
        "currency": "eur",
        "livemode": True,
        "metadata": {},
        "paid": True,
        "payment_intent": intent,
        "payment_method_details": {"type": "card", "card": {"brand": "visa", "last4": "4242"}},
        "status": "succeeded",
    }
    refund = sample("stripe/refund.created.json")["data"]["object"]
    by_charge = {**refund, "payment_intent": None, "charge": "ch_1", "amount": 1000}
    return {
        "payment": stripe_event("payment_intent.succeeded", payment, created=AT + 2, event_id="evt_pi"),
        "charge": stripe_event("charge.succeeded", charge, created=AT + 2, event_id="evt_ch"),
        "session": session,
        "refund": stripe_event("refund.created", by_charge, created=AT + 90_000, event_id="evt_re"),
    }


def test_every_order_of_the_voices_ends_in_the_checkouts_order(db: None) -> None:
    told = voices()
    expected = None
    for number, names in enumerate(itertools.permutations(told)):
        stage = Stage(slug=f"voices-{number}")
        for name in names:
            assert stage.post("stripe", told[name]).status_code == 200
            stage.work()
        state = {k: v for k, v in stage.snapshot().items() if k not in ("emails", "organization")}
        expected = expected or state
        assert state == expected, names
        (order,) = state["orders"]
        assert order["external_id"] == told["session"]["data"]["object"]["id"]
        assert order["refunded"] == "10.00" and order["payment_status"] == "partially_refunded"


def test_a_payment_without_a_checkout_is_an_order_of_its_own(stage: Stage) -> None:
    payment = voices()["payment"]
    payment["data"]["object"].update(metadata={"sku": "EBOOK-TIDE-EN"}, receipt_email="ada@example.org")
    stage.post("stripe", payment)
    stage.work()
    (order,) = stage.snapshot()["orders"]
    assert order["external_id"] == payment["data"]["object"]["id"] and order["payment_status"] == "paid"
    assert [e["sku"] for e in order["entitlements"]] == ["EBOOK-TIDE-EN"]


def test_the_card_is_found_by_its_last_four_digits(stage: Stage) -> None:
    from support.queries import search

    for name in ("session", "charge"):
        stage.post("stripe", voices()[name])
    stage.work()
    with stage.inside():
        (hit,) = [hit for hit in search.find("4242", organization=stage.organization) if hit.kind == "order"]
    assert hit.because == "card ending in 4242"

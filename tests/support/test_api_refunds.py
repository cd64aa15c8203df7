"""The API's refund: the desk's act by another door, answered with what the provider said."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse

from orders.models import Order, RefundRequest
from profiles.actions import organizations
from tests.stage import BY, Stage, sample
from tests.stripe_server import StripeServer, bought, connect


@pytest.fixture
def stripe() -> Iterator[StripeServer]:
    with StripeServer() as server:
        yield server


@pytest.fixture
def stage(db: None, stripe: StripeServer, settings: Any) -> Stage:
    made = Stage()
    connect(made, stripe, settings)
    return made


@pytest.fixture
def order(stage: Stage, stripe: StripeServer) -> Order:
    return bought(stage, stripe)


@pytest.fixture
def secret(stage: Stage) -> str:
    return token(stage)


def token(stage: Stage, *scopes: str) -> str:
    with stage.inside():
        return organizations.issue_token(stage.organization, name="till", scopes=scopes or ("orders:write",), by=BY)


def refund(stage: Stage, order: Order, secret: str, body: Any = None, **headers: str) -> HttpResponse:
    given = {"reason": "the customer asked", **(body or {})}
    return stage.client.post(
        f"/api/orders/{order.pk}/refund",
        json.dumps(given),
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}", **headers},
    )  # type: ignore[return-value]


def told(answer: HttpResponse) -> Any:
    return json.loads(answer.content)


def test_the_answer_tells_what_the_provider_said(stage: Stage, stripe: StripeServer, order: Order, secret: str) -> None:
    answer = refund(stage, order, secret, {"amount": "10.00"})
    assert answer.status_code == 201, answer.content
    (made,) = stripe.refunds
    row = told(answer)
    assert row.pop("id") and row == {
        "order": order.pk,
        "amount": "10.00",
        "currency": "EUR",
        "state": "done",
        "refund": made["id"],
        "refund_status": "succeeded",
        "error": "",
    }
    assert told(refund(stage, order, secret))["amount"] == "21.20"
    snapshot = stage.snapshot()["orders"][0]
    assert (snapshot["payment_status"], snapshot["refunded"]) == ("refunded", "31.20")


def test_a_silent_provider_is_202_and_the_same_key_then_tells_the_first_answer(
    stage: Stage, stripe: StripeServer, order: Order, secret: str
) -> None:
    stripe.plan = ["drop after"]
    first = refund(stage, order, secret, **{"Idempotency-Key": "k1"})
    assert (first.status_code, told(first)["state"], told(first)["refund"]) == (202, "unknown", None)
    again = refund(stage, order, secret, **{"Idempotency-Key": "k1"})
    assert (again.status_code, told(again)) == (202, told(first))
    other = refund(stage, order, secret, {"amount": "1.00"}, **{"Idempotency-Key": "k1"})
    assert other.status_code == 409 and len(stripe.refunds) == 1
    with stage.inside():
        assert RefundRequest.objects.count() == 1


def test_a_refusal_of_the_provider_is_422_in_its_own_words(
    stage: Stage, stripe: StripeServer, order: Order, secret: str
) -> None:
    stripe.payments[order.payment_reference].amount = 5
    answer = refund(stage, order, secret, {"amount": "10.00"})
    assert (answer.status_code, told(answer)["state"]) == (422, "failed")
    assert "greater than unrefunded amount" in told(answer)["error"]


BAD = ["-1", "0", "0.001", "NaN", "1e2", "１０.00", "31.21", "", None, 10, 10.5, True, ["1"]]


@pytest.mark.parametrize("amount", BAD, ids=repr)
def test_a_bad_amount_is_refused_and_the_provider_not_called(
    stage: Stage, stripe: StripeServer, order: Order, secret: str, amount: object
) -> None:
    answer = refund(stage, order, secret, {"amount": amount})
    assert answer.status_code in (400, 422) and answer["Content-Type"] == "application/problem+json"
    assert stripe.calls == [] and told(answer)["detail"]


@pytest.mark.parametrize(
    "lines", ["EBOOK-TIDE-EN", [5], ["NO-SUCH"], [{"sku": "EBOOK-TIDE-EN", "quantity": 0}], [{"quantity": 1}], {}, None]
)
def test_bad_lines_are_refused(stage: Stage, stripe: StripeServer, order: Order, secret: str, lines: object) -> None:
    assert refund(stage, order, secret, {"lines": lines}).status_code in (400, 422)
    assert stripe.calls == []


def test_a_line_is_named_by_sku_or_by_the_channels_id(
    stage: Stage, stripe: StripeServer, order: Order, secret: str
) -> None:
    answer = refund(stage, order, secret, {"lines": ["EBOOK-TIDE-EN"], "amount": "5.00"})
    assert answer.status_code == 201
    assert stage.snapshot()["orders"][0]["entitlements"][0]["status"] == "revoked"
    with stage.inside():
        (line,) = order.lines.all()
    again = refund(stage, order, secret, {"lines": [{"external_id": line.external_id, "quantity": 1}]})
    assert again.status_code == 422 and "refunded or asked for already" in told(again)["detail"]


def test_only_a_post_with_the_scope_and_a_reason_refunds(
    stage: Stage, stripe: StripeServer, order: Order, secret: str
) -> None:
    headers = {"Authorization": f"Bearer {secret}"}
    assert stage.client.get(f"/api/orders/{order.pk}/refund", headers=headers).status_code == 403
    headers = {"Authorization": f"Bearer {token(stage, '*')}"}
    assert stage.client.get(f"/api/orders/{order.pk}/refund", headers=headers).status_code == 405
    assert refund(stage, order, token(stage, "orders:read", "entitlements:write")).status_code == 403
    assert refund(stage, order, "wrong").status_code == 401
    assert refund(stage, order, secret, {"reason": " "}).status_code == 400
    assert refund(stage, order, secret, {"reason": None}).status_code == 400
    assert stripe.calls == []


def test_a_stranger_finds_no_such_order(stage: Stage, stripe: StripeServer, order: Order) -> None:
    stranger = Stage(slug="stranger")
    answer = refund(stranger, order, token(stranger))
    unknown = stranger.client.post(
        "/api/orders/999999999/refund",
        json.dumps({"reason": "because"}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token(stranger)}"},
    )
    assert answer.status_code == unknown.status_code == 404 and answer.content == unknown.content
    assert stripe.calls == []


def test_over_the_limit_it_waits_for_a_second_person(stage: Stage, stripe: StripeServer, secret: str) -> None:
    user = User.objects.create_user("lea", is_staff=True)
    with stage.inside():
        organizations.add_member(stage.organization, user, "lead", by=BY)
    order = bought(stage, stripe, id="cs_dear", payment_intent="pi_dear", amount_total=60_000)
    small = refund(stage, order, secret, {"amount": "400.00"})
    assert small.status_code == 201
    # In slices it is as much: what was asked for the order before counts.
    answer = refund(stage, order, secret, {"amount": "100.01"})
    assert (answer.status_code, told(answer)["state"]) == (202, "awaiting")
    assert len(stripe.refunds) == 1


def test_a_manual_order_is_refunded_by_hand_at_once(stage: Stage, secret: str) -> None:
    stage.post("api", sample("api/order.json"))
    stage.work()
    with stage.inside():
        order = Order.objects.get(channel__kind="api")
    answer = refund(stage, order, secret)
    assert answer.status_code == 201 and told(answer)["refund"].startswith("by-hand-")
    assert told(answer)["refund_status"] == "succeeded"

"""Coupons by the API and on the customer's page: scopes, repeated calls, refusals, and nothing told about addresses."""

from typing import Any

import pytest
from django.core.cache import cache

from fulfillment.actions import coupons
from fulfillment.models import Coupon, Email, Entitlement, Redemption
from profiles.actors import Actor
from tests.stage import Stage
from tests.support.test_api import call, token, told

LEAD = Actor(label="Lea", role="lead")
ADA = {"email": "Ada@Example.org"}


@pytest.fixture
def stage(db: None) -> Stage:
    cache.clear()
    made = Stage()
    with made.inside():
        for code, terms in {
            "GIFT": {"kind": "full", "skus": ["EBOOK-TIDE-EN"]},
            "ANY": {"kind": "full", "limit_each": 2},
            "TENTH": {"kind": "percent", "percent": 10},
        }.items():
            coupons.add(organization=made.organization, code=code, by=LEAD, because="for the test", **terms)  # type: ignore[arg-type]
    return made


def test_a_redeemed_code_is_answered_with_what_was_granted(stage: Stage) -> None:
    secret = token(stage, "coupons:write")
    body = {"code": "gift", "sku": "EBOOK-TIDE-EN", "customer": ADA, "reference": "cart-1"}
    answers = [
        call(stage, "POST", "/api/coupons/redeem", body, secret=secret, **{"Idempotency-Key": "k"}) for _ in "ab"
    ]
    assert [answer.status_code for answer in answers] == [201, 201], answers[0].content
    assert told(answers[0]) == told(answers[1])
    assert told(answers[0])["entitlements"] == [{"sku": "EBOOK-TIDE-EN", "status": "active", "source": "coupon"}]
    again = call(stage, "POST", "/api/coupons/redeem", body, secret=secret)
    assert again.status_code == 409 and "already" in told(again)["detail"]
    stage.work()
    with stage.inside():
        assert Email.objects.get().to == "ada@example.org"


def test_a_partial_code_is_quoted_reserved_and_confirmed(stage: Stage) -> None:
    secret = token(stage, "coupons:write", "coupons:read")
    quoted = call(
        stage, "POST", "/api/coupons/quote", {"code": "tenth", "amount": "39.05", "currency": "EUR"}, secret=secret
    )
    assert told(quoted) == {"amount": "39.05", "discount": "3.90", "to_pay": "35.15", "currency": "EUR"}
    body = {"code": "tenth", "amount": "39.05", "currency": "EUR", "customer": ADA}
    reserved = told(call(stage, "POST", "/api/coupons/redeem", body, secret=secret))
    assert reserved["state"] == "reserved" and reserved["to_pay"] == "35.15" and reserved["reserved_until"]
    done = call(stage, "POST", "/api/coupons/confirm", {"redemption": reserved["id"]}, secret=secret)
    assert told(done)["state"] == "redeemed" and told(done)["reserved_until"] is None
    listed = told(call(stage, "GET", "/api/coupons", secret=secret))["results"]
    assert {row["code"]: row["used"] for row in listed} == {"GIFT": 0, "ANY": 0, "TENTH": 1}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"code": 7}, 400),
        ({"code": "gift\0"}, 409),
        ({"code": "%", "customer": ADA}, 404),
        ({"code": "GIFT", "customer": ADA}, 409),
        ({"code": "GIFT", "sku": "EBOOK-HARB-EN", "customer": ADA}, 409),
        ({"code": "GIFT", "sku": "EBOOK-TIDE-EN"}, 400),
        ({"code": "GIFT", "sku": "EBOOK-TIDE-EN", "customer": "ada"}, 400),
        ({"code": "TENTH", "amount": "1e999", "currency": "EUR", "customer": ADA}, 400),
        ({"code": "TENTH", "amount": "-1", "currency": "EUR", "customer": ADA}, 400),
        ({"code": "TENTH", "customer": ADA}, 400),
    ],
)
def test_what_cannot_be_redeemed_is_refused_and_leaves_nothing(stage: Stage, body: Any, status: int) -> None:
    answer = call(stage, "POST", "/api/coupons/redeem", body)
    assert answer.status_code == status, answer.content
    with stage.inside():
        assert not Redemption.objects.exists() and not Coupon.objects.filter(used__gt=0).exists()


def test_scopes_and_strangers(stage: Stage) -> None:
    body = {"code": "GIFT", "sku": "EBOOK-TIDE-EN", "customer": ADA}
    assert call(stage, "POST", "/api/coupons/redeem", body, secret=token(stage, "coupons:read")).status_code == 403
    stranger = Stage(slug="stranger")
    assert told(call(stranger, "GET", "/api/coupons"))["results"] == []
    assert call(stranger, "POST", "/api/coupons/redeem", body).status_code == 404


def test_one_customer_is_tried_so_often_and_no_more(stage: Stage) -> None:
    secret = token(stage)
    body = {"code": "WRONG", "customer": ADA}
    answers = [call(stage, "POST", "/api/coupons/redeem", body, secret=secret).status_code for _ in range(31)]
    assert answers == [404] * 30 + [429]


# The customer's page --------------------------------------------------------------------------------------------

PAGE = "/redeem/lantern/"


def test_opening_the_page_uses_nothing_up_and_a_press_mails_the_link(stage: Stage) -> None:
    opened = stage.client.get(PAGE)
    assert opened.status_code == 200 and opened["Cache-Control"] == "no-store, private"
    assert "script" not in opened["Content-Security-Policy"].replace("script-src 'none'", "").replace(
        "script-src 'self'", ""
    )
    assert stage.client.head(PAGE).status_code == 200
    with stage.inside():
        assert not Redemption.objects.exists()
    pressed = stage.client.post(PAGE, {"code": "gift", "email": "ada@example.org"})
    assert pressed.status_code == 200 and b"/download/" not in pressed.content
    stage.work()
    with stage.inside():
        assert "/download/" in Email.objects.get().text


def test_a_second_press_is_answered_like_the_first(stage: Stage) -> None:
    first, second = (stage.client.post(PAGE, {"code": "gift", "email": "ada@example.org"}) for _ in range(2))
    assert first.content == second.content and first.status_code == second.status_code
    with stage.inside():
        assert Entitlement.objects.count() == 1


def test_a_code_for_several_products_asks_which(stage: Stage) -> None:
    asked = {"code": "any", "email": "ada@example.org"}
    chosen = stage.client.post(PAGE, asked)
    assert b'value="EBOOK-HARB-EN"' in chosen.content
    with stage.inside():
        assert not Redemption.objects.exists()
    stage.client.post(PAGE, {**asked, "sku": "EBOOK-HARB-EN"})
    with stage.inside():
        assert Entitlement.objects.get().product.sku == "EBOOK-HARB-EN"


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({"code": "%", "email": "ada@example.org"}, 404, b"no such code"),
        ({"code": "TENTH", "email": "ada@example.org"}, 409, b"at the checkout"),
        ({"code": "GIFT", "email": "nobody"}, 400, b"your e-mail address"),
        ({}, 400, b"Please give"),
    ],
)
def test_the_page_says_what_is_wrong(stage: Stage, asked: dict[str, str], status: int, words: bytes) -> None:
    answer = stage.client.post(PAGE, asked)
    assert answer.status_code == status and words in answer.content


def test_a_forged_press_redeems_nothing(stage: Stage) -> None:
    asked = {"code": "gift", "email": "ada@example.org"}
    stage.client.post(PAGE, asked, headers={"Sec-Fetch-Site": "cross-site"})
    with stage.inside():
        assert not Redemption.objects.exists()
    assert stage.client.get("/redeem/nobody/").status_code == 404


def test_one_address_is_tried_so_often_and_no_more(stage: Stage) -> None:
    answers = [stage.client.post(PAGE, {"code": f"X{n}", "email": "ada@example.org"}).status_code for n in range(11)]
    assert answers == [404] * 10 + [429]

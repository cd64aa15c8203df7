"""Deliveries that name only their shop find its channel, and nobody can claim another's shop."""

import json

import pytest

from orders.actions import channels
from orders.models import Delivery, DomainRoute
from tests.stage import BY, DOMAINS, Stage, sample

FIRST = {
    "shopify": ("shopify/orders-paid.json", "orders/paid"),
    "woocommerce": ("woocommerce/order.created.json", "order.created"),
}
every_shop = pytest.mark.parametrize("kind", FIRST)


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


def deliver(stage: Stage, kind: str, *, secret: str = "", **changed: str) -> int:
    name, topic = FIRST[kind]
    body = json.dumps(sample(name)).encode()
    headers = {**stage.signed(kind, body, topic=topic, secret=secret), **changed}
    path = f"/api/webhooks/{kind}/order-created"
    return stage.client.post(path, body, content_type="application/json", headers=headers).status_code


def kept(stage: Stage) -> int:
    with stage.inside():
        return Delivery.objects.count()


@every_shop
def test_the_shops_own_word_finds_its_channel(stage: Stage, kind: str) -> None:
    assert deliver(stage, kind) == 200 and kept(stage) == 1
    stage.work()
    assert len(stage.snapshot()["orders"]) == 1


@every_shop
def test_the_word_proves_nothing(stage: Stage, kind: str) -> None:
    header = {"shopify": "X-Shopify-Shop-Domain", "woocommerce": "X-WC-Webhook-Source"}[kind]
    for word in ("", "nobody.example", "https://", "\x00", DOMAINS[kind] + ".evil.example", "x" * 5_000):
        assert deliver(stage, kind, **{header: word}) == 404, word
    assert deliver(stage, kind, secret="wrong") == 401
    assert kept(stage) == 0


@every_shop
def test_an_unverified_claim_never_blocks_the_owner(stage: Stage, kind: str) -> None:
    stranger = Stage(slug="stranger")
    DomainRoute.objects.filter(organization_id=stranger.organization.pk).update(verified=False)
    assert deliver(stage, kind) == 200
    assert (kept(stage), kept(stranger)) == (1, 0)


@every_shop
def test_a_shop_verified_for_two_is_refused_for_both(stage: Stage, kind: str) -> None:
    stranger = Stage(slug="stranger")
    assert deliver(stage, kind) == 404
    assert (kept(stage), kept(stranger)) == (0, 0)
    path = stage.channels[kind].webhook_path
    name, topic = FIRST[kind]
    body = json.dumps(sample(name)).encode()
    headers = stage.signed(kind, body, topic=topic)
    answer = stage.client.post(path, body, content_type="application/json", headers=headers)
    assert answer.status_code == 200, "the address of its own still works"


def test_a_reconnected_shop_keeps_its_address(stage: Stage) -> None:
    before = stage.channels["shopify"].webhook_path
    with stage.inside():
        again = channels.connect(
            stage.organization, kind="shopify", domain=DOMAINS["shopify"].upper() + "/", secret="newer", by=BY
        )
    assert again.webhook_path == before

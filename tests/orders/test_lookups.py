"""What a delivery only names is read from its provider's API once, kept like a delivery, and never lost on the way."""

import base64
import contextlib
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client

from config import drains
from orders.actions import channels, lookups
from orders.models import Channel, Delivery, Lookup, Order, Payment
from orders.providers import standard
from orders.providers.reading import Stopped
from orders.queries import refunding
from profiles import clock
from profiles.actors import Actor
from tests.orders.providers.test_clover import ORDER as CLOVER_ORDER
from tests.orders.providers.test_square import ANSWER as SQUARE
from tests.shop_servers import ApiServer
from tests.stage import BY, Stage, sample

RECEIPT = sample("etsy/receipt.response.json")
ETSY_PATH = "/application/shops/52217734/receipts/3489120077"
KEY = "whsec_ZXRzeS1zaWduaW5nLXNlY3JldC1ub3QtcmVhbC0yNCs="
LEAD = Actor(label="Lou", role="engineer")
State = Lookup.State


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


@pytest.fixture
def etsy() -> Iterator[ApiServer]:
    with ApiServer({ETSY_PATH: RECEIPT}) as server:
        yield server


def connect(stage: Stage, kind: str, server: ApiServer, *, base: str = "", **more: Any) -> Channel:
    credentials = {"access_token": "token-1", "api_base": server.base + base, **more.pop("credentials", {})}
    with stage.inside():
        domain = more.pop("domain", "lantern")
        channel = channels.connect(stage.organization, kind=kind, domain=domain, credentials=credentials, by=BY, **more)
    stage.channels[kind] = channel
    return channel


def etsy_shop(stage: Stage, server: ApiServer, **more: Any) -> Channel:
    own = {"keystring": "key", "shared_secret": "half", "refresh_token": "refresh-1", "shop_id": "52217734"}
    return connect(stage, "etsy", server, base="/application", secret=KEY, credentials=own, **more)


def tell(channel: Channel, body: dict, **headers: str) -> int:
    raw = json.dumps(body).encode()
    return Client().post(channel.webhook_path, raw, content_type="application/json", headers=headers).status_code


def tell_etsy(channel: Channel, *, message_id: str = "m1") -> None:
    body = sample("etsy/order.paid.json")
    raw = json.dumps(body).encode()
    signed = standard.headers([KEY], message_id=message_id, timestamp=int(clock.real().timestamp()), body=raw)
    assert tell(channel, body, **signed) == 200


def the_lookup(stage: Stage) -> Lookup:
    with stage.inside():
        return Lookup.objects.get()


def test_a_named_receipt_becomes_an_order(stage, etsy):
    tell_etsy(etsy_shop(stage, etsy))
    stage.work()
    (sold,) = [order for order in stage.snapshot()["orders"] if order["channel"] == "etsy:lantern"]
    assert (sold["external_id"], sold["total"], sold["payment_status"]) == ("3489120077", "43.18", "partially_refunded")
    assert sold["customer"] == ["other:etsy_buyer:702233445"]
    call = etsy.calls[0]
    assert (call.headers["x-api-key"], call.headers["authorization"]) == ("key:half", "Bearer token-1")
    assert the_lookup(stage).state == State.DONE


def test_named_any_number_of_times_it_is_one_order(stage, etsy):
    channel = etsy_shop(stage, etsy)
    for n in range(3):
        tell_etsy(channel, message_id=f"m{n}")
        stage.work()
    with stage.inside():
        assert Order.objects.filter(channel=channel).count() == 1
        assert Delivery.objects.filter(channel=channel, topic="receipt (read)").count() == 1
        assert Lookup.objects.get().revision == 3


def test_a_token_that_is_over_is_renewed_once_and_kept(stage, etsy):
    etsy.token, etsy.refresh = "another", "refresh-1"
    channel = etsy_shop(stage, etsy)
    tell_etsy(channel)
    stage.work()
    assert the_lookup(stage).state == State.DONE
    with stage.inside():
        channel.refresh_from_db()
        known = refunding.credentials(channel)
    assert (known["access_token"], known["refresh_token"], etsy.renewals) == ("token-2", "refresh-2", 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guarded", [True, False])
def test_two_workers_spend_a_refresh_token_once(stage, etsy, guarded, monkeypatch):
    """Without the lock the second spends a token that is spent already: the channel has to be connected again."""
    etsy.token = "another"
    channel = etsy_shop(stage, etsy)
    shop = refunding.shop(channel)
    if not guarded:
        monkeypatch.setattr(lookups, "_LOCK", "SELECT %s, %s")
    tried = lookups.Try(1, 1, 1, channel.pk, "etsy", lookups.Wanted(thing="receipt", external_id="1"), shop)
    both, refused = threading.Barrier(2), []
    renew = lookups.READERS["etsy"].renew

    def slowly(shop: Any) -> Any:
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(timeout=1)
        return renew(shop)

    monkeypatch.setattr(lookups.READERS["etsy"], "renew", slowly)

    def work() -> None:
        try:
            with stage.inside():
                lookups.renewed(tried)
        except Stopped as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(refused), etsy.renewals) == (0 if guarded else 1, 1)


@pytest.mark.parametrize("fault", ["500", "html", "429", "drop after"])
def test_a_provider_in_trouble_is_asked_again_later(stage, etsy, fault):
    etsy.plan = [fault]
    tell_etsy(etsy_shop(stage, etsy))
    stage.work()
    waiting = the_lookup(stage)
    assert (waiting.state, waiting.attempts) == (State.QUEUED, 1) and waiting.last_error
    with stage.inside():
        Lookup.objects.update(due_at=clock.real() - timedelta(seconds=1))
    stage.work()
    assert the_lookup(stage).state == State.DONE


def test_what_the_provider_does_not_know_waits_for_a_person(stage, etsy):
    etsy.told = {}
    tell_etsy(etsy_shop(stage, etsy))
    stage.work()
    failed = the_lookup(stage)
    assert (failed.state, failed.last_error) == (State.FAILED, "Etsy knows no such thing (any more).")
    etsy.told = {ETSY_PATH: RECEIPT}
    with stage.inside():
        lookups.retry(failed, by=LEAD, because="It is there now")
    stage.work()
    assert the_lookup(stage).state == State.DONE


def test_a_channel_without_access_says_so_and_reads_once_it_has_it(stage, etsy):
    with stage.inside():
        channel = channels.connect(stage.organization, kind="etsy", domain="lantern", secret=KEY, by=BY)
    tell_etsy(channel)
    stage.work()
    assert "keystring" in the_lookup(stage).last_error and etsy.calls == []
    etsy_shop(stage, etsy)
    stage.work()
    assert the_lookup(stage).state == State.DONE


def test_a_channel_that_calls_nobody_reads_only_by_hand(stage, etsy):
    tell_etsy(etsy_shop(stage, etsy, calls_provider=False))
    stage.work()
    assert the_lookup(stage).last_error == lookups.NOT_BY_ITSELF and etsy.calls == []
    with stage.inside():
        lookups.retry(the_lookup(stage), by=LEAD, because="Asked by hand")
    stage.work()
    assert the_lookup(stage).state == State.DONE


def test_a_reader_that_died_is_followed_by_another(stage, etsy, monkeypatch):
    tell_etsy(etsy_shop(stage, etsy))
    drains.inbox(stage.organization.pk)
    with stage.inside():
        assert lookups.claim(5)
        assert lookups.claim(5) == []
        Lookup.objects.update(lease_until=clock.real() - timedelta(seconds=1))
    stage.work()
    assert the_lookup(stage).state == State.DONE


def test_an_answer_to_a_thing_named_again_meanwhile_is_not_the_last_word(stage, etsy):
    channel = etsy_shop(stage, etsy)
    tell_etsy(channel)
    drains.inbox(stage.organization.pk)
    with stage.inside():
        (tried,) = lookups.claim(5)
    tell_etsy(channel, message_id="m2")
    drains.inbox(stage.organization.pk)
    with stage.inside():
        lookups.conclude(tried, lookups.Found(b"{}"))
    assert the_lookup(stage).state == State.QUEUED
    stage.work()
    assert the_lookup(stage).state == State.DONE


def test_secrets_go_to_hosts_of_the_vendor_alone(stage, etsy, settings):
    settings.PRODUCTION = True
    channel = etsy_shop(stage, etsy)
    tell_etsy(channel)
    stage.work()
    assert the_lookup(stage).last_error == "api_base is no address of Etsy." and etsy.calls == []


def test_a_payment_at_square_becomes_the_order_it_is_for(stage):
    order_id = SQUARE["order"]["id"]
    told = {
        f"/v2/orders/{order_id}": {"order": SQUARE["order"]},
        f"/v2/customers/{SQUARE['customer']['id']}": {"customer": SQUARE["customer"]},
    }
    with ApiServer(told) as server:
        channel = connect(stage, "square", server, secret="square-key")
        body = sample("square/payment.updated.json")
        raw = json.dumps(body).encode()
        signed = f"{django_settings.BASE_URL}{channel.webhook_path}".encode() + raw
        mac = base64.b64encode(hmac.digest(b"square-key", signed, hashlib.sha256)).decode()
        assert tell(channel, body, **{"x-square-hmacsha256-signature": mac}) == 200
        bare = base64.b64encode(hmac.digest(b"square-key", raw, hashlib.sha256)).decode()
        assert tell(channel, body, **{"x-square-hmacsha256-signature": bare}) == 401
        stage.work()
    with stage.inside():
        sold = Order.objects.get(channel=channel)
        assert (sold.external_id, sold.payment_status, sold.email) == (order_id, "paid", "maya@example.com")
        assert Payment.objects.get(channel=channel).order_id == sold.pk
        assert sold.visits.get().store_id == "L88917AVBK2S5"


def test_a_change_at_clover_is_read_of_the_merchant_it_names(stage):
    payment = sample("clover/payment.response.json")
    merchant = "/v3/merchants/TQ7RWN3K9XZ1M"
    told = {
        f"{merchant}/payments/4M2KX8R6QJ0VT": payment,
        f"{merchant}/orders/9F3ZP1W7HB5DE": CLOVER_ORDER,
        f"{merchant}/customers/CUST1": CLOVER_ORDER["customers"]["elements"][0],
    }
    with ApiServer(told) as server:
        first = connect(stage, "clover", server, secret="shared-code", domain="another")
        channel = connect(stage, "clover", server, secret="shared-code", domain="TQ7RWN3K9XZ1M")
        assert tell(first, sample("clover/webhook.json"), **{"x-clover-auth": "wrong"}) == 401
        assert tell(first, sample("clover/webhook.json"), **{"x-clover-auth": "shared-code"}) == 200
        stage.work()
        assert "expand=lineItems,customers,payments,refunds" in " ".join(server.asked())
    with stage.inside():
        sold = Order.objects.get(channel=channel)
        assert (sold.payment_status, sold.total_minor, sold.email) == ("paid", 13550, "maya@example.com")
        assert "shared-code" not in json.dumps(list(Delivery.objects.values_list("headers", flat=True)))


def test_clovers_question_whose_address_it_is_is_shown_at_the_channel(stage):
    with ApiServer({}) as server:
        channel = connect(stage, "clover", server, secret="shared-code", domain="tq7rwn3k9xz1m")
    assert tell(channel, sample("clover/webhook.verification.json")) == 200
    with stage.inside():
        channel.refresh_from_db()
        assert channel.handshake_code == "4d1f0a7e-02b6-4c58-9f1e-6b7d2c8e9a30"
        assert not Delivery.objects.filter(channel=channel).exists()


def test_a_buyers_browser_makes_shopier_be_asked(stage):
    sold = sample("shopier/order.created.json")
    callback = sample("shopier/payment-form.callback.json")
    text = f"{callback['random_nr']}{callback['platform_order_id']}".encode()
    callback["signature"] = base64.b64encode(hmac.digest(b"form-secret", text, "sha256")).decode()
    with ApiServer({"/orders/318204477": sold}) as server:
        channel = connect(stage, "shopier", server, secret="form-secret")
        found = Client().post(channel.webhook_path, callback)
        assert (found.status_code, found.content) == (200, b"success")
        stage.work()
    with stage.inside():
        assert Order.objects.get(channel=channel).total_minor == 112490

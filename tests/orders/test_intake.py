"""Rows 1 to 13 and 34b to 40 of the bad inputs at the door itself, through Django's layers and past them."""

import hmac
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from django.db import connection
from django.test import Client, RequestFactory

from config.wsgi import application
from orders import webhooks
from orders.actions import channels
from orders.models import Channel, ChannelDay, Delivery
from profiles import clock
from tests.stage import BY, DOMAINS, SECRETS, Stage, sample

FIRST = {
    "stripe": ("stripe/checkout.session.completed.json", ""),
    "shopify": ("shopify/orders-paid.json", "orders/paid"),
    "woocommerce": ("woocommerce/order.created.json", "order.created"),
    "api": ("api/order.json", ""),
}
HEADER = {
    "stripe": "Stripe-Signature",
    "shopify": "X-Shopify-Hmac-Sha256",
    "woocommerce": "X-WC-Webhook-Signature",
    "api": "Webhook-Signature",
}
every_kind = pytest.mark.parametrize("kind", FIRST)


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Door:
    """One of the two ways a request reaches the inbox: Django's, or the short one the web server takes."""

    def __init__(self, way: str) -> None:
        self.way = way

    def ask(
        self, path: str, body: bytes = b"", *, method: str = "POST", headers: dict[str, str] | None = None
    ) -> Answer:
        given = dict(headers or {})
        kind = given.pop("Content-Type", "application/json")
        if self.way == "django":
            found: Any = Client(enforce_csrf_checks=True).generic(method, path, body, content_type=kind, headers=given)
            return Answer(found.status_code, dict(found.items()), found.content)
        given.setdefault("Host", "testserver")
        environ = RequestFactory().generic(method, path, body, content_type=kind, headers=given).environ
        told: list[Any] = []
        pieces = application(dict(environ), lambda status, fields: told.extend([status, fields]))
        return Answer(int(told[0].split()[0]), dict(told[1]), b"".join(pieces))


@pytest.fixture(params=["django", "short"])
def door(request: Any, db: None, monkeypatch: pytest.MonkeyPatch) -> Door:
    # The test's own transaction would look like one that a request forgot.
    monkeypatch.setattr(connection, "close_if_unusable_or_obsolete", lambda: None)
    return Door(request.param)


@pytest.fixture
def stage(db: None) -> Iterator[Stage]:
    webhooks._endpoints.clear()
    yield Stage()


def first(kind: str) -> bytes:
    return json.dumps(sample(FIRST[kind][0])).encode()


def headers(stage: Stage, kind: str, body: bytes, **more: str) -> dict[str, str]:
    return stage.signed(kind, body, topic=FIRST[kind][1], **more)


def post(door: Door, stage: Stage, kind: str, body: bytes, **more: str) -> Answer:
    return door.ask(stage.channels[kind].webhook_path, body, headers=headers(stage, kind, body, **more))


def kept(stage: Stage) -> int:
    with stage.inside():
        return Delivery.objects.count()


def refused(stage: Stage, kind: str) -> int:
    with stage.inside():
        return sum(ChannelDay.objects.filter(channel=stage.channels[kind]).values_list("refused", flat=True))


# Authentic and not ----------------------------------------------------------------------------------------------


@every_kind
def test_row_1_without_the_right_signature_nothing_is_kept_but_a_count(door: Door, stage: Stage, kind: str) -> None:
    body = first(kind)
    right, path = headers(stage, kind, body), stage.channels[kind].webhook_path
    name = next(name for name in right if name.lower() == HEADER[kind].lower())
    as_hex = hmac.new(SECRETS[kind].encode(), body, "sha256").hexdigest()
    wrongs = [{**right, name: wrong} for wrong in ("", "wrong", "AAAA", as_hex, f"t=1,v1={as_hex}", right[name][:-2])]
    for wrong in [{}, {n: v for n, v in right.items() if n != name}, *wrongs]:
        answer = door.ask(path, body, headers=wrong)
        assert answer.status == 401 and answer.headers["Content-Type"] == "application/problem+json"
    assert (kept(stage), refused(stage, kind)) == (0, len(wrongs) + 2)
    assert door.ask(path, body, headers=right).status == 200 and kept(stage) == 1


@every_kind
def test_row_2_letters_outside_of_ascii_are_not_authentic(door: Door, stage: Stage, kind: str) -> None:
    body = first(kind)
    right = headers(stage, kind, body)
    for wrong in ("é", "\xff\xfe", "t=١,v1=é", "v1,é"):
        assert door.ask(stage.channels[kind].webhook_path, body, headers={**right, HEADER[kind]: wrong}).status == 401
    assert kept(stage) == 0


@every_kind
def test_row_3_another_tenants_secret_touches_neither(door: Door, stage: Stage, kind: str) -> None:
    stranger = Stage(slug="stranger")
    with stranger.inside():
        theirs = channels.connect(
            stranger.organization, kind=kind, domain=DOMAINS[kind], by=BY,
            secret="whsec_c3RyYW5nZXItc3RyYW5nZXItc3RyYW5nZXI=",
        )  # fmt: skip
    body = first(kind)
    signed = headers(stage, kind, body, secret=theirs.secret)
    assert door.ask(stage.channels[kind].webhook_path, body, headers=signed).status == 401
    assert kept(stage) == kept(stranger) == 0
    assert (refused(stage, kind), refused(stranger, kind)) == (1, 0)


@every_kind
def test_row_4_the_former_secret_verifies_for_a_day(
    door: Door, stage: Stage, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = SECRETS[kind]
    newer = "whsec_bmV3ZXItbmV3ZXItbmV3ZXItbmV3ZXItbmV3ZXI="
    assert post(door, stage, kind, first(kind)).status == 200  # and now the door remembers the secret
    with stage.inside():
        channels.connect(stage.organization, kind=kind, domain=DOMAINS[kind], secret=newer, by=BY)
    for number, secret in enumerate((newer, former)):
        assert post(door, stage, kind, first(kind), secret=secret, delivery=f"d-{number}").status == 200
    webhooks._endpoints.clear()
    monkeypatch.setattr(clock, "_offset", timedelta(hours=24, seconds=1))
    assert post(door, stage, kind, first(kind), secret=former, delivery="late").status == 401
    assert post(door, stage, kind, first(kind), secret=newer, delivery="late").status == 200


def test_row_4_a_new_secret_is_felt_at_once_where_the_old_one_is_remembered(door: Door, stage: Stage) -> None:
    assert post(door, stage, "shopify", first("shopify")).status == 200
    with stage.inside():
        Channel.objects.filter(pk=stage.channels["shopify"].pk).update(secret="another", former_secret="")
    assert post(door, stage, "shopify", first("shopify"), secret="another", delivery="2").status == 200
    assert post(door, stage, "shopify", first("shopify"), delivery="3").status == 401


def stripe_signature(stage: Stage, body: bytes, *entries: str, age: int = 0) -> dict[str, str]:
    at = str(int(time.time()) - age)
    right = hmac.new(SECRETS["stripe"].encode(), f"{at}.".encode() + body, "sha256").hexdigest()
    return {"Stripe-Signature": ",".join([f"t={at}", *(entry.replace("RIGHT", right) for entry in entries)])}


@pytest.mark.parametrize(
    ("entries", "age", "status"),
    [
        (["v1=RIGHT"], 600, 401),
        (["v0=RIGHT"], 0, 401),
        ([*["v1=" + "0" * 64] * 499, "v1=RIGHT"], 0, 401),
        (["v1=" + "0" * 64, "v1=RIGHT"], 0, 200),
        (["v1=RIGHT"], 290, 200),
    ],
    ids=["ten minutes old", "only v0", "500 signatures", "the second is right", "just young enough"],
)
def test_rows_5_and_6_stripes_signatures(door: Door, stage: Stage, entries: list[str], age: int, status: int) -> None:
    body = first("stripe")
    signed = stripe_signature(stage, body, *entries, age=age)
    assert door.ask(stage.channels["stripe"].webhook_path, body, headers=signed).status == status
    assert kept(stage) == (status == 200)


@every_kind
def test_row_7_a_space_added_after_signing_is_not_authentic(door: Door, stage: Stage, kind: str) -> None:
    body = first(kind)
    for changed in (body + b" ", b" " + body, body.replace(b":", b": ", 1)):
        if changed != body:
            answer = door.ask(stage.channels[kind].webhook_path, changed, headers=headers(stage, kind, body))
            assert answer.status == 401
    assert kept(stage) == 0


# Addresses and methods ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_row_8_other_methods_are_refused(door: Door, stage: Stage, method: str) -> None:
    for path in (stage.channels["shopify"].webhook_path, "/api/webhooks/shopify/order-created"):
        answer = door.ask(path, b"", method=method)
        assert answer.status == 405 and answer.headers["Allow"] == "POST"
        assert method != "HEAD" or answer.body == b""


def test_row_9_no_address_is_ever_redirected(door: Door, stage: Stage, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    body = first("shopify")
    path = stage.channels["shopify"].webhook_path
    for odd in (f"{path}/", path.replace("webhooks/", "webhooks//"), path.rpartition("/")[0], f"{path}?x=1", path):
        answer = door.ask(odd, body, headers=headers(stage, "shopify", body))
        assert answer.status in (200, 404), odd
    assert kept(stage) == 1


@pytest.mark.parametrize("key", ["unknown", "0" * 44, "x" * 5_000, "%00", "%ff", "..%2f..", "é", "order-created", "*"])
def test_an_unknown_key_is_not_found(door: Door, stage: Stage, key: str) -> None:
    for kind in (*FIRST, "pos", "paypal", "%00"):
        answer = door.ask(f"/api/webhooks/{kind}/{key}", b"{}")
        assert answer.status == 404, kind


def test_a_key_of_another_kind_is_not_found(door: Door, stage: Stage) -> None:
    body = first("shopify")
    for kind in ("woocommerce", "stripe", "api", "pos"):
        path = stage.channels["shopify"].webhook_path.replace("/shopify/", f"/{kind}/")
        assert door.ask(path, body, headers=headers(stage, "shopify", body)).status == 404
    assert post(door, stage, "shopify", body).status == 200
    assert door.ask(path, body, headers=headers(stage, "shopify", body)).status == 404, "even while remembered"


def test_row_34b_another_host_is_refused(door: Door, stage: Stage) -> None:
    body = first("shopify")
    for host in ("evil.example", "testserver.evil.example", "testserver:80@evil.example", ""):
        signed = {**headers(stage, "shopify", body), "Host": host}
        if host or door.way == "short":
            assert door.ask(stage.channels["shopify"].webhook_path, body, headers=signed).status == 400, host
    assert kept(stage) == 0


# Bodies ---------------------------------------------------------------------------------------------------------


def padded(size: int) -> bytes:
    """The first order of the API's channel, brought to exactly this size by a note nobody reads."""
    order = {**sample(FIRST["api"][0]), "note": ""}
    return json.dumps({**order, "note": "x" * (size - len(json.dumps(order)))}).encode()


@pytest.mark.parametrize(("size", "status"), [(1 << 20, 200), (5_242_880, 200), (5_242_881, 413), (6 << 20, 413)])
def test_row_11_a_body_may_have_five_mebibytes(door: Door, stage: Stage, size: int, status: int) -> None:
    body = padded(size)
    assert len(body) == size
    assert post(door, stage, "api", body).status == status
    assert kept(stage) == (status == 200)
    stage.work()
    assert len(stage.snapshot()["orders"]) == (status == 200)


def test_row_11_a_false_length_is_not_believed(door: Door, stage: Stage) -> None:
    body = first("api")
    signed = headers(stage, "api", body)
    for length in ("9" * 30, "6000000"):
        assert door.ask(
            stage.channels["api"].webhook_path, body, headers={**signed, "Content-Length": length}
        ).status in (
            413,
            401,
        )
    assert kept(stage) == 0


def test_row_12_a_compressed_body_stays_as_it_came(door: Door, stage: Stage) -> None:
    """Nobody unpacks it: 50 KB that would become 50 MiB are 50 KB in quarantine."""
    import gzip

    bomb = gzip.compress(b"0" * (50 << 20))
    signed = {**headers(stage, "shopify", bomb), "Content-Encoding": "gzip"}
    assert door.ask(stage.channels["shopify"].webhook_path, bomb, headers=signed).status == 200
    stage.work()
    with stage.inside():
        (row,) = Delivery.objects.all()
        assert (row.state, bytes(row.body)) == ("quarantined", bomb)


UNUSABLE = [
    b"", b" ", b"null", b'"text"', b"[]", b"{", b"{}<html>", b'{"id": 1', b"\xff", b'{"id": "\xc0\x80"}', b"\x00",
    b'{"id": "\\u0000"}', b'{"id": "\\ud800"}', b"[" * 100_000, b'{"id": ' + b"9" * 5_000 + b"}",
    b'{"id": 1, "total_price": "29.99", "total_price": "0.01"}', b'{"id": NaN}', b'{"id": 1e999}', b'{"id": Infinity}',
]  # fmt: skip


@every_kind
def test_rows_14_to_20_and_39_what_is_authentic_is_kept_and_answered(door: Door, stage: Stage, kind: str) -> None:
    """One answer that is no 2xx, five times, and the shop stops delivering: so the good order comes last."""
    for number, body in enumerate([*UNUSABLE, first(kind)]):
        assert post(door, stage, kind, body, delivery=f"d-{number}").status == 200, body[:40]
    stage.work()
    state = stage.snapshot()
    assert len(state["quarantined"]) == len(UNUSABLE) and all(row["reason"] for row in state["quarantined"])
    assert len(state["orders"]) == 1
    with stage.inside():
        bodies = {bytes(row.body) for row in Delivery.objects.filter(state="quarantined")}
    assert bodies == set(UNUSABLE)


@every_kind
def test_row_35_a_captured_body_with_fresh_ids_has_no_second_effect(door: Door, stage: Stage, kind: str) -> None:
    for number in range(5):
        assert post(door, stage, kind, first(kind), delivery=f"fresh-{number}").status == 200
    stage.work()
    state = stage.snapshot()
    assert len(state["orders"]) == 1 and [mail["count"] for mail in state["emails"]] == [1] * len(state["emails"])


def test_row_36_woocommerces_unsigned_trial_is_answered_and_not_kept(door: Door, stage: Stage) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    path = stage.channels["woocommerce"].webhook_path
    assert door.ask(path, b"webhook_id=7", headers=form).status == 200
    assert (kept(stage), refused(stage, "woocommerce")) == (0, 0)
    assert door.ask("/api/webhooks/woocommerce/unknown", b"webhook_id=7", headers=form).status == 404
    for forged in (b"webhook_id=7&x=1", b"webhook_id=", b'{"webhook_id": 7}'):
        assert door.ask(path, forged, headers=form).status == 401
    assert door.ask(stage.channels["shopify"].webhook_path, b"webhook_id=7", headers=form).status == 401


def test_row_40_what_is_not_for_this_channel_is_answered_and_ignored(door: Door, stage: Stage) -> None:
    event = sample(FIRST["stripe"][0])
    changes: list[dict[str, Any]] = [{"livemode": False}, {"account": "acct_other"}]
    for number, change in enumerate(changes):
        body = json.dumps({**event, **change, "id": f"evt_{number}"}).encode()
        assert post(door, stage, "stripe", body).status == 200
    stage.work()
    state = stage.snapshot()
    assert state["orders"] == [] and state["quarantined"] == []
    with stage.inside():
        assert set(Delivery.objects.values_list("state", flat=True)) == {"ignored"}


def test_the_database_plans_the_statement_once(door: Door, stage: Stage) -> None:
    for _ in range(3):
        assert post(door, stage, "stripe", first("stripe")).status == 200
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%orders_take_in%'")
        assert cursor.fetchone() == (1,)


# Conversations --------------------------------------------------------------------------------------------------


def talking(stage: Stage, kind: str, **more: Any) -> Channel:
    with stage.inside():
        channel = channels.connect(stage.organization, kind=kind, domain="desk.example", secret="s", by=BY, **more)
    webhooks._endpoints.clear()
    return channel


def test_metas_trial_of_an_address_is_answered_with_its_challenge(door: Door, stage: Stage) -> None:
    channel = talking(stage, "whatsapp", credentials={"verify_token": "agreed"})
    asked = f"{channel.webhook_path}?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token="
    right = door.ask(f"{asked}agreed", method="GET")
    assert (right.status, right.body) == (200, b"1158201444")
    assert right.headers["Content-Type"].startswith("text/plain")
    for token in ("", "other", channel.key, "%ff", "%00"):
        assert door.ask(f"{asked}{token}", method="GET").status == 401
    assert door.ask(channel.webhook_path, method="GET").status == 405
    unknown = asked.replace(channel.key, "nobody")
    assert door.ask(f"{unknown}agreed", method="GET").status == 404
    shop = stage.channels["stripe"].webhook_path
    assert door.ask(f"{shop}?hub.mode=subscribe&hub.challenge=1&hub.verify_token=x", method="GET").status == 405


def test_where_no_token_was_agreed_upon_the_last_part_of_the_address_is_it(door: Door, stage: Stage) -> None:
    path = (channel := talking(stage, "whatsapp")).webhook_path
    asked = f"{path}?hub.mode=subscribe&hub.challenge=77&hub.verify_token={channel.key}"
    assert door.ask(asked, method="GET").body == b"77"


def test_an_unsigned_ping_of_intercom_is_answered_and_not_kept(door: Door, stage: Stage) -> None:
    channel = talking(stage, "intercom")
    ping = json.dumps(sample("intercom/ping.json")).encode()
    assert door.ask(channel.webhook_path, ping).status == 200 and kept(stage) == 0
    wrong = {"X-Hub-Signature": "sha1=00"}
    assert door.ask(channel.webhook_path, ping, headers=wrong).status == 401 and kept(stage) == 0
    other = json.dumps(sample("intercom/conversation.user.created.json")).encode()
    assert door.ask(channel.webhook_path, other).status == 401 and kept(stage) == 0

"""Shopier's three generations: webhooks are believed, notices are half believed, what a browser carries is not."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from orders.messages import (
    Authority,
    ChannelFacts,
    Delivery,
    Ignored,
    LookupMessage,
    OrderStatus,
    RefundMessage,
    RefundStatus,
    Unusable,
)
from orders.providers import PROVIDERS
from tests.deliveries import document, edited, order, parse, recorded

SOLD = document("shopier/order.created.json")
REFUND = document("shopier/refund.updated.json")
NOTICE = document("shopier/osb.notification.json")["form_fields"]
CALLBACK = document("shopier/payment-form.callback.json")
SHOPIER = PROVIDERS["shopier"]
CAME = datetime(2026, 11, 12, 8, tzinfo=UTC)


def form(fields: dict, *, multipart: bool = True) -> tuple[bytes, dict[str, str]]:
    if not multipart:
        return urlencode(fields).encode(), {"content-type": "application/x-www-form-urlencoded"}
    parts = [f'--b0\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items()]
    return ("".join(parts) + "--b0--\r\n").encode(), {"content-type": "multipart/form-data; boundary=b0"}


def told(body: bytes, headers: dict, **facts) -> tuple:
    channel = ChannelFacts(kind="shopier", domain="lantern", **facts)
    return SHOPIER.parse(Delivery(body=body, headers=headers, channel=channel, received_at=CAME))


def notice(**changes) -> tuple[bytes, dict[str, str]]:
    data = json.loads(base64.b64decode(NOTICE["res"])) | changes
    return form({"res": base64.b64encode(json.dumps(data).encode()).decode(), "hash": "0"})


def test_an_order_is_read_with_its_discount_spread_over_its_lines():
    sold = order("shopier", recorded("shopier/order.created.json"))
    assert (sold.external_id, sold.currency, sold.total_minor, sold.discount_minor) == (
        "318204477",
        "TRY",
        112490,
        12500,
    )
    assert (sold.paid, sold.status, sold.flags, sold.authority) == (True, OrderStatus.PENDING, (), Authority.ORDER)
    assert sold.placed_at == datetime(2026, 11, 11, 18, 17, 46, tzinfo=UTC)
    (line,) = sold.lines
    assert (line.total_minor, line.listing_ids) == (112490, ("41877302:901", "41877302"))
    assert line.title == "Gelgit Atlası (dijital) (PDF + EPUB)"
    assert (sold.customer.email, sold.customer.region) == ("elif.sahin@example.com", "TR")
    assert sold.customer.phone == "+905321110042"


def test_two_lines_share_the_discount_to_the_last_kurus():
    item = SOLD["lineItems"][0]
    lines = [item | {"price": "10.00", "total": "10.00"}, item | {"price": "5.01", "total": "5.01"}]
    totals = {"subtotal": "15.01", "shipping": "0.00", "discount": "1.00", "total": "14.01"}
    sold = order("shopier", edited(SOLD, (("lineItems",), lines), (("totals",), totals)))
    assert sum(line.total_minor for line in sold.lines) == 1401 and sold.flags == ()


def test_a_time_without_an_offset_is_istanbuls():
    sold = order("shopier", edited(SOLD, (("dateCreated",), "2026-11-11T21:17:46")))
    assert sold.placed_at == datetime(2026, 11, 11, 18, 17, 46, tzinfo=UTC)


def test_a_refund_names_its_order_and_its_own_id():
    (refund,) = parse("shopier", recorded("shopier/refund.updated.json"))
    assert isinstance(refund, RefundMessage)
    assert (refund.external_id, refund.order_external_id, refund.amount_minor) == ("5530918", "318204477", 50000)
    assert refund.status is RefundStatus.SUCCEEDED


def test_the_refunds_within_an_order_are_the_same_refunds():
    inside = {key: REFUND[key] for key in ("id", "type", "status", "dateCreated", "dateRefunded", "total")}
    sold = order("shopier", edited(SOLD, (("refunds",), [inside])))
    (alone,) = parse("shopier", REFUND)
    assert isinstance(alone, RefundMessage)
    (within,) = sold.refunds
    assert (within.external_id, within.amount_minor, within.version) == (alone.external_id, 50000, alone.version)
    assert sold.version == alone.version


def test_an_event_that_does_not_fit_its_body_is_set_aside():
    with pytest.raises(Unusable):
        told(recorded("shopier/order.created.json"), {"shopier-signature": "x", "shopier-event": "product.updated"})
    with pytest.raises(Ignored):
        told(b'{"id": "5"}', {"shopier-signature": "x", "shopier-event": "product.updated"})


def test_a_notice_is_verified_by_user_and_password_in_either_form():
    for multipart in (True, False):
        res = NOTICE["res"]
        digest = hmac.new(b"hush", f"{res}user".encode(), hashlib.sha256).hexdigest()
        body, headers = form({"res": res, "hash": digest}, multipart=multipart)
        assert SHOPIER.verify(body, headers, ["token user:hush"], now=0)
        assert not SHOPIER.verify(body, headers, ["token user:other"], now=0)
        assert not SHOPIER.verify(body, headers, ["token", "hush"], now=0)
        assert SHOPIER.answer(headers)[0] == b"success"


def test_a_signature_may_be_base64_too():
    body = recorded("shopier/order.created.json")
    encoded = base64.b64encode(hmac.digest(b"token", body, "sha256")).decode()
    assert SHOPIER.verify(body, {"shopier-signature": encoded}, ["user:hush token"], now=0)
    assert b"received" in SHOPIER.answer({"shopier-signature": encoded})[0]


def test_a_notice_is_a_paid_order_that_the_webhook_overrules():
    (sold,) = told(*notice())
    assert (sold.external_id, sold.total_minor, sold.currency, sold.paid) == ("318204477", 112490, "TRY", True)
    assert (sold.authority, sold.placed_at, sold.test) == (Authority.PAYMENT, CAME, False)
    assert sold.lines[0].listing_ids == ("41877302",)


@pytest.mark.parametrize(("price", "minor"), [("1124,90", 112490), ("1.124,90", 112490), ("1124.90", 112490)])
def test_a_notices_price_may_have_a_comma(price, minor):
    (sold,) = told(*notice(price=price))
    assert sold.total_minor == minor


@pytest.mark.parametrize("changes", [{"price": "1,124.90"}, {"currency": 7}, {"orderid": None}, {"price": "-5"}])
def test_a_notice_that_cannot_be_is_set_aside(changes):
    with pytest.raises(Unusable):
        told(*notice(**changes))


@pytest.mark.parametrize("mark", [1, "1", True])
def test_a_test_notice_is_no_revenue(mark):
    (sold,) = told(*notice(istest=mark))
    assert sold.test


def test_a_callback_only_says_which_order_to_ask_for():
    body, headers = form(CALLBACK, multipart=False)
    with pytest.raises(Ignored, match="proves nothing"):
        told(body, headers)
    assert told(body, headers, can_read=True) == (LookupMessage(thing="order", external_id="318204477"),)
    body, headers = form(CALLBACK | {"status": "failed"}, multipart=False)
    with pytest.raises(Ignored, match="not made"):
        told(body, headers, can_read=True)


def test_a_callback_is_verified_by_its_number_and_order():
    secret = "form-secret"
    text = f"{CALLBACK['random_nr']}{CALLBACK['platform_order_id']}".encode()
    right = base64.b64encode(hmac.digest(secret.encode(), text, "sha256")).decode()
    body, headers = form(CALLBACK | {"signature": right}, multipart=False)
    assert SHOPIER.verify(body, headers, [secret], now=0)
    assert not SHOPIER.verify(body, headers, ["another"], now=0)

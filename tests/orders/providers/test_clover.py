"""Clover only names what changed, for several merchants at once; what is read again are payments and orders."""

import json
from datetime import UTC, datetime

import pytest

from orders.messages import (
    ChannelFacts,
    Delivery,
    Ignored,
    LookupMessage,
    OrderMessage,
    PaymentMessage,
    PaymentStatus,
    RefundMessage,
    Unusable,
)
from orders.providers import PROVIDERS
from tests.deliveries import document, edited, recorded

PAYMENT = document("clover/payment.response.json")
CLOVER = PROVIDERS["clover"]
ORDER = {
    "id": "9F3ZP1W7HB5DE", "currency": "USD", "total": 12550, "title": "98766", "state": "locked",
    "createdTime": 1794578390000, "modifiedTime": 1794578400200,
    "lineItems": {"elements": [
        {"id": "LI1", "name": "Tide Atlas", "price": 12550, "item": {"id": "ITEM1"}, "itemCode": "PRINT-TIDE"},
    ]},
    "customers": {"elements": [{
        "id": "CUST1", "firstName": "Maya", "lastName": "Okafor",
        "emailAddresses": {"elements": [{"id": "E", "emailAddress": "maya@example.com"}]},
        "phoneNumbers": {"elements": [{"id": "P", "phoneNumber": "2125550142"}]},
    }]},
    "payments": {"elements": [PAYMENT]},
}  # fmt: skip


def parse(data: dict, *, looked_up: str = "", currency: str = "USD") -> tuple:
    channel = ChannelFacts(kind="clover", domain="tq7rwn3k9xz1m", currency=currency)
    return CLOVER.parse(Delivery(body=json.dumps(data).encode(), headers={}, channel=channel, looked_up=looked_up))


def of(messages: tuple, kind: type) -> list:
    return [message for message in messages if isinstance(message, kind)]


def test_every_merchant_and_every_thing_is_named():
    data = document("clover/webhook.json")
    data["merchants"]["OTHER"] = [{"objectId": "P:AAA", "type": "CREATE", "ts": 5}, {"objectId": "I:BBB", "ts": 5}]
    assert set(parse(data)) == {
        LookupMessage(thing="payment", external_id="4M2KX8R6QJ0VT", account="TQ7RWN3K9XZ1M"),
        LookupMessage(thing="order", external_id="9F3ZP1W7HB5DE", account="TQ7RWN3K9XZ1M"),
        LookupMessage(thing="payment", external_id="AAA", account="OTHER"),
    }


def test_only_things_without_money_are_ignored():
    with pytest.raises(Ignored):
        parse({"merchants": {"M": [{"objectId": "I:BBB", "type": "UPDATE", "ts": 5}]}})
    with pytest.raises(Unusable):
        parse({"merchants": {"M": [{"objectId": "P:", "type": "UPDATE", "ts": 5}]}})


def test_the_code_is_compared_whole():
    assert CLOVER.verify(b"{}", {"x-clover-auth": "code"}, ["former", "code"], now=0)
    assert not CLOVER.verify(b"{}", {"x-clover-auth": "cod"}, ["code"], now=0)
    assert not CLOVER.verify(b"{}", {"x-clover-auth": ""}, [""], now=0)
    assert not CLOVER.verify(b"{}", {"x-clover-auth": "cödé"}, ["code"], now=0)
    assert "x-clover-auth" not in CLOVER.KEPT_HEADERS


def test_the_handshake_is_only_what_comes_without_a_code():
    body = recorded("clover/webhook.verification.json")
    assert CLOVER.handshake(body, {}) == "4d1f0a7e-02b6-4c58-9f1e-6b7d2c8e9a30"
    assert CLOVER.handshake(body, {"x-clover-auth": "code"}) == ""
    for odd in (
        b"[]",
        b'{"verificationCode": 5}',
        b'{"verificationCode": "<b>"}',
        b'{"verificationCode": "a", "b": 1}',
        b"{",
    ):
        assert CLOVER.handshake(odd, {}) == ""


def test_a_read_order_has_its_payment_lines_and_customer():
    found = parse({"payment": PAYMENT, "order": ORDER}, looked_up="payment")
    (sold,), (payment,) = of(found, OrderMessage), of(found, PaymentMessage)
    assert (sold.external_id, sold.total_minor, sold.paid, sold.flags) == ("9F3ZP1W7HB5DE", 13550, True, ())
    assert (sold.customer.email, sold.customer.phone) == ("maya@example.com", "2125550142")
    assert (sold.lines[0].sku, sold.lines[0].listing_ids) == ("PRINT-TIDE", ("ITEM1",))
    assert sold.extra_facts["store_id"] == "tq7rwn3k9xz1m"
    assert (payment.amount_minor, payment.order_external_id, payment.last4) == (13550, sold.external_id, "1111")
    assert payment.paid_at == datetime.fromtimestamp(1794578399, tz=UTC)


def test_a_payment_without_an_order_stands_for_itself():
    payment = edited(PAYMENT, (("order",), None))
    found = parse({"payment": payment, "order": None}, looked_up="payment")
    (sold,), (paid,) = of(found, OrderMessage), of(found, PaymentMessage)
    assert (sold.external_id, sold.total_minor) == (paid.external_id, 13550) == ("4M2KX8R6QJ0VT", 13550)


def test_a_failed_payment_pays_nothing():
    failed = edited(PAYMENT, (("result",), "FAIL"))
    found = parse({"payment": None, "order": edited(ORDER, (("payments",), {"elements": [failed]}))}, looked_up="order")
    assert not of(found, OrderMessage)[0].paid
    assert of(found, PaymentMessage)[0].status is PaymentStatus.FAILED


def test_refunds_of_the_order_are_read_with_it():
    refund = {"id": "R1", "amount": 5000, "createdTime": 1794579000000, "payment": {"id": "4M2KX8R6QJ0VT"}}
    found = parse({"payment": None, "order": {**ORDER, "refunds": {"elements": [refund]}}}, looked_up="order")
    (told,) = of(found, RefundMessage)
    assert (told.amount_minor, told.order_external_id) == (5000, "9F3ZP1W7HB5DE")


def test_without_any_currency_it_is_set_aside():
    with pytest.raises(Unusable):
        parse({"payment": PAYMENT, "order": None}, looked_up="payment", currency="")

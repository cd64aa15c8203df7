"""Etsy names a receipt; the receipt, read from its API, is the order."""

from datetime import UTC, datetime

import pytest

from orders.messages import ChannelFacts, Delivery, Ignored, LookupMessage, OrderMessage, OrderStatus, Unusable
from orders.providers import PROVIDERS
from tests.deliveries import document, edited, recorded

RECEIPT = document("etsy/receipt.response.json")
TOLD = document("etsy/order.paid.json")
ETSY = PROVIDERS["etsy"]
CHANNEL = ChannelFacts(kind="etsy", domain="lantern")


def told(data: dict) -> tuple:
    import json

    return ETSY.parse(Delivery(body=json.dumps(data).encode(), headers={}, channel=CHANNEL))


def read(data: dict) -> OrderMessage:
    import json

    delivery = Delivery(body=json.dumps(data).encode(), headers={}, channel=CHANNEL, looked_up="receipt")
    (message,) = ETSY.parse(delivery)
    assert isinstance(message, OrderMessage)
    return message


def test_a_webhook_names_a_receipt_to_be_read():
    delivery = Delivery(body=recorded("etsy/order.paid.json"), headers={}, channel=CHANNEL)
    assert ETSY.parse(delivery) == (LookupMessage(thing="receipt", external_id="3489120077"),)
    assert told(TOLD | {"shop_id": 52217734})[0].external_id == "3489120077"


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/v3/application/shops/1/receipts/5",
        "http://openapi.etsy.com/v3/application/shops/1/receipts/5",
        "https://openapi.etsy.com.evil.example/receipts/5",
        "https://openapi.etsy.com/v3/application/shops/1/receipts/../5",
        "https://user@evil.example/receipts/5",
        "",
    ],
)
def test_an_address_elsewhere_is_never_asked(address):
    with pytest.raises(Unusable):
        told(TOLD | {"resource_url": address})


def test_other_events_are_ignored():
    with pytest.raises(Ignored):
        told(TOLD | {"event_type": "listing.updated"})


def test_a_receipt_is_an_order_in_the_shops_currency():
    sold = read(RECEIPT)
    assert (sold.external_id, sold.currency, sold.total_minor, sold.tax_minor) == ("3489120077", "USD", 4318, 808)
    assert (sold.paid, sold.status, sold.cancelled, sold.flags) == (True, OrderStatus.SHIPPED, False, ())
    assert sold.placed_at == datetime.fromtimestamp(1793880211, tz=UTC)
    (line,) = sold.lines
    assert (line.sku, line.total_minor, line.listing_ids) == ("EBOOK-TIDE-EN", 3510, ("21904455667", "1677203344"))
    assert (sold.customer.email, sold.customer.others) == ("", (("etsy_buyer", "702233445"),))
    assert sold.customer.region == "IE"


def test_a_refund_has_an_id_made_of_when_and_how_much():
    (refund,) = read(RECEIPT).refunds
    (again,) = read(edited(RECEIPT, (("status",), "partially refunded"))).refunds
    assert refund.external_id == again.external_id and refund.amount_minor == 1000
    changed = edited(RECEIPT, (("refunds", 0, "amount", "amount"), 999))
    assert read(changed).refunds[0].external_id != refund.external_id


@pytest.mark.parametrize(
    ("amount", "divisor", "minor"), [(4318, 100, 4318), (43180, 1000, 4318), (4318000, 100000, 4318)]
)
def test_an_amount_is_over_its_own_divisor(amount, divisor, minor):
    money = {"amount": amount, "divisor": divisor, "currency_code": "USD"}
    assert read(edited(RECEIPT, (("grandtotal",), money))).total_minor == minor


@pytest.mark.parametrize(
    "money",
    [
        {"amount": 43181, "divisor": 1000, "currency_code": "USD"},
        {"amount": 4318, "divisor": 0, "currency_code": "USD"},
        {"amount": -1, "divisor": 100, "currency_code": "USD"},
        {"amount": 4318, "divisor": 100, "currency_code": "ZZZ"},
        {"amount": "4318", "divisor": 100, "currency_code": "USD"},
        None,
    ],
)
def test_money_that_is_none_is_set_aside(money):
    with pytest.raises(Unusable):
        read(edited(RECEIPT, (("grandtotal",), money)))


@pytest.mark.parametrize(
    ("word", "status", "paid"),
    [
        ("Completed", OrderStatus.SHIPPED, True),
        ("canceled", OrderStatus.CANCELLED, False),
        ("Fully Refunded", OrderStatus.REFUNDED, True),
        ("Partially Refunded", OrderStatus.SHIPPED, True),
    ],
)
def test_a_status_is_read_in_either_spelling(word, status, paid):
    sold = read(edited(RECEIPT, (("status",), word)))
    assert (sold.status, sold.paid) == (status, paid)


def test_a_bare_digest_is_taken_as_the_first_version():
    from orders.providers import standard

    body = recorded("etsy/order.paid.json")
    headers = standard.headers(["whsec_c2VjcmV0c2VjcmV0c2VjcmV0"], message_id="m", timestamp=5, body=body)
    headers["webhook-signature"] = headers["webhook-signature"].removeprefix("v1,")
    assert ETSY.verify(body, headers, ["whsec_c2VjcmV0c2VjcmV0c2VjcmV0"], now=5)
    assert not ETSY.verify(body + b" ", headers, ["whsec_c2VjcmV0c2VjcmV0c2VjcmV0"], now=5)

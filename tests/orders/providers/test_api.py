"""The open API's orders: the snapshot's field names, and no guesses."""

from datetime import UTC, datetime

import pytest

from orders import parsing
from orders.messages import ChannelFacts, Delivery, OrderStatus, Unusable
from orders.providers import PROVIDERS
from orders.providers.api import parse_order
from tests.deliveries import MISSING, NOW, document, edited, order, recorded, signed

ORDER = document("api/order.json")
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
CHANNEL = ChannelFacts(kind="api", domain="manual")


def changed(**fields):
    return parse_order(edited(ORDER, *(((name,), value) for name, value in fields.items())), channel=CHANNEL, at=AT)


def test_an_order_in_the_snapshots_words():
    sold = order("api", recorded("api/order.json"))
    assert (sold.external_id, sold.number, sold.currency, sold.total_minor) == ("m-1001", "M-1001", "USD", 8999)
    assert (sold.status, sold.paid, sold.test, sold.flags) == (OrderStatus.PENDING, True, False, ())
    assert sold.placed_at == datetime(2026, 11, 13, 19, 5, 41, tzinfo=UTC)
    assert (sold.customer.email, sold.customer.phone) == ("Ada@Example.com", "+1 212 555 0123")
    assert (sold.customer.loyalty_id, sold.customer.name) == ("LOY-0042", "Ada Byron")
    assert [(line.external_id, line.sku, line.quantity, line.total_minor) for line in sold.lines] == [
        ("1", "EBOOK-1", 1, 5999),
        ("2", "EBOOK-2", 2, 3000),
    ]


def test_the_least_an_order_can_say():
    least = {"external_id": 7, "currency": "eur", "total": 19, "lines": [{"sku": "EBOOK-1"}]}
    sold = parse_order(least, channel=CHANNEL, at=AT)
    assert (sold.external_id, sold.currency, sold.total_minor, sold.paid) == ("7", "EUR", 1900, True)
    assert sold.placed_at == sold.version == AT
    (line,) = sold.lines
    assert (line.title, line.quantity, line.total_minor) == ("EBOOK-1", 1, 1900)


def test_what_is_signed_tells_when_what_is_missing_happened():
    body = b'{"external_id": "7", "currency": "EUR", "total": "19.00", "lines": []}'
    sent = Delivery(body=body, headers=signed("api", body), channel=CHANNEL)
    (sold,) = PROVIDERS["api"].parse(sent)
    assert sold.placed_at == sold.version == datetime.fromtimestamp(NOW, tz=UTC)
    with pytest.raises(Unusable, match="placed_at"):
        PROVIDERS["api"].parse(Delivery(body=body, headers={}, channel=CHANNEL))


@pytest.mark.parametrize(
    ("word", "paid", "failed"), [("paid", True, False), ("unpaid", False, False), ("failed", False, True)]
)
def test_the_payment_is_in_one_of_three_states(word, paid, failed):
    sold = changed(payment_status=word)
    assert (sold.paid, sold.payment_failed) == (paid, failed)


@pytest.mark.parametrize(
    "fields",
    [
        {"payment_status": "refunded"}, {"payment_status": "PAID"}, {"payment_status": 1}, {"status": "open"},
        {"status": ["pending"]}, {"test": "yes"}, {"placed_at": "yesterday"}, {"tax": "1,00"}, {"shipping": "-1"},
        {"lines": [{"sku": "A"}, {"sku": "B"}]}, {"lines": [{"sku": "A\0", "total": "1"}]}, {"customer": "Ada"},
        {"customer": {"email": ["a@b.example"]}},
    ],
)  # fmt: skip
def test_what_is_not_one_of_the_words_is_unusable(fields):
    with pytest.raises(Unusable):
        changed(**fields)


def test_a_cancelled_order_is_cancelled():
    sold = changed(status="cancelled")
    assert (sold.status, sold.cancelled) == (OrderStatus.CANCELLED, True)


def test_an_address_is_kept_and_one_of_another_shape_passed_over():
    home = {"street": "Am Wall 1", "more": "Hinterhaus", "postcode": "28195", "city": "Bremen"}
    assert changed(customer={"email": "b@example.com", "address": home}).customer.address.facts() == home
    assert changed(customer={"email": "b@example.com", "address": "Am Wall 1"}).customer.address.facts() == {}


def test_identifiers_may_stand_in_the_order_itself():
    sold = changed(customer=MISSING, email="b@example.com", phone="030 901820", country="de")
    assert (sold.customer.email, sold.customer.phone, sold.customer.region) == ("b@example.com", "030 901820", "DE")


@pytest.mark.parametrize(
    ("fields", "flags"),
    [
        ({"total": "97.49", "tax": "7.50"}, ()),
        ({"total": "94.99", "tax": None, "shipping": "5.00"}, ()),
        ({"total": "79.99", "tax": "0", "discount": "10.00"}, ()),
        ({"total": "79.99", "tax": "0"}, ("lines_differ_from_total",)),
    ],
)
def test_tax_shipping_and_discount_may_stand_beside_the_lines(fields, flags):
    assert changed(**fields).flags == flags


def test_fields_outside_of_the_schema_are_not_looked_at():
    assert changed(refunded="89.99", organization="other", is_staff=True) == changed()


def test_a_number_is_taken_exactly():
    data = parsing.loads(b'{"external_id": 1, "currency": "USD", "total": 29.99, "lines": []}')
    assert parse_order(data, channel=CHANNEL, at=AT).total_minor == 2999


def test_a_test_channel_makes_test_orders():
    assert parse_order(ORDER, channel=ChannelFacts(kind="api", domain="manual", test=True), at=AT).test

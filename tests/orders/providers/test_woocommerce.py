"""WooCommerce's orders: strings of money, UTC without saying so, and refunds told inside the order."""

from datetime import UTC, datetime

import pytest

from orders.messages import Ignored, OrderStatus, RefundStatus, Unusable
from orders.providers import PROVIDERS
from orders.providers.contract import ConnectionBroken
from tests.deliveries import MISSING, document, edited, order, parse, recorded

CREATED = document("woocommerce/order.created.json")


def changed(**fields):
    return order("woocommerce", edited(CREATED, *(((name,), value) for name, value in fields.items())))


def test_a_new_order_is_read_as_the_store_counts_it():
    sold = order("woocommerce", recorded("woocommerce/order.created.json"), topic="order.created")
    assert (sold.external_id, sold.number, sold.currency, sold.total_minor) == ("2841", "LP-2841", "EUR", 5803)
    assert (sold.discount_minor, sold.tax_minor, sold.shipping_minor) == (645, 223, 0)
    assert sold.placed_at == datetime(2026, 11, 13, 19, 5, 41, tzinfo=UTC)
    assert sold.version == datetime(2026, 11, 13, 19, 5, 59, tzinfo=UTC)
    assert sold.paid_at == datetime(2026, 11, 13, 19, 5, 58, tzinfo=UTC)
    assert (sold.paid, sold.status, sold.flags) == (True, OrderStatus.PROCESSING, ())
    assert (sold.charge_reference, sold.payment_reference) == ("ch_3SgTzLL9mZ2xQeWc1PoIuYtR", "")
    assert (sold.customer.email, sold.customer.phone) == ("Tomas.Rivera@example.org", "+34 600 555 019")
    assert (sold.customer.name, sold.customer.region) == ("Tomás Rivera", "ES")
    home = {"street": "Calle Mayor 12", "postcode": "28013", "city": "Madrid"}
    assert {name: sold.customer.address.facts()[name] for name in home} == home
    assert (sold.customer.verified_account, sold.conversation_hint) == (True, "4417")
    assert (sold.extra_facts["discount_codes"], sold.extra_facts["utm_source"]) == ("autumn10", "newsletter")


def test_lines_are_what_the_customer_paid_with_tax():
    first, second = order("woocommerce", CREATED).lines
    assert (first.external_id, first.sku, first.total_minor, first.listing_ids) == (
        "6011",
        "EBOOK-TIDE-EN",
        3650,
        ("811",),
    )
    assert (second.total_minor, second.listing_ids) == (2153, ("846", "845"))


def test_the_refunds_in_an_order_are_all_there_are():
    sold = order("woocommerce", recorded("woocommerce/order.updated.refunded.json"), topic="order.updated")
    (refund,) = sold.refunds
    assert (refund.external_id, refund.order_external_id, refund.amount_minor) == ("2859", "2841", 2153)
    assert (refund.status, refund.currency) == (RefundStatus.SUCCEEDED, "EUR")
    assert refund.version == refund.refunded_at == sold.version
    assert (sold.refunds_complete, sold.total_minor, sold.status) == (True, 5803, OrderStatus.DELIVERED)


def test_a_refund_of_nothing_is_none():
    assert changed(refunds=[{"id": 1, "reason": "", "total": "-0.00"}]).refunds == ()


def test_an_order_that_lists_no_refunds_says_nothing_about_them():
    assert changed(refunds=MISSING).refunds_complete is False


@pytest.mark.parametrize(
    ("state", "status", "paid"),
    [
        ("pending", OrderStatus.PENDING, False), ("on-hold", OrderStatus.PENDING, False),
        ("checkout-draft", OrderStatus.PENDING, False), ("processing", OrderStatus.PROCESSING, True),
        ("completed", OrderStatus.DELIVERED, True), ("cancelled", OrderStatus.CANCELLED, False),
        ("trash", OrderStatus.CANCELLED, False), ("refunded", OrderStatus.REFUNDED, False),
        ("failed", OrderStatus.PENDING, False), ("wc-completed", OrderStatus.DELIVERED, True),
    ],
)  # fmt: skip
def test_a_state_without_a_time_of_payment(state, status, paid):
    sold = changed(status=state, date_paid_gmt=None)
    assert (sold.status, sold.paid, sold.paid_at) == (status, paid, None)
    assert sold.payment_failed is (state == "failed")
    assert sold.cancelled is (status is OrderStatus.CANCELLED)


@pytest.mark.parametrize("state", ["on-hold", "pending", "cancelled", "refunded", "processing", "failed"])
def test_a_time_of_payment_is_proof_of_it(state):
    sold = changed(status=state)
    assert (sold.paid, sold.payment_failed) == (True, False)


def test_a_plugins_own_state_is_pending_and_flagged():
    sold = changed(status="awaiting-shipment", date_paid_gmt=None)
    assert (sold.status, sold.paid, sold.flags) == (OrderStatus.PENDING, False, ("unknown_status",))


def test_a_guest_is_no_account():
    assert changed(customer_id=0).customer.verified_account is False


def test_shipping_tax_and_fees_are_no_difference():
    sold = changed(
        total="60.03",
        shipping_total="4.00",
        shipping_tax="1.00",
        fee_lines=[{"id": 1, "total": "-2.50", "total_tax": "-0.50"}],
    )
    assert (sold.flags, sold.shipping_minor) == ((), 500)
    assert changed(total="58.04").extra_facts["lines_difference"] == "0.01"


def test_a_line_without_total_is_its_price_times_quantity():
    items = [
        {"id": 1, "name": "Book", "quantity": 3, "price": "16.33"},
        {"id": 2, "name": "B", "quantity": 1, "price": 9.02},
    ]
    assert [line.total_minor for line in changed(line_items=items, total="58.01").lines] == [4899, 902]


def test_a_store_without_decimals():
    item = {"id": 1, "name": "Book", "quantity": 1, "total": "455", "total_tax": "45", "price": 455}
    sold = changed(currency="JPY", total="500", total_tax="45", discount_total="0", discount_tax="0", line_items=[item])
    assert (sold.total_minor, sold.lines[0].total_minor, sold.flags) == (500, 500, ())


def test_meta_data_of_any_shape_is_no_obstacle():
    odd = [{"id": 1, "key": "a", "value": {"b": []}}, {"id": 2, "key": "c", "value": None}, {"id": 3, "value": 5}]
    assert changed(meta_data=odd).conversation_hint == ""
    assert changed(meta_data=None).conversation_hint == ""


def test_phps_empty_objects_are_empty():
    customer = changed(billing=[], shipping=[]).customer
    assert (customer.email, customer.phone, customer.region) == ("", "", "")


def test_the_stores_own_refusal_breaks_the_connection():
    with pytest.raises(ConnectionBroken):
        parse("woocommerce", {"code": "woocommerce_rest_cannot_view", "message": "No"})


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("order.deleted", {"id": 2841}),
        ("product.updated", {"id": 811, "name": "Tide Atlas"}),
        ("customer.created", {"id": 118}),
        ("coupon.deleted", {"id": 1}),
        ("action.woocommerce_add_to_cart", {"action": "woocommerce_add_to_cart", "arg": "x"}),
    ],
)
def test_other_topics_are_ignored_with_a_sentence(topic, body):
    with pytest.raises(Ignored, match=r"\w+ .*\."):
        parse("woocommerce", body, topic=topic)


@pytest.mark.parametrize("topic", ["", "order.created", "order.updated", "order.restored", "Order.Updated"])
def test_the_shape_says_what_it_is(topic):
    assert order("woocommerce", CREATED, topic=topic).external_id == "2841"


def test_without_topic_and_shape_it_is_unusable():
    with pytest.raises(Unusable):
        parse("woocommerce", {"id": 2841})


@pytest.mark.parametrize(
    ("header", "domain"),
    [
        ("https://store.example.com/", "store.example.com"), ("http://Store.Example.com:8080/a/", "store.example.com"),
        ("store.example.com", "store.example.com"), ("https://user:pass@store.example.com/", "store.example.com"),
        ("", ""), ("https://[::1/", ""), ("https:///", ""), ("javascript:alert(1)", "javascript"),
    ],
)  # fmt: skip
def test_the_stores_own_word_for_its_domain(header, domain):
    assert PROVIDERS["woocommerce"].source_domain({"x-wc-webhook-source": header}) == domain


def test_a_delivery_is_told_apart_by_the_header_the_code_sends():
    headers = {"x-wc-webhook-delivery-id": "3f0c", "x-wc-delivery-id": "wrong", "x-wc-webhook-topic": "order.created"}
    assert PROVIDERS["woocommerce"].identify(b"", headers) == ("3f0c", "order.created")

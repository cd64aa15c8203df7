"""Square's payments come whole, its orders by name; the order that is read says what was bought, where and by whom."""

import json
from datetime import UTC, datetime

import pytest

from orders.messages import (
    Authority,
    ChannelFacts,
    Delivery,
    Ignored,
    LookupMessage,
    OrderMessage,
    OrderStatus,
    PaymentMessage,
    PaymentStatus,
    RefundMessage,
    RefundStatus,
    Unusable,
)
from orders.providers import PROVIDERS
from tests.deliveries import document, edited

PAID = document("square/payment.updated.json")
NAMED = document("square/order.updated.json")
REFUND = document("square/refund.updated.json")
PAYMENT = ("data", "object", "payment")
ORDER_ID = "d7eKah653Z579f3gVtjlxpSlmUcZY"
ANSWER = {
    "order": {
        "id": ORDER_ID,
        "location_id": "L88917AVBK2S5",
        "state": "COMPLETED",
        "version": 4,
        "customer_id": "MDCEXEXV3SZZX6AFT1XQ4JBX70",
        "created_at": "2026-11-15T14:29:40.114Z",
        "updated_at": "2026-11-15T14:30:04.111Z",
        "line_items": [
            {
                "uid": "l1", "name": "Tide Atlas", "variation_name": "Print", "quantity": "1",
                "catalog_object_id": "CAT1", "total_money": {"amount": 12550, "currency": "USD"},
            },
        ],
        "total_money": {"amount": 13550, "currency": "USD"},
        "total_tip_money": {"amount": 1000, "currency": "USD"},
        "total_tax_money": {"amount": 0, "currency": "USD"},
        "tenders": [{"id": "t", "payment_id": "hYy9pRFVxpDsO1FB05SunFWUe9JZY"}],
    },
    "customer": {
        "id": "MDCEXEXV3SZZX6AFT1XQ4JBX70",
        "given_name": "Maya", "family_name": "Okafor",
        "email_address": "maya@example.com", "phone_number": "+12125550142",
    },
}  # fmt: skip


def parse(data: dict, *, looked_up: str = "", headers: dict | None = None, **facts) -> tuple:
    channel = ChannelFacts(kind="square", domain="lantern", **facts)
    body = json.dumps(data).encode()
    return PROVIDERS["square"].parse(Delivery(body=body, headers=headers or {}, channel=channel, looked_up=looked_up))


def test_a_taken_payment_asks_for_its_order():
    payment, lookup = parse(PAID, can_read=True)
    assert isinstance(payment, PaymentMessage)
    assert (payment.amount_minor, payment.currency, payment.last4) == (13550, "USD", "1111")
    assert (payment.status, payment.order_external_id) == (PaymentStatus.CAPTURED, ORDER_ID)
    assert lookup == LookupMessage(thing="order", external_id=ORDER_ID)


def test_where_nobody_may_ask_the_payment_alone_is_the_order():
    payment, sold = parse(PAID)
    assert isinstance(sold, OrderMessage) and isinstance(payment, PaymentMessage)
    assert (sold.external_id, sold.total_minor, sold.authority) == (ORDER_ID, 13550, Authority.PAYMENT)
    assert (sold.lines, sold.flags, sold.extra_facts["store_id"]) == ((), ("lines_unknown",), "L88917AVBK2S5")


@pytest.mark.parametrize("word", ["APPROVED", "PENDING", "CANCELED", "FAILED"])
def test_what_is_not_completed_is_not_taken(word):
    (payment,) = parse(edited(PAID, ((*PAYMENT, "status"), word)), can_read=True)
    assert payment.status is not PaymentStatus.CAPTURED


def test_what_the_payment_cost_is_its_fee():
    fee = [{"type": "INITIAL", "amount_money": {"amount": 423, "currency": "USD"}}]
    payment, _ = parse(edited(PAID, ((*PAYMENT, "processing_fee"), fee)))
    assert payment.fee_minor == 423


def test_a_read_order_says_what_was_bought_where_and_by_whom():
    (sold,) = parse(ANSWER, looked_up="order")
    assert (sold.external_id, sold.total_minor, sold.paid, sold.flags) == (ORDER_ID, 13550, True, ())
    assert sold.status is OrderStatus.DELIVERED and sold.authority is Authority.ORDER
    (line,) = sold.lines
    assert (line.title, line.total_minor, line.listing_ids) == ("Tide Atlas, Print", 12550, ("CAT1",))
    assert (sold.customer.email, sold.customer.name) == ("maya@example.com", "Maya Okafor")
    assert sold.extra_facts["store_id"] == "L88917AVBK2S5"
    assert sold.version == datetime(2026, 11, 15, 14, 30, 4, 111000, tzinfo=UTC)


def test_an_open_order_is_paid_once_nothing_is_due():
    open_ = edited(ANSWER, (("order", "state"), "OPEN"))
    assert not parse(open_, looked_up="order")[0].paid
    due = edited(open_, (("order", "net_amount_due_money"), {"amount": 0, "currency": "USD"}))
    assert parse(due, looked_up="order")[0].paid
    gone = edited(due, (("order", "state"), "CANCELED"))
    assert (parse(gone, looked_up="order")[0].paid, parse(gone, looked_up="order")[0].cancelled) == (False, True)


def test_what_is_sold_by_weight_counts_as_one():
    (sold,) = parse(edited(ANSWER, (("order", "line_items", 0, "quantity"), "1.375")), looked_up="order")
    assert sold.lines[0].quantity == 1
    with pytest.raises(Unusable):
        parse(edited(ANSWER, (("order", "line_items", 0, "quantity"), "many")), looked_up="order")


def test_an_orders_event_only_names_it():
    assert parse(NAMED, can_read=True) == (LookupMessage(thing="order", external_id=ORDER_ID),)
    with pytest.raises(Ignored):
        parse(NAMED)


def test_a_refund_follows_its_payment_not_the_returns_order():
    (refund,) = parse(REFUND)
    assert isinstance(refund, RefundMessage)
    assert (refund.status, refund.amount_minor, refund.order_external_id) == (RefundStatus.SUCCEEDED, 5000, "")
    assert refund.charge_reference == "hYy9pRFVxpDsO1FB05SunFWUe9JZY"


def test_a_returns_own_order_is_ignored():
    returned = edited(ANSWER, (("order", "line_items"), []), (("order", "returns"), [{"uid": "r"}]))
    with pytest.raises(Ignored):
        parse(returned, looked_up="order")


def test_what_comes_from_the_sandbox_never_counts():
    payment, sold = parse(PAID, headers={"square-environment": "Sandbox"})
    assert payment.test and sold.test


def test_other_events_are_ignored():
    with pytest.raises(Ignored):
        parse(PAID | {"type": "inventory.count.updated"})

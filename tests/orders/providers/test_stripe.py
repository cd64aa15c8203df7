"""Stripe's events become the order, payment, refund or dispute they are about, and nothing more than they say."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import stripe

from orders.messages import (
    Authority,
    DisputeMessage,
    DisputeStatus,
    Ignored,
    OrderMessage,
    PaymentMessage,
    PaymentStatus,
    RefundMessage,
    RefundStatus,
    Unusable,
)
from orders.providers import PROVIDERS
from tests.deliveries import MISSING, NOW, document, edited, order, parse, recorded, signed

PAID = document("stripe/checkout.session.completed.json")
UNPAID = document("stripe/checkout.session.completed.unpaid.json")
REFUND = document("stripe/refund.created.json")
DISPUTE = document("stripe/charge.dispute.closed.json")


def event(type_: str, thing: dict, *, created: int = NOW, livemode: bool = True) -> dict:
    return {
        "id": "evt_1", "object": "event", "type": type_, "created": created, "livemode": livemode,
        "data": {"object": thing},
    }  # fmt: skip


def session(*changes, type_: str = "checkout.session.completed", base: dict = PAID) -> OrderMessage:
    paths = [(("data", "object", *path), value) for path, value in changes]
    return order("stripe", edited(base, (("type",), type_), *paths))


def intent(**fields) -> dict:
    return {
        "id": "pi_1", "object": "payment_intent", "amount": 4900, "amount_received": 4900, "currency": "eur",
        "created": 1789986000, "latest_charge": "ch_1", "receipt_email": "Ada@example.com", "metadata": {"sku": "E-1"},
        "shipping": None, **fields,
    }  # fmt: skip


def charge(**fields) -> dict:
    return {
        "id": "ch_1", "object": "charge", "amount": 4900, "amount_captured": 4900, "captured": True, "currency": "eur",
        "created": 1789986000, "payment_intent": "pi_1", "balance_transaction": "txn_1",
        "payment_method_details": {"card": {"brand": "visa", "last4": "4242"}, "type": "card"}, **fields,
    }  # fmt: skip


def test_our_check_agrees_with_stripes_own_library():
    body = recorded("stripe/checkout.session.completed.json")
    headers = signed("stripe", body)
    assert stripe.WebhookSignature.verify_header(
        body.decode(), headers["stripe-signature"], "whsec_of_a_test", tolerance=10**9
    )
    theirs = f"t={NOW},v1={stripe.WebhookSignature._compute_signature(f'{NOW}.{body.decode()}', 'whsec_x')}"
    assert PROVIDERS["stripe"].verify(body, {"stripe-signature": theirs}, ["whsec_x"], now=NOW)


def test_a_paid_checkout_is_a_paid_order_and_its_payment():
    sold, payment = parse("stripe", recorded("stripe/checkout.session.completed.json"))
    assert isinstance(sold, OrderMessage)
    assert sold.external_id.startswith("cs_live_b1Qk7")
    assert (sold.number, sold.currency, sold.total_minor) == ("ord_01JD4X7Q2M", "EUR", 3120)
    assert (sold.discount_minor, sold.tax_minor, sold.shipping_minor) == (780, 177, 0)
    assert (sold.paid, sold.authority, sold.test) == (True, Authority.ORDER, False)
    assert sold.placed_at == datetime(2026, 9, 21, 10, 20, tzinfo=UTC)
    assert sold.version == sold.paid_at == datetime(2026, 9, 21, 10, 26, 52, tzinfo=UTC)
    assert (sold.customer.email, sold.customer.name) == ("Ines.Carvalho@example.org", "Inês Carvalho")
    assert (sold.customer.region, sold.customer.verified_account) == ("PT", False)
    assert sold.customer.address.facts() == {"postcode": "4000-322", "city": "Porto"}
    (line,) = sold.lines
    assert (line.sku, line.title, line.quantity, line.total_minor) == ("EBOOK-TIDE-EN", "EBOOK-TIDE-EN", 1, 3120)
    assert isinstance(payment, PaymentMessage)
    assert (payment.external_id, payment.order_external_id) == (sold.payment_reference, sold.external_id)
    assert (payment.amount_minor, payment.status) == (3120, PaymentStatus.CAPTURED)


@pytest.mark.parametrize(
    ("type_", "word", "paid", "failed", "rank"),
    [
        ("checkout.session.completed", "paid", True, False, 2),
        ("checkout.session.completed", "no_payment_required", True, False, 2),
        ("checkout.session.completed", "unpaid", False, False, 0),
        ("checkout.session.completed", "something new", False, False, 0),
        ("checkout.session.async_payment_succeeded", "paid", True, False, 2),
        ("checkout.session.async_payment_succeeded", "unpaid", True, False, 2),
        ("checkout.session.async_payment_failed", "unpaid", False, True, 1),
    ],
)
def test_event_and_state_together_say_whether_it_is_paid(type_, word, paid, failed, rank):
    sold = session((("payment_status",), word), type_=type_)
    assert (sold.paid, sold.payment_failed, sold.rank) == (paid, failed, rank)


def test_a_delayed_payment_is_the_same_order_later():
    before, after = session(base=UNPAID), session(base=UNPAID, type_="checkout.session.async_payment_succeeded")
    assert before.external_id == after.external_id
    assert (before.version, before.rank) < (after.version, after.rank)


def test_a_full_coupon_needs_no_payment():
    free = edited(
        PAID,
        (("data", "object", "payment_status"), "no_payment_required"),
        (("data", "object", "payment_intent"), None),
        (("data", "object", "amount_total"), 0),
        (("data", "object", "total_details"), {"amount_discount": 3900, "amount_shipping": 0, "amount_tax": 0}),
    )
    (sold,) = parse("stripe", free)
    assert isinstance(sold, OrderMessage)
    assert (sold.paid, sold.total_minor, sold.payment_reference, sold.lines[0].total_minor) == (True, 0, "", 0)


def test_who_bought_is_what_they_typed_before_what_was_prefilled():
    assert session((("customer_email",), "old@example.com")).customer.email == "Ines.Carvalho@example.org"
    prefilled = session((("customer_details",), None), (("customer_email",), "old@example.com"))
    assert prefilled.customer.email == "old@example.com"


def test_shipping_is_not_part_of_the_line():
    sold = session((("total_details",), {"amount_discount": 0, "amount_shipping": 500, "amount_tax": 0}))
    assert (sold.shipping_minor, sold.lines[0].total_minor, sold.flags) == (500, 2620, ())


def test_fetched_line_items_map_by_price_and_product():
    items = {
        "object": "list",
        "data": [
            {"id": "li_1", "description": "Tide Atlas", "quantity": 2, "amount_total": 2000,
             "price": {"id": "price_1", "product": "prod_1"}},
            {"id": "li_2", "description": None, "quantity": 1, "amount_total": 1120,
             "price": {"id": "price_2", "product": {"id": "prod_2", "name": "Harbour", "metadata": {"sku": "H-1"}}}},
        ],
    }  # fmt: skip
    first, second = session((("line_items",), items)).lines
    assert (first.external_id, first.title, first.quantity, first.total_minor) == ("li_1", "Tide Atlas", 2, 2000)
    assert (first.listing_ids, first.sku) == (("price_1", "prod_1"), "")
    assert (second.title, second.listing_ids, second.sku) == ("Harbour", ("price_2", "prod_2"), "H-1")


def test_the_only_fetched_line_item_takes_the_sku_of_the_checkout():
    items = {"data": [{"id": "li_1", "description": "A", "quantity": 1, "amount_total": 3000, "price": None}]}
    sold = session((("line_items",), items))
    assert (sold.lines[0].sku, sold.flags) == ("EBOOK-TIDE-EN", ("lines_differ_from_total",))
    assert sold.extra_facts["lines_difference"] == "1.20"


def test_metadata_names_the_line_and_is_kept():
    sold = session((("metadata",), {"sku": " E-1 ", "title": "Notes", "conversation_id": "c-9", "order_ref": "o-1"}))
    assert (sold.lines[0].sku, sold.lines[0].title, sold.conversation_hint) == ("E-1", "Notes", "c-9")
    assert sold.extra_facts["metadata.order_ref"] == "o-1"


def test_the_buyers_own_currency_is_shown_beside():
    details = {"presentment_amount": 5357, "presentment_currency": "usd"}
    sold = session((("presentment_details",), details))
    assert (sold.presentment_currency, sold.presentment_total_minor, sold.currency) == ("USD", 5357, "EUR")


@pytest.mark.parametrize(
    "type_",
    [
        "checkout.session.expired", "charge.refunded",
        "radar.early_fraud_warning.created", "payment_intent.created", "customer.created", "v2.core.event", "",
    ],
)  # fmt: skip
def test_events_that_say_nothing_about_a_sale_are_ignored(type_):
    with pytest.raises(Ignored):
        parse("stripe", edited(PAID, (("type",), type_)))


def test_a_checkout_that_only_saves_a_card_is_ignored():
    with pytest.raises(Ignored):
        session((("mode",), "setup"), (("amount_total",), None), (("currency",), None))


@pytest.mark.parametrize(
    "change",
    [
        (("id",), MISSING), (("id",), None), (("created",), MISSING), (("created",), "soon"), (("livemode",), MISSING),
        (("livemode",), "true"), (("data",), None), (("data", "object"), []), (("data", "object", "object"), "charge"),
        (("data", "object", "amount_total"), "3120"), (("data", "object", "amount_total"), -1),
        (("data", "object", "amount_total"), 31.2), (("data", "object", "metadata"), "sku"),
    ],
)  # fmt: skip
def test_an_event_in_another_shape_is_unusable(change):
    with pytest.raises(Unusable):
        parse("stripe", edited(PAID, change))


def test_a_payment_without_a_checkout_is_an_order_of_its_own():
    payment, sold = parse("stripe", event("payment_intent.succeeded", intent()))
    assert isinstance(payment, PaymentMessage) and isinstance(sold, OrderMessage)
    assert (payment.external_id, payment.status, payment.charge_reference) == ("pi_1", PaymentStatus.CAPTURED, "ch_1")
    assert (sold.external_id, sold.payment_reference, sold.authority) == ("pi_1", "pi_1", Authority.PAYMENT)
    assert (sold.total_minor, sold.lines[0].sku, sold.customer.email) == (4900, "E-1", "Ada@example.com")
    assert Authority.PAYMENT.value < Authority.ORDER.value


def test_a_failed_attempt_is_no_failed_order():
    failed = event("payment_intent.payment_failed", intent(amount_received=0, latest_charge=None))
    (payment,) = parse("stripe", failed)
    assert isinstance(payment, PaymentMessage)
    assert (payment.status, payment.amount_minor, payment.charge_reference) == (PaymentStatus.FAILED, 4900, "")


def test_an_attempt_that_succeeds_in_the_same_second_wins():
    (failed,) = parse("stripe", event("payment_intent.payment_failed", intent()))
    paid, _ = parse("stripe", event("payment_intent.succeeded", intent()))
    assert failed.version == paid.version and failed.rank < paid.rank


def test_a_charge_tells_how_it_was_paid():
    (payment,) = parse("stripe", event("charge.succeeded", charge()))
    assert isinstance(payment, PaymentMessage)
    assert (payment.external_id, payment.charge_reference) == ("pi_1", "ch_1")
    assert (payment.method, payment.last4, payment.fee_minor) == ("card", "4242", None)


def test_a_charge_with_its_balance_transaction_tells_its_fee():
    settled = {"id": "txn_1", "fee": 172, "currency": "eur"}
    (payment,) = parse("stripe", event("charge.succeeded", charge(balance_transaction=settled)))
    assert payment.fee_minor == 172
    other = charge(balance_transaction=settled | {"currency": "usd"})
    assert parse("stripe", event("charge.succeeded", other))[0].fee_minor is None


def test_a_charge_only_authorised_is_not_captured():
    (payment,) = parse("stripe", event("charge.succeeded", charge(captured=False, amount_captured=0)))
    assert (payment.status, payment.amount_minor) == (PaymentStatus.PENDING, 4900)


def test_an_old_charge_without_payment_intent_names_itself():
    (payment,) = parse("stripe", event("charge.succeeded", charge(payment_intent=None)))
    assert payment.external_id == "ch_1"


def test_a_refund_names_its_payment_and_its_own_time():
    (refund,) = parse("stripe", recorded("stripe/refund.created.json"))
    assert isinstance(refund, RefundMessage)
    assert (refund.external_id, refund.amount_minor, refund.currency) == ("re_3SgKhTL9mZ2xQeWc0uWq1ZxY", 1560, "EUR")
    assert refund.payment_reference == "pi_3SgKhTL9mZ2xQeWc0aYb8RfX"
    assert refund.charge_reference == "ch_3SgKhTL9mZ2xQeWc0kLp3QwE"
    assert (refund.status, refund.reason) == (RefundStatus.SUCCEEDED, "requested_by_customer")
    assert refund.version - refund.refunded_at == timedelta(seconds=1)


@pytest.mark.parametrize(
    ("type_", "word", "status"),
    [
        ("refund.created", "pending", RefundStatus.PENDING),
        ("refund.created", "requires_action", RefundStatus.PENDING),
        ("refund.updated", "succeeded", RefundStatus.SUCCEEDED),
        ("refund.updated", "canceled", RefundStatus.FAILED),
        ("refund.failed", "failed", RefundStatus.FAILED),
        ("refund.failed", "succeeded", RefundStatus.FAILED),
        ("charge.refund.updated", "succeeded", RefundStatus.SUCCEEDED),
    ],
)
def test_a_refund_has_three_states(type_, word, status):
    (refund,) = parse("stripe", edited(REFUND, (("type",), type_), (("data", "object", "status"), word)))
    assert refund.status is status


def test_within_a_second_a_refund_goes_from_pending_to_paid_to_failed():
    ranks = [
        parse("stripe", edited(REFUND, (("data", "object", "status"), word)))[0].rank
        for word in ("pending", "succeeded", "failed")
    ]
    assert ranks == sorted(set(ranks))


@pytest.mark.parametrize(
    "changes",
    [
        [(("data", "object", "status"), "lost in the post")],
        [(("data", "object", "payment_intent"), None), (("data", "object", "charge"), None)],
        [(("data", "object", "object"), "charge")],
        [(("data", "object", "created"), None)],
    ],
)
def test_a_refund_in_another_shape_is_unusable(changes):
    with pytest.raises(Unusable):
        parse("stripe", edited(REFUND, *changes))


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("needs_response", DisputeStatus.OPENED), ("under_review", DisputeStatus.OPENED),
        ("warning_needs_response", DisputeStatus.OPENED), ("warning_under_review", DisputeStatus.OPENED),
        ("a new word", DisputeStatus.OPENED), ("warning_closed", DisputeStatus.WON), ("prevented", DisputeStatus.WON),
        ("won", DisputeStatus.WON), ("lost", DisputeStatus.LOST),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "type_", ["charge.dispute.created", "charge.dispute.closed", "charge.dispute.funds_reinstated"]
)
def test_a_disputes_state_is_its_own_word(type_, word, status):
    (dispute,) = parse("stripe", edited(DISPUTE, (("type",), type_), (("data", "object", "status"), word)))
    assert isinstance(dispute, DisputeMessage)
    assert dispute.status is status


def test_a_dispute_names_its_payment_and_when_evidence_is_due():
    (dispute,) = parse("stripe", recorded("stripe/charge.dispute.closed.json"))
    assert isinstance(dispute, DisputeMessage)
    assert (dispute.external_id, dispute.amount_minor) == ("du_1SgZxCL9mZ2xQeWcN8bVcXzL", 1560)
    assert dispute.payment_reference == "pi_3SgKhTL9mZ2xQeWc0aYb8RfX"
    assert dispute.evidence_due_at == datetime(2026, 10, 7, 23, 59, 59, tzinfo=UTC)
    assert dispute.reason == "product_not_received"


def test_a_dispute_of_nothing_known_is_unusable():
    with pytest.raises(Unusable):
        parse(
            "stripe", edited(DISPUTE, (("data", "object", "payment_intent"), None), (("data", "object", "charge"), ""))
        )


def test_within_a_second_a_closed_dispute_beats_an_open_one():
    ranks = [
        parse("stripe", edited(DISPUTE, (("data", "object", "status"), word)))[0].rank
        for word in ("needs_response", "won", "lost")
    ]
    assert ranks == sorted(set(ranks))


def test_a_test_channel_takes_test_events_as_tests():
    body = edited(PAID, (("livemode",), False))
    assert order("stripe", body, test=True).test


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (json.dumps(PAID).encode(), ("evt_1SgKiBL9mZ2xQeWcV5nTpRuY", "checkout.session.completed")),
        (json.dumps(PAID).encode()[:-20], ("evt_1SgKiBL9mZ2xQeWcV5nTpRuY", "")),
        (b'{"id": "evt_a\\u0000b", "type": 5}', ("evt_ab", "")),
        (b"[" * 100_000, ("", "")),
        (b"\xff\xfe", ("", "")),
        (b"[]", ("", "")),
        (b"", ("", "")),
    ],
)
def test_a_delivery_is_told_apart_by_the_events_id(body, found):
    assert PROVIDERS["stripe"].identify(body, {}) == found


def test_the_labels_read_without_parsing_are_the_parsed_ones():
    body = recorded("stripe/checkout.session.completed.json")
    event = json.loads(body)
    identify = PROVIDERS["stripe"].identify
    told = [json.dumps(event), json.dumps(event, indent=4), json.dumps({"x": 1, **event})]
    for shape in (body, *(text.encode() for text in told)):
        assert identify(shape, {}) == (event["id"], event["type"])
    nested = json.dumps({"id": "evt_1", "type": "a.b", "data": {"object": {"type": "not.it"}}}).encode()
    assert identify(nested, {}) == ("evt_1", "a.b")

"""Shopify's bodies become orders and refunds by their shape, since nothing else of them is signed."""

from datetime import UTC, datetime

import pytest

from orders.messages import Ignored, OrderStatus, RefundedLine, RefundMessage, RefundStatus, Unusable
from orders.providers import PROVIDERS
from tests.deliveries import MISSING, document, edited, order, parse, recorded

PAID = document("shopify/orders-paid.json")
REFUND = document("shopify/refunds-create.json")


def changed(**fields):
    return order("shopify", edited(PAID, *(((name,), value) for name, value in fields.items())))


def refund(*changes) -> RefundMessage:
    (message,) = parse("shopify", edited(REFUND, *changes), topic="refunds/create")
    assert isinstance(message, RefundMessage)
    return message


def transaction(**fields):
    return {**REFUND["transactions"][0], **fields}


def both(shop: str, paid: str) -> dict:
    return {
        "shop_money": {"amount": shop, "currency_code": "EUR"},
        "presentment_money": {"amount": paid, "currency_code": "USD"},
    }


def test_a_paid_order_is_read_in_the_shops_own_currency():
    sold = order("shopify", recorded("shopify/orders-paid.json"), topic="orders/paid")
    assert (sold.external_id, sold.number) == ("6200407310273", "#LP1071")
    assert (sold.currency, sold.total_minor, sold.discount_minor, sold.tax_minor) == ("EUR", 4960, 1240, 281)
    assert (sold.presentment_currency, sold.presentment_total_minor) == ("USD", 5357)
    assert (sold.paid, sold.status, sold.cancelled, sold.test) == (True, OrderStatus.PENDING, False, False)
    assert sold.placed_at == datetime(2026, 11, 12, 8, 14, 7, tzinfo=UTC)
    assert sold.version == datetime(2026, 11, 12, 8, 14, 11, tzinfo=UTC)
    assert (sold.conversation_hint, sold.flags, sold.refunds_complete) == ("4417", (), False)
    assert sold.extra_facts["discount_codes"] == "AUTUMN20"


def test_lines_are_what_the_customer_paid_after_discounts():
    first, second = order("shopify", PAID).lines
    assert (first.sku, first.title, first.quantity, first.total_minor) == ("EBOOK-TIDE-EN", "Tide Atlas", 1, 3120)
    assert first.listing_ids == ("50398370021457", "9782120011985")
    assert second.total_minor == 1840


def test_a_sale_in_the_store_to_nobody():
    sold = order("shopify", recorded("shopify/orders-create.pos-no-customer.json"), topic="orders/create")
    assert (sold.customer.email, sold.customer.phone, sold.customer.name, sold.customer.region) == ("", "", "", "")
    assert (sold.status, sold.paid, sold.total_minor) == (OrderStatus.DELIVERED, True, 2300)


@pytest.mark.parametrize(
    ("state", "paid", "failed"),
    [
        ("paid", True, False), ("partially_refunded", True, False), ("refunded", True, False), ("PAID", True, False),
        ("pending", False, False), ("authorized", False, False), ("partially_paid", False, False),
        ("voided", False, True), ("expired", False, False), (None, False, False),
    ],
)  # fmt: skip
def test_only_a_fully_paid_order_is_paid(state, paid, failed):
    sold = changed(financial_status=state)
    assert (sold.paid, sold.payment_failed, sold.flags) == (paid, failed, ())


def test_a_state_nobody_knows_is_unpaid_and_flagged():
    sold = changed(financial_status="frozen")
    assert (sold.paid, sold.flags) == (False, ("unknown_financial_status",))


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"fulfillment_status": None}, OrderStatus.PENDING),
        ({"fulfillment_status": "partial"}, OrderStatus.PROCESSING),
        ({"fulfillment_status": "fulfilled"}, OrderStatus.DELIVERED),
        ({"fulfillment_status": "restocked"}, OrderStatus.PENDING),
        ({"fulfillment_status": "fulfilled", "financial_status": "refunded"}, OrderStatus.REFUNDED),
        ({"fulfillment_status": "fulfilled", "cancelled_at": "2026-11-13T09:14:11+01:00"}, OrderStatus.CANCELLED),
    ],
)
def test_where_the_goods_are(fields, status):
    sold = changed(**fields)
    assert (sold.status, sold.cancelled) == (status, status is OrderStatus.CANCELLED)


def test_a_test_order_is_one():
    assert changed(test=True).test
    assert order("shopify", PAID, test=True).test


@pytest.mark.parametrize(
    ("changes", "email"),
    [
        ([], "maya.okafor@example.com"),
        ([(("email",), "")], "contact@example.com"),
        ([(("email",), None), (("contact_email",), " ")], "customer@example.com"),
        ([(("email",), ""), (("contact_email",), None), (("customer",), None)], ""),
    ],
)
def test_the_first_address_that_is_one(changes, email):
    base = edited(PAID, (("contact_email",), "contact@example.com"), (("customer", "email"), "customer@example.com"))
    assert order("shopify", edited(base, *changes)).customer.email == email


def test_phone_and_region_come_from_wherever_they_stand():
    assert order("shopify", PAID).customer.phone == "+15035550142"
    bare = edited(PAID, (("customer", "phone"), None), (("billing_address", "phone"), "0170 1234567"))
    assert order("shopify", bare).customer.phone == "0170 1234567"
    home = edited(PAID, (("billing_address",), None), (("customer", "default_address", "country_code"), "DE"))
    assert order("shopify", home).customer.region == "DE"


def test_the_address_is_the_first_with_a_street():
    street = {"street": "1420 SW Alder St", "postcode": "97205", "city": "Portland"}
    assert order("shopify", PAID).customer.address.facts() == street
    shipped = edited(PAID, (("billing_address",), None), (("shipping_address",), {"address1": "Am Wall 1", "zip": 1}))
    assert order("shopify", shipped).customer.address.facts() == {"street": "Am Wall 1", "postcode": "1"}


@pytest.mark.parametrize(
    ("state", "verified", "vouched"),
    [("enabled", True, True), ("enabled", False, False), ("disabled", True, False), ("invited", True, False)],
)
def test_the_shop_vouches_only_for_a_signed_in_verified_account(state, verified, vouched):
    body = edited(PAID, (("customer", "state"), state), (("customer", "verified_email"), verified))
    assert order("shopify", body).customer.verified_account is vouched


def test_a_total_is_never_the_customers_lifetime_figure():
    assert changed(total_spent="9999.00").total_minor == 4960
    with pytest.raises(Unusable, match="total_price"):
        order("shopify", edited(PAID, (("total_price",), MISSING), (("total_spent",), "49.60")))


def test_a_total_its_lines_do_not_add_up_to_is_kept_and_flagged():
    sold = changed(total_price="50.60")
    assert (sold.total_minor, sold.flags) == (5060, ("lines_differ_from_total",))
    assert sold.extra_facts["lines_difference"] == "1.00"


def test_tax_outside_of_prices_and_shipping_are_no_difference():
    sold = changed(taxes_included=False, total_price="57.41", total_shipping_price_set=both("5.00", "5.40"))
    assert (sold.flags, sold.shipping_minor) == ((), 500)


def test_a_discount_above_the_price_makes_no_line_below_zero():
    body = edited(PAID, (("line_items", 0, "discount_allocations", 0, "amount"), "50.00"))
    sold = order("shopify", body)
    assert sold.lines[0].total_minor == 0 and "negative_line" in sold.flags


def test_without_allocations_the_lines_own_discount_counts():
    body = edited(
        PAID,
        (("line_items", 0, "discount_allocations"), MISSING),
        (("line_items", 0, "total_discount"), "7.80"),
    )
    assert order("shopify", body).lines[0].total_minor == 3120


def test_two_lines_with_one_id_are_unusable():
    with pytest.raises(Unusable, match="Two lines"):
        order("shopify", edited(PAID, (("line_items", 1, "id"), PAID["line_items"][0]["id"])))


def test_an_order_without_a_time_of_change_stands_as_it_was_placed():
    sold = changed(updated_at=None)
    assert sold.version == sold.placed_at


def test_a_refund_is_the_money_that_moved():
    message = refund()
    assert (message.external_id, message.order_external_id) == ("1002961310785", "6200407310273")
    assert (message.amount_minor, message.currency, message.status) == (1987, "USD", RefundStatus.SUCCEEDED)
    assert (message.shop_amount_minor, message.shop_currency) == (1840, "EUR")
    assert message.lines == (RefundedLine(line_external_id="15518907933905", quantity=1),)
    assert message.version == message.refunded_at == datetime(2026, 11, 14, 10, 2, 40, tzinfo=UTC)
    assert (message.reason, message.test) == ("Bought twice by mistake", False)


@pytest.mark.parametrize(
    ("transactions", "status", "amount"),
    [
        ([transaction(status="pending")], RefundStatus.PENDING, 1987),
        ([transaction(status="failure")], RefundStatus.FAILED, 1987),
        ([transaction(status="error")], RefundStatus.FAILED, 1987),
        ([transaction(status="failure"), transaction(id=2)], RefundStatus.SUCCEEDED, 1987),
        ([transaction(amount="10.00"), transaction(id=2, amount="9.87")], RefundStatus.SUCCEEDED, 1987),
        ([transaction(), transaction(id=2, kind="sale", amount="50.00")], RefundStatus.SUCCEEDED, 1987),
    ],
)
def test_the_transactions_decide_what_came_of_a_refund(transactions, status, amount):
    message = refund((("transactions",), transactions))
    assert (message.status, message.amount_minor) == (status, amount)


@pytest.mark.parametrize("transactions", [[], MISSING, [transaction(kind="void")], [transaction(amount="0.00")]])
def test_a_refund_without_money_is_ignored(transactions):
    with pytest.raises(Ignored):
        refund((("transactions",), transactions))


def test_one_refund_in_two_currencies_is_unusable():
    with pytest.raises(Unusable):
        refund((("transactions",), [transaction(), transaction(currency="EUR")]))


@pytest.mark.parametrize(
    ("changes", "shop_amount"),
    [
        ([(("transactions", 0, "amount"), "20.99")], 1944),
        ([(("transactions", 0, "amount"), "5.00")], None),
        ([(("refund_line_items",), [])], None),
        ([(("transactions", 0, "currency"), "EUR"), (("transactions", 0, "amount"), "5.00")], 500),
        (
            [
                (("transactions", 0, "amount"), "24.87"),
                (("order_adjustments",), [{"amount_set": both("-4.60", "-5.00"), "tax_amount_set": both("0", "0")}]),
            ],
            2300,
        ),
    ],
    ids=["tax outside", "amount only", "no lines", "paid in shop currency", "with shipping"],
)
def test_the_shops_side_of_a_refund_is_told_by_the_pairs_of_sums(changes, shop_amount):
    assert refund(*changes).shop_amount_minor == shop_amount


def test_an_orders_own_refunds_are_the_same_refunds_known_later():
    alone = refund()
    body = edited(PAID, (("refunds",), [REFUND]), (("updated_at",), "2026-11-14T11:02:44+01:00"))
    (nested,) = order("shopify", body).refunds
    assert (nested.external_id, nested.amount_minor) == (alone.external_id, alone.amount_minor)
    assert (nested.shop_amount_minor, nested.lines) == (alone.shop_amount_minor, alone.lines)
    assert nested.version > alone.version and nested.refunded_at == alone.refunded_at


def test_an_order_in_another_currency_than_its_refunds_pairs_tells_no_share():
    body = edited(PAID, (("refunds",), [REFUND]), (("currency",), "CHF"))
    (nested,) = order("shopify", body).refunds
    assert (nested.shop_amount_minor, nested.shop_currency) == (None, "CHF")


def test_lines_of_which_nothing_came_back_are_left_out():
    assert refund((("refund_line_items", 0, "quantity"), 0)).lines == ()


def test_an_orders_refunds_without_money_are_left_out():
    body = edited(PAID, (("refunds",), [edited(REFUND, (("transactions",), []))]))
    assert order("shopify", body).refunds == ()


@pytest.mark.parametrize(
    "topic", ["", "orders/create", "orders/updated", "orders/paid", "refunds/create", "ORDERS/PAID"]
)
def test_the_shape_says_what_it_is(topic):
    assert order("shopify", PAID, topic=topic).external_id == "6200407310273"
    (message,) = parse("shopify", REFUND, topic=topic)
    assert isinstance(message, RefundMessage)


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("customers/redact", document("shopify/customers-redact.json")),
        ("customers/data_request", {"shop_id": 1, "customer": {"id": 1}}),
        ("shop/redact", {"shop_id": 1}),
        ("orders/delete", {"id": 820982911946154508}),
        ("app/uninstalled", {"id": 1, "name": "Shop"}),
        ("products/update", {"id": 1, "title": "Book", "variants": []}),
        ("checkouts/create", {"id": 1, "line_items": [], "total_price": "5.00", "currency": "EUR"}),
        ("orders/edited", {"order_edit": {"id": 1, "order_id": 2}}),
    ],
)
def test_other_topics_are_ignored_with_a_sentence(topic, body):
    with pytest.raises(Ignored, match=r"\w+ .*\."):
        parse("shopify", body, topic=topic)


@pytest.mark.parametrize("gid", ["gid://shopify/DraftOrder/5", "gid://shopify/Checkout/5"])
def test_a_draft_under_an_orders_topic_is_unusable(gid):
    with pytest.raises(Unusable):
        parse("shopify", edited(PAID, (("admin_graphql_api_id",), gid)), topic="orders/create")


def test_without_topic_and_shape_it_is_unusable():
    with pytest.raises(Unusable):
        parse("shopify", {"id": 5})


@pytest.mark.parametrize(
    ("header", "domain"),
    [
        ("Lantern-Press.myshopify.com", "lantern-press.myshopify.com"), ("lantern.example.", "lantern.example"),
        ("", ""), ("a b", ""), ("[::1", ""), ("löwe.example", ""),
    ],
)  # fmt: skip
def test_the_shops_own_word_for_its_domain(header, domain):
    assert PROVIDERS["shopify"].source_domain({"x-shopify-shop-domain": header}) == domain


def test_a_delivery_is_told_apart_by_its_webhook_id():
    headers = {"x-shopify-webhook-id": "b545", "x-shopify-topic": "Orders/Paid", "x-shopify-event-id": "9888"}
    assert PROVIDERS["shopify"].identify(b"", headers) == ("b545", "orders/paid")

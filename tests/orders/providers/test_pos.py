"""A till's sales and reversals, in the channel's currency."""

from datetime import UTC, datetime

import pytest

from orders.messages import OrderMessage, OrderStatus, RefundMessage, RefundStatus, Unusable
from tests.deliveries import MISSING, document, edited, order, parse, recorded

SALE = document("pos-generic/pos_transaction.json")


def test_a_sale_at_the_till():
    sold = order("pos", recorded("pos-generic/pos_transaction.json"), currency="USD")
    assert (sold.external_id, sold.currency, sold.total_minor) == ("TXN-98765", "USD", 12550)
    assert (sold.paid, sold.status, sold.flags) == (True, OrderStatus.DELIVERED, ())
    assert sold.placed_at == sold.version == datetime(2026, 11, 15, 14, 30, tzinfo=UTC)
    assert (sold.customer.phone, sold.customer.loyalty_id) == ("+1-503-555-0142", "LOY-789456")
    (line,) = sold.lines
    assert (line.sku, line.listing_ids, line.title, line.total_minor) == ("PROD-002", ("PROD-002",), "Sneakers", 12550)
    assert sold.extra_facts["store_name"] == "Downtown Location"


def test_the_flat_form_says_the_same():
    sold = order("pos", recorded("pos-generic/pos_transaction.flat.json"), currency="USD")
    assert (sold.customer.phone, sold.customer.loyalty_id) == ("+1-503-555-0142", "LOY-789456")
    assert [line.total_minor for line in sold.lines] == [5998, 3001]
    assert (sold.total_minor, sold.flags) == (8999, ())


@pytest.mark.parametrize("changes", [[(("total",), "-125.50")], [(("type",), "refund")], [(("type",), "VOID")]])
def test_a_reversal_is_a_refund_of_the_sale_it_names(changes):
    body = edited(SALE, (("transaction_id",), "TXN-2"), (("original_transaction_id",), "TXN-98765"), *changes)
    (refund,) = parse("pos", body, currency="USD")
    assert isinstance(refund, RefundMessage)
    assert (refund.external_id, refund.order_external_id, refund.amount_minor) == ("TXN-2", "TXN-98765", 12550)
    assert refund.status is RefundStatus.SUCCEEDED


@pytest.mark.parametrize("changes", [[(("total",), "-5")], [(("type",), "refund"), (("total",), 0)]])
def test_a_reversal_of_nothing_known_is_unusable(changes):
    with pytest.raises(Unusable):
        parse("pos", edited(SALE, *changes))


def test_lines_that_do_not_add_up_are_flagged():
    sold = order("pos", edited(SALE, (("total",), "120.50")))
    assert isinstance(sold, OrderMessage) and sold.flags == ("lines_differ_from_total",)
    assert sold.extra_facts["lines_difference"] == "-5.00"


def test_a_sale_to_nobody_is_a_sale():
    customer = order("pos", edited(SALE, (("customer",), MISSING))).customer
    assert (customer.email, customer.phone, customer.loyalty_id) == ("", "", "")

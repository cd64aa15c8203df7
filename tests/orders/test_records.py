"""Every field is read as what it should be, and a refusal says which field it was."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from orders.messages import Unusable
from orders.records import Record


def refusal(read) -> str:
    with pytest.raises(Unusable) as caught:
        read()
    return str(caught.value)


@pytest.mark.parametrize("body", [b"null", b'"text"', b"[1]", b"5", b"true", b"1.5"])
def test_only_an_object_is_a_record(body):
    assert "not a JSON object" in refusal(lambda: Record.of(body))


def test_a_refusal_names_the_path_of_the_field():
    record = Record({"line_items": [{"quantity": 1}, {"quantity": -1}]})
    items = record.records("line_items")
    assert refusal(lambda: items[1].quantity("quantity")).startswith("line_items[1].quantity: -1 ")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Ada", "Ada"),
        (5, "5"),
        (Decimal("1.50"), "1.50"),
        (None, "-"),
        (True, "-"),
        ({}, "-"),
        (" A\0da ", "Ada"),
        ("", "-"),
    ],
)
def test_text_for_people_is_read_leniently(value, text):
    assert Record({"name": value}).text("name", "-") == text


def test_text_for_people_is_cut():
    assert len(Record({"name": "x" * 10_000}).text("name")) == 500


@pytest.mark.parametrize(
    ("value", "text"), [("a@b.example\r\nBcc: c", "a@b.example\r\nBcc: c"), (None, ""), ("  ", ""), (4917, "4917")]
)
def test_what_identifies_stays_as_it_was_spelled(value, text):
    assert Record({"email": value}).exact("email") == text


@pytest.mark.parametrize(
    "value", ["a\0@b.example", "a\ud800@b.example", ["a@b.example"], {"a": 1}, True, Decimal("1.5")]
)
def test_what_identifies_is_never_repaired(value):
    assert refusal(lambda: Record({"email": value}).exact("email")).startswith("email: ")


@pytest.mark.parametrize(
    ("value", "count"), [(1, 1), ("2", 2), (Decimal("3.0"), 3), (Decimal("1E+3"), 1000), (10**6, 10**6)]
)
def test_a_quantity_is_a_whole_number(value, count):
    assert Record({"quantity": value}).quantity("quantity") == count


@pytest.mark.parametrize(
    "value",
    [0, -1, Decimal("1.5"), Decimal("1E+9"), 10**9, 10**6 + 1, True, None, "", "1.5", "-1", "\u0661", [], "9" * 40],
)
def test_what_is_no_quantity_is_refused(value):
    assert "quantity" in refusal(lambda: Record({"quantity": value}).quantity("quantity"))


def test_an_amount_below_zero_is_refused_unless_it_may_be():
    record = Record({"total": "-5.00"})
    assert "below zero" in refusal(lambda: record.money("total", "USD"))
    assert record.money("total", "USD", signed=True) == -500


@pytest.mark.parametrize("value", [None, ""])
def test_an_amount_may_be_left_out_only_where_it_counts_as_zero(value):
    record = Record({"tax": value})
    assert record.money_or_zero("tax", "USD") == 0
    refusal(lambda: record.money("tax", "USD"))


@pytest.mark.parametrize("value", [None, "500", Decimal("5.5"), -1, True, [], 10**40])
def test_stripes_amounts_are_whole(value):
    assert refusal(lambda: Record({"amount": value}).stripe_money("amount", "USD")).startswith("amount: ")


@pytest.mark.parametrize(
    ("value", "text"), [("pi_1", "pi_1"), ({"id": "pi_1"}, "pi_1"), (None, ""), ("", ""), (0, ""), ("0", "")]
)
def test_a_reference_is_an_id_or_the_whole_thing(value, text):
    assert Record({"payment_intent": value}).reference("payment_intent") == text


@pytest.mark.parametrize("value", [True, False, -1, [], {"id": None}, {}, Decimal("1.0")])
def test_what_is_no_reference_is_refused(value):
    refusal(lambda: Record({"payment_intent": value}).reference("payment_intent"))


def test_php_writes_an_empty_object_as_a_list():
    assert Record({"billing": []}).record_or_empty("billing").text("email") == ""
    refusal(lambda: Record({"billing": ["x"]}).record_or_empty("billing"))


@pytest.mark.parametrize("value", [None, "x", 5, {}, [1], [None], [[]]])
def test_what_is_no_list_of_objects_is_refused(value):
    refusal(lambda: Record({"line_items": value}).records("line_items"))


def test_a_list_without_end_is_refused():
    assert "10001 entries" in refusal(lambda: Record({"lines": [{}] * 10_001}).records("lines"))


@pytest.mark.parametrize("value", [None, 5, True, "yesterday", "2026-02-30T00:00:00Z", {}])
def test_what_is_no_time_is_refused(value):
    assert refusal(lambda: Record({"created_at": value}).instant("created_at")).startswith("created_at: ")


def test_a_time_may_be_left_out_where_it_may():
    assert Record({"paid_at": ""}).instant_or_none("paid_at") is None
    assert Record({"paid_at": "2026-11-13T19:05:41"}).instant_or_none("paid_at", zone=UTC) == datetime(
        2026, 11, 13, 19, 5, 41, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("value", "region"), [("de", "DE"), (" US ", "US"), ("Germany", ""), ("", ""), (None, ""), ("D1", "")]
)
def test_a_region_is_two_letters_or_none(value, region):
    assert Record({"country": value}).region("country") == region


def test_refusals_can_be_written_to_any_log():
    words = refusal(lambda: Record({"total": "\ud800\0 € " * 50}).money("total", "EUR"))
    assert words.isascii() and len(words) < 300

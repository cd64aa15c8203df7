"""The plain rules of customer events: words for each type, and which products a payload names."""

from typing import Any

import pytest

from profiles import events


@pytest.mark.parametrize(
    ("payload", "products"),
    [
        ({}, []),
        ({"sku": " EBOOK-1 "}, ["EBOOK-1"]),
        ({"product_id": 7}, ["7"]),
        ({"sku": "A", "product_id": "7"}, ["A"]),
        ({"product": "A"}, ["A"]),
        ({"product": {"id": 7, "title": "Tide Atlas"}}, ["7"]),
        ({"product": {"sku": "A", "id": 7}}, ["A"]),
        ({"items": [{"sku": "B"}, {"product_id": "A"}, {"sku": "B"}]}, ["A", "B"]),
        ({"lines": ["B", "A"], "products": [{"id": "C"}]}, ["A", "B", "C"]),
        ({"sku": None, "product": [], "items": "A", "lines": [None, 1.5, True, {}]}, []),
        ({"sku": ""}, []),
    ],
)
def test_the_products_a_payload_names(payload: dict[str, Any], products: list[str]) -> None:
    assert events.products_of(payload) == products


def test_a_long_list_and_a_long_name_are_cut() -> None:
    assert len(events.products_of({"items": [f"S{n}" for n in range(99)]})) == events.MOST_PRODUCTS
    assert events.products_of({"sku": "x" * 300}) == ["x" * events.LONGEST_NAME]


@pytest.mark.parametrize(
    ("type_", "products", "title"),
    [
        ("product_view", ["EBOOK-1"], "Looked at EBOOK-1"),
        ("product_view", [], "Looked at a product"),
        ("cart", ["A", "B"], "Put A and B in the cart"),
        ("cart", ["A", "B", "C"], "Put A and 2 more in the cart"),
        ("loyalty_card_shown", [], "Loyalty card shown"),
        ("loyalty_card_shown", ["A"], "Loyalty card shown: A"),
    ],
)
def test_an_event_is_told_in_words(type_: str, products: list[str], title: str) -> None:
    assert events.title(type_, products) == title


def test_every_known_type_is_a_type_and_has_both_titles() -> None:
    for type_, (about, alone) in events.WORDS.items():
        assert events.TYPE.fullmatch(type_) and about.count("{}") == 1 and "{}" not in alone, type_


def test_the_detail_is_one_short_line() -> None:
    assert events.detail({"page": "/cart\n\nnow", "url": "https://x"}) == "/cart now"
    assert events.detail({"text": "x" * 999}) == "x" * 159 + "…"
    assert events.detail({"text": " ", "page": 7}) == ""

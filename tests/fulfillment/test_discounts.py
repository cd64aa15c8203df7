"""The rules of coupons as tables: one form of a code, exact amounts, and why a code is not good."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fulfillment import discounts
from fulfillment.discounts import Kind, Refused, Terms

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("typed", "one_form"),
    [
        ("spring25", "SPRING25"),
        ("  Spring25\n", "SPRING25"),
        ("ＳＰＲＩＮＧ２５", "SPRING25"),
        ("%", "%"),
        ("_", "_"),
        ("straße", "STRASSE"),
        ("", ""),
        ("a\0b", ""),
        ("x" * 61, ""),
    ],
)
def test_a_code_has_one_form(typed: str, one_form: str) -> None:
    assert discounts.normalise(typed) == one_form


@settings(max_examples=60)
@given(st.text(max_size=20))
def test_the_form_of_a_form_is_itself(typed: str) -> None:
    once = discounts.normalise(typed)
    assert discounts.normalise(once) == once


@pytest.mark.parametrize(
    ("terms", "amount", "off"),
    [
        (Terms(kind=Kind.FULL), 3900, 3900),
        (Terms(kind=Kind.PERCENT, percent=10), 3905, 390),  # 390.5, half to even
        (Terms(kind=Kind.PERCENT, percent=10), 3915, 392),  # 391.5
        (Terms(kind=Kind.PERCENT, percent=33), 100, 33),
        (Terms(kind=Kind.PERCENT, percent=50), 1, 0),
        (Terms(kind=Kind.PERCENT, percent=50), 3, 2),
        (Terms(kind=Kind.AMOUNT, amount_minor=500, currency="EUR"), 3900, 500),
        (Terms(kind=Kind.AMOUNT, amount_minor=5000, currency="EUR"), 3900, 3900),
        (Terms(kind=Kind.AMOUNT, amount_minor=500, currency="EUR"), 0, 0),
    ],
)
def test_what_is_taken_off_is_exact(terms: Terms, amount: int, off: int) -> None:
    assert discounts.discount(terms, amount) == off


@pytest.mark.parametrize(
    ("terms", "asked", "why"),
    [
        (Terms(kind=Kind.FULL), {}, None),
        (Terms(kind=Kind.FULL, active=False), {}, Refused.STOPPED),
        (Terms(kind=Kind.FULL, starts_at=NOW), {}, None),
        (Terms(kind=Kind.FULL, starts_at=NOW + DAY), {}, Refused.NOT_YET),
        (Terms(kind=Kind.FULL, ends_at=NOW + DAY), {}, None),
        (Terms(kind=Kind.FULL, ends_at=NOW), {}, Refused.OVER),
        (Terms(kind=Kind.FULL, skus=("A",)), {"sku": "A"}, None),
        (Terms(kind=Kind.FULL, skus=("A",)), {"sku": "B"}, Refused.WRONG_PRODUCT),
        (Terms(kind=Kind.FULL, skus=("A",)), {}, Refused.WRONG_PRODUCT),
        (Terms(kind=Kind.AMOUNT, amount_minor=1, currency="EUR"), {"currency": "USD"}, Refused.WRONG_CURRENCY),
        (
            Terms(kind=Kind.FULL, minimum_minor=100, currency="EUR"),
            {"amount_minor": 99, "currency": "EUR"},
            Refused.TOO_LITTLE,
        ),
        (Terms(kind=Kind.FULL, minimum_minor=100, currency="EUR"), {"amount_minor": 100, "currency": "EUR"}, None),
        (
            Terms(kind=Kind.FULL, minimum_minor=100, currency="EUR"),
            {"amount_minor": 200, "currency": "JPY"},
            Refused.WRONG_CURRENCY,
        ),
    ],
)
def test_why_a_code_is_not_good(terms: Terms, asked: dict[str, object], why: Refused | None) -> None:
    assert discounts.refusal(terms, now=NOW, **asked) == why  # type: ignore[arg-type]

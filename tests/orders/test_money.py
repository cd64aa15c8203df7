"""Money is exact in both directions, and everything else is refused by name."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders import money
from orders.money import BadAmount, InexactAmount, UnknownCurrency

currencies = st.sampled_from(sorted(money.EXPONENTS))
amounts = st.integers(-money.MAX_MINOR, money.MAX_MINOR)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("89.99", "USD", 8999),
        ("89.9", "USD", 8990),
        ("1500", "JPY", 1500),
        ("100.00", "JPY", 100),
        ("12.340", "KWD", 12340),
        ("0.0001", "CLF", 1),
        ("-19.90", "EUR", -1990),
        ("0", "EUR", 0),
        ("-0.00", "EUR", 0),
        (29, "USD", 2900),
        (Decimal("29.99"), "USD", 2999),
        (Decimal("1E+2"), "USD", 10000),
        (Decimal("0E-9"), "USD", 0),
        ("29.990", "usd", 2999),
    ],
)
def test_an_amount_becomes_minor_units_exactly(amount, currency, minor):
    assert money.to_minor(amount, currency) == minor


@pytest.mark.parametrize(
    "amount",
    [
        "", " ", "29,99", "1_000.00", "1 000", "+5", "1e3", "1E3", ".5", "5.", "--5", "0x10", "NaN", "Infinity",
        "\uff12\uff19.\uff19\uff19", "\u0662\u0669", "29.99 ", "29.99\n", "$5", "1.2.3", "5" * 41, True, False,
        Decimal("NaN"), Decimal("-Infinity"), Decimal("1E+999999"), Decimal("1E-999999"), 10**400,
        "9999999999999999.99",
    ],
)  # fmt: skip
def test_what_is_no_plain_decimal_amount_is_refused(amount):
    with pytest.raises(BadAmount):
        money.to_minor(amount, "USD")


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("29.999", "USD"), ("0.001", "USD"), ("100.50", "JPY"), ("1.2345", "KWD"), (Decimal("0.005"), "EUR")],
)
def test_nothing_is_rounded_in_silence(amount, currency):
    with pytest.raises(InexactAmount):
        money.to_minor(amount, currency)


@pytest.mark.parametrize("code", ["XXX", "XAU", "XTS", "EURO", "", "E\u00dcR", "€", None, 978])
def test_what_is_no_currency_is_refused(code):
    with pytest.raises(UnknownCurrency):
        money.currency_code(code)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (8999, "USD", "89.99"), (5, "USD", "0.05"), (-5, "USD", "-0.05"), (0, "USD", "0.00"), (1500, "JPY", "1500"),
        (12340, "KWD", "12.340"), (-1, "KWD", "-0.001"), (1, "CLF", "0.0001"),
    ],
)  # fmt: skip
def test_text_has_exactly_the_decimals_of_the_currency(minor, currency, text):
    assert money.to_text(minor, currency) == text


@given(amounts, currencies)
def test_text_and_minor_units_are_two_spellings_of_one_amount(minor, currency):
    assert money.to_minor(money.to_text(minor, currency), currency) == minor
    assert money.to_minor(Decimal(money.to_text(minor, currency)), currency) == minor


@pytest.mark.parametrize("other", [True, 1.0])
def test_what_equals_a_known_amount_is_none_by_that(other):
    assert [money.to_minor(one, "EUR") for one in ("1", 1, Decimal(1))] == [100, 100, 100]
    with pytest.raises(BadAmount):
        money.to_minor(other, "EUR")


@given(st.text() | st.integers() | st.decimals(), currencies)
def test_any_amount_is_taken_exactly_or_refused_by_name(amount, currency):
    try:
        minor = money.to_minor(amount, currency)
    except money.MoneyError:
        return
    assert Decimal(money.to_text(minor, currency)) == Decimal(amount)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (500, "jpy", "500"), (5000, "kwd", "5.000"), (3120, "eur", "31.20"), (50000, "isk", "500"),
        (50000, "ugx", "500"), (500, "mga", "500.00"), (100, "huf", "1.00"), (5001, "kwd", "5.001"), (0, "usd", "0.00"),
    ],
)  # fmt: skip
def test_stripe_counts_some_currencies_in_its_own_way(amount, currency, text):
    assert money.to_text(money.from_stripe(amount, currency), currency) == text


@pytest.mark.parametrize("currency", ["ISK", "UGX"])
def test_stripes_hundredfold_currencies_have_no_fractions(currency):
    with pytest.raises(InexactAmount):
        money.from_stripe(50050, currency)


@pytest.mark.parametrize("amount", [True, "500", Decimal(500), None])
def test_stripe_sends_integers_alone(amount):
    with pytest.raises(BadAmount):
        money.from_stripe(amount, "USD")


@given(st.integers(0, money.MAX_MINOR // 1000), currencies)
def test_what_goes_to_stripe_comes_back_the_same(minor, currency):
    try:
        amount = money.to_stripe(minor, currency)
    except InexactAmount:
        assert minor % (100 if currency == "MGA" else 10)
        return
    assert money.from_stripe(amount, currency) == minor


def test_stripe_takes_no_third_decimal():
    assert money.to_stripe(5010, "KWD") == 5010
    with pytest.raises(InexactAmount):
        money.to_stripe(5001, "KWD")


@pytest.mark.parametrize(
    ("amount", "of", "into", "share"),
    [
        (5357, 5357, 4960, 4960),
        (1987, 5357, 4960, 1840),
        (0, 5357, 4960, 0),
        (1, 2, 1, 1),
        (-1, 2, 1, -1),
        (1, 3, 1, 0),
    ],
)
def test_a_share_is_rounded_half_away_from_zero(amount, of, into, share):
    assert money.convert(amount, of=of, into=into) == share


def test_there_is_no_share_of_nothing():
    with pytest.raises(BadAmount):
        money.convert(1, of=0, into=5)


@given(st.integers(0, 10**9), st.integers(1, 10**9), st.integers(0, 10**9))
def test_a_share_is_never_off_by_more_than_half_a_unit(amount, of, into):
    assert abs(2 * (money.convert(amount, of=of, into=into) * of - amount * into)) <= of

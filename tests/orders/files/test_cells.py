"""Amounts, days, ids and words by declared rules."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders import money
from orders.files import cells
from orders.files.cells import Dates, Decimals
from orders.parsing import Unreadable

ISTANBUL = ZoneInfo("Europe/Istanbul")


@pytest.mark.parametrize(
    ("text", "decimals", "minor"),
    [
        ("1234.56", Decimals.POINT, 123456),
        ("1234,56", Decimals.COMMA, 123456),
        ("1.234,56", Decimals.COMMA, 123456),
        ("1.124,90", Decimals.TURKISH, 112490),
        ("1,124.90", Decimals.TURKISH, 112490),
        ("1124.90", Decimals.TURKISH, 112490),
        ("1.124", Decimals.TURKISH, 112400),
        ("23,00\u00a0", Decimals.TURKISH, 2300),
        ("-12,5", Decimals.COMMA, -1250),
    ],
)
def test_amounts_as_they_are_written(text: str, decimals: Decimals, minor: int) -> None:
    assert cells.amount(text, "EUR", decimals) == minor


@pytest.mark.parametrize(
    ("text", "decimals"),
    [
        ("1.234,56", Decimals.POINT),
        ("1,234", Decimals.POINT),
        ("1.234", Decimals.COMMA),
        ("12.50", Decimals.COMMA),
        ("1.23,45", Decimals.COMMA),
        ("1,124", Decimals.TURKISH),
        ("1.1234,5", Decimals.TURKISH),
        *((text, way) for text in ("(12.50)", "₺1", "1e3", "=1", "", "1_0", "１", "NaN", "+1") for way in Decimals),
    ],
)
def test_what_could_be_two_amounts_is_none(text: str, decimals: Decimals) -> None:
    with pytest.raises(Unreadable):
        cells.amount(text, "EUR", decimals)


@settings(max_examples=80, deadline=None)
@given(st.integers(-(10**11), 10**11))
def test_an_amount_is_read_as_it_was_written_in_each_way(minor: int) -> None:
    plain = money.to_text(minor, "EUR")
    whole, _, cents = plain.partition(".")
    grouped = f"{int(whole):,}".replace(",", ".") if whole != "-0" else "-0"
    assert cells.amount(plain, "EUR", Decimals.POINT) == minor
    for decimals in (Decimals.COMMA, Decimals.TURKISH):
        assert cells.amount(f"{whole},{cents}", "EUR", decimals) == minor
        assert cells.amount(f"{grouped},{cents}", "EUR", decimals) == minor


@pytest.mark.parametrize(
    ("text", "dates", "instant"),
    [
        ("2026-11-12", Dates.ISO, "2026-11-11T21:00:00+00:00"),
        ("2026-11-12T09:14:07+01:00", Dates.ISO, "2026-11-12T08:14:07+00:00"),
        ("03/04/2025", Dates.DMY, "2025-04-02T21:00:00+00:00"),
        ("03/04/2025", Dates.MDY, "2025-03-03T21:00:00+00:00"),
        ("11.11.2026 21:17", Dates.DMY, "2026-11-11T18:17:00+00:00"),
    ],
)
def test_days_in_the_order_that_was_declared(text: str, dates: Dates, instant: str) -> None:
    assert cells.moment(text, dates, ISTANBUL).isoformat() == instant


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("03/04/2025", Dates.ISO),
        ("2023-02-29", Dates.ISO),
        ("45292", Dates.ISO),
        ("2025-04-03", Dates.DMY),
        ("31/02/2026", Dates.DMY),
        ("13/25/2026", Dates.MDY),
        ("03/04-2025", Dates.DMY),
        ("03/04/25", Dates.DMY),
        ("12/11/1969", Dates.DMY),
        ("", Dates.ISO),
    ],
)
def test_what_could_be_two_days_or_none_is_none(text: str, dates: Dates) -> None:
    with pytest.raises(Unreadable):
        cells.moment(text, dates, ISTANBUL)


def test_the_four_letters_i_are_one_when_words_are_compared() -> None:
    words = ("İade Edildi", "iade edildi", "IADE EDILDI", " ıade  edıldı ")
    assert {cells.fold(word) for word in words} == {"iade edildi"}

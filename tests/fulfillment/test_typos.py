"""The address that was likely meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fulfillment import typos


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gmial.com", "gmail.com"),
        ("gamil.com", "gmail.com"),
        ("gmaill.com", "gmail.com"),
        ("ggmail.com", "gmail.com"),
        ("gmai.com", "gmail.com"),
        ("gmail.con", "gmail.com"),
        ("gmial.con", "gmail.com"),
        ("gmail.co", "gmail.com"),
        ("gmail.cm", "gmail.com"),
        ("gmailcom", "gmail.com"),
        ("GMIAL.COM", "gmail.com"),
        ("hotmial.com", "hotmail.com"),
        ("hotmal.com", "hotmail.com"),
        ("yahooo.com", "yahoo.com"),
        ("outlok.com", "outlook.com"),
        ("iclod.com", "icloud.com"),
        ("protonmial.com", "protonmail.com"),
        ("t-onlin.de", "t-online.de"),
        ("gmx.ed", "gmx.de"),
        ("aurora-books.con", "aurora-books.com"),
        ("lantern.ogr", "lantern.org"),
    ],
)
def test_a_slip_of_the_hand_is_told(typed: str, meant: str) -> None:
    assert typos.suggest(f"Ada.Lovelace@{typed}") == f"Ada.Lovelace@{meant}"


@pytest.mark.parametrize(
    "domain",
    [
        "gmail.com", "mail.com", "email.com", "email.de", "gmx.at", "gmail.de", "hotmail.be", "outlook.it", "yahoo.ca",
        "yahoo.com.au", "example.com", "aurora-books.de", "female.com", "company.co", "mail.ee", "free.de", "tmail.com",
        "rocket.com", "a.b", "xn--bcher-kva.example", "", "localhost",
    ],
)  # fmt: skip
def test_what_may_well_be_right_is_left_alone(domain: str) -> None:
    assert typos.suggest(f"ada@{domain}") == ""


def test_a_domain_many_customers_have_is_right_and_is_what_others_meant() -> None:
    assert typos.suggest("ada@gmial.com", frequent=["gmial.com"]) == ""
    assert typos.suggest("ada@aurora-boks.de", frequent=["aurora-books.de"]) == "ada@aurora-books.de"
    assert typos.suggest("ada@aurora-boks.de") == ""


def test_of_two_as_near_neither_is_suggested() -> None:
    assert typos.suggest("ada@lanterm.de", frequent=["lantern.de", "lanters.de"]) == ""


@pytest.mark.parametrize("text", ["", "ada", "@gmial.com", "ada@", "ada@@"])
def test_what_is_no_address_has_no_correction(text: str) -> None:
    assert typos.suggest(text) == ""


@given(st.sampled_from(sorted(typos.KNOWN)), st.text("abc@.-é", max_size=12))
def test_a_known_domain_is_never_corrected_and_a_correction_needs_none(domain: str, noise: str) -> None:
    assert typos.suggest(f"ada@{domain}") == ""
    meant = typos.suggest(f"ada@{noise}")
    assert meant == "" or typos.suggest(meant) == ""

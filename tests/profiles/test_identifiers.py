"""Identifiers: equal people compare equal, and nothing that many people share is a key."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles import identifiers, rules
from profiles.identifiers import Identifier, Kind, normalise


def spelled(kind: str, raw: str, **options: str) -> str | None:
    identifier = normalise(kind, raw, **options)
    return identifier.spelled if identifier else None


@pytest.mark.parametrize(
    ("raw", "address"),
    [
        ("a@example.com", "a@example.com"),
        ("  Ada.Byron@Example.COM ", "ada.byron@example.com"),
        ("a.d.a+books@gmail.com", "a.d.a+books@gmail.com"),
        ("ada@exämple.com", "ada@xn--exmple-cua.com"),
        ("ada@EXA\u0308MPLE.com", "ada@xn--exmple-cua.com"),
        ("jose\u0301@example.com", "jos\u00e9@example.com"),
        ("a@shop.example", "a@shop.example"),
        ("a@shop.test", "a@shop.test"),
    ],
)
def test_an_address_has_one_spelling(raw, address):
    assert spelled("email", raw) == f"email:{address}"
    assert identifiers.mailable(raw) == address
    assert normalise("email", raw).raw == raw


@pytest.mark.parametrize(
    "raw",
    [
        "", " ", "ada", "ada@", "@example.com", "ada@localhost", "ada@example", "a@x.invalid", "a b@example.com",
        "a@example.com, b@example.com", "a@example.com;b@example.com", "a@example.com b@example.com",
        "a@example.com\r\nBcc: b@example.com", "a@example.com\n", "\ra@example.com", "a@example.com\0",
        "Ada <a@example.com>", "<a@example.com>", '"a b"@example.com', "a@[127.0.0.1]", "a..b@example.com",
        "a@exam\ud800ple.com", "mailto:a@example.com?cc=b@example.com", "a" * 300 + "@example.com", "n/a",
    ],
)  # fmt: skip
def test_what_is_not_one_address_is_neither_key_nor_mailable(raw):
    assert normalise("email", raw) is None
    assert identifiers.mailable(raw) is None


ATOMS = st.text("aZ9._-+'@ ü", max_size=8) | st.sampled_from(["x" * 64, "x" * 65, "a..b", ".a", "a.", "noreply"])
DOMAINS = st.sampled_from(
    "example.org EXAMPLE.Org shop.example localhost a.test -a.org a-.org a..org ab--c.org 1.2 exämple.com org .org"
    f" a.org. [127.0.0.1] xn--exmple-cua.com {'x' * 64}.org {'a.' * 124}org".split(" ")
)


@given(local=ATOMS, domain=DOMAINS, around=st.sampled_from(["", " ", "\t"]))
@settings(max_examples=300, deadline=None)
def test_a_plain_address_is_read_as_the_whole_grammar_reads_it(local: str, domain: str, around: str) -> None:
    raw = f"{around}{local}@{domain}{around}"
    if len(raw) <= identifiers.MAX_LENGTH:
        assert identifiers.mailable(raw) == identifiers._checked(raw)


@given(st.text() | st.emails() | st.emails().map(str.upper))
def test_an_address_is_normalised_once_and_for_all(raw):
    address = identifiers.mailable(raw)
    if address is not None:
        assert identifiers.mailable(address) == address
        assert "\n" not in address and "," not in address and address.count("@") == 1


@pytest.mark.parametrize(
    ("raw", "region", "number"),
    [
        ("+12125550123", "", "+12125550123"),
        ("+1 (212) 555-0123", "DE", "+12125550123"),
        ("(503) 555-0142", "US", "+15035550142"),
        ("0170 1234567", "DE", "+491701234567"),
        ("0170 1234567", "de", "+491701234567"),
        ("+34 600 555 019", "", "+34600555019"),
        ("0090 555 123 45 67", "DE", "+905551234567"),
        ("\u0660\u0661\u0667\u0660 1234567", "DE", "+491701234567"),
    ],
)
def test_a_valid_number_of_a_known_region_is_e164(raw, region, number):
    assert spelled("phone", raw, region=region, source="shopify:a.example") == f"phone:{number}"


@pytest.mark.parametrize(
    ("raw", "region"),
    [("(503) 555-0142", ""), ("0170 1234567", "XX"), ("+1-555-0123", "US"), ("12345", "DE"), ("+999 1", "")],
)
def test_a_number_nobody_can_read_matches_only_within_its_source(raw, region):
    here, there = (normalise("phone", raw, region=region, source=source) for source in ("pos:a", "pos:b"))
    assert here is not None and here.spelled == f"phone:raw:{raw}"
    assert here != there and here == normalise("phone", f" {raw}", region=region, source="pos:a")
    assert not here.strong and here.counts_as == ""


@pytest.mark.parametrize(
    ("raw", "region"),
    [
        ("1-800-356-9377", "US"),
        ("+49 800 1234567", ""),
        ("+1 212 555 0123 ext. 5", ""),
        ("+12125550123;ext=9", ""),
        ("-", "US"),
        ("n/a", ""),
        ("9" * 101, ""),
    ],
)
def test_numbers_of_many_people_and_no_numbers_are_no_keys(raw, region):
    assert normalise("phone", raw, region=region) is None


@pytest.mark.parametrize(
    ("raw", "programme", "text"),
    [
        ("LOY-789456", "default", "loyalty:default:LOY789456"),
        (" loy 789\u2013456 ", "default", "loyalty:default:LOY789456"),
        ("000123", "club", "loyalty:club:000123"),
        ("000123", "", "loyalty:default:000123"),
    ],
)
def test_a_loyalty_id_belongs_to_its_programme(raw, programme, text):
    assert spelled("loyalty_id", raw, programme=programme) == text


def test_devices_and_cookies_are_compared_letter_by_letter():
    assert spelled("device_id", " Ab-1 ") == "device:Ab-1"
    assert spelled("cookie_id", "aB.1") == "cookie:aB.1"


def test_any_other_name_is_another_kind():
    named, plain = normalise("Telegram", "@ada"), normalise("other", "ada")
    assert named is not None and plain is not None
    assert (named.spelled, named.counts_as) == ("other:telegram:@ada", "other:telegram")
    assert (plain.spelled, plain.counts_as) == ("other:ada", "other")


@pytest.mark.parametrize("kind", ["email", "phone", "loyalty_id", "device_id", "cookie_id", "other", "telegram"])
@pytest.mark.parametrize(
    "raw", ["", "  ", "0", "-1", "NULL", "none", "Undefined", "anonymous", " Guest ", "a\0b", "x" * 300, "\ud800"]
)
def test_words_for_nobody_and_what_cannot_be_kept_are_no_keys(kind, raw):
    assert normalise(kind, raw) is None


@given(kind=st.sampled_from([*identifiers.FIELDS, "other", "x"]), raw=st.text(), region=st.text(max_size=3))
def test_any_text_is_a_key_that_can_be_stored_or_none(kind, raw, region):
    identifier = normalise(kind, raw, region=region, source="pos:a")
    if identifier is not None:
        assert identifier.value.encode("utf-8") and "\0" not in identifier.spelled
        assert len(identifier.value) <= 320
        assert isinstance(identifiers.blocked(identifier), str)


def test_the_most_telling_come_first_and_once():
    found = identifiers.gather(
        {"cookie_id": "c", "email": "A@example.com", "loyalty_id": "L-1", "phone": "+12125550123", "device_id": ""}
    )
    assert [identifier.spelled for identifier in found] == [
        "phone:+12125550123", "email:a@example.com", "loyalty:default:L1", "cookie:c",
    ]  # fmt: skip
    assert identifiers.gather({"loyalty": "l1", "loyalty_id": "L-1"}) == (Identifier(Kind.LOYALTY, "default:L1"),)


def test_an_organization_may_have_its_own_order():
    found = identifiers.gather({"email": "a@example.com", "phone": "+12125550123", "other": "x"})
    ranked = identifiers.ranked(found, order=[Kind.EMAIL, Kind.PHONE])
    assert [identifier.kind for identifier in ranked] == [Kind.EMAIL, Kind.PHONE, Kind.OTHER]


@pytest.mark.parametrize(
    ("kinds", "strength"),
    [
        ([], 0),
        (["email"], 20),
        (["email", "email"], 20),
        (["email", "phone"], 50),
        (["phone", "email", "loyalty", "device", "cookie"], 90),
        (["phone", "email", "loyalty", "device", "cookie", "other"], 100),
        (["phone", "email", "loyalty", "device", "cookie", "other", "other:telegram"], 100),
        (["other:telegram", "other:instagram"], 20),
        ([""], 0),
    ],
)
def test_strength_counts_each_kind_once(kinds, strength):
    assert rules.Rules().strength(kinds) == strength


@pytest.mark.parametrize(
    "identifier",
    [
        Identifier(Kind.EMAIL, "test@test.com"),
        Identifier(Kind.EMAIL, "noreply@shop.example"),
        Identifier(Kind.EMAIL, "no-reply@shop.example"),
        Identifier(Kind.EMAIL, "desk@seller.example"),
        Identifier(Kind.EMAIL, "desk@mail.seller.example"),
        Identifier(Kind.EMAIL, "till7@kiosk.example"),
        Identifier(Kind.PHONE, "+12125550100"),
        Identifier(Kind.PHONE, "+499999999999"),
        Identifier(Kind.RAW_PHONE, "000-0000"),
        Identifier(Kind.RAW_PHONE, "1"),
        Identifier(Kind.LOYALTY, "default:0"),
        Identifier(Kind.LOYALTY, "default:1", "-1"),
        Identifier(Kind.LOYALTY, "default:GUEST"),
        Identifier(Kind.DEVICE, "undefined"),
        Identifier(Kind.COOKIE, "null"),
        Identifier(Kind.OTHER, "telegram:none"),
    ],
    ids=lambda identifier: identifier.spelled,
)
def test_what_is_blocked_says_why(identifier):
    patterns = ["*@kiosk.example", "phone:+12125550100", " "]
    assert identifiers.blocked(identifier, own_domains=["www.Seller.example", ""], patterns=patterns)


@pytest.mark.parametrize(
    "identifier",
    [
        Identifier(Kind.EMAIL, "a@example.com"),
        Identifier(Kind.EMAIL, "test@test.com.example"),
        Identifier(Kind.EMAIL, "a@notseller.example"),
        Identifier(Kind.EMAIL, "guest@example.com"),
        Identifier(Kind.PHONE, "+12125550123"),
        Identifier(Kind.LOYALTY, "default:00"),
        Identifier(Kind.RAW_PHONE, "555-0123"),
    ],
    ids=lambda identifier: identifier.spelled,
)
def test_what_is_not_blocked_is_free(identifier):
    assert identifiers.blocked(identifier, own_domains=["seller.example"]) == ""


@pytest.mark.parametrize(
    "typed",
    ["ada@exmple.com", "ada@examplee.com", "aad@example.com", "ada@exampke.com", "adaexample.com", "ada@example,com"],
)
def test_one_slip_of_the_keyboard_is_found(typed):
    assert ("ada@example.com" in identifiers.variants(typed)) is True


def test_a_search_asks_for_other_spellings_only():
    asked = identifiers.variants("ada@example.com")
    assert "ada@example.com" not in asked
    assert len(asked) < 2_000
    assert identifiers.variants("x" * 300) == frozenset()


@given(st.text("ab.@1", max_size=8), st.text("ab.@1", max_size=8))
def test_variants_are_those_one_step_away(one, other):
    assert (other in identifiers.variants(one)) == (one in identifiers.variants(other))


@given(st.text("ab.@1", max_size=8), st.integers(0, 9))
def test_variants_but_those_among_the_first_letters_begin_with_these(email, among):
    few, every = identifiers.variants(email, among=among), identifiers.variants(email)
    assert few <= every
    assert all(other.startswith(email[:among]) for other in every - few)

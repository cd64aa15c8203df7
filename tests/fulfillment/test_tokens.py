"""The secrets of download links."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fulfillment import tokens


def test_a_secret_has_64_characters_and_is_never_made_twice() -> None:
    made = {tokens.make() for _ in range(1_000)}
    assert len(made) == 1_000
    assert all(len(secret) == 64 and tokens.well_formed(secret) for secret in made)


def test_the_digest_is_the_plain_sha256_of_the_text() -> None:
    secret = tokens.make()
    assert tokens.digest(secret) == hashlib.sha256(secret.encode()).digest()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a" * 63,
        "a" * 65,
        "A" * 64,
        "g" * 64,
        "a" * 63 + "\x00",
        "a" * 64 + "\n",
        "../" * 21 + "a",
        "%" * 64,
        "٣" * 64,
        "\ud800" * 64,
        "*" * 64,
    ],
)
def test_a_malformed_text_is_no_secret_and_still_has_a_digest(text: str) -> None:
    assert not tokens.well_formed(text)
    assert len(tokens.digest(text)) == 32


@given(st.text(alphabet=st.characters()))
def test_any_text_at_all_can_be_asked_for(text: str) -> None:
    assert len(tokens.digest(text)) == 32
    tokens.well_formed(text)


def test_a_masked_secret_shows_six_characters() -> None:
    secret = "abcdef" + "0" * 58
    assert tokens.masked(secret) == "abcdef…"
    assert tokens.fragment(secret) == "abcdef"


def test_the_kept_copy_of_a_message_holds_no_secret() -> None:
    first, second = tokens.make(), tokens.make()
    kept = tokens.hide(f"Open /download/{first} or /download/{second}, {first}.", given=[first, second, ""])
    assert first not in kept
    assert second not in kept
    assert kept == f"Open /download/{first[:6]}… or /download/{second[:6]}…, {first[:6]}…."

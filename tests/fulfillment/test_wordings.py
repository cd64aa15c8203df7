"""What may stand in the words of a mail, and that nothing in them is ever run."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fulfillment import phrases, wordings
from fulfillment.followups import Kind
from fulfillment.wordings import Part, Unusable, Wording

PLACES = re.compile(r"\{\{ [a-z_]+ \}\}")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("", "Give a subject and a text"),
        ("Hello {{ password }}\n\n[Go]({{ link }})", r"\{\{ password \}\} is not known here. Allowed: .*customer_name"),
        ("Hello", r"must contain \{\{ link \}\}"),
        ("Go to {{ link }}", "is an address"),
        ("[Go]({{ link }}) now", "is an address"),
        ("x" * 8001, "At most"),
        ("Hello\x07\n\n[Go]({{ link }})", "nobody can see"),
    ],
)
def test_words_that_cannot_become_a_mail_are_refused_with_a_sentence(body: str, sentence: str) -> None:
    with pytest.raises(Unusable, match=sentence):
        wordings.checked("kickoff", Wording("Subject", body))


def test_blocks_stand_alone_and_addresses_never_in_the_subject() -> None:
    with pytest.raises(Unusable, match="stands alone"):
        wordings.checked("reminder", Wording("S", "Here: {{ downloads }}"))
    with pytest.raises(Unusable, match="cannot stand in the subject"):
        wordings.checked("kickoff", Wording("{{ link }}", "[Go]({{ link }})"))


@pytest.mark.parametrize("text", ["{{7*7}}", "{0.__class__}", "{{ ''.__class__ }}", "{% load x %}", "%(a)s", "${7*7}"])
def test_what_looks_like_another_language_stays_as_it_is(text: str) -> None:
    wording = wordings.checked("checkin", Wording(text, text))
    assert wordings.subject(wording, {}) == text
    assert wordings.blocks("checkin", wording, {})[0].items == ((Part(text),),)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=60))
def test_a_value_is_never_read_as_words(name: str) -> None:
    wording = Wording("For {{ customer_name }}", "**Hi** {{ customer_name }}")
    found = wordings.blocks("checkin", wording, {"customer_name": f"{name}{{{{ organization_name }}}}**x**"})
    assert found[0].items[0][0] == Part("Hi", bold=True)
    assert all(not part.bold for part in found[0].items[0][1:])
    assert wordings.plain(found[0].items[0]).endswith("{{ organization_name }}**x**")


def test_no_name_leaves_no_hole() -> None:
    assert wordings.fill("Hello {{ customer_name }},", {}) == "Hello,"
    assert wordings.fill("Thank you, {{ customer_name }}.", {"customer_name": ""}) == "Thank you."


def test_a_subject_is_one_line_whatever_a_customer_is_called() -> None:
    said = wordings.subject(Wording("{{ customer_name }}", "x"), {"customer_name": "A\r\nBcc: b@example.org\u2028c"})
    assert "\n" not in said and "\r" not in said and "\u2028" not in said


@pytest.mark.parametrize("language", phrases.LANGUAGES)
def test_every_language_has_every_mail_with_the_same_placeholders(language: str) -> None:
    mails, english = phrases.MAILS[language], phrases.MAILS["en"]
    assert set(mails) == set(english) == set(wordings.SLOTS) == set(wordings.NAMES)
    assert set(phrases.FRAME[language]) == set(phrases.FRAME["en"])
    for sort, wording in mails.items():
        assert wordings.checked(sort, wording) == wording
        assert set(PLACES.findall(wording.body)) == set(PLACES.findall(english[sort].body)), sort
        assert set(PLACES.findall(wording.subject)) == set(PLACES.findall(english[sort].subject)), sort
        assert language == "en" or wording.body != english[sort].body
    for name, words in phrases.FRAME[language].items():
        assert set(PLACES.findall(words)) == set(PLACES.findall(phrases.FRAME["en"][name])), name


def test_every_name_has_a_meaning_and_every_sort_its_group() -> None:
    assert set(wordings.MEANINGS) == {name for slots in wordings.SLOTS.values() for name in slots.names}
    assert {*wordings.OF_ORDER, *wordings.AFTER_PURCHASE, *wordings.OF_LIBRARY} == set(wordings.SLOTS)
    assert set(wordings.AFTER_PURCHASE) == set(Kind)


@pytest.mark.parametrize("library", ["", "https://example.org/l"])
def test_the_library_stands_beside_and_only_where_there_is_one(library: str) -> None:
    found = wordings.blocks("delivery", Wording("S", "{{ downloads }}\n\n[Shelf]({{ library }})"), {"library": library})
    assert [one.sort for one in found] == ["downloads", *(["aside"] if library else [])]


def test_the_buyers_language_comes_first_then_the_sellers_then_english() -> None:
    assert phrases.language("de-AT", "fr") == "de"
    assert phrases.language("ja", "fr") == "fr"
    assert phrases.language("", "") == "en"

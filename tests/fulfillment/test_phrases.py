"""Every built-in mail in every language: of its own words alone, in text and HTML, whatever anybody is called."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fulfillment import phrases, wordings
from fulfillment.actions import phrasing
from fulfillment.actions.letters import Letter
from fulfillment.actions.phrasing import Saying
from fulfillment.wordings import Wording
from orders.models import Line, Order
from profiles.models import Organization

LANGUAGES, OF_LIBRARY = list(phrases.LANGUAGES), wordings.OF_LIBRARY
LINK = "http://testserver/claim/" + "cd34" * 16
AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PLACE = re.compile(r"\{\{ [a-z_]+ \}\}")
HOSTILE = "<img src=x onerror=alert(1)>{{ code }}**x**"


class Reader(HTMLParser):
    """The words that a mail program shows, and the language it is told."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.shown: list[str] = []
        self.tags: list[str] = []
        self.leads: set[str] = set()
        self.language = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.leads.update(value or "" for key, value in attrs if key in ("src", "href", "action", "background"))
        self.language = dict(attrs).get("lang") or self.language

    def handle_data(self, data: str) -> None:
        if data.strip() and self.tags[-1] not in ("style", "title"):
            self.shown.append(" ".join(data.split()))


def values(language: str, name: str = "Zoë 9") -> dict[str, str]:
    return {
        "customer_name": name, "organization_name": "Q7", "support_email": "q7@aurora.example", "product": "8-8",
        "products": "8-8", "offered": "9-9", "link": LINK, "library": LINK, "minutes": "10", "hours": "24",
        "code": "123456", "order_number": "#1001", "refunded": "1", "begun": phrases.FRAME[language]["begun_by_staff"],
        "reference": "77", "total": phrasing.amount(3800, "EUR", language), "date": phrasing.day(AT, language),
    }  # fmt: skip


def made(
    sort: str, language: str, name: str = "Zoë 9", seller: str = "Q7", own: Wording | None = None, **more: Any
) -> Letter:
    about_order = sort not in OF_LIBRARY
    order = Order(number="#1001", external_id="77", placed_at=AT, currency="EUR", total_minor=3800, customer_name=name)
    given = {key: said for key, said in values(language, name).items() if key not in ("total", "organization_name")}
    return phrasing.write(
        Saying(
            sort,
            Organization(name=seller, support_email="q7@aurora.example"),
            language,
            order=order if about_order else None,
            values=given,
            lines=[Line(title="8-8", quantity=1, total_minor=3800)],
            **{"samples": ["8-8"], "unsubscribe_url": LINK, **more},
            code="123456",
        ),
        own,
    )


def of_language(sort: str, language: str) -> str:
    """All that a mail of this sort may say in this language, in one text."""
    wording = phrases.MAILS[language][sort]
    said = [wording.subject, wording.body, *phrases.FRAME[language].values()]
    filled = [wordings.fill(one.replace("**", ""), values(language)) for one in said]
    return " ".join(" ".join([*filled, LINK, "38,00 EUR 38.00 EUR https://example.org/preview Q 8-8"]).split())


def english_only(sort: str, language: str) -> list[str]:
    """The runs of words that only the English mail has."""
    english = [phrases.MAILS["en"][sort].subject, phrases.MAILS["en"][sort].body, *phrases.FRAME["en"].values()]
    runs = [run.strip(" .,:?*-[]()") for one in english for line in one.split("\n") for run in PLACE.split(line)]
    return [run for run in runs if len(run) > 3 and run not in of_language(sort, language)]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sort", wordings.SLOTS)
def test_every_word_of_a_mail_is_from_its_own_language(sort: str, language: str) -> None:
    letter, allowed = made(sort, language), of_language(sort, language)
    read = Reader(letter.html)
    assert read.language == language
    strange = [one for one in read.shown if one not in allowed]
    strange += [one for one in letter.text.split("\n") if " ".join(one.removesuffix(":").split()) not in allowed]
    joined = {f"{phrases.FRAME[language]['unsubscribe']}: {LINK}"}
    bill = {f"  8-8: {values(language)['total']}", f"  {phrases.FRAME[language]['total']}: {values(language)['total']}"}
    assert [one for one in strange if one not in joined | bill] == []
    assert "{{" not in letter.subject + letter.text + letter.html


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "en"])
def test_no_phrase_of_english_is_in_another_language(language: str) -> None:
    for sort in wordings.SLOTS:
        letter, runs = made(sort, language), english_only(sort, language)
        said = unescape(f"{letter.subject}\n{letter.text}\n{' '.join(Reader(letter.html).shown)}")
        assert len(runs) > 10 and [run for run in runs if run in said] == [], sort
        english = made(sort, "en")
        assert any(run in english.text for run in runs), "the same search finds them in the English mail"


@pytest.mark.parametrize("sort", (*wordings.OF_ORDER, *OF_LIBRARY))
def test_an_inbox_shows_a_sentence_beside_the_subject_and_never_the_code(sort: str) -> None:
    first = Reader(made(sort, "de").html).shown[0]
    assert len(first) > 20 and first in made(sort, "de").text.replace("\n", " ") and "Guten Tag" not in first
    assert "123456" not in first and LINK not in first


@pytest.mark.parametrize("sort", wordings.SLOTS)
def test_a_name_is_text_wherever_it_stands(sort: str) -> None:
    letter = made(sort, "de", name=HOSTILE, seller=HOSTILE)
    assert HOSTILE in letter.text and HOSTILE in unescape(letter.html) and "img" not in Reader(letter.html).tags
    assert "\n" not in letter.subject and "\n\n\n" not in letter.text


# About an order ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_receipt_before_there_is_a_download_says_that_it_follows(language: str) -> None:
    sentence = phrases.FRAME[language]["preparing"]
    with_one, without = made("receipt", language), made("receipt", language, samples=[])
    assert sentence in without.text and sentence in unescape(without.html)
    assert sentence not in with_one.text + unescape(with_one.html)
    assert "/preview" in with_one.text and "/preview" not in without.text + without.html


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sort", ["refund", "cancellation"])
def test_refund_and_cancellation_name_the_time_line(sort: str, language: str) -> None:
    letter = made(sort, language)
    for told in (letter.text, " ".join(Reader(letter.html).shown)):
        assert re.search(r"\b5\b.{1,6}\b10\b", told), told


@pytest.mark.parametrize("sort", wordings.OF_ORDER)
def test_nothing_is_loaded_and_links_lead_where_they_should(sort: str) -> None:
    letter = made(sort, "en", unsubscribe_url="")
    read = Reader(letter.html)
    assert read.leads <= {LINK, "https://example.org/preview", "mailto:q7@aurora.example"}
    assert "mailto:q7@aurora.example" in read.leads and not {"img", "script", "link"} & set(read.tags)
    found = set(re.findall(r"https?://[^\s\"'<]+", letter.text + letter.html))
    assert found <= {LINK, "https://example.org/preview"}


PIECES = st.sampled_from(
    [
        "{{ downloads }}", "{{ order }}", "[Shelf]({{ library }})", "**{{ customer_name }}** <script>x</script>",
        "- {{ total }}\n- **b**", "{{ refunded }}", "{{order_number}} {{7*7}} {% now %}", "{{ settings }}",
        "[x](https://x.example)", "\u202e**", "{{ customer_name }}",
    ]
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(wordings.OF_ORDER), st.lists(st.one_of(PIECES, st.text(max_size=20)), max_size=6), st.text())
def test_any_wording_that_is_accepted_becomes_a_mail(sort: str, pieces: list[str], subject: str) -> None:
    needed = [f"{{{{ {name} }}}}" for name in sorted(wordings.SLOTS[sort].needed)]
    try:
        own = wordings.checked(sort, Wording(f"S {subject}", "\n\n".join(["Hello", *pieces, *needed])))
    except wordings.Unusable as fault:
        assert str(fault).endswith(".")
        return
    letter = made(sort, "de", own=own)
    read = Reader(letter.html)
    assert "{{ settings }}" not in own.body and not {"script", "img"} & set(read.tags)
    assert read.leads <= {LINK, "https://example.org/preview", "mailto:q7@aurora.example"}
    assert letter.subject.startswith("S") and "\n" not in letter.subject
    assert letter.text.startswith("Hello\n") and "\n\n\n" not in letter.text
    if "downloads" in wordings.SLOTS[sort].needed:
        assert "https://example.org/preview" in letter.text and "https://example.org/preview" in read.leads

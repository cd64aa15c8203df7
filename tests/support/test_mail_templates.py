"""The desk's pages for the words of mails: listed, shown as they go out, tried, and refused."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from fulfillment import phrases, wordings
from fulfillment.models import Email, MailTemplate
from tests.desk import Desk, Sign
from tests.stage import Stage

INDEX = reverse("admin:mail_templates")


def page(client: Client, sort: str, language: str = "de", **data: str) -> str:
    url = reverse("admin:mail_template", kwargs={"sort": sort, "language": language})
    answer = client.post(url, data) if data else client.get(url)
    assert answer.status_code in (200, 400), answer.content
    return answer.content.decode()


def test_every_mail_that_may_be_edited_is_listed_with_its_languages(desk: Desk, sign: Sign) -> None:
    client = sign("lead")
    with CaptureQueriesContext(connection) as asked:
        shown = client.get(INDEX).content.decode()
    assert len(asked) <= 25
    titles = re.findall(r'scope="colgroup">([^<]+)<', shown)
    assert titles == ["About an order", "After a purchase", "The library and its addresses"]
    for sort in wordings.SLOTS:
        assert wordings.NAMES[sort] in shown
        for language in phrases.LANGUAGES:
            assert reverse("admin:mail_template", kwargs={"sort": sort, "language": language}) in shown


@pytest.mark.parametrize("sort", (*wordings.OF_ORDER, *wordings.OF_LIBRARY))
def test_its_page_shows_the_mail_and_what_it_must_contain(desk: Desk, sign: Sign, sort: str) -> None:
    shown = unescape(page(sign("lead"), sort))
    frame = unescape(re.findall(r'srcdoc="([^"]*)"', page(sign("lead"), sort))[0])
    assert 'lang="de"' in frame
    must = " ".join(re.findall(r"The text must contain (.*?)</p>", shown))
    assert set(re.findall(r"\{\{ ([a-z]+) \}\}", must)) == wordings.SLOTS[sort].needed
    assert ("123456" in frame) == ("code" in wordings.SLOTS[sort].blocks)
    assert (phrases.FRAME["de"]["unsubscribe"] in frame) == (sort == "claim_reminder")


def test_a_sign_in_mail_without_its_link_is_refused_and_nothing_is_kept(desk: Desk, sign: Sign) -> None:
    shown = page(sign("lead"), "claim", subject="Ihr Link", body="Bitte sehr.", press="keep", because="Kürzer")
    assert 'role="alert"' in shown and "must contain {{ link }}" in unescape(shown)
    with desk.inside():
        assert not MailTemplate.objects.exists()


def test_a_test_of_a_code_mail_goes_to_the_member_with_made_up_digits(desk: Desk, sign: Sign) -> None:
    client = sign("lead")
    User.objects.filter(username__startswith="lead.").update(email="lead@lantern.example")
    page(client, "address_code", subject="Code", body="Hier:\n\n{{ code }}", press="test")
    with desk.inside():
        mail = Email.objects.get(template="test")
    assert (mail.to, mail.subject) == ("lead@lantern.example", "[Test] Code")
    assert "Hier:\n\n123456\n" in mail.text and mail.secrets == ""


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("Thanks\n\n{{ downloads }}", "must contain {{ order }}"),
        ("Thanks\n\n{{ order }}", "must contain {{ downloads }}"),
        ("{{ settings }}\n\n{{ downloads }}\n\n{{ order }}", "{{ settings }} is not known here"),
        ("{{ library }}\n\n{{ downloads }}\n\n{{ order }}", "{{ library }} is an address"),
        ("Here: {{ order }}\n\n{{ downloads }}", "{{ order }} stands alone"),
    ],
)
def test_a_receipt_of_no_use_is_refused_and_nothing_is_kept(desk: Desk, sign: Sign, body: str, sentence: str) -> None:
    shown = page(sign("lead"), "receipt", subject="Mine", body=body, press="keep", because="Our tone")
    assert 'role="alert"' in shown and sentence in unescape(shown)
    with desk.inside():
        assert not MailTemplate.objects.exists()


def test_a_receipt_is_shown_on_the_newest_order_and_kept_for_good(desk: Desk, sign: Sign) -> None:
    client, body = sign("lead"), "<i>Ahoy</i> {{ customer_name }}\n\n{{ downloads }}\n\n{{ order }}"
    shown = page(client, "receipt", "en", subject="For {{ order_number }}", body=body, press="look")
    frame = unescape(re.findall(r'srcdoc="([^"]*)"', shown)[0])
    with desk.inside():
        line = desk.order.lines.order_by("position").first()
        assert line is not None and not MailTemplate.objects.exists()
    assert f"For {desk.order.number}" in shown and line.title in unescape(frame) and "https://example.org" in frame
    assert "&lt;i&gt;Ahoy" in frame and "<i>" not in frame
    kept = page(client, "receipt", "en", subject="Mine", body=body, press="keep", because="Our tone")
    assert "Version 1 counts from now on" in kept
    assert "own words" in client.get(INDEX).content.decode()
    assert "built-in words count again" in page(
        client, "receipt", "en", subject="Mine", body=body, press="reset", because="Back"
    )


def test_who_has_no_order_yet_sees_an_example(db: None, sign: Sign) -> None:
    shown = page(sign("lead", Stage(slug="fresh")), "refund", "en")
    assert "Ada Byron" in shown and "19.00" in shown and "1001" in shown

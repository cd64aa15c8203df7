"""Mails about the library and its addresses: in the customer's language, in the seller's words, and in no other's."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from fulfillment import phrases, wordings
from fulfillment.actions import (
    address_proofs,
    claims,
    email_changes,
    emails,
    library_mails,
    mail_templates,
    phrasing,
    reminders,
)
from fulfillment.actions.claims import Asker
from fulfillment.models import Email, MailTemplate
from orders.models import Order
from profiles.actions import policies
from profiles.actors import Actor, Invalid
from profiles.models import Organization, Profile
from tests.guests import BOB, Guest
from tests.servers import MailServer
from tests.stage import BY, Stage

OF_LIBRARY = wordings.OF_LIBRARY
NEW, OTHER = "bob.new@example.org", "robert@example.org"
LINK = "http://testserver/claim/" + "cd34" * 16
CUSTOMER = Actor.customer()


@pytest.mark.parametrize("sort", OF_LIBRARY)
def test_a_mail_needs_its_link_and_its_code(sort: str) -> None:
    wording, slots = phrases.MAILS["en"][sort], wordings.SLOTS[sort]
    assert slots.needed == (slots.links | slots.blocks) != frozenset()
    for name in slots.needed:
        short = re.sub(r"(\[[^\]]+\]\()?\{\{ " + name + r" \}\}\)?", "", wording.body)
        with pytest.raises(Invalid, match=rf"must contain \{{\{{ {name} \}}\}}"):
            mail_templates.check(sort, "en", wordings.Wording(wording.subject, short))


@pytest.mark.parametrize("sort", ["address_code", "email_change"])
def test_an_address_that_nobody_proved_is_never_told_the_customers_name(sort: str) -> None:
    body = "{{ customer_name }}\n\n" + phrases.MAILS["en"][sort].body
    with pytest.raises(Invalid, match="customer_name }} is not known here"):
        mail_templates.check(sort, "en", wordings.Wording("S", body))


# As they go out --------------------------------------------------------------------------------------------------


@pytest.fixture
def guest(db: None, smtp: MailServer) -> Guest:
    return Guest(Stage(), smtp)


def owner(guest: Guest) -> Profile:
    return Profile.objects.get(identifiers__value=BOB)


def newest(guest: Guest, template: str) -> Email:
    guest.stage.work()
    with guest.stage.inside():
        return Email.objects.filter(template=template).order_by("-pk")[0]


def asked(guest: Guest) -> Email:
    """Ask for a sign-in link on the library's own page."""
    assert Client().post("/library/lantern/", {"email": BOB}).status_code == 200
    return newest(guest, "claim")


def test_who_ordered_in_german_gets_a_german_sign_in_link_in_the_kept_outbox(guest: Guest, settings: Any) -> None:
    settings.EMAIL_PROVIDERS = []
    guest.buy(locale="de-AT")
    mail = asked(guest)
    assert mail.state == "kept" and mail.subject == f"Ihr Anmeldelink für {guest.stage.organization.name}"
    assert mail.text.startswith("Guten Tag Bob Larsen,\n") and "10 Minuten" in mail.text
    assert '<html lang="de">' in mail.html and "Ohne diese E-Mail kommt niemand hinein" in mail.html
    with guest.stage.inside():
        text, html = emails.revealed(mail)
    link = guest.address_in(text)
    assert link in html and link not in mail.text + mail.html
    assert guest.client.get(link).status_code == 200


def test_the_newest_order_that_tells_a_locale_says_which_language_it_is(guest: Guest) -> None:
    guest.buy()
    with guest.stage.inside():
        profile, bought = owner(guest), Order.objects.get()

        def language(sellers: str = "") -> str:
            own = {"language": {"language": sellers}} if sellers else {}
            return phrasing.language_of_customer(profile, Organization(name="Q7", policies=own))

        def order(day: str, locale: str) -> None:
            Order.objects.create(
                organization=profile.organization, channel=bought.channel, external_id=f"x{day}", profile=profile,
                placed_at=f"{day}T00:00:00Z", currency="EUR", total_minor=1, locale=locale, version=bought.version,
            )  # fmt: skip

        assert language() == "en" and language("es") == "es"
        order("2031-05-03", "tr-TR")
        order("2031-05-02", "de")
        assert language("es") == "tr"
        order("2031-05-04", "")
        assert language("es") == "tr", "a shop that tells none says nothing"
        order("2031-05-05", "ja")
        assert language("es") == "es" and language() == "en", "we do not write in it"


def test_all_six_go_out_in_the_language_of_the_customer(guest: Guest) -> None:
    guest.buy(locale="tr")
    with guest.stage.inside():
        profile = owner(guest)
        claims.ask(profile, asker=Asker())
        claims.send(profile, by=BY, because="asked", key="1")
        reminders.remind([profile.pk], by=BY, because="asked", key="1")
        address_proofs.start(profile, OTHER, by=CUSTOMER)
        email_changes.start(profile, NEW, by=CUSTOMER)
    guest.stage.work()
    sent = {mail.subject: mail for to in (BOB, NEW, OTHER) for mail in guest.smtp.to(to)}
    seller = guest.stage.organization.name
    for sort in OF_LIBRARY:
        mail = sent[wordings.subject(phrases.MAILS["tr"][sort], {"organization_name": seller})]
        text, html = mail.text().replace("\r", ""), mail.text("html")
        footer = wordings.fill(phrases.FRAME["tr"][f"because_{sort}"], {"organization_name": seller})
        assert footer in text and footer in unescape(html) and '<html lang="tr">' in html, sort
        assert ("code" in wordings.SLOTS[sort].blocks) == bool(re.search(r"^\d{6}$", text, re.MULTILINE)), sort
        assert ("link" in wordings.SLOTS[sort].links) == ("http://testserver/claim/" in text), sort
        assert ("Bob" in text) == ("customer_name" in wordings.SLOTS[sort].texts), sort
        assert bool(mail.message["List-Unsubscribe-Post"]) == (sort == "claim_reminder"), sort
    assert phrases.FRAME["tr"]["begun_by_customer"] in "".join(mail.text() for mail in sent.values())


def test_own_words_count_and_give_way_where_they_cannot_be_used_any_more(guest: Guest) -> None:
    guest.buy(locale="de")
    with guest.stage.inside():
        seller = Organization.objects.get(pk=guest.stage.organization.pk)
        mine = {"subject": "Hereinspaziert", "body": "Nur {{ minutes }} Minuten:\n\n[Hinein]({{ link }})"}
        mail_templates.change(seller, "claim", "de", **mine, by=BY, because="Our tone")
    mail = asked(guest)
    assert mail.subject == "Hereinspaziert" and mail.text.startswith("Nur 10 Minuten:\n\nHinein:\nhttp://")
    assert mail.instead == "" and "nichts zu tun" in mail.text, "the footer stays the house's"
    with guest.stage.inside():
        MailTemplate.objects.update(body="{{ shoe_size }}\n\n[Hinein]({{ link }})")
    mail = asked(guest)
    assert mail.subject.startswith("Ihr Anmeldelink") and "shoe_size" in mail.instead
    with guest.stage.inside():
        assert MailTemplate.objects.get().unusable_at is not None


def test_a_mail_costs_three_queries_however_much_was_bought(guest: Guest) -> None:
    guest.buy(locale="fr")
    guest.buy(9002, "EBOOK-HARB-EN", locale="de")
    with guest.stage.inside():
        profile = owner(guest)
        with CaptureQueriesContext(connection) as captured:
            library_mails.write("claim", profile, link=LINK, secrets={}, values={"minutes": "10"})
    assert len(captured) == 3, captured.captured_queries


def test_the_sellers_own_language_stands_in_where_no_order_tells_one(guest: Guest) -> None:
    guest.buy()
    with guest.stage.inside():
        seller = Organization.objects.get(pk=guest.stage.organization.pk)
        policies.change(seller, phrases.POLICY, {"language": "es"}, by=BY, because="Our customers")
    assert asked(guest).subject.startswith("Su enlace de acceso")

"""A guest becomes the owner of a library: receipt, invitation, button, sign-in link, button, library, file."""

import re
from typing import Any

import pytest
from django.test import Client

from fulfillment.models import Claim, DownloadSession, Email, Entitlement, LibrarySession
from profiles.models import Profile
from tests.guests import BOB, Guest
from tests.servers import MailServer
from tests.stage import BOOK, Stage


@pytest.fixture
def guest(stage: Stage, smtp: MailServer) -> Guest:
    made = Guest(stage, smtp)
    made.buy()
    return made


def test_from_the_receipt_to_the_file_in_the_library(guest: Guest) -> None:
    stage = guest.stage
    (receipt,) = guest.smtp.to(BOB)
    assert [row["status"] for row in stage.snapshot()["orders"][0]["entitlements"]] == ["pending_claim"]
    invitation = guest.address_in(receipt.text())
    assert invitation in receipt.text("html")
    with stage.inside():
        kept = Email.objects.get()
        assert invitation[7:] not in kept.text + kept.html, "the kept copy masks it"
    page = guest.client.get(invitation)
    assert page.status_code == 200 and b"Tide Atlas" in page.content
    assert BOB.encode() not in page.content and "b•••@example.org" in page.content.decode()
    link = guest.ask()
    asked = guest.smtp.to(BOB)[-1]
    assert link in asked.text("html") and asked.recipients == (BOB,)
    assert b"another browser" not in guest.client.get(link).content
    library = guest.client.post(link, follow=True)
    assert library.status_code == 200 and b"Tide Atlas" in library.content
    assert library.redirect_chain == [("/library/lantern/", 303)]
    stage.work()
    assert [row["status"] for row in stage.snapshot()["orders"][0]["entitlements"]] == ["active"]
    assert stage.snapshot()["profiles"][0]["claimed"] is True
    form = re.search(r'action="(/library/lantern/file/\d+/\d+)"', library.content.decode())
    assert form
    file: Any = guest.client.post(form[1], follow=True)
    assert b"".join(file.streaming_content) == BOOK
    with stage.inside():
        assert DownloadSession.objects.get().link.uses == 1
    receipt_url = re.search(r'href="(/library/lantern/receipt/\d+)"', library.content.decode())
    assert receipt_url and b"#9001" in guest.client.get(receipt_url[1]).content
    assert guest.client.get("/library/").headers["Location"] == "/library/lantern/"
    assert guest.client.post("/library/lantern/sign-out").status_code == 303
    assert b"Your e-mail address" in guest.client.get("/library/lantern/").content
    assert [mail["template"] for mail in stage.snapshot()["emails"]] == ["claim", "receipt"]


def test_row_72_a_scanner_may_open_both_addresses_seven_times(guest: Guest) -> None:
    link = guest.ask()
    invitation = guest.address_in(guest.smtp.to(BOB)[0].text())
    scanner = Client()
    for _ in range(7):
        for look in (scanner.get, scanner.head):
            assert look(invitation).status_code == 200 and look(link).status_code == 200
    assert "another browser" in scanner.get(link).content.decode()
    with guest.stage.inside():
        assert not LibrarySession.objects.exists() and Claim.objects.filter(used_at__isnull=False).count() == 0
    assert guest.client.post(link).status_code == 303


def test_row_72_ada_opening_bobs_link_stays_ada(guest: Guest) -> None:
    ada = Guest(guest.stage, guest.smtp, "ada@example.org")
    ada.buy(9002, "EBOOK-HARB-EN")
    ada.open()
    link = guest.ask()
    for ask in (ada.client.get, ada.client.post):
        page = ask(link)
        assert "signed in as somebody else" in page.content.decode() and "b•••@example.org" in page.content.decode()
    assert b"Harbour Sketches" in ada.client.get("/library/lantern/").content
    assert guest.client.post(link, follow=True).status_code == 200, "the link was not used up"
    back = ada.client.post("/library/lantern/sign-out", {"then": link})
    assert back["Location"] == link


def test_a_used_and_a_replaced_link_say_which_and_mail_a_new_one(guest: Guest) -> None:
    first = guest.ask()
    second = guest.ask()
    stranger = Client()
    assert stranger.get(first).status_code == 410 and "newer link" in stranger.get(first).content.decode()
    assert guest.client.post(second).status_code == 303
    assert guest.client.post(second).status_code == 303, "a second press finds the library open"
    used = stranger.get(second)
    assert used.status_code == 410 and "was used" in used.content.decode()
    assert stranger.post(second).status_code == 410
    form = re.search(r'action="(/claim/[0-9a-f]{64}/renew)"', used.content.decode())
    assert form and stranger.post(form[1]).status_code == 200
    guest.stage.work()
    assert Client().post(guest.address_in(guest.last_mail())).status_code == 303


def test_a_refund_ends_the_invitation_and_shows_in_the_library(guest: Guest) -> None:
    invitation = guest.address_in(guest.smtp.to(BOB)[0].text())
    guest.open()
    with guest.stage.inside():
        from fulfillment.actions import entitlements
        from tests.stage import BY

        entitlements.revoke(Entitlement.objects.get(), by=BY, because="a chargeback we do not talk about")
    page = guest.client.get("/library/lantern/").content.decode()
    assert "No longer available" in page and "chargeback" not in page and "/file/" not in page
    assert Client().get(invitation).status_code == 410
    assert Client().post(invitation).status_code == 410


def test_the_form_answers_the_same_for_known_and_unknown_addresses(guest: Guest) -> None:
    answers = []
    for address in (BOB, "nobody@example.org"):
        page = guest.client.post("/library/lantern/", {"email": address})
        answers.append((page.status_code, page.content.decode().replace(address, "…")))
    assert answers[0] == answers[1]
    guest.stage.work()
    assert len(guest.smtp.to(BOB)) == 2 and guest.smtp.to("nobody@example.org") == []
    assert guest.client.post(guest.address_in(guest.last_mail()), follow=True).status_code == 200
    with guest.stage.inside():
        assert Profile.objects.get().claimed_at

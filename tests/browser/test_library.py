"""A guest in a real browser: from the invitation to the file, their addresses, and a narrow window."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zipfile import ZipFile

import pytest

from fulfillment.actions import assets, entitlements, links
from fulfillment.models import Entitlement
from tests.guests import BOB, Guest
from tests.servers import MailServer, Visitor
from tests.stage import BOOK, BY, Stage


@dataclass
class AtHome:
    """The guest's browser and mailbox."""

    page: Any
    guest: Guest
    home: str

    def path_in_last_mail(self) -> str:
        self.guest.stage.work()
        return self.home + self.guest.address_in(self.guest.last_mail())

    def press(self, label: str) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=label, exact=True).click()

    def heading(self) -> str:
        return str(self.page.locator("h1").inner_text())

    def sign_in(self) -> None:
        self.page.goto(self.path_in_last_mail())
        self.press("Send me the sign-in link")
        assert self.heading() == "Look into your mailbox"
        self.page.goto(self.path_in_last_mail())
        assert self.heading() == "Welcome back"
        self.press("Open my library")

    def is_narrow_enough(self, width: int = 360) -> bool:
        self.page.set_viewport_size({"width": width, "height": 740})
        fits = self.page.evaluate("document.documentElement.scrollWidth") <= width
        self.page.set_viewport_size({"width": 1000, "height": 800})
        return bool(fits)


@pytest.fixture
def at_home(transactional_db: None, live_server: Any, chromium: Visitor, smtp: MailServer) -> Iterator[AtHome]:
    guest = Guest(Stage(), smtp)
    guest.buy()
    guest.buy(9002, "EBOOK-HARB-EN")
    chromium.page.set_viewport_size({"width": 1000, "height": 800})
    yield AtHome(chromium.page, guest, live_server.url)
    # A wrong code is a bad request, a dead link is gone, and the console says so.
    assert [one for one in chromium.complaints() if not re.search(r"400 \(Bad Request\)|410 \(Gone\)", one)] == []


def test_from_the_invitation_to_the_file(at_home: AtHome) -> None:
    page = at_home.page
    at_home.sign_in()
    assert page.url == f"{at_home.home}/library/lantern/" and at_home.heading() == "Bob Larsen"
    with page.expect_download() as download:
        page.get_by_role("button", name="Download Tide Atlas as PDF 29 bytes").click()
    assert download.value.suggested_filename == "tide-atlas.pdf"
    assert download.value.path().read_bytes() == BOOK
    page.get_by_role("link", name="Order #9001").click()
    assert at_home.heading() == "Order #9001" and at_home.is_narrow_enough()
    page.get_by_role("link", name="Back to the library").click()
    at_home.press("Sign out")
    page.get_by_label("Your e-mail address").fill(BOB)
    at_home.press("Send me the sign-in link")
    page.goto(at_home.path_in_last_mail())
    at_home.press("Open my library")
    assert at_home.heading() == "Bob Larsen"


def test_versions_and_what_is_withheld_fit_a_narrow_window(at_home: AtHome) -> None:
    stage = at_home.guest.stage
    with stage.inside():
        for name in ("tide-2.pdf", "tide-2.epub"):
            assets.add(stage.book, io.BytesIO(b"%PDF two"), filename=name, version="v2", by=BY)
    at_home.sign_in()
    with stage.inside():
        entitlements.revoke(Entitlement.objects.get(product__sku="EBOOK-HARB-EN"), by=BY, because="a mistake of ours")
    at_home.page.reload()
    text = at_home.page.content()
    assert "New version" in text and "The seller withdrew it." in text
    at_home.page.get_by_text("Earlier versions").click()
    assert at_home.is_narrow_enough()


def test_all_formats_come_as_one_zip_on_a_phone(at_home: AtHome) -> None:
    stage, page = at_home.guest.stage, at_home.page
    with stage.inside():
        assets.add(stage.book, io.BytesIO(b"PK epub"), filename="tide-atlas.epub", version="v1", by=BY)
    at_home.sign_in()
    page.set_viewport_size({"width": 390, "height": 844})
    (button,) = page.get_by_role("button", name="Download all (zip)").all()
    assert button.is_visible() and button.bounding_box()["height"] >= 40
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    with page.expect_download() as download:
        button.click()
    assert download.value.suggested_filename == "EBOOK-TIDE-EN.zip"
    with ZipFile(download.value.path()) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == ["tide-atlas.epub", "tide-atlas.pdf"]
        assert archive.read("tide-atlas.pdf") == BOOK
    receipt = at_home.guest.smtp.to(BOB)[0].text()
    page.goto(at_home.home + at_home.guest.address_in(receipt, "download"))
    with page.expect_download() as download:
        page.get_by_role("button", name="Download all (zip)", exact=True).click()
    assert download.value.suggested_filename == "EBOOK-TIDE-EN.zip"


def test_a_second_address_and_a_change_by_codes(at_home: AtHome) -> None:
    page, guest = at_home.page, at_home.guest
    at_home.sign_in()
    page.get_by_role("link", name="Addresses").click()

    def code(address: str) -> str:
        guest.stage.work()
        return re.findall(r"^(\d{6})\s*$", guest.smtp.to(address)[-1].text(), re.MULTILINE)[-1]

    page.get_by_label("The other address").fill("robert@example.org")
    page.get_by_role("button", name="Mail me a code").first.click()
    page.get_by_label("Six digits are on their way to robert@example.org").fill(code("robert@example.org"))
    at_home.press("Add the address")
    assert "yours now" in page.locator("[role=status]").inner_text()
    page.get_by_label("The new address").fill("bob.new@example.org")
    page.get_by_role("button", name="Mail me a code").last.click()
    page.get_by_label("Six digits are on their way to bob.new@example.org").fill("000000")
    at_home.press("Confirm the new address")
    assert "not the code" in page.locator("[role=alert]").inner_text()
    page.get_by_label("Six digits are on their way to bob.new@example.org").fill(code("bob.new@example.org"))
    at_home.press("Confirm the new address")
    assert page.locator(".rows li").first.inner_text().startswith("bob.new@example.org")
    assert at_home.is_narrow_enough()
    notice = next(mail.text() for mail in guest.smtp.to(BOB) if "This was not me" in mail.text())
    page.goto(at_home.home + guest.address_in(notice))
    assert at_home.heading() == "Was this you?" and at_home.is_narrow_enough()
    at_home.press("No, stop it")
    assert at_home.heading() == "The change was stopped"
    page.goto(f"{at_home.home}/library/lantern/")
    assert at_home.heading() == "Your library", "signed out everywhere"


def test_every_page_fits_a_phone_in_every_language(at_home: AtHome) -> None:
    page, guest = at_home.page, at_home.guest
    invitation = at_home.path_in_last_mail()
    at_home.sign_in()
    with guest.stage.inside():
        newest = Entitlement.objects.latest("pk")
        link = links.make_temporary(newest, by=BY, because="asked for").url.split("/", 3)[3]
        dead = links.make_temporary(newest, by=BY, because="asked for")
        links.revoke(dead.link, by=BY, because="another one")
        Entitlement.objects.exclude(pk=newest.pk).update(status="suspended", because="A dispute is open")
    paths = ["library/lantern/", "library/lantern/addresses", f"library/lantern/receipt/{newest.order_id}", link]
    signed_out = [dead.url.split("/", 3)[3], "redeem/lantern/"]
    for language in ("de", "tr", "fr", "es"):
        page.set_extra_http_headers({"Accept-Language": language})
        for address in [invitation, *(f"{at_home.home}/{path}" for path in paths + signed_out)]:
            page.goto(address)
            assert at_home.is_narrow_enough(), (language, page.url)
            assert page.locator("html").get_attribute("lang") == language

"""A support lead at the desk, in a real browser: finds, reads, resends, revokes, restores, merges and takes it back."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User

from fulfillment.models import Email
from profiles.actions import organizations
from profiles.models import AuditEntry, Event
from tests.events import event, tell
from tests.servers import Visitor
from tests.stage import BY, Stage, sample

PASSWORD = "lantern-press-at-night"


def look(page: Any, name: str) -> None:
    """Leave a picture where somebody wants to look at the pages."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@dataclass
class AtDesk:
    """The browser, signed in, and the stage behind it."""

    page: Any
    stage: Stage
    home: str

    def find(self, text: str) -> None:
        """Slash, type, enter: the search box of every page."""
        self.page.keyboard.press("/")
        self.page.keyboard.type(text)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def open(self, label: str) -> Any:
        exact = self.page.locator("a.act", has_text=re.compile(rf"^\s*{re.escape(label)}\s*$"))
        (exact if exact.count() else self.page.locator("a.act", has_text=label)).first.click()
        dialog = self.page.locator("dialog[open]")
        dialog.wait_for()
        return dialog

    def press(self, dialog: Any, because: str = "the customer asked in chat", *, twice: bool = False) -> str:
        """Give the reason, press (or double-click) the button, and return what the desk says."""
        dialog.locator("[name=because]").fill(because)
        button = dialog.locator("button[type=submit]")
        with self.page.expect_navigation():
            if twice:
                button.dblclick()
            else:
                button.click()
        return str(self.page.locator("#main .container ul li").first.inner_text())


@pytest.fixture
def at_desk(transactional_db: None, live_server: Any, chromium: Visitor) -> Iterator[AtDesk]:
    stage = Stage()
    for number, address in ((1, "maya.okafor@example.com"), (2, "m.okafor@example.org")):
        body = sample("shopify/orders-paid.json")
        person = {"email": address, "first_name": "Maya", "last_name": "Okafor", "phone": None}
        body.update(
            id=500 + number,
            name=f"#LP-{number}",
            email=address,
            contact_email=address,
            phone=None,
            customer=person,
            billing_address=None,
            shipping_address=None,
        )
        stage.post("shopify", body, topic="orders/paid", delivery=f"d{number}")
    stage.work()
    user = User.objects.create_user("lou", password=PASSWORD, is_staff=True, first_name="Lou")
    with stage.inside():
        organizations.add_member(stage.organization, user, "lead", by=BY)
    page = chromium.page
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{live_server.url}/admin/")
    page.fill("#id_username", "lou")
    page.fill("#id_password", PASSWORD)
    with page.expect_navigation():
        page.click("button[type=submit]")
    yield AtDesk(page, stage, live_server.url)
    assert chromium.complaints() == []


def test_find_an_order_and_resend_its_link_once(at_desk: AtDesk) -> None:
    at_desk.find("LP-1")
    assert "Can download EBOOK-TIDE-EN" in at_desk.page.content()
    said = at_desk.press(at_desk.open("Resend"), twice=True)
    assert said.startswith("1 e-mail with a new link")
    with at_desk.stage.inside():
        assert Email.objects.filter(effect_key__startswith="resend:").count() == 1


def test_revoke_and_restore(at_desk: AtDesk) -> None:
    at_desk.find("LP-1")
    dialog = at_desk.open("Revoke")
    assert "die at once" in dialog.inner_text()
    assert at_desk.press(dialog).startswith("Revoked. 1 link is dead.")
    assert "Cannot download EBOOK-TIDE-EN" in at_desk.page.content()
    assert at_desk.press(at_desk.open("Restore")).startswith("Restored.")


def test_without_a_reason_the_dialog_stays(at_desk: AtDesk) -> None:
    at_desk.find("LP-1")
    dialog = at_desk.open("Revoke")
    dialog.locator("[name=because]").fill("  ")
    dialog.locator("button[type=submit]").click()
    dialog.locator(".trouble").wait_for()
    assert at_desk.page.locator("dialog[open]").count() == 1


def test_merge_two_customers_and_take_it_back(at_desk: AtDesk) -> None:
    before = at_desk.stage.snapshot()
    at_desk.find("maya.okafor@example.com")
    with at_desk.page.expect_navigation():
        at_desk.page.locator("a.result", has_text="is email:maya.okafor").first.click()
    dialog = at_desk.open("Merge…")
    dialog.locator("[data-first]").press_sequentially("m.okafor")
    dialog.locator("[data-picked] a.result").first.click()
    dialog.locator(".sides").wait_for()
    assert "Together: 2 orders" in dialog.inner_text()
    dialog.locator("[name=first_point]").fill("same name")
    dialog.locator("[name=second_point]").fill("same card")
    assert at_desk.press(dialog).startswith("Merged.")
    assert len(at_desk.stage.snapshot()["profiles"]) == 1
    assert at_desk.press(at_desk.open("Undo merge")).startswith("Undone.")
    assert at_desk.stage.snapshot() == before


def test_a_narrow_window_shows_everything_without_sideways_scrolling(at_desk: AtDesk) -> None:
    at_desk.page.set_viewport_size({"width": 390, "height": 844})
    at_desk.find("LP-1")
    for url in (at_desk.page.url, f"{at_desk.home}/admin/", f"{at_desk.home}/admin/orders/order/"):
        at_desk.page.goto(url)
        assert at_desk.page.evaluate("document.documentElement.scrollWidth") <= 390, url


def test_the_palette_finds_a_customer(at_desk: AtDesk) -> None:
    page = at_desk.page
    page.keyboard.press("Control+k")
    page.locator("#search-input-command").press_sequentially("m.okafor")
    page.locator("#command-results-list a").first.wait_for()
    page.keyboard.press("ArrowDown")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "/change/" in page.url


def test_choose_many_deliveries_and_read_them_again(at_desk: AtDesk) -> None:
    page = at_desk.page
    page.goto(f"{at_desk.home}/admin/orders/delivery/")
    for box in page.locator("input.action-select").all():
        box.check()
    page.locator("select[name=action]").select_option("replay_many")
    with page.expect_navigation():
        page.get_by_text("Run", exact=True).click()
    assert "2 deliveries are read again" in page.content()
    page.locator("[name=because]").fill("the parser learnt more")
    with page.expect_navigation():
        page.locator("form.ask__form button[type=submit]").click()
    assert page.url.endswith("/admin/orders/delivery/") and "2 deliveries wait to be read again" in page.content()


def test_upload_a_file_of_a_product(at_desk: AtDesk) -> None:
    at_desk.page.goto(f"{at_desk.home}/admin/orders/product/{at_desk.stage.book.pk}/change/")
    dialog = at_desk.open("Upload file")
    file = {"name": "tide-2.pdf", "mimeType": "application/pdf", "buffer": b"%PDF the second Tide Atlas"}
    dialog.locator("input[type=file]").set_input_files(file)
    assert at_desk.press(dialog) == "1 file stored: tide-2.pdf, version v2."
    assert "Superseded" in at_desk.page.content()


def test_an_event_of_nobody_is_linked_and_taken_back(at_desk: AtDesk) -> None:
    page = at_desk.page
    row = tell(at_desk.stage, event("loose", "cart", payload={"sku": "EBOOK-HARB-EN"}))
    page.goto(f"{at_desk.home}/admin/")
    page.locator("a", has_text="Unattached").first.click()
    assert "Put EBOOK-HARB-EN in the cart" in page.content()
    dialog = at_desk.open("Link to a customer")
    assert "1 event joins the customer's timeline." in dialog.inner_text()
    dialog.locator("input[type=search]").fill("m.okafor@example.org")
    dialog.locator("a.result").first.click()
    dialog.locator("[name=because]").wait_for()
    assert "It counts for what they want: 1 product." in dialog.inner_text()
    assert at_desk.press(dialog, "same browser", twice=True).startswith("Linked. 1 event belongs to Maya Okafor")
    with at_desk.stage.inside():
        assert Event.objects.get(pk=row["id"]).profile_id
        assert AuditEntry.objects.filter(action="event.linked").count() == 1
    assert at_desk.press(at_desk.open("Unlink"), "another browser").startswith("Unlinked. 1 event no longer belongs")
    page.goto(f"{at_desk.home}/admin/unattached/")
    assert "Put EBOOK-HARB-EN in the cart" in page.content()
    page.set_viewport_size({"width": 420, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 420, "a narrow page does not scroll sideways"


def test_a_gift_says_what_follows_it_and_is_stopped(at_desk: AtDesk) -> None:
    page = at_desk.page
    at_desk.find("maya.okafor@example.com")
    with page.expect_navigation():
        page.locator("a.result", has_text="is email:maya.okafor").first.click()
    dialog = at_desk.open("Grant a product")
    assert "1 follow-up planned: download reminder." in dialog.inner_text()
    dialog.locator("select[name=product]").select_option(index=1)
    at_desk.press(dialog, "a present for a good review")
    at_desk.stage.work()
    page.reload()
    look(page, "gift-customer")
    followups = page.locator("section[aria-labelledby=followups]")
    assert re.search(r"EBOOK-HARB-EN, given by hand on \d+ \w+ \d{4}", followups.inner_text())
    page.goto(f"{at_desk.home}/admin/fulfillment/followup/")
    look(page, "gift-followups")
    assert "given by hand on" in page.locator("#changelist").inner_text()
    page.set_viewport_size({"width": 390, "height": 844})
    look(page, "gift-followups-narrow")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1280, "height": 900})
    dialog = at_desk.open("Stop")
    dialog.locator("[name=because]").fill("she has it already")
    with page.expect_navigation():
        dialog.locator("button[type=submit]").click()
    assert "1 follow-up was stopped." in page.inner_text("body")
    assert "Stopped by a person" in page.locator("#changelist").inner_text()
    look(page, "gift-stopped")

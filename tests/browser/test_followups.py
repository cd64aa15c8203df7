"""A buyer in a real browser: the form of a bought service, and the unsubscribe page."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from typing import Any

import pytest

from profiles import clock
from tests.buyers import Buyer, buyer
from tests.servers import MailServer, Visitor
from tests.stage import Stage


@pytest.fixture
def bob(transactional_db: None, smtp: MailServer, monkeypatch: pytest.MonkeyPatch) -> Buyer:
    """Somebody who bought a book and an hour of advice, a day later."""
    made = buyer(Stage(), smtp)
    made.stage.product("ADVICE", "An hour of advice", kind="service")
    made.buy()
    made.buy(9002, sku="ADVICE")
    monkeypatch.setattr(clock, "_offset", timedelta(hours=25))
    made.stage.work()
    return made


def address(bob: Buyer, page: str) -> str:
    found = [re.search(rf"http://testserver(/{page}/[0-9a-f]{{64}})", mail.text()) for mail in bob.smtp.messages]
    return next(one[1] for one in found if one)


def look(page: Any, name: str) -> None:
    """Leave a picture where somebody wants to look at the pages."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def is_narrow_enough(page: Any, name: str) -> bool:
    page.set_viewport_size({"width": 360, "height": 740})
    look(page, f"{name}-narrow")
    fits = page.evaluate("document.documentElement.scrollWidth") <= 360
    page.set_viewport_size({"width": 1200, "height": 900})
    return bool(fits)


def test_the_form_is_filled_in_and_one_press_ends_the_mails(bob: Buyer, live_server: Any, chromium: Visitor) -> None:
    page = chromium.page
    page.goto(live_server.url + address(bob, "intake"))
    look(page, "intake")
    assert is_narrow_enough(page, "intake")
    page.get_by_label("What should we know before we begin?").fill("Everything.")
    page.get_by_role("button", name="Send the answers").click()
    assert page.locator("h1").inner_text() == "Thank you, we have what we need"
    page.goto(live_server.url + address(bob, "unsubscribe"))
    look(page, "unsubscribe")
    assert is_narrow_enough(page, "unsubscribe")
    page.get_by_role("button", name="Unsubscribe").click()
    assert page.locator("h1").inner_text() == "You will get no more of these"
    look(page, "unsubscribed")
    page.get_by_role("button", name="I changed my mind").click()
    assert page.locator("h1").inner_text() == "Good to have you back"
    assert chromium.complaints() == [] and chromium.outside == []

"""Conversations at the desk in a real browser: the terms are changed, and a customer's page says what was asked for."""

from __future__ import annotations

import os
from typing import Any

from django.urls import reverse

from attribution.models import Conversation
from tests import talks
from tests.browser.test_desk import AtDesk, at_desk
from tests.stage import sample

__all__ = ["at_desk"]


def look(page: Any, name: str) -> None:
    """Leave a picture where somebody wants to look at the pages."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def fits(dialog: Any) -> bool:
    """Whether nothing of the dialog lies beside its edge."""
    return bool(dialog.evaluate("box => box.scrollWidth <= box.clientWidth"))


def test_the_words_are_changed_and_the_customers_page_says_what_was_asked(at_desk: AtDesk) -> None:
    page, stage = at_desk.page, at_desk.stage
    page.goto(at_desk.home + reverse("admin:orders_channel_changelist"))
    dialog = at_desk.open("Conversations: words and texts")
    assert fits(dialog)
    look(page, "terms")
    dialog.locator("[name=price_words]").fill("as EPUB")
    assert "1 of 5 terms" in at_desk.press(dialog, "our customers ask for files")
    look(page, "channels")
    talks.deliver(stage, talks.connect(stage, "chatwoot"), sample("chatwoot/message_created.json"))
    stage.work()
    with stage.inside():
        row = Conversation.objects.get()
    page.goto(at_desk.home + reverse("admin:profiles_profile_change", args=[row.profile_id]))
    asked = page.get_by_text("Asked for the price (says “as EPUB”): “Does the atlas come as EPUB?”")
    assert asked.count() == 1
    look(page, "customer")
    page.set_viewport_size({"width": 360, "height": 740})
    look(page, "customer-narrow")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.goto(at_desk.home + reverse("admin:orders_channel_changelist"))
    assert fits(at_desk.open("Conversations: words and texts"))
    look(page, "terms-narrow")

"""A lead asks why customers bought: three ranges, the rows behind a figure, a decision, a file; in a real Chromium."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from attribution.actions import conversations
from orders.messages import Customer, Line
from orders.models import Order
from profiles import clock
from profiles.actions import organizations
from tests.events import event
from tests.events import tell as tell_events
from tests.money import at, order, refund, tell
from tests.servers import Visitor
from tests.stage import BY, Stage
from tests.talks import conversation, line

PASSWORD = "lantern-press-at-night"
LONG = "A very long title of a very long book about tides, harbours, stars and everything else " * 3


@pytest.fixture
def stage(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(clock, "_offset", datetime(2026, 9, 20, 12, tzinfo=UTC) - clock.real())
    made = Stage()
    user = User.objects.create_user("lena", password=PASSWORD, first_name="Lena", is_staff=True)
    with made.inside():
        organizations.add_member(made.organization, user, "lead", by=BY)
    long = (Line(external_id="1", title=LONG, quantity=1, total_minor=900, sku="S" * 150),)
    tell(made, *(order(f"o-{number}", placed_at=at(number)) for number in range(5)), order("o-9", 900, lines=long))
    tell(made, refund("o-1"))
    for name, minutes in (("o-0", 25), ("o-1", 700), ("o-0", 900)):
        with made.inside():
            row = Order.objects.get(external_id=name)
            moment = row.placed_at - timedelta(minutes=minutes)
            conversations.record(
                conversation(
                    external_id=f"chat-{name}-{minutes}",
                    started_at=moment,
                    last_activity_at=moment,
                    source="chat",
                    customer=Customer(email=row.email_raw),
                    lines=(line(moment, "customer", "How much is the Tide Atlas?"),),
                    message_count=1,
                ),
                organization=made.organization,
            )
    names = {"post_id": "p" * 190, "attachment_id": "star-map.jpg", "resolution": "3840x2160"}
    for number, type_ in enumerate(("button_clicked", "button_clicked", "checkout_started", "purchase")):
        payload = names | ({"order_id": "o-2"} if type_ == "purchase" else {})
        tell_events(made, event(number, type_, "2026-09-16T10:00:00Z", payload=payload, email="o-2@example.com"))
    made.work()
    return made


def fits(page: Any) -> bool:
    """Whether nothing of the page lies beyond the window's right edge."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_a_lead_follows_figures_to_their_rows_and_decides(stage: Stage, live_server: Any, chromium: Visitor) -> None:
    page, home = chromium.page, live_server.url
    page.goto(f"{home}/admin/login/?next=/admin/why/revenue/")
    page.locator("[name=username]").fill("lena")
    page.locator("[name=password]").fill(PASSWORD)
    with page.expect_navigation():
        page.locator("button[type=submit], input[type=submit]").first.click()
    for preset in ("Last 7 days", "This month", "All time"):
        page.get_by_role("link", name=preset).click()
        assert page.get_by_role("link", name=preset).get_attribute("aria-current") == "true"
        assert page.locator(".col").count() >= 1
    # The figure's rows, and one of them.
    page.locator(".figure", has_text="Revenue after a conversation").locator("a").click()
    listed = page.locator("#changelist").inner_text()
    assert [name for name in ("o-0", "o-1", "o-2", "o-3", "o-9") if f"{name}@example.com" in listed] == ["o-0", "o-1"]
    page.get_by_text("o-0", exact=True).first.click()
    why = page.locator("section", has=page.get_by_role("heading", name="Why they bought"))
    assert "Chatted 25 minutes before the order" in why.inner_text() and "chat-o-0-900" in why.inner_text()
    # A decision, and what the board says then.
    page.locator("a.act", has_text="Attribution…").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("No conversation").check()
    dialog.locator("[name=because]").fill("they called before")
    with page.expect_navigation():
        dialog.locator("button[type=submit]").click()
    assert "1 order is attributed to no conversation" in page.content()
    page.goto(f"{home}/admin/why/revenue/?range=all")
    assert "1 order after 3 conversations" in page.locator(".figure", has_text="Conversion rate").inner_text()
    with page.expect_download() as file:
        page.get_by_role("link", name="Export CSV").click()
    assert file.value.suggested_filename == "revenue-2026-09-13-2026-09-20-EUR.csv"
    assert chromium.complaints() == []


def test_boards_fit_a_narrow_window_in_light_and_dark(stage: Stage, live_server: Any, chromium: Visitor) -> None:
    page, home = chromium.page, live_server.url
    page.goto(f"{home}/admin/login/")
    page.locator("[name=username]").fill("lena")
    page.locator("[name=password]").fill(PASSWORD)
    with page.expect_navigation():
        page.locator("button[type=submit], input[type=submit]").first.click()
    inks = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in (1360, 390):
            page.set_viewport_size({"width": width, "height": 844})
            for path in ("revenue", "cohorts", "growth", "funnel"):
                page.goto(f"{home}/admin/why/{path}/")
                assert fits(page), (path, width, scheme)
        page.goto(f"{home}/admin/why/cohorts/")
        inks.append(page.evaluate("getComputedStyle(document.querySelector('.heat__cell a')).color"))
        for path in ("attribution/conversation", "profiles/event"):
            page.goto(f"{home}/admin/{path}/")
            assert fits(page), path
    assert inks[0] != inks[1]
    assert chromium.complaints() == []

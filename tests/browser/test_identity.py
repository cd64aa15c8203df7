"""A support lead finds out who is who, in a real browser: likely same people, why they are one, links cut, reviews."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from orders.models import Channel
from profiles import clock
from profiles.actions import likenesses, merges, organizations
from profiles.models import Identifier, Likeness, Profile, Review, Separation
from tests.browser.test_desk import PASSWORD, AtDesk
from tests.servers import Visitor
from tests.stage import BY, Stage, sample

HOME = {"street": "Hauptstr. 5", "postcode": "20095", "city": "Hamburg"}
PHONE = "+4915112345678"


def buy(stage: Stage, number: int, **customer: Any) -> Profile:
    """An order of this customer through the api channel, worked through."""
    body = sample("api/order.json") | {"external_id": f"I-{number}", "number": f"#I{number}", "customer": customer}
    assert stage.post("api", body, delivery=f"i{number}").status_code == 200
    stage.work()
    with stage.inside():
        return Profile.objects.get(orders__external_id=f"I-{number}")


def look(stage: Stage) -> None:
    """Have the workers look for likely same people now rather than in half a minute."""
    with stage.inside():
        Likeness.objects.filter(due_at__isnull=False).update(due_at=clock.real() - timedelta(seconds=1))
    stage.work()


@pytest.fixture
def at_desk(transactional_db: None, live_server: Any, chromium: Visitor) -> Iterator[AtDesk]:
    stage = Stage()
    buy(stage, 1, email="maya.okafor@gmail.com", name="Maya Okafor", address=HOME)
    buy(stage, 2, email="mayaokafor@googlemail.com", name="Okafor, Maya", address=HOME)
    buy(stage, 3, email="ivo.brandt@example.org", name="Ivo Brandt", phone=PHONE)
    buy(stage, 4, email="ivo.brandt@example.com", name="I. Brandt")
    look(stage)
    user = User.objects.create_user("lea", password=PASSWORD, is_staff=True)
    with stage.inside():
        organizations.add_member(stage.organization, user, "lead", by=BY)
    page = chromium.page
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{live_server.url}/admin/")
    page.fill("#id_username", "lea")
    page.fill("#id_password", PASSWORD)
    with page.expect_navigation():
        page.click("button[type=submit]")
    yield AtDesk(page, stage, live_server.url)
    assert chromium.complaints() == []


def follow(at_desk: AtDesk, text: str) -> None:
    """Click a link that leads on to another page."""
    with at_desk.page.expect_navigation():
        at_desk.page.locator("#main a:visible", has_text=text).first.click()


def pressed(at_desk: AtDesk, dialog: Any) -> str:
    """Give the reason, press the button, and return the page it leads to, a list too."""
    dialog.locator("[name=because]").fill("looked at both")
    with at_desk.page.expect_navigation():
        dialog.locator("button[type=submit]").click()
    return str(at_desk.page.content())


def step(at_desk: AtDesk, text: str) -> Any:
    """Press the button of one sentence of the story."""
    at_desk.page.locator(".why__step", has_text=text).locator("a.act").click()
    dialog = at_desk.page.locator("dialog[open]")
    dialog.wait_for()
    return dialog


def test_two_likely_the_same_are_compared_merged_explained_and_taken_apart(at_desk: AtDesk) -> None:
    page = at_desk.page
    before = at_desk.stage.snapshot()
    page.locator("[data-need=alike]").click()
    page.wait_for_url("**/suggestion/")
    assert "Almost certain" in page.content()
    follow(at_desk, "Compare")
    assert "Same mailbox, spelled another way" in page.content()
    dialog = at_desk.open("Merge…")
    told = dialog.inner_text()
    assert "Same mailbox, spelled another way" in told and "Together: 2 orders" in told and "move." in told
    dialog.locator("[name=first_point]").fill("same address")
    dialog.locator("[name=second_point]").fill("answered from both mailboxes")
    assert at_desk.press(dialog).startswith("Merged.")
    assert "Merged: the customer asked in chat" in page.content()
    follow(at_desk, "Maya Okafor")
    follow(at_desk, "Why one person?")
    assert "became part of" in page.content() and "verified: same address" in page.content()
    assert page.locator("svg.drawing:visible .drawing__line--merge").count() == 1
    dialog = step(at_desk, "became part of")
    assert "before: 2 orders" in dialog.inner_text()
    assert at_desk.press(dialog).startswith("Undone.")
    at_desk.stage.work()
    assert at_desk.stage.snapshot() == before
    look(at_desk.stage)
    page.goto(f"{at_desk.home}/admin/profiles/suggestion/")
    assert "Okafor" not in page.locator("#main").inner_text()


def test_a_pair_is_parted_and_looked_at_again(at_desk: AtDesk) -> None:
    page = at_desk.page
    page.goto(f"{at_desk.home}/admin/profiles/suggestion/")
    follow(at_desk, "Compare")
    dialog = at_desk.open("Different people…")
    dialog.locator("[name=separate]").check()
    assert "1 pair parted, and never linked by a rule." in pressed(at_desk, dialog)
    with at_desk.stage.inside():
        assert Separation.objects.count() == 1
    page.goto(f"{at_desk.home}/admin/profiles/suggestion/?state=dismissed")
    follow(at_desk, "Compare")
    assert at_desk.press(at_desk.open("Look again…")) == "1 pair is suggested again."
    with at_desk.stage.inside():
        assert Separation.objects.count() == 0


def test_a_link_is_cut_with_the_numbers_before_and_used_again(at_desk: AtDesk) -> None:
    page, stage = at_desk.page, at_desk.stage
    ivo = buy(stage, 5, email="kit.lang@example.net", name="Kit Lang", phone=PHONE)
    before = stage.snapshot()["profiles"]
    page.goto(f"{at_desk.home}/admin/profiles/profile/{ivo.pk}/change/")
    follow(at_desk, "Why one person?")
    dialog = step(at_desk, f"Phone {PHONE} is known")
    told = dialog.inner_text()
    assert "1 order, 1 identifier leave to a new customer" in told and f"Customer {ivo.pk} before: 2 orders" in told
    assert at_desk.press(dialog) == "Cut. 1 customer left."
    stage.work()
    with stage.inside():
        assert Identifier.objects.get(kind="phone").status == "blocked"
        assert Profile.objects.filter(merged_into=None).count() == 5
    assert "was cut by" in page.content()
    dialog = step(at_desk, f"Phone {PHONE} is known")
    assert at_desk.press(dialog) == "Used again."
    stage.work()
    assert stage.snapshot()["profiles"] == before


def test_the_queue_of_reviews_is_worked_through(at_desk: AtDesk) -> None:
    page, stage = at_desk.page, at_desk.stage
    with stage.inside():
        people = list(Profile.objects.order_by("pk"))
        for number, (one, other) in enumerate(((0, 1), (2, 3))):
            Review.objects.create(
                organization=stage.organization,
                kind="too_many",
                profile=people[one],
                subject=f"orders.Order:{number + 1}",
                candidates=[people[one].pk, people[other].pk],
                explanation="2 customers match.",
            )
    page.goto(f"{at_desk.home}/admin/profiles/review/")
    with page.expect_navigation():
        page.locator("#result_list a").first.click()
    dialog = at_desk.open("Merge with customer")
    dialog.locator("[name=first_point]").fill("same card")
    dialog.locator("[name=second_point]").fill("same address")
    assert at_desk.press(dialog).startswith("Merged.")
    assert "/review/" in page.url
    assert at_desk.press(at_desk.open("Close review")) == "1 review closed."
    assert "/review/" in page.url and "/change/" in page.url
    left = pressed(at_desk, at_desk.open("Close review"))
    assert "1 review closed." in left and "No review is open" in left


def test_the_pages_fit_a_narrow_window(at_desk: AtDesk) -> None:
    page, stage = at_desk.page, at_desk.stage
    with stage.inside():
        one, other = list(Profile.objects.order_by("pk"))[:2]
        merges.merge(one.pk, other.pk, by=BY, because="the same")
        likenesses.request_missing(again=True)
    look(stage)
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("suggestion/", "suggestion/?state=merged", f"profile/{one.pk}/why/", f"profile/{one.pk}/change/"):
        page.goto(f"{at_desk.home}/admin/profiles/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    page.goto(f"{at_desk.home}/admin/profiles/suggestion/?state=merged")
    follow(at_desk, "Compare")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.goto(f"{at_desk.home}/admin/profiles/profile/{one.pk}/why/")
    assert page.locator(".drawn--narrow svg").is_visible() and not page.locator(".drawn--wide svg").is_visible()


def test_the_total_of_an_order_is_seen_however_long_the_name_of_its_shop(at_desk: AtDesk) -> None:
    with at_desk.stage.inside():
        Channel.objects.filter(kind="api").update(domain="store.ashopofaratherlongname.example.com")
        customer = Profile.objects.get(name="Ivo Brandt")
    at_desk.page.goto(f"{at_desk.home}/admin/profiles/profile/{customer.pk}/change/")
    orders = at_desk.page.locator("section:has(#orders) .scroll")
    assert "89.99 USD" in orders.inner_text()
    assert orders.evaluate("box => box.scrollWidth <= box.clientWidth")

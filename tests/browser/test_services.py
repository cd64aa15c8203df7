"""A service in a bundle and one given by hand, in a real browser: at the desk and in the customer's library."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from fulfillment.actions import bundles
from fulfillment.models import Service
from orders.models import Product
from profiles.actions import organizations
from tests.browser.test_followups import is_narrow_enough, look
from tests.browser.test_refunds import PASSWORD, sign_in
from tests.buyers import Buyer, buyer
from tests.servers import MailServer, Visitor
from tests.stage import BY, Stage


@pytest.fixture
def bob(transactional_db: None, smtp: MailServer) -> Buyer:
    """Somebody who bought a set with an hour of advice in it, of a seller with a lead at the desk."""
    made = buyer(Stage(), smtp)
    made.stage.product("ADVICE", "An hour of advice", kind="service")
    made.stage.product("SET", "The writer's set", kind="bundle")
    lea = User.objects.create_user("lea", password=PASSWORD, first_name="Lea", is_staff=True)
    with made.stage.inside():
        organizations.add_member(made.stage.organization, lea, "lead", by=BY)
        bundles.fill(Product.objects.get(sku="SET"), ["EBOOK-TIDE-EN", "ADVICE"], by=BY)
    made.buy(sku="SET")
    return made


def pressed(page: Any, label: str, **given: str) -> str:
    """Open the dialog of a button, fill it in and press; what the desk says then."""
    page.locator("a.act", has_text=label).first.click()
    dialog = page.locator("dialog[open]")
    dialog.wait_for()
    look(page, f"services-dialog-{label}")
    for name, value in given.items():
        dialog.locator(f"[name={name}]").select_option(label=value)
    dialog.locator("[name=because]").fill("They waited too long")
    with page.expect_navigation():
        dialog.locator("button[type=submit]").dblclick()
    return str(page.locator("#main .container ul li").first.inner_text())


def test_one_is_given_withdrawn_and_given_again_beside_the_bundles(
    bob: Buyer, live_server: Any, chromium: Visitor
) -> None:
    page, home = chromium.page, live_server.url
    sign_in(page, home, "lea")
    page.goto(f"{home}/admin/orders/order/{bob.order().pk}/change/")
    assert page.get_by_text("Part of The writer's set").count()
    said = pressed(page, "Grant a product", product="ADVICE · An hour of advice (service)")
    assert "1 service given: ADVICE" in said
    assert page.get_by_text("Given by hand on").count()
    look(page, "services-order")
    assert is_narrow_enough(page, "services-order")
    assert "1 service was withdrawn" in pressed(page, "Withdraw")
    assert "waiting for the intake form" in pressed(page, "Give again")
    page.goto(f"{home}/admin/fulfillment/service/")
    look(page, "services-list")
    assert is_narrow_enough(page, "services-list")
    page.goto(f"{home}/admin/fulfillment/followup/")
    look(page, "services-followups")
    with bob.stage.inside():
        assert sorted(Service.objects.values_list("source", "state")) == [("bundle", "intake"), ("manual", "intake")]
    assert chromium.complaints() == []


def test_a_buyer_finds_the_form_in_their_library(bob: Buyer, live_server: Any, chromium: Visitor) -> None:
    page = chromium.page
    page.goto(live_server.url + bob.ask())
    page.get_by_role("button").first.click()
    page.get_by_role("heading", name="An hour of advice").wait_for()
    look(page, "services-library")
    assert is_narrow_enough(page, "services-library")
    page.get_by_role("button", name="Answer the questions An hour of advice").click()
    page.get_by_label("What should we know before we begin?").fill("Everything.")
    page.get_by_role("button", name="Send the answers").click()
    assert page.locator("h1").inner_text() == "Thank you, we have what we need"
    page.goto(f"{live_server.url}/library/lantern/")
    assert page.get_by_role("button", name="Change your answers An hour of advice").count()
    look(page, "services-library-ready")
    assert chromium.complaints() == []

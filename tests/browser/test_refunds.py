"""Finance gives money back and a lead confirms, in a real browser."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from orders.models import Order, RefundRequest
from profiles.actions import organizations
from support.models import Approval
from tests.servers import Visitor
from tests.stage import BY, Stage
from tests.stripe_server import StripeServer, bought, connect

PASSWORD = "lantern-press-at-night"


@pytest.fixture
def stripe() -> Iterator[StripeServer]:
    with StripeServer() as server:
        yield server


@pytest.fixture
def stage(transactional_db: None, stripe: StripeServer, settings: Any) -> Stage:
    made = Stage()
    connect(made, stripe, settings)
    for name, role in (("finn", "finance"), ("lea", "lead")):
        user = User.objects.create_user(name, password=PASSWORD, first_name=name.title(), is_staff=True)
        with made.inside():
            organizations.add_member(made.organization, user, role, by=BY)
    return made


def sign_in(page: Any, home: str, name: str) -> None:
    page.context.clear_cookies()
    page.goto(f"{home}/admin/login/?next=/admin/")
    page.locator("[name=username]").fill(name)
    page.locator("[name=password]").fill(PASSWORD)
    with page.expect_navigation():
        page.locator("button[type=submit], input[type=submit]").first.click()


def refund(page: Any, home: str, order: Order, **given: str) -> str:
    """Open the dialog, fill it in, see what will happen, and press; what the desk says then."""
    page.goto(f"{home}/admin/orders/order/{order.pk}/change/")
    page.locator("a.act", has_text="Refund").first.click()
    dialog = page.locator("dialog[open]")
    dialog.wait_for()
    for name, value in given.items():
        dialog.locator(f"[name={name}]").fill(value)
    dialog.locator("[name=because]").fill("the course was withdrawn")
    dialog.locator("button[type=submit]").click()
    dialog.get_by_text("Give money back", exact=True).nth(1).wait_for()
    with page.expect_navigation():
        dialog.locator("button[type=submit]").dblclick()
    return str(page.locator("#main .container ul li").first.inner_text())


def test_finance_refunds_a_part_and_a_double_click_refunds_once(
    stage: Stage, stripe: StripeServer, live_server: Any, chromium: Visitor
) -> None:
    order = bought(stage, stripe)
    page = chromium.page
    sign_in(page, live_server.url, "finn")
    assert "10.00 EUR are on their way back" in refund(page, live_server.url, order, amount="10.00")
    stage.work()
    assert [one["amount"] for one in stripe.refunds] == [1000]
    page.reload()
    assert page.get_by_text("Refund asked for").count()
    assert chromium.complaints() == []


def test_a_lead_confirms_what_is_over_the_limit(
    stage: Stage, stripe: StripeServer, live_server: Any, chromium: Visitor
) -> None:
    order = bought(stage, stripe, id="cs_dear", payment_intent="pi_dear", amount_total=60_000)
    page = chromium.page
    sign_in(page, live_server.url, "finn")
    assert "wait for a second person" in refund(page, live_server.url, order)
    assert page.get_by_text("You asked for it yourself").count()
    page.goto(f"{live_server.url}/admin/orders/order/{order.pk}/change/")
    sign_in(page, live_server.url, "lea")
    page.locator("[data-need=approvals]").click()
    page.wait_for_load_state()
    page.get_by_text("Refund 600.00 EUR").first.click()
    page.wait_for_load_state()
    page.locator("a.act", has_text="Approve").first.click()
    dialog = page.locator("dialog[open]")
    dialog.wait_for()
    dialog.locator("[name=because]").fill("checked with the author")
    with page.expect_navigation():
        dialog.locator("button[type=submit]").click()
    stage.work()
    assert len(stripe.refunds) == 1
    with stage.inside():
        assert Approval.objects.get().decided_by == "Lea"
        assert RefundRequest.objects.get().state == "done"
    assert chromium.complaints() == []

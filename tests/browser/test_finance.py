"""Finance follows a payout to its orders, confirms the bank and closes a month, in a real browser."""

import os
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User

from orders.messages import BalanceKind, PayoutStatus
from orders.models import Payout, Period
from profiles import clock
from profiles.actions import organizations
from tests.money import at, movement, order, payment, payout, refund, tell
from tests.servers import Visitor
from tests.stage import BY, Stage

PASSWORD = "lantern-press-at-night"


@pytest.fixture
def stage(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(clock, "_offset", datetime(2026, 11, 20, 12, tzinfo=UTC) - clock.real())
    made = Stage()
    user = User.objects.create_user("finn", password=PASSWORD, first_name="Finn", is_staff=True)
    with made.inside():
        organizations.add_member(made.organization, user, "finance", by=BY)
    told: list[Any] = []
    for number in range(9):
        name = f"cs_live_b1Qd{number}mTz7XoRkVw3"
        told += [
            order(name, placed_at=at(number), number=f"LP-{2100 + number}"),
            payment(name, paid_at=at(number)),
            movement(BalanceKind.CAPTURED, 3120, name, fee_minor=109, payout_external_id="po_1Sh2BcL9mZ2xQeWcYtReWqAs"),
        ]
    tell(
        made,
        *told,
        refund(name, refunded_at=at(20)),
        movement(BalanceKind.REFUND, -500, name, payout_external_id="po_1Sh2BcL9mZ2xQeWcYtReWqAs"),
        movement(
            BalanceKind.FEE, -24, "", payout_external_id="po_1Sh2BcL9mZ2xQeWcYtReWqAs", described="Automatic Taxes"
        ),
        movement(BalanceKind.UNKNOWN, 13, "", payout_external_id="po_1Sh2BcL9mZ2xQeWcYtReWqAs", described="climate"),
        movement(BalanceKind.CAPTURED, 1500, "jp", currency="JPY", external_id="txn_jp"),
        order("usd", total=4999, currency="USD", placed_at=at(2)),
        payout(26_586, "po_1Sh2BcL9mZ2xQeWcYtReWqAs", made_at=at(22)),
        payout(4711, "po_2", status=PayoutStatus.PENDING, rank=0, complete=False, made_at=at(60)),
        payout(990, "po_3", status=PayoutStatus.FAILED, rank=2, complete=False, made_at=at(50)),
    )
    return made


def look(page: Any, name: str) -> None:
    """Leave pictures where somebody wants to look at the pages: wide, narrow and dark."""
    if not (folder := os.environ.get("PICTURES")):
        return
    page.set_viewport_size({"width": 1360, "height": 900})
    page.screenshot(path=f"{folder}/{name}.png", full_page=True)
    page.set_viewport_size({"width": 390, "height": 844})
    page.screenshot(path=f"{folder}/{name}-narrow.png", full_page=True)
    page.set_viewport_size({"width": 1360, "height": 900})


def press(page: Any, button: str, **given: str) -> str:
    """Open the dialog of this button, fill it in and press; what the desk says then."""
    page.locator("a.act", has_text=button).first.click()
    dialog = page.locator("dialog[open]")
    dialog.wait_for()
    for name, value in given.items():
        dialog.locator(f"[name={name}]").fill(value)
    dialog.locator("[name=because]").fill("compared with the statement")
    look(page, f"finance-{button.split(maxsplit=1)[0].lower()}")
    with page.expect_navigation():
        dialog.locator("button[type=submit]").click()
    return str(page.locator("#main .container ul li").first.inner_text())


def test_a_payout_is_followed_confirmed_and_its_month_closed(stage: Stage, live_server: Any, chromium: Visitor) -> None:
    page, home = chromium.page, live_server.url
    page.goto(f"{home}/admin/login/?next=/admin/orders/payout/")
    page.locator("[name=username]").fill("finn")
    page.locator("[name=password]").fill(PASSWORD)
    with page.expect_navigation():
        page.locator("button[type=submit], input[type=submit]").first.click()
    look(page, "finance-payouts")
    page.get_by_text("po_1Sh2BcL9mZ2xQeWcYtReWqAs").first.click()
    page.get_by_role("heading", name="The sum").wait_for()
    look(page, "finance-payout")
    assert "Its lines do not make the deposit" in page.content()
    assert "The bank differs by" in press(page, "Confirm what the bank shows", amount="265.80")
    look(page, "finance-payout-bank")
    page.goto(f"{home}/admin/orders/ledgerentry/")
    look(page, "finance-ledger")
    page.goto(f"{home}/admin/orders/period/")
    look(page, "finance-months")
    assert "September 2026" in press(page, "Close")
    look(page, "finance-months-closed")
    with stage.inside():
        assert Payout.objects.get(external_id="po_1Sh2BcL9mZ2xQeWcYtReWqAs").bank_minor == 26_580
        assert Period.objects.count() == 1
    assert chromium.complaints() == [] and chromium.outside == []

"""Finance imports a file in a real browser: hands it in, sees what it would do, imports it, and takes it back."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from orders.models import Import, Order
from profiles.actions import organizations
from tests.imports import csv
from tests.servers import Visitor
from tests.stage import BY, PAYLOADS, Stage

PASSWORD = "lantern-press-at-night"
LONG = "Bestellungen aus dem alten Laden, von Anfang an bis zum Umzug im Herbst des Jahres.csv"


@pytest.fixture
def stage(transactional_db: None) -> Stage:
    made = Stage()
    user = User.objects.create_user("finn", password=PASSWORD, first_name="Finn", is_staff=True)
    with made.inside():
        organizations.add_member(made.organization, user, "finance", by=BY)
    return made


def sign_in(page: Any, home: str) -> None:
    page.goto(f"{home}/admin/login/?next=/admin/")
    page.locator("[name=username]").fill("finn")
    page.locator("[name=password]").fill(PASSWORD)
    with page.expect_navigation():
        page.locator("button[type=submit], input[type=submit]").first.click()


def hand_in(page: Any, home: str, name: str, content: bytes, source: str) -> None:
    page.goto(f"{home}/admin/orders/import/")
    page.locator("a.act", has_text="Import a file").first.click()
    dialog = page.locator("dialog[open]")
    dialog.wait_for()
    dialog.locator("[name=file]").set_input_files({"name": name, "mimeType": "text/csv", "buffer": content})
    dialog.locator("[name=channel]").select_option("")
    dialog.locator("[name=source]").fill(source)
    press(page)


def press(page: Any, **chosen: str) -> None:
    dialog = page.locator("dialog[open]")
    dialog.wait_for()
    for name, value in chosen.items():
        field = dialog.locator(f"[name={name}]")
        field.select_option(value) if field.evaluate("e => e.tagName") == "SELECT" else field.fill(value)
    dialog.locator("[name=because]").fill("the old shop is closed")
    with page.expect_navigation():
        dialog.locator("button[type=submit]").click()


def act(page: Any, words: str, **chosen: str) -> None:
    page.locator("a.act", has_text=words).first.click()
    press(page, **chosen)


def test_a_file_is_checked_imported_and_taken_back(stage: Stage, live_server: Any, chromium: Visitor) -> None:
    page, home = chromium.page, live_server.url
    sign_in(page, home)

    lines = (
        PAYLOADS / "shopier/orders.export.cp1254.csv"
    ).read_bytes() + b"318;31/02/2026;=cmd();;;;TRY;1,00;1,00;;;;;\n"
    hand_in(page, home, LONG, lines, "shopier-old")
    page.get_by_text("so far. This page looks again by itself").wait_for()
    stage.work()
    page.get_by_text("Nothing is imported yet").wait_for()
    assert page.get_by_text("Windows-1254").count() == 1
    assert "is no real date" in page.locator("section", has_text="Rows left out").first.inner_text()
    with page.expect_download() as download:
        page.locator("a.act", has_text="Download them with reasons").click()
    refused = Path(download.value.path()).read_text("utf-8-sig")
    assert "'=cmd()" in refused and refused.startswith("line,outcome,reason,Sipariş No")

    act(page, "Import the rows")
    stage.work()
    page.get_by_text("nobody was written to").wait_for()
    with stage.inside():
        assert Order.objects.count() == 3
    page.set_viewport_size({"width": 380, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 380
    page.set_viewport_size({"width": 1280, "height": 900})
    act(page, "Undo")
    stage.work()
    page.get_by_text("3 taken back, 0 left as they are").wait_for()
    with stage.inside():
        assert set(Order.objects.values_list("payment_status", "status")) == {("unpaid", "cancelled")}
    assert chromium.complaints() == []


def test_columns_nobody_knows_are_asked_for(stage: Stage, live_server: Any, chromium: Visitor) -> None:
    page, home = chromium.page, live_server.url
    sign_in(page, home)
    content = csv("17;03.04.2026;12,50;a@example.org;bezahlt", head="Nr;Tag;Summe;Mail;Stand")
    hand_in(page, home, "laden.csv", content, "laden")
    page.get_by_text("The columns of this file are not known").first.wait_for()
    act(
        page,
        "Say what the columns mean",
        column_order_id="Nr",
        column_order_date="Tag",
        column_gross="Summe",
        column_email="Mail",
        column_status="Stand",
        decimals="comma",
        dates="DMY",
        paid="bezahlt, erledigt",
    )
    stage.work()
    page.get_by_text("Nothing is imported yet").wait_for()
    assert "12.50 EUR" in page.locator("section", has_text="The first rows").first.inner_text()
    with stage.inside():
        row_ = Import.objects.get()
        assert (row_.fresh, row_.rejected, row_.mapping and row_.mapping.name) == (1, 0, "laden")
    assert chromium.complaints() == []

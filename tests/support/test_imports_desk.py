"""Imports in the desk: who may, what a stranger sees, what is downloaded, and how many queries a page takes."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.models import Import, ImportPart, ImportRow, Order
from tests.desk import Desk, Sign
from tests.imports import csv, row
from tests.stage import Stage

CONTENT = csv(row(1), row(2, gross="x", email="=cmd|' /C calc'!A0"), row(3, name="", email="@SUM(1)", net="1.00"))


def hand_in(desk: Desk, client: Any, content: bytes = CONTENT, **more: str) -> Any:
    file = SimpleUploadedFile("orders.csv", content)
    data = {"mode": "orders", "channel": "", "source": "old-shop", "record": "net", "mapping": "", **more}
    return desk.press(client, "import_file", desk.stage.organization.pk, file=file, **data)


def imported(desk: Desk) -> Import:
    with desk.inside():
        return Import.objects.order_by("-pk")[0]


def checked(desk: Desk, client: Any) -> Import:
    assert hand_in(desk, client).status_code == 302
    desk.stage.work()
    return imported(desk)


@pytest.mark.parametrize(("role", "may"), [("finance", True), ("engineer", True), ("agent", False), ("auditor", False)])
def test_only_who_may_import_sees_imports(desk: Desk, sign: Sign, role: str, may: bool) -> None:
    client = sign(role)
    assert client.get(desk.url("orders_import_changelist")).status_code == (200 if may else 403)
    # A refusal in the desk leads back with a red line.
    assert client.get(desk.act("import_file", desk.stage.organization.pk)).status_code == (200 if may else 302)


def test_a_stranger_sees_no_import_and_nothing_of_its_rows(desk: Desk, sign: Sign) -> None:
    row_ = checked(desk, sign("finance"))
    stranger = sign("engineer", Stage("elsewhere"))
    for url in (desk.url("orders_import_change", row_.pk), desk.url("import_refused", row_.pk)):
        assert stranger.get(url).status_code == 404
    for name in ("take_import", "undo_import", "discard_import", "read_otherwise", "map_columns", "resume_import"):
        assert stranger.get(desk.act(name, row_.pk)).status_code == 404
    assert b"orders.csv" not in stranger.get(desk.url("orders_import_changelist")).content


def test_the_download_of_refused_rows_runs_in_no_spreadsheet(desk: Desk, sign: Sign) -> None:
    client = sign("finance")
    row_ = checked(desk, client)
    assert (row_.state, row_.fresh, row_.rejected) == ("checked", 1, 2)
    answer: Any = client.get(desk.url("import_refused", row_.pk))
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    lines = text.split("\r\n")
    assert lines[0].startswith("line,outcome,reason,order_id")
    assert "'=cmd|' /C calc'!A0" in lines[1] and "'@SUM(1)" in lines[2] and lines[3:] == [""]


def test_nothing_is_imported_before_it_is_asked_for_and_then_once(desk: Desk, sign: Sign) -> None:
    client = sign("finance")
    row_ = checked(desk, client)
    with desk.inside():
        before = Order.objects.count()
    for _ in range(2):
        assert desk.press(client, "take_import", row_.pk).status_code in (200, 302, 409)
    desk.stage.work()
    with desk.inside():
        assert Order.objects.count() == before + 1
        assert Import.objects.get().state == "done"
        assert not ImportPart.objects.exists()
    assert len(desk.acts("import.taken")) == 1


def test_the_very_same_file_is_told_to_be_known(desk: Desk, sign: Sign) -> None:
    client = sign("finance")
    desk.press(client, "take_import", checked(desk, client).pk)
    desk.stage.work()
    hand_in(desk, client)
    again = imported(desk)
    assert (again.state, again.fresh, again.same, again.rejected) == ("done", 0, 1, 2)
    page = client.get(desk.url("orders_import_change", again.pk))
    assert b"This very file was imported before" in page.content and b"Rows left out (2)" in page.content


def test_a_file_that_is_none_is_refused_in_the_dialog(desk: Desk, sign: Sign) -> None:
    answer = hand_in(desk, sign("finance"), b"<html><table>")
    assert answer.status_code == 200 and b"This is a web page saved as a table" in answer.content
    with desk.inside():
        assert not Import.objects.exists()


def test_a_file_may_be_read_otherwise_or_discarded(desk: Desk, sign: Sign) -> None:
    client = sign("finance")
    german = csv(row(1, order_date="03.04.2026"))
    hand_in(desk, client, german)
    desk.stage.work()
    row_ = imported(desk)
    assert row_.rejected == 1
    desk.press(client, "read_otherwise", row_.pk, dates="DMY")
    desk.stage.work()
    row_ = imported(desk)
    assert (row_.state, row_.fresh, row_.rejected) == ("checked", 1, 0)
    desk.press(client, "discard_import", row_.pk)
    with desk.inside():
        assert Import.objects.get().state == "discarded" and not ImportRow.objects.exists()


def test_pages_take_a_fixed_number_of_queries(desk: Desk, sign: Sign) -> None:
    client = sign("finance")
    counts = []
    for number in (1, 60):
        hand_in(desk, client, csv(*(row(n + 100 * number, gross="x") for n in range(number)), row(f"k{number}")))
        desk.stage.work()
        for url in (desk.url("orders_import_changelist"), desk.url("orders_import_change", imported(desk).pk)):
            with CaptureQueriesContext(connection) as captured:
                assert client.get(url).status_code == 200
            counts.append(len(captured))
    assert counts[:2] == counts[2:] and max(counts) <= 25

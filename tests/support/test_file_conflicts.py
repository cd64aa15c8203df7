"""A file that says otherwise is told on the order's page: which line, both sides, the next step, at a fixed cost."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orders.actions import import_undos
from orders.models import Import, Order
from profiles.actors import Actor
from support.models import Discrepancy
from tests.desk import Desk, Sign
from tests.imports import csv, row, run
from tests.stage import DOMAINS, Stage

FINANCE = Actor(label="Finn Finance", role="finance")


def page_of(desk: Desk, client: Client, name: str = "o-1") -> Any:
    with desk.inside():
        pk = Order.objects.get(external_id=name).pk
    page = client.get(desk.url("orders_order_change", pk))
    assert page.status_code == 200
    return page


def conflicting(desk: Desk, folder: Path, **changes: str) -> None:
    """A file that is taken, then one that says something else of its second row's order."""
    run(desk.stage, folder, csv(row(2), row(1)), name="march.csv")
    run(desk.stage, folder, csv(row(2), row(1, **{"gross": "12.00", "net": "11.50", **changes})), name="april.csv")
    desk.stage.work()


def test_both_sides_stand_beside_each_other_with_file_line_and_next_step(
    desk: Desk, sign: Sign, tmp_path: Path
) -> None:
    conflicting(desk, tmp_path)
    client = sign("finance")
    page = page_of(desk, client)
    (file,) = page.context["otherwise"]["files"]
    assert (file["name"], file["lines"]) == ("april.csv", "line 3")
    assert file["reasons"] == ["It was imported with 10.00 EUR, and this file says 12.00 EUR."]
    assert ("Amount", "12.00 EUR", "10.00 EUR", True) in file["said"]
    assert ("Payment", "Paid", "Paid", False) in file["said"]
    html = page.content.decode()
    assert "An imported file says something else than this order: april.csv, line 3" in html
    opened = client.get(file["url"].partition("#")[0])
    assert [one["line"] for one in opened.context["odd"]] == [3] and 'id="line-3"' in opened.content.decode()
    assert file["stands"]["name"] == "march.csv" and client.get(file["stands"]["url"]).status_code == 200
    assert page_of(desk, client, "o-2").context["otherwise"] == {}


def test_what_the_shop_says_stands_and_the_page_says_so(desk: Desk, sign: Sign, tmp_path: Path) -> None:
    with desk.inside():
        name = desk.order.external_id
    content = csv(row(name, gross="1.00", fee="0.00", net="1.00"))
    run(desk.stage, tmp_path, content, channel=f"shopify:{DOMAINS['shopify']}", name="export.csv")
    (file,) = page_of(desk, sign("finance"), name).context["otherwise"]["files"]
    assert file["reasons"][0].startswith("Its shop says 49.60 EUR, and this file says 1.00 EUR")
    assert file["advice"].startswith("What the shop says stands.") and file["stands"] is None


def test_what_a_role_may_not_see_is_not_shown(desk: Desk, sign: Sign, tmp_path: Path) -> None:
    conflicting(desk, tmp_path, email="somebody.else@example.org")
    agent, auditor = page_of(desk, sign("agent")), page_of(desk, sign("auditor"))
    (file,) = agent.context["otherwise"]["files"]
    assert file["url"] == "" and file["stands"] is None and "Finance and engineers can open" in agent.content.decode()
    assert ("E-mail", "somebody.else@example.org", "buyer1@example.org", True) in file["said"]
    assert "somebody.else@example.org" not in auditor.content.decode()
    stranger = sign("finance", Stage("elsewhere"))
    with desk.inside():
        pk = Order.objects.get(external_id="o-1").pk
    assert stranger.get(desk.url("orders_order_change", pk)).status_code == 404


def test_what_the_order_says_by_now_and_what_was_undone_is_no_conflict(desk: Desk, sign: Sign, tmp_path: Path) -> None:
    conflicting(desk, tmp_path)
    client = sign("finance")
    with desk.inside():
        Order.objects.filter(external_id="o-1").update(total_minor=1200)
    assert page_of(desk, client).context["otherwise"] == {}
    with desk.inside():
        Order.objects.filter(external_id="o-1").update(total_minor=1000)
    assert page_of(desk, client).context["otherwise"] != {}
    with desk.inside():
        import_undos.request(Import.objects.get(filename="april.csv"), by=FINANCE, because="the wrong file")
    desk.stage.work()
    assert page_of(desk, client).context["otherwise"] == {}


def test_a_file_that_was_only_looked_at_says_nothing(desk: Desk, sign: Sign, tmp_path: Path) -> None:
    run(desk.stage, tmp_path, csv(row(1)), name="march.csv")
    run(desk.stage, tmp_path, csv(row(1, gross="12.00", net="11.50")), "--dry-run", name="april.csv")
    assert page_of(desk, sign("finance")).context["otherwise"] == {}


@pytest.mark.parametrize(
    ("changes", "name", "said", "held"),
    [
        ({"status": "unpaid"}, "Payment", "Unpaid", "Paid"),
        ({"status": "settled?"}, "Payment", "Not known: settled?", "Paid"),
        ({"order_date": "2026-03-05"}, "Placed", "5 Mar 2026", "4 Mar 2026"),
    ],
)
def test_what_differs_is_marked(
    desk: Desk, sign: Sign, tmp_path: Path, changes: dict[str, str], name: str, said: str, held: str
) -> None:
    conflicting(desk, tmp_path, **changes)
    (file,) = page_of(desk, sign("finance")).context["otherwise"]["files"]
    assert (name, said, held, True) in file["said"]


def test_rows_that_contradict_each_other_name_the_line_that_was_left_out(
    desk: Desk, sign: Sign, tmp_path: Path
) -> None:
    content = csv(row(1), row(1, sku="EBOOK-HARB-EN", currency="USD"))
    run(desk.stage, tmp_path, content, name="march.csv")
    (file,) = page_of(desk, sign("finance")).context["otherwise"]["files"]
    assert file["lines"] == "line 3" and ("Amount", "10.00 USD", "10.00 EUR", True) in file["said"]
    assert file["advice"].startswith("Rows of one order contradict each other") and file["stands"] is None


def test_an_open_difference_of_the_order_is_one_click_away(desk: Desk, sign: Sign, tmp_path: Path) -> None:
    conflicting(desk, tmp_path)
    with desk.inside():
        order = Order.objects.get(external_id="o-1")
        found = Discrepancy.objects.create(
            organization=desk.stage.organization, kind="amount_differs", subject=f"order:{order.pk}", order=order,
            amount_minor=200, currency="EUR", repair="fetch", at=order.placed_at, found_at=order.placed_at,
            due_at=order.placed_at,
        )  # fmt: skip
    page = page_of(desk, sign("finance"))
    assert page.context["otherwise"]["discrepancies"] == [
        ("Amount or currency differs", desk.url("support_discrepancy_change", found.pk))
    ]


def test_the_page_costs_the_same_however_many_files_say_otherwise(desk: Desk, sign: Sign, tmp_path: Path) -> None:
    client, counts = sign("finance"), []
    conflicting(desk, tmp_path)
    with desk.inside():
        url = desk.url("orders_order_change", Order.objects.get(external_id="o-1").pk)
    client.get(url)
    for number in range(2):
        with CaptureQueriesContext(connection) as captured:
            page = client.get(url)
        counts.append(len([query for query in captured.captured_queries if "SAVEPOINT" not in query["sql"]]))
        for more in range(6):
            content = csv(row(1, gross=f"{20 + 10 * number + more}.00", net="", fee=""))
            run(desk.stage, tmp_path, content, name=f"{number}{more}.csv")
    assert counts[0] == counts[1] <= 25, counts
    assert len(page.context["otherwise"]["files"]) == 5 and page.context["otherwise"]["more"] == 2

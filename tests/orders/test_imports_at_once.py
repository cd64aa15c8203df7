"""Imports that meet: two people with one file, and a process killed in the middle of one."""

import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connections

from config import embedded, importing
from orders.actions import facts, import_files, import_rows, imports
from orders.files.dialects import Mode, Record
from orders.models import Import, ImportRow, Order, Payment
from tests import migrated, servers
from tests.imports import csv, row
from tests.stage import BY, Stage


def hand_in(stage: Stage, path: Path) -> Import:
    with stage.inside(), path.open("rb") as file:
        made = import_files.receive(
            file,
            filename=path.name,
            channel=import_files.channel_for(stage.organization, "csv:old-shop", by=BY),
            mode=Mode.ORDERS,
            record=Record.NET,
            organization=stage.organization,
            by=BY,
        )
        return imports.take(made, by=BY)


def both_at_once(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Import]:
    """Two imports of the same rows, each stopped after it has looked for known orders until the other did too."""
    # Not the very same bytes: those would be recognised before any row is read.
    for name, extra in (("a.csv", ""), ("b.csv", "\n")):
        (tmp_path / name).write_bytes(csv(*(row(number) for number in range(20))) + extra.encode())
    made = [hand_in(stage, tmp_path / "a.csv"), hand_in(stage, tmp_path / "b.csv")]
    meeting = threading.Barrier(2, timeout=2)
    look = import_rows._known

    def looked(*arguments: Any) -> Any:
        found = look(*arguments)
        with suppress(threading.BrokenBarrierError):  # the other waits for our locks, as it should
            meeting.wait()
        return found

    monkeypatch.setattr(import_rows, "_known", looked)

    def work() -> None:
        try:
            importing.files(stage.organization.pk)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with stage.inside():
        return list(Import.objects.order_by("pk"))


@pytest.mark.django_db(transaction=True)
def test_two_people_with_one_file_import_each_order_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    done = both_at_once(stage, tmp_path, monkeypatch)
    assert [one.state for one in done] == ["done", "done"]
    assert sorted((one.fresh, one.same) for one in done) == [(0, 20), (20, 0)]
    with stage.inside():
        assert (Order.objects.count(), Payment.objects.count(), ImportRow.objects.count()) == (20, 20, 40)


@pytest.mark.django_db(transaction=True)
def test_without_taking_turns_they_would_get_into_each_others_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "lock_names", lambda names: None)
    stage = Stage()
    done = both_at_once(stage, tmp_path, monkeypatch)
    assert sorted((one.state, one.fresh) for one in done) != [("done", 0), ("done", 20)]


@pytest.mark.slow
def test_a_killed_import_goes_on_and_has_each_row_once(installation: servers.Installation, tmp_path: Path) -> None:
    """The command is killed in the middle, then a worker that went on with it; a third process finishes."""
    migrated.install(installation)
    place = ("--currency", "EUR", "--region", "DE", "--timezone", "Europe/Berlin")
    installation.manage("create_organization", "lantern", "--name", "Lantern", *place)
    # Seven rows an order: portions end within orders, and there is less to settle than to import.
    rows = [row(number // 7, sku=f"BOOK-{number % 7}") for number in range(5000)]
    rows[550] = row(550 // 7, gross="oops")
    path = tmp_path / "orders.csv"
    path.write_bytes(csv(*rows, *(row(number // 7, sku="EBOOK-HARB-EN") for number in range(0, 5000, 100))))
    own = ("--organization", "lantern", "--channel", "csv:old")
    with psycopg.connect(installation.cluster.url(embedded.SUPERUSER), autocommit=True) as database:

        def worked() -> int:
            return database.execute("SELECT count(*) FROM orders_importrow").fetchone()[0]  # type: ignore[index]

        for command, until in ((["import_csv", *own, str(path)], 1), (["work", "--seconds", "60"], 2500)):
            process = installation.start(*command)
            servers.wait_until(lambda wanted=until: worked() >= wanted, seconds=90, what="some rows")
            installation.kill(process)
            database.execute("UPDATE orders_import SET lease_until = now()")
        assert 2500 <= worked() < 5050
        installation.manage("work", "--until-idle", seconds=300)
        state = database.execute("SELECT state, rows, fresh, rejected FROM orders_import").fetchall()
        lines = database.execute("SELECT count(*), count(DISTINCT line) FROM orders_importrow").fetchone()
        facts_ = database.execute("SELECT (SELECT count(*) FROM orders_order), (SELECT count(*) FROM orders_line)")
        assert state == [("done", 5050, 5049, 1)] and lines == (5050, 5050)
        assert facts_.fetchone() == (715, 5049)
        assert database.execute("SELECT count(*) FROM fulfillment_email").fetchone() == (0,)

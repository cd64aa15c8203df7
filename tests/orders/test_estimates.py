"""What the database believes of its tables while a file fills them, and that each order is found by its own index."""

from pathlib import Path

import pytest
from django.db import connection

from config import databases
from orders.actions import estimates
from orders.models import Order
from tests.imports import csv, row, run
from tests.stage import Stage

_BELIEVED = "SELECT reltuples FROM pg_class WHERE oid = 'orders_order'::regclass"


def believed() -> float:
    with connection.cursor() as cursor:
        cursor.execute(_BELIEVED)
        return float(cursor.fetchone()[0])


def forget() -> None:
    """Have the database believe the table empty, as it does of a new one."""
    with databases.as_owner(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE orders_order CASCADE")
        cursor.execute("ALTER TABLE orders_order SET (autovacuum_enabled = off)")


@pytest.mark.django_db(transaction=True)
def test_an_import_has_its_tables_estimated_once_they_have_grown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, asked = Stage(), list[int]()
    forget()
    monkeypatch.setattr("config.importing.PORTION", 200)
    refresh = estimates.refresh

    def counted() -> None:
        asked.append(1)
        refresh()

    monkeypatch.setattr(estimates, "refresh", counted)
    try:
        run(stage, tmp_path, csv(*(row(number) for number in range(1200))), "--no-wait")
        with stage.inside():
            assert Order.objects.count() == 1200
            assert believed() >= estimates.FIRST and len(asked) == 1
            assert not estimates.due(1200) and estimates.due(int(believed() * estimates.GROWN) + 1)
    finally:
        with databases.as_owner(), connection.cursor() as cursor:
            cursor.execute("ALTER TABLE orders_order RESET (autovacuum_enabled)")


@pytest.mark.django_db(transaction=True)
def test_a_small_file_leaves_the_estimates_alone() -> None:
    stage = Stage()
    with stage.inside():
        assert not estimates.due(estimates.FIRST - 1)

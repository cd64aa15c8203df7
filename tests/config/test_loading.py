"""What a process loads and holds: no more than what it is there for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config import apps
from tests import memory, migrated, servers
from tests.imports import csv, row

# By what it is for; each costs megabytes and a tenth of a second or more.
LARGE = {"boto3", "redis", "stripe", "xlsxwriter", "httpx", "phonenumbers", "rapidfuzz", "PIL", "unfold.admin"}
OURS = {"config.drains", "config.urls", "support.admin", "support.actions.alerts"}
MOST_MEGABYTES = 150


@pytest.mark.parametrize(
    ("module", "needed"),
    [
        # What every command begins with.
        ("config.commands", set()),
        # Telephone numbers of rows, who is alike, and channels with the shops they belong to.
        ("config.management.commands.import_csv", {"phonenumbers", "rapidfuzz", "httpx"}),
        # All work of all apps, without the desk; stores are looked at.
        (
            "config.management.commands.work",
            {"phonenumbers", "rapidfuzz", "httpx", "boto3", "config.drains", "support.actions.alerts"},
        ),
    ],
)
def test_a_command_loads_no_large_library_that_it_does_not_need(module: str, needed: set[str]) -> None:
    loaded = memory.loaded(module, **os.environ)
    assert (LARGE | OURS) & loaded == needed


def test_garbage_is_looked_for_once_all_is_loaded() -> None:
    script = "import gc; gc.disable(); import django; django.setup(); print(gc.isenabled(), gc.get_threshold()[0])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=servers.ROOT)
    assert done.stdout.split() == ["True", str(apps.COLLECT_AFTER[0])]


@pytest.mark.slow
def test_the_import_of_a_long_file_and_all_that_follows_stay_small(
    installation: servers.Installation, tmp_path: Path
) -> None:
    migrated.install(installation)
    place = ("--currency", "EUR", "--region", "DE", "--timezone", "Europe/Berlin")
    installation.manage("create_organization", "lantern", "--name", "Lantern", *place)
    path = tmp_path / "orders.csv"
    path.write_bytes(csv(*(row(number // 2, sku=f"BOOK-{number % 2}") for number in range(10_000))))
    own = ("--organization", "lantern", "--channel", "csv:old")
    assert memory.peak(installation, "import_csv", *own, str(path)) <= MOST_MEGABYTES

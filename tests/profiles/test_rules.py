"""The rules of identity over sets of keys, without a database."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles import rules
from profiles.rules import Rules

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def seen(*moments: tuple[float, str]) -> list[tuple[datetime, str]]:
    return [(START + days * DAY, other) for days, other in moments]


@pytest.mark.parametrize(
    ("key", "others", "shared"),
    [
        ("phone:+4930901820", 2, False),
        ("phone:+4930901820", 3, True),
        ("email:a@example.org", 4, False),
        ("email:a@example.org", 5, True),
        ("device:d", 9, False),
        ("device:d", 10, True),
        ("cookie:c", 9, False),
        ("cookie:c", 10, True),
        ("loyalty:default:L1", 50, False),
        ("other:telegram:x", 50, False),
    ],
)
def test_a_value_is_shared_from_so_many_others_on(key: str, others: int, shared: bool) -> None:
    assert Rules().shared(key, seen(*((n, f"email:{n}@example.org") for n in range(others)))) is shared


def test_the_same_other_counts_once() -> None:
    assert not Rules().shared("phone:+4930901820", seen(*((n, f"email:{n % 2}@example.org") for n in range(50))))


@pytest.mark.parametrize(("last", "shared"), [(90.0, True), (90.0 + 1 / 86_400, False)])
def test_the_others_have_to_come_within_90_days(last: float, shared: bool) -> None:
    moments = seen((0, "email:a"), (45, "email:b"), (last, "email:c"))
    assert Rules().shared("phone:+4930901820", moments) is shared
    assert Rules().shared("phone:+4930901820", reversed(moments)) is shared


@given(
    st.lists(
        st.tuples(st.floats(0, 400), st.sampled_from(["email:a", "email:b", "email:c", "email:d", "loyalty:p:1"])),
        max_size=14,
    ),
    st.randoms(),
)
def test_shared_is_what_some_window_of_90_days_shows(moments: list[tuple[float, str]], chance: object) -> None:
    events = seen(*moments)
    expected = any(
        len({other for at, other in events if first <= at <= first + rules.WINDOW}) >= 3 for first, _ in events
    )
    chance.shuffle(events)  # type: ignore[attr-defined]
    assert Rules().shared("phone:+4930901820", events) is expected


@pytest.mark.parametrize(
    ("mine", "others", "broken"),
    [
        (["email:6"], [[f"email:{n}" for n in range(5)]], True),
        (["email:4"], [[f"email:{n}" for n in range(5)]], False),
        (["phone:4"], [["phone:1", "phone:2", "phone:3"]], True),
        ([], [["email:1", "email:2", "email:3"], ["email:4", "email:5", "email:6"]], True),
        ([], [["email:1", "email:2", "email:3"], ["email:4", "email:5"]], False),
        (["phone:1"], [[f"email:{n}" for n in range(9)]], False),
        (["device:11"], [[f"device:{n}" for n in range(10)]], True),
        (["cookie:51"], [[f"cookie:{n}" for n in range(50)]], True),
        (["loyalty:p:9"], [[f"loyalty:p{n}:1" for n in range(99)]], False),
    ],
)
def test_a_limit_is_broken_by_what_would_be_gained(mine: list[str], others: list[list[str]], broken: bool) -> None:
    assert Rules().too_many(mine, *others) is broken


def test_two_cards_of_one_programme_cannot_be_one_persons() -> None:
    cards = {"loyalty:sea:1", "loyalty:sea:2", "loyalty:land:1", "email:a"}
    assert rules.conflicting(cards) == {"loyalty:sea:1", "loyalty:sea:2"}
    assert rules.conflicting({"loyalty:sea:1", "loyalty:land:1"}) == set()


def test_the_order_of_kinds_is_the_organizations() -> None:
    keys = ["cookie:c", "email:b", "email:a", "phone:1", "loyalty:p:1", "device:d"]
    usual = ["phone:1", "email:a", "email:b", "loyalty:p:1", "device:d", "cookie:c"]
    assert Rules().ranked(keys) == usual
    own = rules.read({"priority": ["loyalty", "email", "phone", "device", "cookie", "phone_raw", "other"]})
    assert own.ranked(keys)[:2] == ["loyalty:p:1", "email:a"]


@pytest.mark.parametrize(
    "document",
    [
        {"priority": ["email"]},
        {"priority": ["email"] * 7},
        {"at_most": {"loyalty": 3}},
        {"at_most": {"email": 0}},
        {"at_most": {"email": 2.5}},
        {"at_most": {"email": True}},
        {"shared_from": {"phone": 1}},
        {"shared_from": {"other": 9}},
        {"weights": {"email": 101}},
        {"weights": {"nose": 1}},
    ],
)
def test_what_makes_no_sense_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(rules.Malformed):
        rules.read(document)


def test_only_what_differs_is_stored_and_gives_a_version_of_its_own() -> None:
    own = rules.read({"at_most": {"email": 7, "phone": 3}, "weights": {"email": 20}})
    assert own.document() == {"at_most": {"email": 7}} and rules.read(own.document()) == own
    assert Rules().version == rules.RULE_VERSION and own.version.startswith(f"{rules.RULE_VERSION}-")

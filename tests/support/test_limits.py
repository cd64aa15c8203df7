"""The limits as a pure rule: what is kept, what is refused, and what is over."""

from decimal import Decimal

import pytest

from support import limits
from support.limits import Limits


def test_the_usual_limits_are_kept_as_nothing() -> None:
    assert limits.read({}) == Limits() and Limits().document() == {}


@pytest.mark.parametrize(
    "chosen",
    [Limits(refund=Decimal(0)), Limits(refund=None, bulk=None), Limits(refund=Decimal("99.50"), bulk=0, merge=False)],
)
def test_what_is_kept_is_read_again(chosen: Limits) -> None:
    assert limits.read(chosen.document()) == chosen


@pytest.mark.parametrize(
    "kept",
    [
        {"refund": "-1"},
        {"refund": "NaN"},
        {"refund": "1e9"},
        {"refund": 5},
        {"refund": "1000000001"},
        {"refund": "5.0.0"},
        {"bulk": -1},
        {"bulk": True},
        {"bulk": "50"},
        {"merge": 1},
        {"email_change": None},
        {"other": 1},
    ],
)
def test_what_is_no_limit_is_refused(kept: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        limits.read(kept)


@pytest.mark.parametrize(
    ("limit", "minor", "rate", "places", "over"),
    [
        ("500", 50_000, "1", 2, False),
        ("500", 50_001, "1", 2, True),
        ("500", 500, "1", 0, False),
        ("500", 501, "1", 0, True),
        ("500", 60_000, "0.9", 2, True),
        ("500", 55_000, "0.9", 2, False),
        ("500", 1, None, 2, True),
        (None, 10**9, None, 2, False),
        ("0", 1, "1", 2, True),
    ],
)
def test_a_refund_is_over_by_its_sum_in_the_base_currency(
    limit: str | None, minor: int, rate: str | None, places: int, over: bool
) -> None:
    terms = Limits(refund=None if limit is None else Decimal(limit))
    assert limits.refund_is_over(terms, minor, rate=Decimal(rate) if rate else None, places=places) is over


@pytest.mark.parametrize(
    ("bulk", "rows", "over"), [(50, 50, False), (50, 51, True), (None, 10_000, False), (0, 1, True)]
)
def test_a_bulk_act_is_over_by_its_rows(bulk: int | None, rows: int, over: bool) -> None:
    assert limits.bulk_is_over(Limits(bulk=bulk), rows) is over

"""Imports of files from the command to the facts: each row accounted for, once, whoever imports how often."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from fulfillment.models import Email, Entitlement
from orders.models import Import, ImportPart, ImportRow, Order, Payment, Refund
from tests import imports
from tests.imports import counts, csv, row, run
from tests.stage import PAYLOADS, Stage, sample

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_file_becomes_orders_with_their_money(stage: Stage, tmp_path: Path) -> None:
    result = run(stage, tmp_path, csv(row(1), row(2, status="refunded"), row(3, status="pending")))
    assert counts(result) == (3, 0, 0)
    assert [(r["line"], r["outcome"]) for r in result["rows"]] == [(2, "new"), (3, "new"), (4, "new")]
    with stage.inside():
        orders = {order.external_id: order for order in Order.objects.order_by("external_id")}
        assert [order.payment_status for order in orders.values()] == ["paid", "refunded", "unpaid"]
        assert all(order.from_file and order.quiet and order.booked for order in orders.values())
        assert list(Payment.objects.order_by("external_id").values_list("external_id", "amount_minor", "fee_minor")) == [
            ("file:o-1", 1000, 50),
            ("file:o-2", 1000, 50),
        ]
        assert Refund.objects.get().order_minor == 1000
        assert Entitlement.objects.get(order=orders["o-1"]).status == "pending_claim"
        assert not Email.objects.exists()
        assert not ImportPart.objects.exists()


def test_the_same_file_again_changes_nothing(stage: Stage, tmp_path: Path) -> None:
    content = csv(row(1), row(2), row(3, gross="oops"))
    first = run(stage, tmp_path, content)
    before = stage.snapshot()
    again = run(stage, tmp_path, content)
    assert counts(first) == (2, 1, 0) and counts(again) == (0, 1, 2)
    assert [r["outcome"] for r in again["rows"]] == ["same", "same", "reject"]
    # Another file with the same rows is looked at row by row, and ends the same.
    other = run(stage, tmp_path, csv(row(2), row(1)))
    assert counts(other) == (0, 0, 2)
    assert stage.snapshot() == before

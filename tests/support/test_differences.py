"""The comparison: every kind found, none invented, quiet the second time, closed by itself once the records agree."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from django.db import connection

from orders.messages import PaymentStatus
from orders.models import Order
from profiles import clock
from support import differences
from support.actions import comparisons, reconciliation
from support.models import Discrepancy, DiscrepancyEntry, ReconcileRun
from support.queries import differences as questions
from tests.books import Books
from tests.stage import BY, Stage

CLEAN, SPOILT = 40, 3


@pytest.fixture
def books(db: None) -> Books:
    stage = Stage()
    return Books(stage.organization, stage.channels["stripe"])


def reconcile(books: Books, *, repair: bool = False) -> ReconcileRun:
    with books.inside():
        until = clock.now() + timedelta(minutes=1)
    return reconciliation.now(
        books.organization.pk, since=books.first - timedelta(days=1), until=until, by=BY, repair=repair
    )


def open_ones(books: Books) -> dict[str, set[str]]:
    with books.inside():
        rows = Discrepancy.objects.filter(status=Discrepancy.Status.OPEN).values_list("kind", "external_id")
        found: dict[str, set[str]] = {}
        for kind, name in rows:
            found.setdefault(kind, set()).add(name)
        return found


def totals(run: ReconcileRun, name: str) -> Mapping[str, int]:
    return {kind: counts[name] for kind, counts in reconciliation.counted(run).items() if counts[name]}


def test_every_kind_is_found_none_is_invented_and_a_second_look_is_quiet(books: Books) -> None:
    books.clean(CLEAN)
    assert open_ones(books) == {}
    run = reconcile(books)
    assert totals(run, "found") == {}
    books.spoil(SPOILT)
    books.bundle_lacks_a_part(SPOILT)
    first = reconcile(books)
    assert open_ones(books) == books.wrong
    assert set(books.wrong) == set(differences.KINDS)
    assert totals(first, "new") == {kind: len(names) for kind, names in books.wrong.items()}
    again = reconcile(books)
    assert totals(again, "new") == {} == totals(again, "closed")
    assert totals(again, "found") == totals(first, "found")
    with books.inside():
        assert DiscrepancyEntry.objects.count() == 0
    repaired = reconcile(books, repair=True)
    books.work()
    mended = {"paid_without_entitlement", "entitlement_without_payment", "refund_without_revocation", "missing_receipt"}
    assert repaired.counts["repair"] == {kind: len(books.wrong[kind]) for kind in mended}
    assert open_ones(books) == {kind: names for kind, names in books.wrong.items() if kind not in mended}
    last = reconcile(books, repair=True)
    assert totals(last, "new") == {} == totals(last, "closed")
    assert last.counts["repair"] == {}


@pytest.mark.parametrize("wide", [False, True])
def test_an_order_paid_in_full_twice_is_found_and_one_whose_first_try_failed_is_not(
    books: Books, monkeypatch: pytest.MonkeyPatch, wide: bool
) -> None:
    monkeypatch.setattr(questions, "WIDE", -1 if wide else 50_000)
    twice, failed, *_ = books.clean(5)
    books.record(
        books.payment(twice, external_id="pi_once_more"),
        books.payment(failed, external_id="pi_refused", status=PaymentStatus.FAILED),
    )
    reconcile(books)
    assert open_ones(books) == {"amount_differs": {twice}}


@pytest.mark.parametrize("change", [{"payment_status": "unpaid"}, {"cancelled": True}, {"profile": None}])
def test_what_is_lacking_is_over_once_its_order_is_not_paid_cancelled_or_nobodys(
    books: Books, change: dict[str, object]
) -> None:
    books.paid_without_entitlement(1)
    reconcile(books)
    with books.inside():
        (row,) = Discrepancy.objects.filter(kind="paid_without_entitlement", status=Discrepancy.Status.OPEN)
        assert comparisons.look_again(row)
        Order.objects.filter(discrepancies=row).update(**change)
        assert not comparisons.look_again(row)


def test_what_is_kept_in_an_empty_table_is_told_apart_in_one_reading(books: Books) -> None:
    books.amount_differs(SPOILT)
    with books.inside(), connection.cursor() as cursor:
        window = questions.window(books.first - timedelta(days=1), clock.now() + timedelta(minutes=1))
        found = comparisons.compare(["amount_differs"], window, organization_id=books.organization.pk)
        assert found["amount_differs"].new == SPOILT
        cursor.execute("SHOW enable_nestloop")
        assert cursor.fetchone() == ("on",)

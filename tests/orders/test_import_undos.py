"""Taking an import back: what only it told of, what it changed, what it has to leave; and bringing it back again."""

from pathlib import Path
from typing import Any

import pytest

from fulfillment.models import Email, Entitlement
from orders.actions import import_undos, imports
from orders.models import Import, Order, Payment, Refund
from profiles.actors import Actor, NotPermitted
from tests.imports import counts, csv, row, run, undo
from tests.stage import Stage, sample

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def newest(stage: Stage) -> int:
    with stage.inside():
        return Import.objects.order_by("-pk").values_list("pk", flat=True)[0]


def standing(stage: Stage) -> dict[str, tuple[str, str]]:
    with stage.inside():
        rows = Order.objects.order_by("external_id").values_list("external_id", "status", "payment_status")
        return {external_id: (status, paid) for external_id, status, paid in rows}


def test_an_undone_import_is_withdrawn_and_the_same_file_brings_it_back(stage: Stage, tmp_path: Path) -> None:
    content = csv(row(1), row(2, status="refunded"))
    run(stage, tmp_path, content)
    before = stage.snapshot()
    undone = undo(stage, newest(stage))
    assert (undone["withdrawn"], undone["restored"], undone["kept"]) == (2, 0, 0)
    assert standing(stage) == {"o-1": ("cancelled", "unpaid"), "o-2": ("cancelled", "unpaid")}
    with stage.inside():
        assert set(Entitlement.objects.values_list("status", flat=True)) == {"revoked"}
        assert set(Payment.objects.values_list("status", flat=True)) == {"failed"}
        assert Refund.objects.get().status == "failed"
    assert counts(run(stage, tmp_path, content)) == (2, 0, 0)
    assert stage.snapshot() == before
    with stage.inside():
        assert not Email.objects.exists()


def test_what_an_import_changed_goes_back_to_what_the_one_before_said(stage: Stage, tmp_path: Path) -> None:
    run(stage, tmp_path, csv(row(1), row(2, status="pending")))
    before = standing(stage)
    run(stage, tmp_path, csv(row(1, status="refunded"), row(2)))
    assert standing(stage) == {"o-1": ("refunded", "refunded"), "o-2": ("pending", "paid")}
    undone = undo(stage, newest(stage))
    assert (undone["withdrawn"], undone["restored"]) == (0, 2)
    assert standing(stage) == before


def test_what_others_spoke_of_since_stays_and_is_named(stage: Stage, tmp_path: Path) -> None:
    body = sample("shopify/orders-paid.json")
    shop = {"currency": body["currency"], "gross": body["current_total_price"], "fee": "", "net": ""}
    channel = {"channel": stage.channels["shopify"].label}
    rows = csv(row(str(body["id"]), **shop), row(2, status="pending"), row(3))
    run(stage, tmp_path, rows, **channel)
    first = newest(stage)
    assert stage.post("shopify", body, topic="orders/paid").status_code == 200
    stage.work()
    run(stage, tmp_path, csv(row(2)), **channel)
    undone = undo(stage, first)
    assert [(r["line"], r["reason"]) for r in undone["rows"]] == [(2, import_undos.SPOKEN), (3, import_undos.LATER)]
    assert standing(stage) == {
        str(body["id"]): ("pending", "paid"),
        "o-2": ("pending", "paid"),
        "o-3": ("cancelled", "unpaid"),
    }


def test_an_undo_is_asked_for_once_and_by_whoever_may(stage: Stage, tmp_path: Path) -> None:
    run(stage, tmp_path, csv(row(1)))
    with stage.inside():
        imported = Import.objects.get()
        with pytest.raises(NotPermitted):
            import_undos.request(imported, by=Actor(label="Ann", role="agent"), because="no right to")
        import_undos.request(imported, by=Actor(label="Finn", role="finance"), because="the wrong file")
        with pytest.raises(imports.NotPossible):
            import_undos.request(imported, by=Actor(label="Finn", role="finance"), because="the wrong file")


def test_an_order_of_rows_that_stand_apart_is_taken_back_once(stage: Stage, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("config.importing.PORTION", 2)
    second = {"sku": "EBOOK-HARB-EN"}
    run(stage, tmp_path, csv(row(1), row(2), row(3), row(1, **second), row(4)))
    undone = undo(stage, newest(stage))
    assert (undone["withdrawn"], undone["kept"]) == (4, 0)
    with stage.inside():
        assert Import.objects.get().withdrawn == 4

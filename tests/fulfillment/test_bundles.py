"""A bundle grants each digital product in it, once a line, and takes all of them back with the line."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from config import drains
from fulfillment.actions import bundles, entitlements
from fulfillment.models import Email, Entitlement, Job
from orders.actions import products
from orders.models import Line, Order, Product
from orders.queries import bundles as inside
from profiles import clock
from profiles.actions import settlement
from profiles.actors import Actor, NotFound, Refusal
from support import alarms
from support.queries import troubles
from tests.stage import BY, Stage, sample

LEAD = Actor(label="Lea", role="lead")
DAY = timedelta(days=1)
WHY = "the autumn offer"


@pytest.fixture
def stage(db: None) -> Stage:
    made = Stage()
    made.product("SERV-HOUR", "One hour of advice", kind="service")
    made.bundle = made.product("SET-SEA", "Everything about the sea", kind="bundle")  # type: ignore[attr-defined]
    with made.inside():
        skus = ["EBOOK-TIDE-EN", "EBOOK-HARB-EN", "SERV-HOUR"]
        assert bundles.fill(made.bundle, skus, by=BY) == 3  # type: ignore[attr-defined]
        assert bundles.fill(made.bundle, skus, by=BY) == 0  # type: ignore[attr-defined]
    return made


def buy(stage: Stage, number: int = 1, *skus: str, **changes: Any) -> None:
    body = sample("api/order.json")
    body.update(external_id=f"b-{number}", customer={"email": f"reader{number}@example.org"})
    body["lines"] = [{**body["lines"][0], "sku": sku, "title": ""} for sku in skus or ["SET-SEA"]]
    body.update(changes)
    assert stage.post("api", body).status_code == 200
    stage.work()


def held(stage: Stage) -> list[tuple[str, str, str]]:
    return sorted(
        (row["sku"], row["status"], row["source"]) for o in stage.snapshot()["orders"] for row in o["entitlements"]
    )


BOTH = [("EBOOK-HARB-EN", "pending_claim", "bundle"), ("EBOOK-TIDE-EN", "pending_claim", "bundle")]


def test_a_bundle_grants_what_is_digital_in_it_by_one_mail(stage: Stage) -> None:
    buy(stage)
    buy(stage)
    assert held(stage) == BOTH
    with stage.inside():
        (mail,) = Email.objects.all()
        assert mail.template == "receipt" and mail.text.count("/download/") == 2


def test_a_bundle_in_a_bundle_gives_each_product_once(stage: Stage) -> None:
    stage.product("SET-ALL", "All of it", kind="bundle")
    with stage.inside():
        bundles.fill(Product.objects.get(sku="SET-ALL"), ["SET-SEA", "EBOOK-TIDE-EN"], by=BY)
    buy(stage, 1, "SET-ALL")
    assert held(stage) == BOTH


def test_no_bundle_comes_to_be_inside_itself(stage: Stage) -> None:
    stage.product("SET-ALL", "All of it", kind="bundle")
    with stage.inside():
        sea, everything = Product.objects.get(sku="SET-SEA"), Product.objects.get(sku="SET-ALL")
        bundles.fill(everything, ["SET-SEA"], by=BY)
        for inner, outer in ((sea, sea), (sea, everything)):
            with pytest.raises(Refusal, match="cannot be part of it"):
                bundles.add(inner, outer, to_owners=False, by=LEAD, because=WHY)
        assert everything not in bundles.choosable(sea)
        with pytest.raises(Refusal, match="is no bundle"):
            bundles.add(stage.book, sea, to_owners=False, by=LEAD, because=WHY)
        with pytest.raises(NotFound):
            bundles.fill(sea, ["NO-SUCH"], by=BY)


@pytest.mark.parametrize("change", [{"payment_status": "unpaid"}, {"status": "cancelled"}], ids=["unpaid", "cancelled"])
def test_what_happens_to_the_line_happens_to_all_of_it(stage: Stage, change: dict[str, Any]) -> None:
    buy(stage, placed_at="2026-11-13T19:05:41Z", updated_at="2026-11-13T19:05:41Z")
    buy(stage, placed_at="2026-11-13T19:05:41Z", updated_at="2026-11-14T19:05:41Z", **change)
    assert [status for _, status, _ in held(stage)] == ["revoked", "revoked"]


def test_a_refund_of_its_line_revokes_the_bundle_and_nothing_else(stage: Stage) -> None:
    """The shop sells the second line as a bundle; the refund covers that line alone."""
    with stage.inside():
        Product.objects.filter(sku="EBOOK-HARB-EN").update(sku="EBOOK-OLD")
    stage.product("EBOOK-HARB-EN", "Harbours, three books", kind="bundle")
    stage.product("EBOOK-NEW", "New harbours", file=b"%PDF new", filename="new.pdf")
    with stage.inside():
        bundles.fill(Product.objects.get(sku="EBOOK-HARB-EN"), ["EBOOK-OLD", "EBOOK-NEW"], by=BY)
    stage.post("shopify", sample("shopify/orders-paid.json"), topic="orders/paid")
    stage.work()
    assert [(sku, source) for sku, _, source in held(stage)] == [
        ("EBOOK-NEW", "bundle"),
        ("EBOOK-OLD", "bundle"),
        ("EBOOK-TIDE-EN", "order"),
    ]
    stage.post("shopify", sample("shopify/refunds-create.json"), topic="refunds/create")
    stage.work()
    assert {sku for sku, status, _ in held(stage) if status == "revoked"} == {"EBOOK-NEW", "EBOOK-OLD"}


def test_owners_keep_what_is_taken_out_and_get_what_is_new_by_choice(stage: Stage) -> None:
    buy(stage)
    chart, map_ = (stage.product(f"EBOOK-{n}", n, file=n.encode(), filename=f"{n}.pdf") for n in ("CHART", "MAP"))
    with stage.inside():
        bundle = Product.objects.get(sku="SET-SEA")
        assert bundles.owners(bundle) == 1
        bundles.remove(bundle, stage.book, by=LEAD, because=WHY)
        assert bundles.add(bundle, chart, to_owners=False, by=LEAD, because=WHY) == 0
        assert bundles.add(bundle, map_, to_owners=True, by=LEAD, because=WHY) == 1
    stage.work()
    assert [row[:2] for row in held(stage)] == [
        (sku, "pending_claim") for sku in ("EBOOK-HARB-EN", "EBOOK-MAP", "EBOOK-TIDE-EN")
    ]
    with stage.inside():
        assert Email.objects.filter(template="delivery").count() == 1
    buy(stage, 2)
    assert sorted(sku for sku, _, _ in held(stage)[-6:]).count("EBOOK-CHART") == 1


def test_an_unmapped_bundle_is_fulfilled_once_mapped(stage: Stage) -> None:
    buy(stage, 1, "SOME-NAME-OF-THE-SHOP")
    assert held(stage) == []
    with stage.inside():
        line = Line.objects.get()
        bundle = Product.objects.get(sku="SET-SEA")
        assert products.map_lines(product=bundle, sku=line.sku, title=line.title, by=LEAD, because=WHY) == 1
    stage.work()
    assert held(stage) == BOTH


def test_an_empty_bundle_is_owed_and_delivered_once_it_is_filled(stage: Stage) -> None:
    stage.product("SET-NEW", "Not yet filled", kind="bundle")
    stage.product("SET-TALK", "Services alone", kind="bundle")
    with stage.inside():
        bundles.fill(Product.objects.get(sku="SET-TALK"), ["SERV-HOUR"], by=BY)
    placed = f"{clock.now():%Y-%m-%dT%H:%M:%SZ}"
    buy(stage, 1, "SET-NEW", "SET-TALK", "SET-SEA", placed_at=placed)

    def owed() -> bool:
        with stage.inside():
            Order.objects.update(arrived_at=F("arrived_at") - DAY, placed_at=F("placed_at") - DAY)
            Order.objects.update(paid_at=F("placed_at"))
            return "orders.ungranted" in {trouble.key for trouble in troubles.found(alarms.Policy(), clock.now())}

    assert owed()
    with stage.inside():
        bundle = Product.objects.get(sku="SET-NEW")
        bundles.add(bundle, stage.book, to_owners=False, by=LEAD, because=WHY)
    stage.work()
    assert [sku for sku, _, _ in held(stage)].count("EBOOK-TIDE-EN") == 2
    assert not owed()


def test_a_component_without_a_file_holds_up_only_itself(stage: Stage) -> None:
    bare = stage.product("EBOOK-BARE", "Not yet written")
    with stage.inside():
        bundles.add(Product.objects.get(sku="SET-SEA"), bare, to_owners=False, by=LEAD, because=WHY)
    buy(stage)
    with stage.inside():
        states = dict(Job.objects.values_list("entitlement__product__sku", "state"))
    assert states == {"EBOOK-TIDE-EN": "completed", "EBOOK-HARB-EN": "completed", "EBOOK-BARE": "failed"}


def test_what_a_person_revoked_of_a_bundle_stays_revoked(stage: Stage) -> None:
    buy(stage)
    with stage.inside():
        row = Entitlement.objects.get(product__sku="EBOOK-TIDE-EN")
        entitlements.revoke(row, by=LEAD, because=WHY)
        settlement.request(stage.organization.pk, orders=[row.order_id or 0])
    stage.work()
    assert [status for _, status, _ in held(stage)] == ["pending_claim", "revoked"]


def test_ten_bundles_cost_as_many_queries_as_one(stage: Stage) -> None:
    counts = []
    for numbers in ([1], range(2, 12)):
        for number in numbers:
            body = sample("api/order.json")
            body.update(external_id=f"b-{number}", customer={"email": f"reader{number}@example.org"})
            body["lines"] = [{**body["lines"][0], "sku": "SET-SEA", "title": ""}]
            assert stage.post("api", body).status_code == 200
        drains.inbox(stage.organization.pk)
        with CaptureQueriesContext(
            connection,
        ) as caught:
            drains.settlements(stage.organization.pk)
        counts.append(len(caught))
    assert counts[1] <= counts[0] + 2
    with stage.inside():
        assert len(inside.components([Product.objects.get(sku="SET-SEA").pk]).popitem()[1]) == 3
        assert Entitlement.objects.count() == 22

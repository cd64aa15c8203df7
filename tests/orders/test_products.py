"""What a line sold: known as it comes, or mapped when the order is settled."""

from typing import Any

import pytest

from config import drains
from orders.actions import products
from orders.models import Line
from tests.stage import BY, Stage, sample

KNOWN, LATER = "EBOOK-TIDE-EN", "EBOOK-LATE-EN"


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


def lines(stage: Stage) -> dict[str, str]:
    with stage.inside():
        rows = Line.objects.select_related("product")
        return {line.sku: line.product.sku if line.product else "" for line in rows}


def order(**changes: Any) -> dict[str, Any]:
    body = sample("shopify/orders-paid.json")
    first, second, *rest = body["line_items"]
    first.update(sku=KNOWN, variant_id=1, product_id=2)
    second.update(sku=LATER, variant_id=3, product_id=4)
    return {**body, "line_items": [first, second, *rest], **changes}


def test_a_line_has_what_the_catalogue_knows_from_the_start_and_the_rest_once_it_is_settled(stage: Stage) -> None:
    stage.post("shopify", order(), topic="orders/paid")
    drains.inbox(stage.organization.pk)
    assert lines(stage)[KNOWN] == KNOWN and lines(stage)[LATER] == ""
    stage.product(LATER, "Late")
    stage.work()
    assert lines(stage)[LATER] == LATER


def test_a_listing_goes_before_a_sku_when_a_line_comes_as_when_it_is_settled(stage: Stage) -> None:
    other = stage.product("OTHER", "Another")
    with stage.inside():
        products.add_listing(other, kind="shopify", external_id="1", by=BY, because="the shop's own id")
        products.add_listing(other, kind="etsy", external_id="3", by=BY, because="another shop's id")
    stage.post("shopify", order(), topic="orders/paid")
    drains.inbox(stage.organization.pk)
    assert lines(stage)[KNOWN] == "OTHER" and lines(stage)[LATER] == ""
    with stage.inside():
        Line.objects.update(product=None)
    stage.work()
    assert lines(stage)[KNOWN] == "OTHER" and lines(stage)[LATER] == ""

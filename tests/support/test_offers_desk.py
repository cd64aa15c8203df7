"""What buyers of a product are offered later, chosen and taken back on the product's page."""

import pytest

from fulfillment.actions import offers
from fulfillment.models import Offer
from orders.models import Product
from profiles.actors import Actor, Invalid, NotPermitted
from tests.desk import Desk, Sign

LEAD = Actor(label="Lea", role="lead")
SHOP = "https://shop.example/harbour"


@pytest.fixture
def harbour(desk: Desk) -> Product:
    with desk.inside():
        return Product.objects.get(sku="EBOOK-HARB-EN")


def test_an_offer_is_chosen_replaced_and_taken_back_on_the_products_page(
    desk: Desk, sign: Sign, harbour: Product
) -> None:
    lead, book = sign("lead"), desk.stage.book
    page = desk.url("orders_product_change", book.pk)
    opened = lead.get(desk.act("choose_offer", book.pk)).content
    assert b"Cross-sell: switched off under Follow-ups; 0 planned mails." in opened
    data = {"kind": "cross_sell", "offered": harbour.sku, "url": SHOP}
    assert desk.press(lead, "choose_offer", book.pk, **data).status_code == 302
    assert desk.press(lead, "choose_offer", book.pk, **{**data, "url": SHOP + "/new"}).status_code == 302
    with desk.inside():
        row = Offer.objects.get()
    assert (row.product_id, row.offered_id, row.url) == (book.pk, harbour.pk, SHOP + "/new")
    shown = lead.get(page).content
    assert b"Offered to its buyers" in shown and b"harbour/new" in shown
    assert desk.press(lead, "withdraw_offer", row.pk).status_code == 302
    assert b"Offered to its buyers" not in lead.get(page).content
    assert [len(desk.acts(f"offer.{what}")) for what in ("chosen", "withdrawn")] == [2, 1]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": "javascript:alert(1)"}, "whole address"),
        ({"url": "https://user:secret@shop.example/"}, "whole address"),
        ({"url": "shop.example"}, "whole address"),
        ({"offered": "NO-SUCH"}, "no product NO-SUCH"),
        ({"offered": "EBOOK-TIDE-EN"}, "own this product already"),
    ],
)
def test_what_cannot_be_offered_is_told_in_the_form(
    desk: Desk, sign: Sign, harbour: Product, changes: dict[str, str], said: str
) -> None:
    data = {"kind": "upsell", "offered": harbour.sku, "url": SHOP, **changes}
    answer = desk.press(sign("lead"), "choose_offer", desk.stage.book.pk, **data)
    assert answer.status_code == 200 and said in answer.context["form"].non_field_errors()[0]


def test_only_who_sets_the_terms_of_mails_may_choose(desk: Desk, sign: Sign, harbour: Product) -> None:
    book = desk.stage.book
    agent = sign("agent")
    assert (
        desk.act("choose_offer", book.pk).encode() not in agent.get(desk.url("orders_product_change", book.pk)).content
    )
    with desk.inside():
        with pytest.raises(NotPermitted):
            offers.choose(
                book, "upsell", harbour, SHOP, by=Actor(label="Ann", role="agent"), because="the autumn campaign"
            )
        with pytest.raises(Invalid):
            offers.choose(book, "reminder", harbour, SHOP, by=LEAD, because="the autumn campaign")
        offers.choose(book, "upsell", harbour, SHOP, by=LEAD, because="the autumn campaign")
        with pytest.raises(offers.AlreadyOffered):
            offers.choose(book, "upsell", harbour, SHOP, by=LEAD, because="the autumn campaign")

"""Refunds at Shopify and WooCommerce: what is sent, what is recorded, and that a silent shop never pays twice."""

import random
from collections.abc import Iterator

import pytest

from fulfillment.models import Entitlement
from orders.actions import channels, refund_requests
from orders.models import Order, Refund, RefundRequest
from profiles.actors import Actor
from tests.shop_servers import ShopifyServer, ShopServer, WooServer
from tests.stage import BY, Stage, sample
from tests.trouble import troubled

FINANCE = Actor(label="Finn", role="finance")
State = RefundRequest.State
CREDENTIALS = {
    "shopify": {"access_token": "shpat_not_real"},
    "woocommerce": {"consumer_key": "ck_not_real", "consumer_secret": "cs_not_real"},
}


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


@pytest.fixture
def shopify() -> Iterator[ShopifyServer]:
    with ShopifyServer() as server:
        yield server


@pytest.fixture
def woo() -> Iterator[WooServer]:
    with WooServer(order=sample("woocommerce/order.created.json")) as server:
        yield server


def bought(stage: Stage, server: ShopServer, kind: str, **credentials: str) -> Order:
    """The recorded order, of a channel whose shop is this server."""
    name, topic = {
        "shopify": ("shopify/orders-paid.json", "orders/paid"),
        "woocommerce": ("woocommerce/order.created.json", "order.created"),
    }[kind]
    with stage.inside():
        stage.channels[kind] = channels.connect(
            stage.organization,
            kind=kind,
            domain=server.domain,
            secret=stage.channels[kind].secret,
            credentials=credentials or CREDENTIALS[kind],
            calls_provider=False,
            by=BY,
        )
    assert stage.post(kind, sample(name), topic=topic).status_code == 200
    stage.work()
    with stage.inside():
        return Order.objects.select_related("channel", "organization").get(channel__kind=kind)


def ask(stage: Stage, order: Order, amount: int | None = None, key: str = "k", **lines: int) -> RefundRequest:
    with stage.inside():
        named = refund_requests.lines_of([(sku.replace("_", "-"), None) for sku in lines], order)
        return refund_requests.request(
            order, amount_minor=amount, lines=named, by=FINANCE, because="the customer asked", key=key
        )


def state(stage: Stage, row: RefundRequest) -> tuple[str, str]:
    with stage.inside():
        found = RefundRequest.objects.get(pk=row.pk)
        return found.state, found.last_error


def access(stage: Stage, order: Order) -> dict[str, str]:
    with stage.inside():
        return dict(Entitlement.objects.filter(order=order).values_list("product__sku", "status"))


def refunded(stage: Stage, order: Order) -> tuple[str, int]:
    with stage.inside():
        row = Order.objects.get(pk=order.pk)
        return row.payment_status, row.refunded_minor


# Shopify ------------------------------------------------------------------------------------------------------


def test_one_line_of_two_ends_only_its_own_access(stage: Stage, shopify: ShopifyServer) -> None:
    order = bought(stage, shopify, "shopify")
    ask(stage, order, EBOOK_HARB_EN=1)
    stage.work()
    assert access(stage, order) == {"EBOOK-TIDE-EN": "pending_claim", "EBOOK-HARB-EN": "revoked"}
    (made,) = shopify.refunds
    sent = shopify.calls[-1].body["variables"]["input"]
    assert sent["currency"] == "USD" and sent["refundLineItems"][0]["restockType"] == "NO_RESTOCK"
    with stage.inside():
        (fact,) = Refund.objects.all()
        (line,) = order.lines.filter(sku="EBOOK-HARB-EN")
    # Paid in dollars, kept in euros.
    assert (fact.currency, fact.shop_currency, fact.order_minor) == ("USD", "EUR", line.total_minor)
    assert fact.external_id == made["id"].rsplit("/", 1)[1] and fact.covered_lines == [f"{line.external_id}×1"]


def test_the_last_refund_takes_the_buyers_last_cent(stage: Stage, shopify: ShopifyServer) -> None:
    order = bought(stage, shopify, "shopify")
    for number, amount in enumerate((1111, 777, None)):
        ask(stage, order, amount, key=str(number))
        stage.work()
    sums = [one["transactions"]["nodes"][0]["amountSet"]["presentmentMoney"]["amount"] for one in shopify.refunds]
    assert len(sums) == 3 and refunded(stage, order) == ("refunded", 4960)
    with stage.inside():
        assert sum(Refund.objects.values_list("amount_minor", flat=True)) == order.presentment_total_minor


def test_a_shop_is_entered_by_the_apps_own_credentials(stage: Stage, shopify: ShopifyServer) -> None:
    order = bought(stage, shopify, "shopify", client_id="id", client_secret="right")
    row = ask(stage, order)
    stage.work()
    assert state(stage, row) == (State.DONE, "") and shopify.tokens == 1


def test_wrong_credentials_are_told_and_nothing_is_tried_again(stage: Stage, shopify: ShopifyServer) -> None:
    order = bought(stage, shopify, "shopify", access_token="old")
    row = ask(stage, order)
    stage.work()
    assert state(stage, row) == (State.FAILED, "Shopify does not accept the channel's access token.")


def test_a_users_error_is_shopifys_own_sentence(stage: Stage, shopify: ShopifyServer) -> None:
    order = bought(stage, shopify, "shopify")
    shopify.lines = ()
    row = ask(stage, order, EBOOK_HARB_EN=1)
    stage.work()
    assert state(stage, row) == (State.FAILED, "Shopify: Line item does not belong to the order")


def test_a_shop_with_another_order_is_not_refunded(stage: Stage, shopify: ShopifyServer) -> None:
    order = bought(stage, shopify, "shopify")
    shopify.order_id = "5"
    row = ask(stage, order)
    stage.work()
    assert state(stage, row)[0] == State.FAILED and shopify.refunds == []


# WooCommerce --------------------------------------------------------------------------------------------------


def test_a_store_refunds_through_its_gateway_with_tax_apart(stage: Stage, woo: WooServer) -> None:
    order = bought(stage, woo, "woocommerce")
    row = ask(stage, order, EBOOK_HARB_EN=1)
    stage.work()
    (made,) = woo.refunds
    assert (made["amount"], made["refunded_payment"]) == ("21.53", True)
    assert made["line_items"] == [
        {"id": 6012, "quantity": 1, "refund_total": "20.70", "refund_tax": [{"id": 4, "refund_total": "0.83"}]}
    ]
    assert state(stage, row)[0] == State.DONE and access(stage, order)["EBOOK-HARB-EN"] == "revoked"
    assert refunded(stage, order) == ("partially_refunded", 2153)


def test_the_stores_own_update_keeps_the_line_and_an_older_one_takes_nothing_back(stage: Stage, woo: WooServer) -> None:
    order = bought(stage, woo, "woocommerce")
    ask(stage, order, EBOOK_HARB_EN=1)
    stage.work()
    before = stage.snapshot()
    late = sample("woocommerce/order.created.json")  # made before the refund, delivered after it
    late.update(date_modified_gmt="2026-11-17T09:00:00", refunds=[])
    stage.post("woocommerce", late, topic="order.updated", delivery="late")
    stage.work()
    assert stage.snapshot() == before
    update = sample("woocommerce/order.created.json")
    listed = [{"id": woo.refunds[0]["id"], "reason": "", "total": "-21.53"}]
    update.update(date_modified_gmt="2027-01-01T00:00:00", refunds=listed)
    stage.post("woocommerce", update, topic="order.updated", delivery="after")
    stage.work()
    assert stage.snapshot() == before


def test_a_stores_refusal_is_told_in_its_words(stage: Stage, woo: WooServer) -> None:
    order = bought(stage, woo, "woocommerce")
    woo.order["total"] = "1.00"
    row = ask(stage, order)
    stage.work()
    assert state(stage, row) == (State.FAILED, "WooCommerce: Invalid refund amount.")


def test_a_shop_that_is_down_is_asked_once_and_the_store_beside_it_goes_on(
    stage: Stage, shopify: ShopifyServer, woo: WooServer
) -> None:
    """F34: one call finds out; the rest of that shop's refunds wait without one."""
    down, well = bought(stage, shopify, "shopify"), bought(stage, woo, "woocommerce")
    waiting = [ask(stage, down, 100 + n, key=f"down{n}") for n in range(5)]
    going = [ask(stage, well, 100 + n, key=f"well{n}") for n in range(5)]
    shopify.plan = ["500"] * 9
    stage.work()
    assert len([call for call in shopify.calls if shopify.moves_money(call)]) == 1
    assert [state(stage, row)[0] for row in waiting] == [State.UNKNOWN, *[State.QUEUED] * 4]
    assert [state(stage, row)[0] for row in going] == [State.DONE] * 5 and len(woo.refunds) == 5


# Once, whatever the line does ---------------------------------------------------------------------------------

FAULTS = ["drop before", "drop after", "500", "html", "429"]


@pytest.mark.parametrize("kind", ["shopify", "woocommerce", "woocommerce unmarked"])
def test_whatever_the_line_does_there_is_one_refund(
    stage: Stage, shopify: ShopifyServer, woo: WooServer, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F35, F36, twenty times: answers lost before and after the act, kills between call and note."""
    server: ShopServer = shopify if kind == "shopify" else woo
    woo.keeps_marks = kind != "woocommerce unmarked"
    order = bought(stage, server, kind.split(maxsplit=1)[0])
    for seed in range(20):
        row = ask(stage, order, 100 + seed, key=str(seed))
        troubled(stage, row, server.plan, FAULTS, random.Random(seed), monkeypatch)
        made = shopify.refunds if kind == "shopify" else woo.refunds
        assert (state(stage, row)[0], len(made)) == (State.DONE, seed + 1), (seed, state(stage, row))
    stage.work()
    assert refunded(stage, order) == ("partially_refunded", sum(range(100, 120)))

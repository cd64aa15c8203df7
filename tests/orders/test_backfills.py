"""What webhooks missed is found in the providers' own lists, once, and never when late webhooks come after all."""

import copy
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command

from config import backfilling, schedules
from orders.actions import backfills, channels
from orders.actions.backfills import Busy, NotAskable
from orders.models import Backfill, Channel, LedgerEntry, Order, Payment, Payout, PayoutLine, Refund
from orders.providers import TRUTHS
from orders.providers.truth import Page
from profiles import clock
from profiles.actors import Invalid
from tests.shop_servers import ShopifyServer, WooServer
from tests.stage import BY, Stage, sample, stripe_event
from tests.stripe_server import StripeServer, connect

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


@pytest.fixture
def woo() -> Iterator[WooServer]:
    with WooServer(order=sample("woocommerce/order.created.json")) as server:
        yield server


@pytest.fixture
def shopify() -> Iterator[ShopifyServer]:
    with ShopifyServer() as server:
        yield server


@pytest.fixture
def stripe(settings: Any) -> Iterator[StripeServer]:
    with StripeServer() as server:
        settings.STRIPE_API_BASE = server.base
        yield server


def attach(stage: Stage, kind: str, domain: str, *, calls_provider: bool = True, **credentials: str) -> Channel:
    """Let the stage's channel of this kind be the shop at this address."""
    usual = {
        "woocommerce": {"consumer_key": "ck_not_real", "consumer_secret": "cs_not_real"},
        "shopify": {"access_token": "shpat_not_real"},
    }
    with stage.inside():
        stage.channels[kind] = channels.connect(
            stage.organization,
            kind=kind,
            domain=domain,
            secret=stage.channels[kind].secret,
            credentials=credentials or usual[kind],
            calls_provider=calls_provider,
            by=BY,
        )
        Channel.objects.filter(pk=stage.channels[kind].pk).update(connected_at=LONG_AGO)
        return Channel.objects.get(pk=stage.channels[kind].pk)


def sold(number: int) -> dict[str, Any]:
    """One WooCommerce order, as its webhook and its list tell it."""
    body = sample("woocommerce/order.created.json")
    moment = datetime(2026, 11, 13, 19, tzinfo=UTC) + timedelta(seconds=number)
    body.update(id=9000 + number, number=f"LP-{number}", date_modified_gmt=f"{moment:%Y-%m-%dT%H:%M:%S}")
    body["billing"]["email"] = f"buyer{number}@example.org"
    for item in body["line_items"]:
        item["id"] = item["id"] * 1000 + number
    return body


def ask(stage: Stage, channel: Channel, since: datetime | None = None, **more: Any) -> backfilling.Result:
    return backfilling.by_hand(channel, since=since, **more)


def count(stage: Stage, model: type[Any]) -> int:
    with stage.inside():
        return int(model.objects.count())


# The fifty of F13 ------------------------------------------------------------------------------------------------


def test_fifty_webhooks_that_were_dropped_are_found_in_one_cycle(stage: Stage, woo: WooServer) -> None:
    attach(stage, "woocommerce", woo.domain)
    woo.listed = [sold(number) for number in range(150)]
    for body in woo.listed[50:]:
        assert stage.post("woocommerce", body, topic="order.created", delivery=str(body["id"])).status_code == 200
    stage.work()
    assert count(stage, Order) == 100
    schedules.run("backfills")
    stage.work()
    assert count(stage, Order) == 150
    with stage.inside():
        row = Backfill.objects.get()
        assert (row.told, row.missed, row.error, row.due_at, row.cursor) == (150, 50, "", None, {})
        entries = LedgerEntry.objects.count()
    before = stage.snapshot()
    for body in woo.listed[:50]:  # the webhooks come after all
        assert stage.post("woocommerce", body, topic="order.created", delivery=str(body["id"])).status_code == 200
    stage.work()
    assert stage.snapshot() == before
    assert (count(stage, Order), count(stage, LedgerEntry)) == (150, entries)


def test_a_missed_order_is_delivered_as_one_that_was_told(stage: Stage, woo: WooServer) -> None:
    attach(stage, "woocommerce", woo.domain)
    woo.listed = [sold(1)]
    schedules.run("backfills")
    stage.work()
    with stage.inside():
        assert Order.objects.get().from_file is False
    assert [mail["template"] for mail in stage.snapshot()["emails"]] == ["receipt"]


def test_the_next_reading_begins_an_hour_before_the_last_good_point(stage: Stage, woo: WooServer) -> None:
    channel = attach(stage, "woocommerce", woo.domain)
    first = ask(stage, channel)
    assert first.since == LONG_AGO - timedelta(hours=1)
    second = ask(stage, channel)
    assert second.since == first.until - timedelta(hours=1)


def test_a_reading_that_began_too_late_proves_nothing_about_before(stage: Stage, woo: WooServer) -> None:
    channel = attach(stage, "woocommerce", woo.domain)
    ask(stage, channel, since=clock.now() - timedelta(minutes=1))
    with stage.inside():
        assert Backfill.objects.get().good_until == LONG_AGO


def test_a_reading_that_is_cut_goes_on_where_it_was(stage: Stage, woo: WooServer, monkeypatch: Any) -> None:
    attach(stage, "woocommerce", woo.domain)
    woo.listed = [sold(number) for number in range(250)]
    monkeypatch.setattr(backfilling, "AT_MOST_SECONDS", -1)
    schedules.run("backfills")
    assert backfilling.due(stage.organization.pk) == 1
    with stage.inside():
        assert Backfill.objects.get().cursor["after"] == {"page": 2}
    stage.work()
    assert count(stage, Order) == 250
    assert [call.path.rpartition("page=")[2] for call in woo.calls] == ["1", "2", "3"]


def test_a_worker_that_died_is_followed_by_another(stage: Stage, woo: WooServer) -> None:
    attach(stage, "woocommerce", woo.domain)
    woo.listed = [sold(1)]
    schedules.run("backfills")
    with stage.inside():
        assert backfills.claim() is not None
        assert backfills.claim() is None
        Backfill.objects.update(lease_until=clock.real() - timedelta(seconds=1))
    stage.work()
    assert count(stage, Order) == 1


# A provider in trouble -------------------------------------------------------------------------------------------


def test_a_provider_that_asks_to_wait_is_waited_for(stage: Stage, woo: WooServer, monkeypatch: Any) -> None:
    channel, slept = attach(stage, "woocommerce", woo.domain), list[float]()
    monkeypatch.setattr(time, "sleep", slept.append)
    woo.listed, woo.plan = [sold(1)], ["429", "429"]
    assert ask(stage, channel).told == 1 and slept == [5, 5]


@pytest.mark.parametrize("fault", ["500", "html", "drop before"])
def test_a_provider_in_trouble_is_named_and_asked_again_later(stage: Stage, woo: WooServer, fault: str) -> None:
    attach(stage, "woocommerce", woo.domain)
    woo.listed, woo.plan = [sold(1)], [fault]
    schedules.run("backfills")
    stage.work()
    with stage.inside():
        row = Backfill.objects.get()
        assert row.error and row.due_at is not None and row.due_at > clock.now() + timedelta(minutes=4)
        assert row.good_until == LONG_AGO
        Backfill.objects.update(due_at=clock.now())
    stage.work()
    assert count(stage, Order) == 1


def test_a_provider_that_cannot_be_reached_is_told_with_exit_zero(
    stage: Stage, woo: WooServer, capsys: pytest.CaptureFixture[str]
) -> None:
    attach(stage, "woocommerce", woo.domain)
    woo.stop()
    label = stage.channels["woocommerce"].label
    call_command("backfill", "--organization", stage.slug, "--channel", label, "--json")
    (told,) = json.loads(capsys.readouterr().out)["channels"]
    assert told["channel"] == label and told["error"] and told["told"] == 0


def test_pages_that_never_end_are_given_up(stage: Stage, woo: WooServer, monkeypatch: Any) -> None:
    channel = attach(stage, "woocommerce", woo.domain)
    turned = Page(after={"page": 1})
    monkeypatch.setattr(type(TRUTHS["woocommerce"]), "page", lambda *_: turned)
    assert "again and again" in ask(stage, channel).error


def test_one_order_that_cannot_be_read_does_not_stop_the_others(stage: Stage, woo: WooServer) -> None:
    channel = attach(stage, "woocommerce", woo.domain)
    woo.listed = [sold(1), {**sold(2), "total": "a lot"}, sold(3)]
    result = ask(stage, channel)
    assert result.told == 2 and result.unreadable[0].startswith("Order 9002: total:")


# Who is asked ----------------------------------------------------------------------------------------------------


def test_a_channel_that_calls_no_provider_is_asked_only_by_hand(stage: Stage, woo: WooServer) -> None:
    channel = attach(stage, "woocommerce", woo.domain, calls_provider=False)
    woo.listed = [sold(1)]
    schedules.run("backfills")
    stage.work()
    assert woo.calls == [] and count(stage, Order) == 0
    assert ask(stage, channel).missed == 1


def test_a_channel_without_credentials_is_not_asked(stage: Stage) -> None:
    with stage.inside():
        channel = stage.channels["stripe"]
        Channel.objects.update(calls_provider=True)
    schedules.run("backfills")
    assert count(stage, Backfill) == 0
    with pytest.raises(NotAskable, match="api_key"):
        ask(stage, channel)
    with pytest.raises(NotAskable, match="no list"):
        ask(stage, stage.channels["api"])


def test_two_people_do_not_ask_at_once(stage: Stage, woo: WooServer) -> None:
    channel = attach(stage, "woocommerce", woo.domain)
    with stage.inside():
        backfills.begin(channel, since=None)
    with pytest.raises(Busy):
        ask(stage, channel)


def test_an_unknown_channel_and_a_time_to_come_are_refused(stage: Stage, woo: WooServer) -> None:
    channel = attach(stage, "woocommerce", woo.domain)
    with stage.inside(), pytest.raises(Invalid):
        backfills.channels(["shopify:nowhere.example"])
    with pytest.raises(Invalid):
        ask(stage, channel, since=clock.now() + timedelta(days=1))


def test_a_dry_run_records_nothing(stage: Stage, woo: WooServer, capsys: pytest.CaptureFixture[str]) -> None:
    attach(stage, "woocommerce", woo.domain)
    woo.listed = [sold(1)]
    call_command("backfill", "--organization", stage.slug, "--since", "2026-11-01", "--dry-run")
    assert "1 facts since 2026-11-01 00:00 UTC, 1 unknown" in capsys.readouterr().out
    assert count(stage, Order) == 0
    with stage.inside():
        assert Backfill.objects.get().cursor == {}


# Shopify ---------------------------------------------------------------------------------------------------------


def listed(number: int = 1) -> dict[str, Any]:
    """The recorded order as the list tells it, with one refund."""

    def both(shop: str, buyer: str) -> dict[str, Any]:
        return {
            "shopMoney": {"amount": shop, "currencyCode": "EUR"},
            "presentmentMoney": {"amount": buyer, "currencyCode": "USD"},
        }

    node = copy.deepcopy(sample("shopify-api/orders.query.response.json")["data"]["orders"]["nodes"][0])
    node.update(
        id=f"gid://shopify/Order/{620040731027 + number}",
        legacyResourceId=str(620040731027 + number),
        totalPriceSet=both("49.6", "53.57"),
        lineItems={
            "nodes": [
                {
                    "id": f"gid://shopify/LineItem/{number}",
                    "title": "Tide Atlas",
                    "quantity": 1,
                    "sku": "EBOOK-TIDE-EN",
                    "variant": {"legacyResourceId": "77"},
                    "product": {"legacyResourceId": "7"},
                    "originalUnitPriceSet": both("49.6", "53.57"),
                    "discountAllocations": [],
                }
            ],
            "pageInfo": {"hasNextPage": False},
        },
        refunds=[
            {
                "id": f"gid://shopify/Refund/{number}",
                "note": "goodwill",
                "createdAt": "2026-11-14T10:02:41Z",
                "totalRefundedSet": both("18.4", "19.87"),
                "transactions": {"nodes": [{"id": "gid://shopify/OrderTransaction/1", "kind": "REFUND",
                                            "status": "SUCCESS", "amountSet": both("18.4", "19.87")}]},
                "refundLineItems": {"nodes": []},
            }
        ],
    )  # fmt: skip
    return node


def test_shopifys_list_is_read_page_by_page_with_refunds(stage: Stage, shopify: ShopifyServer) -> None:
    channel = attach(stage, "shopify", shopify.domain)
    shopify.listed = [listed(number) for number in range(1, 26)]
    result = ask(stage, channel)
    stage.work()
    assert (result.told, result.missed, result.unreadable, len(shopify.calls)) == (25, 25, [], 3)
    with stage.inside():
        order = Order.objects.order_by("pk")[0]
        refund = Refund.objects.order_by("pk")[0]
    assert (order.currency, order.total_minor, order.payment_status) == ("EUR", 4960, "partially_refunded")
    assert (refund.currency, refund.amount_minor, refund.order_minor) == ("USD", 1987, 1840)


def test_the_recorded_answer_of_shopify_is_read(stage: Stage, shopify: ShopifyServer) -> None:
    channel = attach(stage, "shopify", shopify.domain)
    shopify.listed = sample("shopify-api/orders.query.response.json")["data"]["orders"]["nodes"]
    assert ask(stage, channel).unreadable == []
    assert count(stage, Order) == 2


def test_what_shopifys_webhook_told_of_the_same_second_stands(stage: Stage, shopify: ShopifyServer) -> None:
    channel = attach(stage, "shopify", shopify.domain)
    told = sample("shopify/orders-paid.json")
    stage.post("shopify", told, topic="orders/paid")
    stage.work()
    before = stage.snapshot()
    at = datetime.fromisoformat(told["updated_at"]).astimezone(UTC)
    same = {**listed(), "id": f"gid://shopify/Order/{told['id']}", "legacyResourceId": str(told["id"]), "refunds": []}
    shopify.listed = [{**same, "updatedAt": f"{at:%Y-%m-%dT%H:%M:%SZ}", "displayFinancialStatus": "PAID"}]
    ask(stage, channel)
    stage.work()
    assert stage.snapshot() == before


def test_shopify_that_throttles_is_waited_for(stage: Stage, shopify: ShopifyServer, monkeypatch: Any) -> None:
    channel, slept = attach(stage, "shopify", shopify.domain), list[float]()
    monkeypatch.setattr(time, "sleep", slept.append)
    shopify.listed, shopify.plan = [listed()], ["THROTTLED"]
    assert ask(stage, channel).told == 1 and slept == [1]


# Stripe ----------------------------------------------------------------------------------------------------------


def fill(server: StripeServer, *, events: bool = True) -> None:
    """A Stripe with the recorded sale, its refund, its payout and the rows the payout is made of."""
    paid = sample("stripe/checkout.session.completed.json")
    session = paid["data"]["object"]
    intent = {
        "id": session["payment_intent"],
        "object": "payment_intent",
        "amount": session["amount_total"],
        "amount_received": session["amount_total"],
        "currency": session["currency"],
        "created": session["created"],
        "status": "succeeded",
        "latest_charge": "ch_3SgKhTL9mZ2xQeWc0kLp3QwE",
        "metadata": {},
    }
    refund = {**sample("stripe/refund.created.json")["data"]["object"], "payment_intent": intent["id"]}
    refund["created"] = session["created"] + 60
    payout = sample("stripe-api/payout.json")
    rows = sample("stripe-api/balance_transactions.list.json")["data"]
    for row in rows:
        row["_payout"] = payout["id"]
        if str(row["source"]).startswith("ch_3SgKh"):
            row["source"] = {"id": row["source"], "object": "charge", "payment_intent": intent["id"]}
    told = stripe_event("refund.created", refund, created=session["created"] + 61, event_id="evt_refund")
    server.things = {
        "/v1/checkout/sessions": [{**session, "status": "complete"}],
        "/v1/payment_intents": [intent],
        "/v1/charges": [],
        "/v1/refunds": [refund],
        "/v1/disputes": [],
        "/v1/payouts": [payout],
        "/v1/balance_transactions": rows,
    }
    if events:
        server.things["/v1/events"] = [told, paid]


@pytest.mark.parametrize("events", [True, False], ids=["with events", "without events"])
def test_stripe_tells_orders_refunds_and_payouts_with_their_lines(
    stage: Stage, stripe: StripeServer, settings: Any, events: bool
) -> None:
    connect(stage, stripe, settings)
    fill(stripe, events=events)
    result = ask(stage, stage.channels["stripe"], since=LONG_AGO)
    stage.work()
    assert (result.error, result.unreadable) == ("", [])
    with stage.inside():
        order, payout = Order.objects.get(), Payout.objects.get()
        assert (order.external_id[:3], order.payment_status) == ("cs_", "partially_refunded")
        assert Payment.objects.get().fee_minor == 109
        assert payout.complete and payout.amount_minor == 6731
        lines = list(PayoutLine.objects.order_by("pk"))
        assert len(lines) == 5 and sum(line.net_minor for line in lines) == 6731
        assert {line.payout_id for line in lines} == {payout.pk}
        assert sum(1 for line in lines if line.order_id == order.pk) >= 1
    before, calls = stage.snapshot(), len(stripe.calls)
    ask(stage, stage.channels["stripe"], since=LONG_AGO)
    stage.work()
    assert stage.snapshot() == before and count(stage, PayoutLine) == 5
    asked_again = [call.parameters for call in stripe.calls[calls:] if "payout" in call.parameters]
    assert asked_again == [], "the rows of a payout that is complete are read once"


def test_stripes_pages_are_turned(stage: Stage, stripe: StripeServer, settings: Any) -> None:
    connect(stage, stripe, settings)
    fill(stripe, events=False)
    rows = stripe.things["/v1/balance_transactions"]
    (tax,) = [row for row in rows if row["type"] == "stripe_fee"]
    more = [{**tax, "id": f"txn_{n}", "amount": -1, "net": -1} for n in range(230)]
    stripe.things["/v1/balance_transactions"] = [*more, *rows]
    ask(stage, stage.channels["stripe"], since=LONG_AGO)
    assert count(stage, PayoutLine) == 235


def test_a_stripe_that_refuses_the_key_is_named(stage: Stage, stripe: StripeServer, settings: Any) -> None:
    connect(stage, stripe, settings)
    fill(stripe)
    stripe.plan = ["401"]
    assert "Invalid API Key" in ask(stage, stage.channels["stripe"]).error

"""A signed delivery becomes an order, a customer, an attribution, an entitlement and a mail that leads to the file."""

import re
from typing import Any

import pytest

from tests.servers import MailServer
from tests.stage import BOOK, Stage, sample

FIRST = {
    "shopify": ("shopify/orders-paid.json", "orders/paid"),
    "woocommerce": ("woocommerce/order.created.json", "order.created"),
    "stripe": ("stripe/checkout.session.completed.json", ""),
}


def buy(stage: Stage, kind: str) -> dict[str, Any]:
    name, topic = FIRST[kind]
    assert stage.post(kind, sample(name), topic=topic).status_code == 200
    stage.work()
    return stage.snapshot()


@pytest.mark.parametrize("kind", FIRST)
def test_a_signed_delivery_becomes_everything_once(stage: Stage, smtp: MailServer, kind: str) -> None:
    state = buy(stage, kind)
    (order,) = state["orders"]
    assert order["payment_status"] == "paid"
    assert order["attribution"] == {"method": "no_match", "confidence": "0.00", "conversation": None}
    assert {e["status"] for e in order["entitlements"]} <= {"active", "pending_claim"} and order["entitlements"]
    (profile,) = state["profiles"]
    assert profile["identifiers"] == order["customer"] and profile["orders"] == 1
    assert profile["lifetime_value"] == {"EUR": order["total"]}
    (mail,) = state["emails"]
    assert mail == {
        "to": mail["to"],
        "template": "receipt",
        "about": f"{order['channel']}/{order['external_id']}",
        "count": 1,
    }
    assert len(smtp.messages) == 1
    assert state["quarantined"] == [] and state["unattached_events"] == 0 and state["reviews"] == 0


@pytest.mark.parametrize("kind", FIRST)
def test_the_link_in_the_mail_gives_the_file_byte_for_byte(stage: Stage, smtp: MailServer, kind: str) -> None:
    buy(stage, kind)
    text = smtp.messages[0].text()
    link = re.search(r"http://[^\s/]+(/download/[0-9a-f]{64})", text)
    assert link
    for _ in range(3):
        assert stage.client.get(link[1]).status_code == 200
        assert stage.client.head(link[1]).status_code == 200
    with stage.inside():
        from fulfillment.models import DownloadLink

        assert [row.uses for row in DownloadLink.objects.all()] == [0] * DownloadLink.objects.count()
    answer = stage.client.post(link[1], follow=True)
    assert answer.status_code == 200
    assert b"".join(answer.streaming_content) == BOOK or kind != "stripe"  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", FIRST)
def test_five_times_the_same_delivery_changes_nothing(stage: Stage, kind: str) -> None:
    once = buy(stage, kind)
    name, topic = FIRST[kind]
    for number in range(5):
        assert stage.post(kind, sample(name), topic=topic, delivery=f"again-{number}").status_code == 200
    stage.work()
    assert stage.snapshot() == once


def test_an_unpaid_session_grants_nothing_until_it_is_paid(stage: Stage) -> None:
    event = sample("stripe/checkout.session.completed.unpaid.json")
    event["data"]["object"]["metadata"]["sku"] = "EBOOK-TIDE-EN"
    stage.post("stripe", event)
    stage.work()
    (order,) = stage.snapshot()["orders"]
    assert (order["payment_status"], order["entitlements"]) == ("unpaid", [])
    assert stage.snapshot()["emails"] == []
    event.update(id="evt_later", type="checkout.session.async_payment_succeeded", created=event["created"] + 60)
    event["data"]["object"]["payment_status"] = "paid"
    stage.post("stripe", event)
    stage.work()
    (order,) = stage.snapshot()["orders"]
    assert order["payment_status"] == "paid" and len(order["entitlements"]) == 1
    assert [mail["template"] for mail in stage.snapshot()["emails"]] == ["receipt"]


def test_an_order_without_anybody_is_kept_unattached(stage: Stage) -> None:
    stage.post("shopify", sample("shopify/orders-create.pos-no-customer.json"), topic="orders/create")
    stage.work()
    state = stage.snapshot()
    assert state["unattached_events"] == 1 and state["profiles"] == []
    assert state["orders"][0]["customer"] == [] and state["orders"][0]["entitlements"] == []

"""Stories of customers who look, chat, visit a store and buy: told by events, deliveries and orders in any order."""

import itertools
import json
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from attribution.actions import conversations, store_alerts
from attribution.models import ProductIntent, StoreAlert
from orders import parsing
from orders.actions import orders as order_acts
from orders.messages import Customer
from orders.models import Order, StoreVisit
from profiles.actions import events as event_acts
from profiles.actions import merges
from profiles.actions.linking import AlreadyLinked, NotLinked
from profiles.actors import Actor, Invalid, NotPermitted
from profiles.models import AuditEntry, Event, Merge, Profile, SettlementRequest
from support.queries import recounts, timelines
from tests.events import event, post, sale, tell, token
from tests.stage import Stage, sample
from tests.talks import conversation

LEAD = Actor(label="Lea", role="lead")
AGENT = Actor(label="Alex", role="agent")
PHONE, EMAIL, CARD = "+15035550142", "maya.okafor@example.com", "LOY-789456"
Step = Callable[[Stage], Any]


def shopify(stage: Stage, *, total: str = "89.99") -> None:
    """A purchase in the web shop with e-mail and phone."""
    body = sample("shopify/orders-paid.json")
    body.update(total_price=total, current_total_price=total, currency="EUR", presentment_currency="EUR")
    assert stage.post("shopify", body, topic="orders/paid", delivery="web").status_code == 200
    stage.work()


def differences(stage: Stage) -> list[recounts.Difference]:
    with stage.inside():
        return [found for ids in recounts.batches() for found in recounts.differences(ids)]


def derived(stage: Stage) -> dict[str, Any]:
    """Visits, intents and alerts by what outsiders call their rows."""
    with stage.inside():
        return {
            "visits": sorted(StoreVisit.objects.values_list("order__external_id", "store_name", "visited_at")),
            "intents": sorted(
                ProductIntent.objects.values_list("sku", "state", "points", "last_at", "order__external_id"), key=str
            ),
            "alerts": sorted(StoreAlert.objects.values_list("order__external_id", "sku", "score", "because")),
        }


# Scenarios of identity ----------------------------------------------------------------------------------------


def test_a_shop_a_till_and_a_message_are_one_customer(stage: Stage) -> None:
    """Shopify with e-mail and phone, the till with phone and loyalty id, WhatsApp with the phone."""
    shopify(stage)
    till = sale(1, customer={"phone": PHONE, "loyalty_id": CARD})
    tell(stage, event(1, "pos_transaction", payload=till))
    tell(stage, event(2, "message", phone=PHONE, payload={"text": "Is it signed?", "channel": "whatsapp"}))
    (profile,) = stage.snapshot()["profiles"]
    assert profile["identifiers"] == [f"email:{EMAIL}", "loyalty:default:LOY789456", f"phone:{PHONE}"]
    assert profile["orders"] == 2 and profile["lifetime_value"] == {"EUR": "215.49"} and profile["strength"] == 75
    with stage.inside():
        visit = StoreVisit.objects.get()
        assert (visit.store, visit.store_id) == ("Downtown Location", "STORE-001")
        assert visit.profile_id == Event.objects.get(type="message").profile_id == Profile.objects.get().pk
    assert differences(stage) == []


def test_a_cookie_then_an_address_then_a_phone_become_one_customer(stage: Stage) -> None:
    steps = [{"cookie_id": "c1"}, {"email": EMAIL, "cookie_id": "c1"}, {"phone": PHONE, "email": EMAIL}]
    for order in itertools.permutations(range(3)):
        here = Stage(slug="s" + "".join(map(str, order)))
        for number in order:
            tell(here, event(number, **steps[number]))
        (profile,) = here.snapshot()["profiles"]
        assert profile["identifiers"] == ["cookie:c1", f"email:{EMAIL}", f"phone:{PHONE}"], order
        assert profile["strength"] == 55
        with here.inside():
            standing = Profile.objects.get(merged_into=None)
            assert set(Event.objects.values_list("profile_id", flat=True)) == {standing.pk}


def story() -> list[Step]:
    """Looks by cookie, an address for the cookie, a web purchase, a sale and its reversal at a till, a late cart."""
    views = [event(f"v{n}", "product_view", f"2026-11-{10 + n}T09:00:00Z", cookie_id="c1", payload={"sku": "X"})
             for n in range(3)]  # fmt: skip
    bodies = [
        *views,
        event("mail", "email_opened", "2026-11-09T09:00:00Z", cookie_id="c1", email=EMAIL),
        event("till", "pos_transaction", payload=sale(1, customer={"phone": PHONE})),
        event("cart", "cart", "2026-11-14T09:00:00Z", phone=PHONE, payload={"items": [{"sku": "X"}, {"sku": "Y"}]}),
        event("nobody", "page_view"),
        event("bought", "pos_transaction", payload=sale(2, "2026-11-18T10:00:00Z", sku="Y", phone=PHONE)),
        event("back", "pos_transaction", payload=sale(
            3, "2026-11-19T10:00:00Z", total="-125.50", type="refund", original_transaction_id="TXN-2")),
    ]  # fmt: skip
    return [*(lambda stage, b=b: tell(stage, b) for b in bodies), shopify]


def test_any_order_of_arrival_ends_the_same(db: None) -> None:
    shuffle = random.Random(20261121)
    expected = None
    for number in range(16):
        stage = Stage(slug=f"any-{number}")
        steps = story()
        if number:
            shuffle.shuffle(steps)
        for step in steps:
            step(stage)
            if shuffle.random() < 0.2:
                step(stage)
        stage.work()
        state = {name: value for name, value in stage.snapshot().items() if name not in ("emails", "organization")}
        found = (state, derived(stage))
        expected = expected or found
        assert found == expected, f"order of arrival {number}"
        assert differences(stage) == []
    assert expected is not None
    state, rows = expected
    assert len(state["profiles"]) == 1 and state["unattached_events"] == 1
    assert [visit[0] for visit in rows["visits"]] == ["TXN-1", "TXN-2"]
    assert [(sku, state) for sku, state, *_ in rows["intents"]] == [("X", "open"), ("Y", "converted")]
    assert [(order, sku) for order, sku, *_ in rows["alerts"]] == [("TXN-1", "X"), ("TXN-2", "X")]


# Visits -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "visits"),
    [
        ({"phone": PHONE}, 1),
        ({"phone": PHONE, "store_name": None}, 1),
        ({"phone": PHONE, "store_name": None, "store_id": None}, 0),
        ({"phone": PHONE, "test": True}, 0),
        ({}, 0),
    ],
)
def test_who_has_visited_a_store(stage: Stage, change: dict[str, Any], visits: int) -> None:
    tell(stage, event(1, "pos_transaction", payload=sale(1, **change)))
    assert len(derived(stage)["visits"]) == visits and differences(stage) == []


def test_a_refund_leaves_the_visit(stage: Stage) -> None:
    tell(stage, event(1, "pos_transaction", payload=sale(1, phone=PHONE)))
    back = sale(2, "2026-11-16T10:00:00Z", total="-125.50", type="refund", original_transaction_id="TXN-1")
    tell(stage, event(2, "pos_transaction", payload=back))
    assert stage.snapshot()["orders"][0]["payment_status"] == "refunded" and len(derived(stage)["visits"]) == 1


def test_an_order_of_the_web_shop_is_no_visit(stage: Stage) -> None:
    shopify(stage)
    assert derived(stage)["visits"] == []


# Intents and alerts -------------------------------------------------------------------------------------------


def looks(stage: Stage, count: int = 3, sku: str = "EBOOK-1", **by: str) -> None:
    for n in range(count):
        at = f"2026-11-{12 + n}T09:00:00Z"
        tell(stage, event(f"{sku}-{n}", "product_view", at, payload={"sku": sku}, **(by or {"phone": PHONE})))


def test_who_looked_three_times_and_comes_to_the_store_raises_one_alert(stage: Stage) -> None:
    looks(stage)
    assert derived(stage)["alerts"] == []
    tell(stage, event(1, "pos_transaction", payload=sale(1, phone=PHONE)))
    tell(stage, event(2, "pos_transaction", payload=sale(1, phone=PHONE)))
    ((order, sku, score, because),) = derived(stage)["alerts"]
    assert (order, sku, because) == ("TXN-1", "EBOOK-1", "looked at EBOOK-1 three times this week")
    assert score >= 70
    with stage.inside():
        told = timelines.of_profile(Profile.objects.get())
    titles = {row.type: row.title for row in told}
    assert titles["store_alert"] == "At Downtown Location, looked at EBOOK-1 three times this week"
    assert titles["store_visit"] == "Visited Downtown Location" and titles["intent"].startswith("Wants EBOOK-1: score ")
    assert titles["product_view"] == "Looked at EBOOK-1"


def test_who_looked_twice_raises_none(stage: Stage) -> None:
    looks(stage, 2)
    tell(stage, event(1, "pos_transaction", payload=sale(1, phone=PHONE)))
    assert derived(stage)["alerts"] == [] and len(derived(stage)["intents"]) == 1


def test_who_buys_it_at_the_till_converts_and_raises_none(stage: Stage) -> None:
    looks(stage)
    tell(stage, event(1, "pos_transaction", payload=sale(1, sku="EBOOK-1", phone=PHONE)))
    found = derived(stage)
    assert found["alerts"] == [] and [(row[0], row[1], row[4]) for row in found["intents"]] == [
        ("EBOOK-1", "converted", "TXN-1")
    ]


def test_an_unpaid_or_test_order_converts_nothing(stage: Stage) -> None:
    looks(stage)
    tell(stage, event(1, "pos_transaction", payload=sale(1, sku="EBOOK-1", phone=PHONE, test=True)))
    assert [row[1] for row in derived(stage)["intents"]] == ["open"]


def test_a_product_bought_under_its_listing_converts_its_sku(stage: Stage) -> None:
    """The shop calls it by a variant's number, the catalogue by its SKU."""
    looks(stage, sku="EBOOK-TIDE-EN", email=EMAIL)
    shopify(stage)
    assert [row[:2] for row in derived(stage)["intents"]] == []  # bought before they looked
    tell(stage, event("early", "product_view", "2026-11-01T09:00:00Z", email=EMAIL, payload={"sku": "EBOOK-TIDE-EN"}))
    assert [row[:2] for row in derived(stage)["intents"]] == [("EBOOK-TIDE-EN", "converted")]


def alerted(stage: Stage) -> StoreAlert:
    looks(stage)
    tell(stage, event(1, "pos_transaction", payload=sale(1, phone=PHONE)))
    with stage.inside():
        return StoreAlert.objects.get()


def test_word_of_an_earlier_purchase_takes_an_open_alert_back(stage: Stage) -> None:
    alerted(stage)
    tell(stage, event("late", "pos_transaction", payload=sale(9, "2026-11-14T20:00:00Z", sku="EBOOK-1", phone=PHONE)))
    assert derived(stage)["alerts"] == [] and differences(stage) == []


def test_an_acknowledged_alert_stays(stage: Stage) -> None:
    alert = alerted(stage)
    with stage.inside():
        store_alerts.acknowledge(alert, by=AGENT, because="told the store")
        with pytest.raises(store_alerts.AlreadyAcknowledged):
            store_alerts.acknowledge(alert, by=AGENT, because="told the store")
    tell(stage, event("late", "pos_transaction", payload=sale(9, "2026-11-14T20:00:00Z", sku="EBOOK-1", phone=PHONE)))
    with stage.inside():
        kept = StoreAlert.objects.get()
        assert kept.acknowledged_by == "Alex" and kept.note == "told the store"
        assert AuditEntry.objects.get(action="store_alert.acknowledged").reason == "told the store"
    assert differences(stage) == []
    with stage.inside():
        store_alerts.reopen(kept, by=AGENT, because="not told after all")
        with pytest.raises(store_alerts.NotAcknowledged):
            store_alerts.reopen(kept, by=AGENT, because="not told after all")
    stage.work()
    assert derived(stage)["alerts"] == [], "what is open stands only as long as the facts bear it"


@pytest.mark.parametrize("role", ["finance", "auditor"])
def test_not_every_role_acknowledges(stage: Stage, role: str) -> None:
    alert = alerted(stage)
    with stage.inside(), pytest.raises(NotPermitted):
        store_alerts.acknowledge(alert, by=Actor(label="x", role=role), because="told the store")


# Merging and taking it back -----------------------------------------------------------------------------------


def test_a_merge_brings_looks_and_visit_together_and_its_undo_parts_them(stage: Stage) -> None:
    looks(stage, cookie_id="c1")
    tell(stage, event(1, "pos_transaction", payload=sale(1, phone=PHONE)))
    apart = derived(stage)
    assert apart["alerts"] == [] and len(apart["visits"]) == len(apart["intents"]) == 1
    with stage.inside():
        one, other = Profile.objects.order_by("pk").values_list("pk", flat=True)
        merge = merges.merge_by_staff(one, other, by=LEAD, because="one person", verified=["phone", "name"])
    stage.work()
    together = derived(stage)
    assert len(together["alerts"]) == 1 and len(together["intents"]) == 1 and differences(stage) == []
    with stage.inside():
        assert set(StoreVisit.objects.values_list("profile_id", flat=True)) == {one}
        merges.undo(Merge.objects.get(pk=merge.pk), by=LEAD, because="two people")
    stage.work()
    assert derived(stage) == apart and differences(stage) == []
    with stage.inside():
        assert list(StoreVisit.objects.values_list("profile_id", flat=True)) == [other]
        assert list(ProductIntent.objects.values_list("profile_id", flat=True)) == [one]


def test_a_recount_finds_what_is_wrong(stage: Stage) -> None:
    alerted(stage)
    assert differences(stage) == []
    with stage.inside():
        StoreVisit.objects.update(store_name="Elsewhere")
        ProductIntent.objects.update(points=1)
        ProductIntent.objects.create(
            organization=stage.organization, profile=Profile.objects.get(), sku="Z", state="open", points=5,
            first_at=Event.objects.latest("pk").occurred_at, last_at=Event.objects.latest("pk").occurred_at,
        )  # fmt: skip
        StoreAlert.objects.all().delete()
    found = {one.what for one in differences(stage)}
    with stage.inside():
        order = Order.objects.get()
    assert found == {
        f"visit by order {order.pk}",
        "intent for EBOOK-1",
        "intent for Z",
        f"store alert for EBOOK-1 by order {order.pk}",
    }
    with stage.inside():
        SettlementRequest.objects.create(organization=stage.organization, subject="order", subject_id=order.pk)
    stage.work()
    assert differences(stage) == []


# What a person links ------------------------------------------------------------------------------------------


def test_a_linked_event_stays_linked_through_any_settle(stage: Stage) -> None:
    row = tell(stage, event(1, email=EMAIL), event(2, "cart", payload={"sku": "X"}))
    with stage.inside():
        loose, profile = Event.objects.get(pk=row["id"]), Profile.objects.get()
        event_acts.link(loose, profile, by=LEAD, because="same browser")
        with pytest.raises(AlreadyLinked):
            event_acts.link(loose, profile, by=LEAD, because="same browser")
    stage.work()
    assert stage.snapshot()["unattached_events"] == 0 and [i[0] for i in derived(stage)["intents"]] == ["X"]
    with stage.inside():
        Event.objects.update(settled_identifiers=None)
        ids = list(Event.objects.values_list("pk", flat=True))
    from config import pipeline

    with stage.inside():
        pipeline.settle_events(ids, stage.organization)
        assert Event.objects.get(pk=row["id"]).profile_id == profile.pk
        assert AuditEntry.objects.get(action="event.linked").reason == "same browser"
    assert differences(stage) == []


def test_taking_a_link_back_leaves_everything_as_it_was(stage: Stage) -> None:
    row = tell(stage, event(1, email=EMAIL), event(2, "cart", payload={"sku": "X"}))
    before = (stage.snapshot(), derived(stage))
    with stage.inside():
        loose, profile = Event.objects.get(pk=row["id"]), Profile.objects.get()
        event_acts.link(loose, profile, by=LEAD, because="same browser")
    stage.work()
    with stage.inside():
        event_acts.unlink(loose, by=LEAD, because="another browser")
        with pytest.raises(NotLinked):
            event_acts.unlink(loose, by=LEAD, because="another browser")
    stage.work()
    assert (stage.snapshot(), derived(stage)) == before and differences(stage) == []


def test_an_order_that_is_unlinked_loses_what_it_granted_and_a_new_link_grants_again(stage: Stage) -> None:
    tell(stage, event(1, email=EMAIL), event(2, email="ada@example.org"))
    tell(stage, event(3, "pos_transaction", payload=sale(1, sku="EBOOK-TIDE-EN")))
    with stage.inside():
        order, (one, other) = Order.objects.get(), Profile.objects.order_by("pk")
        order_acts.link(order, one, by=LEAD, because="showed the receipt")
    stage.work()
    assert [e["status"] for e in stage.snapshot()["orders"][0]["entitlements"]] == ["pending_claim"]
    assert len(derived(stage)["visits"]) == 1
    with stage.inside():
        order_acts.unlink(order, by=LEAD, because="somebody else's receipt")
    stage.work()
    (told,) = stage.snapshot()["orders"]
    assert told["customer"] == [] and [e["status"] for e in told["entitlements"]] == ["revoked"]
    assert derived(stage)["visits"] == [] and [p["orders"] for p in stage.snapshot()["profiles"]] == [0, 0]
    with stage.inside():
        order_acts.link(order, other, by=LEAD, because="hers")
    stage.work()
    (told,) = stage.snapshot()["orders"]
    assert [e["status"] for e in told["entitlements"]] == ["pending_claim"] and told["customer"]
    with stage.inside():
        assert order.entitlements.get().profile_id == other.pk
    assert differences(stage) == []


def test_a_linked_conversation_leads_to_its_order_and_back(stage: Stage) -> None:
    shopify(stage)
    with stage.inside():
        order, profile = Order.objects.get(), Profile.objects.get()
        started_at = order.placed_at - timedelta(minutes=9)
        said = conversation(external_id="c-1", started_at=started_at, customer=Customer())
        talk = conversations.record(said, organization=stage.organization)
        conversations.link(talk, profile, by=LEAD, because="she said so")
    stage.work()
    assert stage.snapshot()["orders"][0]["attribution"]["conversation"] == "c-1"
    with stage.inside():
        conversations.record(said, organization=stage.organization)
        talk.refresh_from_db()
        assert talk.profile_id == profile.pk
        conversations.unlink(talk, by=LEAD, because="somebody else")
    stage.work()
    assert stage.snapshot()["orders"][0]["attribution"]["conversation"] is None
    assert stage.snapshot()["conversations"] == [{"external_id": "c-1", "customer": []}]


def test_nobody_links_to_an_absorbed_customer(stage: Stage) -> None:
    row = tell(stage, event(1, email=EMAIL), event(2, phone=PHONE), event(3))
    with stage.inside():
        one, other = Profile.objects.order_by("pk")
        merges.merge_by_staff(one.pk, other.pk, by=LEAD, because="one person", verified=["phone", "name"])
        with pytest.raises(Invalid, match="merged into another"):
            event_acts.link(Event.objects.get(pk=row["id"]), other, by=LEAD, because="hers")
        with pytest.raises(NotPermitted):
            event_acts.link(Event.objects.get(pk=row["id"]), one, by=AGENT, because="hers")


# One timeline -------------------------------------------------------------------------------------------------


def test_the_timeline_of_the_api_tells_events_of_every_type(stage: Stage) -> None:
    types = [
        *("purchase", "order_updated", "cart", "product_view", "message", "email_opened", "download"),
        "warranty_card",
    ]
    for number, type_ in enumerate(types):
        row = tell(stage, event(number, type_, f"2026-11-10T10:0{number}:00Z", email=EMAIL))
    headers = {"Authorization": f"Bearer {token(stage, '*')}"}
    answer = stage.client.get(f"/api/profiles/{row['profile']}/timeline", headers=headers)
    told = json.loads(answer.content)["results"]
    assert [one["type"] for one in told] == types[::-1]
    assert {one["source"] for one in told} == {"api:manual"} and len({one["id"] for one in told}) == len(types)
    assert told[0]["title"] == "Warranty card" and told[0]["at"] == "2026-11-10T10:07:00Z"


def test_a_stranger_sees_no_event(stage: Stage) -> None:
    row = tell(stage, event(1, email=EMAIL))
    stranger = Stage(slug="stranger")
    answer = post(stranger, event(1, email=EMAIL, payload={"sku": "other"}))
    assert answer.status_code == 201, "an id of another organization's is not known here"
    assert json.loads(answer.content)["profile"] != row["profile"]
    with stranger.inside():
        assert not Event.objects.filter(pk=row["id"]).exists()


def test_an_event_is_placed_by_its_own_time(stage: Stage) -> None:
    row = tell(stage, event(1, at="2026-11-10T12:00:00+02:00", email=EMAIL))
    assert row["occurred_at"] == "2026-11-10T10:00:00Z"
    with stage.inside():
        assert Event.objects.get().occurred_at == parsing.instant("2026-11-10T10:00:00Z")

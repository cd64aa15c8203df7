"""POST /api/events: stored once, given to their customer, refused in a sentence."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.models import Delivery
from profiles.models import Event
from tests.events import event, post, sale, tell, token
from tests.stage import Stage


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


def stored(stage: Stage) -> list[Event]:
    with stage.inside():
        return list(Event.objects.order_by("pk"))


def test_an_event_is_answered_with_its_customer(stage: Stage) -> None:
    answer = post(stage, event(1, "product_view", email="Ada@Example.org", payload={"sku": "EBOOK-TIDE-EN"}))
    assert answer.status_code == 201, answer.content
    row = json.loads(answer.content)
    assert row == {
        "id": row["id"],
        "event_id": "e-1",
        "type": "product_view",
        "occurred_at": "2026-11-10T10:00:00Z",
        "source": "api:manual",
        "customer": ["email:ada@example.org"],
        "profile": row["profile"],
    }
    assert isinstance(row["profile"], int)


def test_the_same_event_again_changes_nothing(stage: Stage) -> None:
    first = post(stage, event(1, email="ada@example.org"))
    again = post(stage, event(1, email="ada@example.org"))
    assert (first.status_code, again.status_code) == (201, 200)
    assert json.loads(first.content) == json.loads(again.content)
    assert len(stored(stage)) == 1


@pytest.mark.parametrize(
    "change",
    [{"type": "cart"}, {"occurred_at": "2026-11-10T10:00:01Z"}, {"identifiers": {}}, {"payload": {"sku": "B"}}],
)
def test_another_event_under_a_known_id_is_refused(stage: Stage, change: dict[str, Any]) -> None:
    body = event(1, email="ada@example.org", payload={"sku": "A"})
    assert post(stage, body).status_code == 201
    answer = post(stage, {**body, **change})
    assert answer.status_code == 409 and answer["Content-Type"] == "application/problem+json"
    assert "e-1 is known already" in json.loads(answer.content)["detail"]
    (row,) = stored(stage)
    assert row.type == "page_view" and row.products == ["A"]


def test_a_repeated_call_gets_the_first_answer(stage: Stage) -> None:
    secret = token(stage)
    first = post(stage, event(1, email="ada@example.org"), secret=secret, **{"Idempotency-Key": "k"})
    again = post(stage, event(1, email="ada@example.org"), secret=secret, **{"Idempotency-Key": "k"})
    other = post(stage, event(2, email="ada@example.org"), secret=secret, **{"Idempotency-Key": "k"})
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 409)
    assert json.loads(first.content) == json.loads(again.content) and len(stored(stage)) == 1


def test_a_token_needs_the_scope(stage: Stage) -> None:
    assert post(stage, event(1), secret=token(stage, "events:read", "orders:write")).status_code == 403
    assert post(stage, event(1), secret="nobody's").status_code == 401
    assert stored(stage) == []


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no id": ({"event_id": None}, "event_id: The id is missing."),
    "an empty id": ({"event_id": " "}, "event_id"),
    "a long id": ({"event_id": "x" * 256}, "at most 255"),
    "no type": ({"type": None}, "type: "),
    "a type in capitals": ({"type": "Product View"}, "type: "),
    "a type of another script": ({"type": "görüntü"}, "type: "),
    "a long type": ({"type": "a" * 61}, "type: "),
    "no time": ({"occurred_at": None}, "occurred_at: The time is missing."),
    "a time without a zone": ({"occurred_at": "2026-11-10T10:00:00"}, "names no time zone"),
    "identifiers in a list": ({"identifiers": ["a@example.org"]}, "identifiers: a list is not an object."),
    "an identifier in a list": ({"identifiers": {"email": ["a@example.org"]}}, "identifiers.email: "),
    "too many identifiers": ({"identifiers": {f"n{n}": "x" for n in range(21)}}, "At most 20"),
    "a payload in a text": ({"payload": "sku=1"}, "payload: a text is not an object."),
    "a large payload": ({"payload": {"text": "x" * 65_536}}, "payload: It is larger than 65,536 bytes."),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_field_is_named_and_nothing_is_stored(stage: Stage, name: str) -> None:
    change, sentence = BAD[name]
    for body in ({**event(1), **change}, {"events": [event(2), {**event(1), **change}]}):
        answer = post(stage, body)
        assert answer.status_code == 400, answer.content
        assert sentence in json.loads(answer.content)["detail"]
    assert stored(stage) == [] and stage.snapshot()["unattached_events"] == 0


@pytest.mark.parametrize("events", [[], {}, "e", [1], [event(n) for n in range(501)]])
def test_a_list_that_is_none_is_refused(stage: Stage, events: Any) -> None:
    answer = post(stage, {"events": events})
    assert answer.status_code == 400 and "events" in json.loads(answer.content)["detail"]
    assert stored(stage) == []


def test_a_list_is_stored_all_or_none(stage: Stage) -> None:
    bodies = [event(n, email=f"a{n}@example.org") for n in (3, 1, 2)]
    answer = post(stage, {"events": bodies})
    assert answer.status_code == 201
    assert [row["event_id"] for row in json.loads(answer.content)["results"]] == ["e-3", "e-1", "e-2"]
    assert post(stage, {"events": bodies}).status_code == 200
    assert post(stage, {"events": [event(4), event(1)]}).status_code == 409
    assert post(stage, {"events": [event(5), event(5, "cart")]}).status_code == 409
    assert len(stored(stage)) == 3


def test_without_identifiers_an_event_stands_alone(stage: Stage) -> None:
    row = tell(stage, event(1), event(2, email="not an address", phone="0"))
    assert row["profile"] is None and row["customer"] == []
    assert stage.snapshot()["unattached_events"] == 2 and stage.snapshot()["profiles"] == []


def test_each_kind_of_identifier_adds_to_the_strength_once(stage: Stage) -> None:
    steps = [
        ({"cookie_id": "c1"}, 5),
        ({"cookie_id": "c1", "device_id": "d1"}, 15),
        ({"device_id": "d2", "cookie_id": "c1"}, 15),
        ({"device_id": "d1", "telegram": "ada"}, 25),
        ({"device_id": "d1", "email": "ada@example.org"}, 45),
        ({"email": "ada@example.org", "phone": "+4930901820"}, 75),
        ({"email": "ada@example.org", "loyalty_id": "L-1"}, 100),
    ]
    for number, (identifiers, strength) in enumerate(steps):
        tell(stage, event(number, **identifiers))
        (profile,) = stage.snapshot()["profiles"]
        assert profile["strength"] == strength, identifiers
    assert profile["identifiers"] == [
        *("cookie:c1", "device:d1", "device:d2", "email:ada@example.org"),
        *("loyalty:default:L1", "other:telegram:ada", "phone:+4930901820"),
    ]


def test_a_number_is_kept_as_it_was_sent(stage: Stage) -> None:
    body = json.dumps(event(1, payload={"price": 0, "sku": 7})).replace('"price": 0', '"price": 19.10').encode()
    assert post(stage, body).status_code == 201
    (row,) = stored(stage)
    assert row.payload == {"price": "19.10", "sku": 7} and row.products == ["7"]


# A till's sale ------------------------------------------------------------------------------------------------


def test_a_sale_at_a_till_becomes_an_order_once(stage: Stage) -> None:
    body = event(1, "pos_transaction", phone="+49 30 901820", payload=sale(1))
    tell(stage, body, body)
    tell(stage, event(2, "pos_transaction", phone="+49 30 901820", payload=sale(1)))
    (order,) = stage.snapshot()["orders"]
    assert (order["channel"], order["external_id"], order["total"]) == ("api:manual", "TXN-1", "125.50")
    assert order["customer"] == ["phone:+4930901820"] and order["payment_status"] == "paid"
    assert stage.snapshot()["unattached_events"] == 0
    assert len(stage.snapshot()["profiles"]) == 1 and len(stored(stage)) == 2


def test_the_tills_own_customer_stands_before_the_events(stage: Stage) -> None:
    payload = sale(1, customer={"phone": "+4930901820"})
    row = tell(stage, event(1, "pos_transaction", phone="+4930901821", email="ada@example.org", payload=payload))
    assert row["customer"] == ["email:ada@example.org", "phone:+4930901820"]
    (order,) = stage.snapshot()["orders"]
    assert order["customer"] == row["customer"] and len(stage.snapshot()["profiles"]) == 1


def test_a_sale_to_nobody_counts_once_as_unattached(stage: Stage) -> None:
    tell(stage, event(1, "pos_transaction", payload=sale(1)))
    assert stage.snapshot()["unattached_events"] == 1


def test_a_reversal_takes_the_sale_back(stage: Stage) -> None:
    back = sale(2, "2026-11-16T10:00:00Z", total="-125.50", original_transaction_id="TXN-1", type="refund")
    tell(stage, event(2, "pos_transaction", "2026-11-16T10:00:00Z", payload=back))
    tell(stage, event(1, "pos_transaction", email="ada@example.org", payload=sale(1)))
    (order,) = stage.snapshot()["orders"]
    assert order["payment_status"] == "refunded" and stage.snapshot()["unattached_events"] == 0


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"total": "much"}, "total"),
        ({"transaction_id": None}, "transaction_id"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"items": {}}, "items"),
        ({"customer": "Ada"}, "customer"),
    ],
)
def test_a_till_nobody_can_read_is_refused_and_nothing_stored(stage: Stage, change: dict[str, Any], named: str) -> None:
    answer = post(stage, event(1, "pos_transaction", email="ada@example.org", payload=sale(1, **change)))
    assert answer.status_code == 400 and named in json.loads(answer.content)["detail"]
    assert stored(stage) == [] and stage.snapshot()["orders"] == []
    with stage.inside():
        assert not Delivery.objects.exists()


def test_a_sale_can_be_replayed_from_the_inbox(stage: Stage) -> None:
    from orders.actions import deliveries
    from profiles.actors import Actor

    tell(stage, event(1, "pos_transaction", email="ada@example.org", payload=sale(1)))
    stage.work()
    before = stage.snapshot()
    with stage.inside():
        (row,) = Delivery.objects.all()
        deliveries.replay([row.pk], by=Actor.system("the test"), because="to see")
    stage.work()
    with stage.inside():
        assert Delivery.objects.get().state == Delivery.State.DONE
    assert stage.snapshot() == before


# Cost ---------------------------------------------------------------------------------------------------------


def queries(stage: Stage, numbers: range) -> tuple[int, int]:
    """To record and to settle these events, each of a customer who is known already."""
    from config import drains
    from orders.actions import customer_events
    from orders.records import Record
    from support.api.events import read

    told = [
        read(Record(event(n, "product_view", email=f"a{n % 500}@example.org", payload={"sku": f"S{n % 7}"})))
        for n in numbers
    ]
    with CaptureQueriesContext(connection) as recorded, stage.inside():
        customer_events.record(told, organization=stage.organization)
    with CaptureQueriesContext(connection) as settled:
        assert drains.settlements(stage.organization.pk) == len(numbers)
    return len(recorded), len(settled)


def test_one_event_and_five_hundred_cost_the_same_queries(stage: Stage) -> None:
    queries(stage, range(500))
    one = queries(stage, range(1000, 1001))
    many = queries(stage, range(1500, 2000))
    assert one == many
    assert one[0] <= 15 and one[1] <= 35

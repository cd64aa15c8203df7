"""What nobody is known for, linked and taken back at the desk; and the word to the stores."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from attribution.actions import conversations
from attribution.models import Conversation, StoreAlert
from orders import parsing
from orders.messages import Customer
from orders.models import Order
from profiles import clock
from profiles.models import Event, Profile
from support.queries import unattached
from tests.desk import Desk, Sign
from tests.events import event, sale, tell
from tests.stage import Stage
from tests.talks import conversation


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def chat(stage: Stage, name: str, at: str = "2026-11-10T10:00:00Z") -> Conversation:
    message = conversation(external_id=name, started_at=parsing.instant(at), customer=Customer(name="Chatty"))
    with stage.inside():
        return conversations.record(message, organization=stage.organization)


def loose(desk: Desk) -> tuple[Order, Conversation, Event]:
    """An order, a conversation and an event that nobody is known by."""
    tell(desk.stage, event("x", "pos_transaction", payload=sale(77)))
    row = tell(desk.stage, event("loose", "cart", email="not an address", payload={"sku": "EBOOK-STAR-EN"}))
    talk = chat(desk.stage, "chat-loose")
    with desk.inside():
        return Order.objects.get(external_id="TXN-77"), talk, Event.objects.get(pk=row["id"])


def test_it_shows_what_has_no_customer_and_a_way_to_link_it(desk: Desk, sign: Sign) -> None:
    order, talk, row = loose(desk)
    client = sign("lead")
    page = client.get(desk.url("unattached")).content.decode()
    for text in ("Order TXN-77", "Conversation chat-loose", "Put EBOOK-STAR-EN in the cart", "not an address"):
        assert text in page
    assert page.count("TXN-77") >= 1 and "Paid at the till" not in page, "a till's sale stands there as its order"
    assert "LP-" not in page and str(desk.order) not in page
    for name, pk in (("link", order.pk), ("link_conversation", talk.pk), ("link_event", row.pk)):
        assert desk.act(name, pk) in page
    only = client.get(desk.url("unattached"), {"kind": "event"}).content.decode()
    assert "in the cart" in only and "TXN-77" not in only and "chat-loose" not in only


def test_an_empty_page_says_what_will_stand_there(desk: Desk, sign: Sign) -> None:
    assert b"Everything has its customer" in sign("agent").get(desk.url("unattached")).content


@pytest.mark.parametrize("role", ["agent", "finance", "auditor"])
def test_who_may_not_link_sees_no_button(desk: Desk, sign: Sign, role: str) -> None:
    _, _, row = loose(desk)
    client = sign(role)
    page = client.get(desk.url("unattached")).content.decode()
    assert "in the cart" in page and "/admin/act/" not in page
    assert "may not do this" in said(client.get(desk.act("link_event", row.pk)))
    assert ("not an address" in page) is (role != "auditor")


def test_a_stranger_finds_nothing(desk: Desk, sign: Sign) -> None:
    order, talk, row = loose(desk)
    other = Stage(slug="other")
    stranger = sign("engineer", other)
    page = stranger.get(desk.url("unattached")).content.decode()
    assert "TXN-77" not in page and "in the cart" not in page and "Everything has its customer" in page
    found = {"link": order.pk, "link_conversation": talk.pk, "link_event": row.pk, "unlink": order.pk}
    for name, pk in {**found, "unlink_event": row.pk, "unlink_conversation": talk.pk}.items():
        assert stranger.get(desk.act(name, pk)).status_code == 404, name


def test_nobody_enters_without_signing_in(desk: Desk) -> None:
    answer = Client().get(desk.url("unattached"))
    assert answer.status_code == 302 and "/admin/login/" in answer["Location"]


def test_linking_and_unlinking_each_sort(desk: Desk, sign: Sign) -> None:
    order, talk, row = loose(desk)
    client = sign("lead")
    for noun, name, subject in (("order", "link", order), ("conversation", "link_conversation", talk),
                                ("event", "link_event", row)):  # fmt: skip
        preview = client.get(desk.act(name, subject.pk), {"other": desk.profile.pk}).content.decode()
        assert "Maya Okafor" in preview and f"The {noun} becomes one of" in preview
        answer = desk.press(client, name, subject.pk, other=desk.profile.pk)
        assert said(answer) == f"Linked. 1 {noun} belongs to Maya Okafor now."
        assert "has a customer already" in client.get(desk.act(name, subject.pk)).content.decode()
    desk.stage.work()
    assert b"Everything has its customer" in client.get(desk.url("unattached")).content
    page = client.get(desk.profile_url).content.decode()
    assert "Events linked by staff" in page and "Put EBOOK-STAR-EN in the cart" in page
    assert desk.act("unlink_event", row.pk) in page and desk.act("unlink_conversation", talk.pk) in page
    assert desk.act("unlink", order.pk) in client.get(desk.url("orders_order_change", order.pk)).content.decode()
    for noun, name, subject in (("order", "unlink", order), ("conversation", "unlink_conversation", talk),
                                ("event", "unlink_event", row)):  # fmt: skip
        will = client.get(desk.act(name, subject.pk)).content.decode()
        assert f"1 {noun} leaves" in will and "Link it again" in will
        answer = desk.press(client, name, subject.pk)
        assert said(answer) == f"Unlinked. 1 {noun} no longer belongs to Maya Okafor."
        assert "No person linked this" in client.get(desk.act(name, subject.pk)).content.decode()
    desk.stage.work()
    assert len(client.get(desk.url("unattached")).context["rows"]) == 3
    linked = [
        desk.acts(f"{noun}.linked") + desk.acts(f"{noun}.unlinked") for noun in ("order", "conversation", "event")
    ]
    assert [len(entries) for entries in linked] == [2, 2, 2]
    assert {entry.profile_id for entries in linked for entry in entries} == {desk.profile.pk}


def test_an_order_somebody_bought_by_name_cannot_be_unlinked(desk: Desk, sign: Sign) -> None:
    client = sign("lead")
    assert "No person linked this order" in client.get(desk.act("unlink", desk.order.pk)).content.decode()
    assert desk.act("unlink", desk.order.pk) not in client.get(desk.order_url).content.decode()


# Page by page -------------------------------------------------------------------------------------------------


def many(stage: Stage, count: int) -> None:
    """Orders, conversations and events of nobody, some in one instant."""
    for n in range(count):
        at = f"2026-11-{1 + n // 3:02d}T10:00:00Z"
        tell(stage, event(f"p{n}", at=at))
        if n % 3 == 0:
            chat(stage, f"c{n}", at)
            tell(stage, event(f"s{n}", "pos_transaction", at, payload=sale(n + 100, at)))


@pytest.mark.parametrize("kind", ["", "event", "order", "conversation"])
def test_pages_follow_each_other_without_gap_or_repeat(db: None, kind: str) -> None:
    stage = Stage()
    many(stage, 12)
    with stage.inside():
        whole = unattached.page(kind, limit=1000)
        for limit in (1, 3, 7):
            seen, mark = [], ""
            while True:
                page = unattached.page(kind, after=mark, limit=limit)
                seen += page.rows
                mark = page.next
                if not mark:
                    break
            assert seen == whole.rows
    assert len(whole.rows) == {"": 20, "event": 12}.get(kind, 4) and not whole.next
    assert sorted(whole.rows, key=lambda row: row.at, reverse=True) == whole.rows


@pytest.mark.parametrize("mark", ["x", "~~", "2026~event~1", "2026-11-01T10:00:00~event~1", "a~b~c~d", "\0"])
def test_a_mark_of_nobody_begins_at_the_newest(desk: Desk, sign: Sign, mark: str) -> None:
    loose(desk)
    answer = sign("agent").get(desk.url("unattached"), {"after": mark, "kind": "nonsense"})
    assert answer.status_code == 200 and len(answer.context["rows"]) == 3


def test_a_page_costs_the_same_whatever_waits(desk: Desk, sign: Sign) -> None:
    client = sign("lead")
    loose(desk)
    few = queries(client, desk.url("unattached"))
    many(desk.stage, 12)
    assert queries(client, desk.url("unattached")) == few <= 20


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len([query for query in captured.captured_queries if "SAVEPOINT" not in query["sql"]])


# Store alerts -------------------------------------------------------------------------------------------------


def alert(desk: Desk) -> StoreAlert:
    """Maya looked three times and is at a till now."""
    now = (clock.now() - timedelta(minutes=5)).replace(microsecond=0).isoformat()
    for n in range(3):
        tell(desk.stage, event(f"v{n}", "product_view", now, email="maya.okafor@example.com", payload={"sku": "STAR"}))
    tell(desk.stage, event("t", "pos_transaction", now, email="maya.okafor@example.com", payload=sale(1, now)))
    with desk.inside():
        return StoreAlert.objects.get()


def test_an_alert_is_shown_acknowledged_and_opened_again(desk: Desk, sign: Sign) -> None:
    row, client = alert(desk), sign("agent")
    url = desk.url("attribution_storealert_changelist")
    page = client.get(url).content.decode()
    assert "Downtown Location" in page and "Looked at it three times this week" in page and "Maya Okafor" in page
    customer = client.get(desk.profile_url).content.decode()
    assert "Maya Okafor is at Downtown Location and looked at STAR three times this week." in customer
    assert desk.act("acknowledge", row.pk) in customer and desk.act("acknowledge", row.pk) in page
    assert said(desk.press(client, "acknowledge", row.pk)) == "1 alert acknowledged."
    assert b"No alert here" in client.get(url).content
    assert b"the customer asked" in client.get(desk.profile_url).content
    assert b"Downtown Location" in client.get(url, {"state": "acknowledged"}).content
    assert "Already acknowledged" in client.get(desk.act("acknowledge", row.pk)).content.decode()
    assert said(desk.press(client, "reopen_alert", row.pk)) == "1 alert is open again."
    assert b"Downtown Location" in client.get(url).content
    assert len(desk.acts("store_alert.acknowledged")) == len(desk.acts("store_alert.reopened")) == 1


def test_who_bought_it_since_is_told_so(desk: Desk, sign: Sign) -> None:
    alert(desk)
    now = clock.now().replace(microsecond=0).isoformat()
    bought = sale(2, now, sku="STAR", store_name="Elsewhere")
    tell(desk.stage, event("b", "pos_transaction", now, email="maya.okafor@example.com", payload=bought))
    client = sign("agent")
    assert b"Bought since" in client.get(desk.url("attribution_storealert_changelist"), {"state": "all"}).content
    page = client.get(desk.profile_url).content.decode()
    assert "is at Downtown Location" not in page and "Elsewhere" in page


def test_strangers_and_auditors_see_of_alerts_what_they_may(desk: Desk, sign: Sign) -> None:
    row = alert(desk)
    stranger = sign("engineer", Stage(slug="other"))
    assert b"Downtown" not in stranger.get(desk.url("attribution_storealert_changelist"), {"state": "all"}).content
    for name in ("acknowledge", "reopen_alert"):
        assert stranger.get(desk.act(name, row.pk)).status_code == 404
    assert stranger.get(desk.url("attribution_storealert_change", row.pk)).status_code == 404
    auditor = sign("auditor")
    page = auditor.get(desk.url("attribution_storealert_changelist")).content.decode()
    assert "Downtown Location" in page and "Okafor" not in page and "/admin/act/" not in page
    customer = auditor.get(desk.profile_url).content.decode()
    assert "Okafor" not in customer and "three times this week" in customer


def test_an_alert_leads_to_its_customer(desk: Desk, sign: Sign) -> None:
    row, client = alert(desk), sign("agent")
    assert client.get(desk.url("attribution_storealert_change", row.pk))["Location"] == desk.profile_url
    with desk.inside():
        assert Profile.objects.filter(merged_into=None).count() == 1

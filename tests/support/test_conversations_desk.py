"""Conversations at the desk: the list and its filters, the page of one, and the decision which one led to an order."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from attribution.actions import conversations
from attribution.models import Attribution, Conversation
from orders.messages import Customer
from orders.models import Order
from tests import talks
from tests.desk import Desk, Sign
from tests.stage import Stage, sample
from tests.talks import conversation, line

ASKED = "Is the Tide Atlas readable, and what is its price? Write to maya@elsewhere.example"


def talk(desk: Desk, name: str = "c-1", minutes: int = 25, **more: Any) -> Conversation:
    """A chat of the desk's customer that ended so long before the order."""
    with desk.inside():
        order = Order.objects.get(pk=desk.order.pk)
        at = order.placed_at - timedelta(minutes=minutes)
        usual: dict[str, Any] = {
            "started_at": at - timedelta(minutes=5),
            "last_activity_at": at,
            "source": "chat",
            "customer": Customer(email=order.email_raw),
            "message_count": 2,
            "lines": (line(at - timedelta(minutes=5), "customer", ASKED), line(at, "agent", "Yes.")),
        }
        message = conversation(external_id=name, **{**usual, **more})
        row = conversations.record(message, organization=desk.stage.organization)
    desk.stage.work()
    return row


def listed(desk: Desk, client: Any, **query: Any) -> set[str]:
    page = client.get(desk.url("attribution_conversation_changelist"), query)
    assert page.status_code == 200
    return {row.external_id for row in page.context["cl"].result_list}


def url_of(desk: Desk, row: Conversation) -> str:
    return desk.url("attribution_conversation_change", row.pk)


def test_a_conversation_is_told_with_what_was_asked_and_the_orders_it_led_to(desk: Desk, sign: Sign) -> None:
    row, helped = talk(desk), talk(desk, "c-2", minutes=600)
    client = sign("agent")
    html = client.get(url_of(desk, row)).content.decode()
    assert desk.order_url in html and "Chatted 25 minutes before the order" in html
    assert "Asked for the price" in html and "maya@elsewhere.example" in html
    assert html.count(ASKED) == 1 and "&#x27;by&#x27;" not in html
    page = client.get(url_of(desk, helped))
    assert page.context["led"] == [] and [one["url"] for one in page.context["assisted"]] == [desk.order_url]


def test_the_orders_page_says_why_with_its_factors_and_the_others_that_fitted(desk: Desk, sign: Sign) -> None:
    row, helped = talk(desk), talk(desk, "c-2", minutes=600)
    page = sign("agent").get(desk.order_url)
    html = page.content.decode()
    assert "Chatted 25 minutes before the order" in html
    assert url_of(desk, row) in html and url_of(desk, helped) in html
    told = dict(page.context["why"]["facts"])
    assert told == {"Band": "High", "Joined by": "The same customer", "Before it": "2 messages"}
    assert [one["name"] for one in page.context["why"]["assists"]] == ["c-2"]


def test_who_may_not_see_customers_data_reads_no_words_of_theirs(desk: Desk, sign: Sign) -> None:
    row = talk(desk)
    html = sign("auditor").get(url_of(desk, row)).content.decode()
    assert "Your role does not see what was written." in html
    with desk.inside():
        assert Order.objects.get(pk=desk.order.pk).email_raw not in html
    assert "maya@elsewhere.example" not in html


def test_the_list_is_narrowed_by_source_outcome_dates_and_what_was_asked(desk: Desk, sign: Sign) -> None:
    row = talk(desk)
    other = talk(desk, "c-9", 50_000, customer=Customer(), lines=(), message_count=0, source="shop chat")
    talks.deliver(desk.stage, channel := talks.connect(desk.stage, "whatsapp"), sample("whatsapp/messages.text.json"))
    desk.stage.work()
    client = sign("agent")
    everything = listed(desk, client)
    (by_phone,) = everything - {"c-1", "c-9"}
    assert listed(desk, client, outcome="order") == {"c-1"}
    assert listed(desk, client, outcome="none") == {"c-9", by_phone}
    assert "c-9" in listed(desk, client, outcome="nobody") and "c-1" not in listed(desk, client, outcome="nobody")
    assert listed(desk, client, talks=str(channel.pk)) == {by_phone}
    assert listed(desk, client, talks="api") == {"c-1", "c-9"}
    assert listed(desk, client, source="shop chat") == {"c-9"}
    assert "c-1" in listed(desk, client, asked="price_check") and "c-9" not in listed(desk, client, asked="price_check")
    day = f"{other.started_at:%Y-%m-%d}"
    assert "c-9" in listed(desk, client, **{"from": day, "until": day})
    assert listed(desk, client, **{"from": day, "until": day}) & {"c-1"} == set()
    assert listed(desk, client, q="c-1") == {"c-1"} == listed(desk, client, q=row.email)
    for odd in ("x", "9" * 30, "'", "2026-13-01"):
        query = dict.fromkeys(("from", "until", "shop", "talks", "asked", "outcome"), odd)
        assert listed(desk, client, **query) == everything


def test_an_empty_list_says_where_conversations_come_from(desk: Desk, sign: Sign) -> None:
    html = sign("lead").get(desk.url("attribution_conversation_changelist")).content.decode()
    assert "connect Chatwoot, Intercom or WhatsApp" in html


def test_a_person_decides_what_led_to_an_order_and_takes_it_back(desk: Desk, sign: Sign) -> None:
    talk(desk)
    other = talk(desk, "c-2", minutes=600)
    client = sign("lead")
    opened = client.get(desk.act("override_attribution", desk.order.pk))
    assert any("1 order and" in line and "EUR count" in line for line in opened.context["will"])
    labels = [str(words) for _, words in opened.context["form"].fields["conversation"].choices]
    assert labels[0] == "c-1 · chat, last written 25 min before the order, 2 messages"
    desk.press(client, "override_attribution", desk.order.pk, conversation=str(other.pk))
    why = client.get(desk.order_url).context["why"]
    assert why["row"].conversation_id == other.pk and why["row"].overridden_by
    assert listed(desk, client, outcome="order") == {"c-2"}
    desk.press(client, "override_attribution", desk.order.pk, conversation="none")
    assert listed(desk, client, outcome="order") == set()
    desk.press(client, "override_attribution", desk.order.pk, conversation="facts")
    desk.stage.work()
    assert listed(desk, client, outcome="order") == {"c-1"}
    with desk.inside():
        assert Attribution.objects.filter(order=desk.order.pk, current=True).count() == 1


def test_a_test_order_says_that_no_figure_depends_on_it(desk: Desk, sign: Sign) -> None:
    with desk.inside():
        Order.objects.update(test=True)
    opened = sign("lead").get(desk.act("override_attribution", desk.order.pk))
    assert any(line.startswith("0 orders") for line in opened.context["will"])


def test_a_stranger_finds_no_conversation(desk: Desk, sign: Sign) -> None:
    row = talk(desk)
    stranger = sign("engineer", Stage("stranger"))
    assert listed(desk, stranger) == set() and stranger.get(url_of(desk, row)).status_code == 404


@pytest.mark.parametrize("page", ["attribution_conversation_changelist", "attribution_conversation_change"])
def test_pages_cost_the_same_whatever_is_in_them(desk: Desk, sign: Sign, page: str) -> None:
    row = talk(desk)
    url = desk.url(page) if page.endswith("list") else url_of(desk, row)
    client, counts = sign("agent"), []
    client.get(url)
    for number in range(2):
        with CaptureQueriesContext(connection) as found:
            assert client.get(url).status_code == 200
        counts.append(len(found))
        for more in range(3):
            talk(desk, f"c-{number}{more}", minutes=30 + more)
        desk.buy(id=9_300 + number, name=f"#C{number}")
    assert counts[0] == counts[1] <= 25

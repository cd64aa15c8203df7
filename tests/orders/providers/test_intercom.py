"""Intercom's notifications: the first message, the parts since, the customer's side, and pings."""

from datetime import UTC, datetime

import pytest

from orders.messages import Ignored, TalkBy, TalkMessage, TalkStatus
from orders.providers import PROVIDERS
from orders.providers.intercom import plain
from tests.deliveries import document, edited, parse, recorded

CREATED = document("intercom/conversation.user.created.json")
ITEM = ("data", "item")
PARTS = (*ITEM, "conversation_parts", "conversation_parts")
ADMIN = {"type": "admin", "id": "7", "name": "Dana", "email": "dana@lantern.example"}


def talk(data: dict) -> TalkMessage:
    (found,) = parse("intercom", data)
    assert isinstance(found, TalkMessage)
    return found


def part(number: int, **changes: object) -> dict:
    usual = {"type": "conversation_part", "id": str(number), "part_type": "comment", "body": "<p>Yes, it does.</p>"}
    return {**usual, "created_at": 1_794_470_500, "author": ADMIN, **changes}


def test_a_new_conversation_begins_with_what_the_customer_wrote():
    found = talk(CREATED)
    assert (found.external_id, found.status, found.labels) == ("215471203399", TalkStatus.OPEN, ())
    assert found.started_at == datetime(2026, 11, 12, 7, 56, 51, tzinfo=UTC)
    assert found.version == datetime(2026, 11, 12, 8, 0, 12, tzinfo=UTC)
    (line,) = found.lines
    assert (line.external_id, line.by, line.text) == ("2091837465", TalkBy.CUSTOMER, "Does the atlas come as EPUB?")
    assert line.at == found.started_at
    assert (found.customer.email, found.customer.name) == ("maya.okafor@example.com", "Maya Okafor")
    assert found.customer.others == (("intercom_contact", "6738e9c1aa02b4d1f0e7c311"),)


def test_replies_are_messages_and_notes_are_not():
    parts = [
        part(1),
        part(2, part_type="note", body="<p>she always asks</p>"),
        part(3, part_type="assignment", body=None),
        part(4, author={"type": "bot", "id": "b"}),
        part(5, author={"type": "user", "id": "6738e9c1aa02b4d1f0e7c311"}, body="Thanks"),
    ]
    found = talk(edited(CREATED, (PARTS, parts)) | {"topic": "conversation.admin.replied"})
    assert {line.external_id: line.by for line in found.lines} == {
        "1": TalkBy.AGENT, "4": TalkBy.BOT, "5": TalkBy.CUSTOMER, "2091837465": TalkBy.CUSTOMER,
    }  # fmt: skip


def test_an_agents_address_is_never_the_customers():
    begun = edited(CREATED, ((*ITEM, "source", "author"), ADMIN))
    assert talk(begun).customer.email == ""
    answered = edited(begun, (PARTS, [part(5, author={"type": "lead", "id": "9", "email": "maya@example.com"})]))
    assert talk(answered).customer.email == "maya@example.com"


def test_a_closed_conversation_has_an_end_and_its_tags():
    body = edited(CREATED, ((*ITEM, "state"), "closed"), ((*ITEM, "tags", "tags"), [{"id": "1", "name": "Pricing"}]))
    assert (talk(body).status, talk(body).labels) == (TalkStatus.CLOSED, ("pricing",))
    assert talk(body).ended_at == datetime(2026, 11, 12, 8, 0, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Two<br>lines &amp; more</p><p>and one</p>", "Two\nlines & more\nand one"),
        ("plain", "plain"),
        ("<b>a</b><i>b", "ab"),
        ("1 < 2", "1 < 2"),
        ("", ""),
    ],
)
def test_html_becomes_text(html, text):
    assert plain(html) == text


def test_a_ping_is_answered_unsigned_and_ignored_signed():
    ping, provider = recorded("intercom/ping.json"), PROVIDERS["intercom"]
    assert provider.is_ping(ping, {}) and not provider.is_ping(ping, {"x-hub-signature": "sha1=00"})
    assert not provider.is_ping(recorded("intercom/conversation.user.created.json"), {})
    with pytest.raises(Ignored):
        parse("intercom", ping)


def test_what_is_about_no_conversation_is_ignored():
    for topic in ("contact.created", "", "conversations"):
        with pytest.raises(Ignored):
            parse("intercom", CREATED | {"topic": topic})
    with pytest.raises(Ignored):
        parse("intercom", edited(CREATED, ((*ITEM, "type"), "contact")))

"""Chatwoot's messages and conversations: who wrote, when, on which page; notes and templates are nobody's words."""

import hashlib
import hmac
from datetime import UTC, datetime

import pytest

from orders.messages import Ignored, TalkBy, TalkLine, TalkMessage, TalkStatus, Unusable
from orders.providers import PROVIDERS
from tests.deliveries import document, edited, parse

CREATED = document("chatwoot/message_created.json")
CHANGED = document("chatwoot/conversation_status_changed.json")
ASKED = TalkLine(
    external_id="90210",
    by=TalkBy.CUSTOMER,
    at=datetime(2026, 11, 12, 8, 0, 12, tzinfo=UTC),
    text="Does the atlas come as EPUB?",
)


def talk(data: dict) -> TalkMessage:
    (found,) = parse("chatwoot", data)
    assert isinstance(found, TalkMessage)
    return found


def test_a_message_tells_of_its_conversation_and_of_the_contact():
    found = talk(CREATED)
    assert (found.external_id, found.status, found.labels, found.ended_at) == ("4417", TalkStatus.OPEN, (), None)
    assert found.started_at == datetime(2026, 11, 12, 7, 56, 51, tzinfo=UTC)
    assert found.version == datetime(2026, 11, 12, 8, 0, 12, 100400, tzinfo=UTC)
    assert (found.customer.email, found.customer.phone) == ("maya.okafor@example.com", "+15035550142")
    assert found.page == "https://lanternpress.example/products/tide-atlas"
    assert found.lines == (ASKED,)


def test_a_conversation_is_told_the_same_message_by_a_number_for_its_sort():
    found = talk(CHANGED)
    assert found.lines == (ASKED,)
    assert (found.status, found.ended_at) == (TalkStatus.CLOSED, datetime(2026, 11, 12, 8, 10, tzinfo=UTC))
    assert found.version.microsecond == 500_000


@pytest.mark.parametrize(
    ("changes", "by"),
    [
        ({"message_type": "outgoing", "sender": {"id": 2, "name": "Dana", "type": "user"}}, TalkBy.AGENT),
        ({"message_type": "outgoing", "sender": {"id": 9, "type": "agent_bot"}}, TalkBy.BOT),
        ({"message_type": "outgoing", "sender": None}, TalkBy.BOT),
        ({"message_type": "outgoing", "private": True, "sender": {"id": 2, "type": "user"}}, None),
        ({"message_type": "template"}, None),
        ({"message_type": "activity"}, None),
        ({"message_type": True}, None),
    ],
)
def test_only_what_one_side_wrote_to_the_other_is_a_message(changes, by):
    body = edited(CREATED | changes, (("conversation", "messages"), []))
    assert [line.by for line in talk(body).lines] == ([by] if by else [])


def test_a_deleted_message_says_nothing_any_more():
    gone = CREATED | {"event": "message_updated", "content_attributes": {"deleted": True}, "content": "was deleted"}
    assert talk(gone).lines[0].text == ""


def test_labels_are_lower_case_and_sorted():
    assert talk(CHANGED | {"labels": ["Pricing", "atlas", 5]}).labels == ("atlas", "pricing")
    assert talk({name: value for name, value in CHANGED.items() if name != "labels"}).labels is None


def test_other_events_are_ignored_and_nonsense_is_refused():
    for event in ("contact_created", "conversation_typing_on", None):
        with pytest.raises(Ignored):
            parse("chatwoot", CREATED | {"event": event})
    for path in (("conversation", "id"), ("conversation", "created_at"), ("conversation", "updated_at")):
        with pytest.raises(Unusable):
            parse("chatwoot", edited(CREATED, (path, "x" * 300)))


def test_a_signature_is_good_for_five_minutes():
    provider, body, now = PROVIDERS["chatwoot"], b"{}", 1_794_470_413

    def headers(stamp: str) -> dict[str, str]:
        made = hmac.new(b"s", f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        return {"x-chatwoot-signature": f"sha256={made}", "x-chatwoot-timestamp": stamp}

    for off, right in ((-300, True), (300, True), (-301, False), (301, False)):
        assert provider.verify(body, headers(str(now + off)), ["s"], now=now) is right
    assert not provider.verify(body, headers("١٢٣"), ["s"], now=now)
    assert not provider.verify(body, headers(str(now)), [""], now=now)
    bare = {name: value.removeprefix("sha256=") for name, value in headers(str(now)).items()}
    assert not provider.verify(body, bare, ["s"], now=now)

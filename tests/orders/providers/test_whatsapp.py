"""WhatsApp's messages: a customer's day is a conversation, statuses say nothing, numbers are as they are dialled."""

import copy
from datetime import UTC, datetime

import pytest

from orders.messages import Ignored, TalkBy, Unusable
from orders.providers import PROVIDERS
from orders.providers.whatsapp import e164
from tests.deliveries import document, edited, parse

TEXT = document("whatsapp/messages.text.json")
VALUE = ("entry", 0, "changes", 0, "value")
MESSAGE = (*VALUE, "messages", 0)


def message(**changes: object) -> dict:
    row = TEXT["entry"][0]["changes"][0]["value"]["messages"][0]
    return edited(TEXT, (MESSAGE, {**row, **changes}))


def test_what_a_customer_writes_on_one_day_is_one_conversation():
    (found,) = parse("whatsapp", TEXT)
    assert found.external_id == "106540352242922/15035550142/2026-11-15"
    assert found.started_at == found.last_activity_at == datetime(2026, 11, 15, 8, tzinfo=UTC)
    assert (found.customer.phone, found.customer.name) == ("+15035550142", "Maya O.")
    (line,) = found.lines
    assert line.by is TalkBy.CUSTOMER and line.text == "Hi, is order LP1071 on its way?"
    assert line.external_id.startswith("wamid.")
    assert (found.status, found.labels) == (None, None)


def test_every_level_is_read():
    more = copy.deepcopy(TEXT)
    more["entry"].append(copy.deepcopy(more["entry"][0]))
    more["entry"][0]["changes"] *= 2
    more["entry"][0]["changes"][0]["value"]["messages"] *= 2
    assert len(parse("whatsapp", more)) == 5


def test_statuses_and_silent_messages_are_ignored():
    for body in (
        document("whatsapp/statuses.json"),
        message(type="reaction", reaction={"emoji": "👍"}),
        message(type="system"),
        TEXT | {"object": "page"},
        edited(TEXT, (("entry", 0, "changes", 0, "field"), "account_update")),
    ):
        with pytest.raises(Ignored):
            parse("whatsapp", body)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"type": "button", "button": {"text": "How much?"}}, "How much?"),
        ({"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"title": "Prices"}}}, "Prices"),
        ({"type": "image", "image": {"caption": "this one"}}, "this one"),
        ({"type": "sticker", "sticker": {}}, ""),
        ({"type": "order", "order": {"product_items": [{"product_retailer_id": "EBOOK-1"}]}}, "EBOOK-1"),
    ],
)
def test_what_was_tapped_or_captioned_was_written_too(changes, text):
    (found,) = parse("whatsapp", message(**changes))
    assert found.lines[0].text == text


def test_a_time_that_is_none_and_a_missing_id_are_refused():
    for changes in ({"timestamp": "soon"}, {"timestamp": "0"}, {"id": None}, {"from": ""}):
        with pytest.raises(Unusable):
            parse("whatsapp", message(**changes))


@pytest.mark.parametrize(
    ("digits", "number"),
    [
        ("15035550142", "+15035550142"),
        ("5215512345678", "+525512345678"),
        ("525512345678", "+525512345678"),
        ("551187654321", "+5511987654321"),
        ("5511987654321", "+5511987654321"),
        ("551132654321", "+551132654321"),
        ("5491123456789", "+5491123456789"),
    ],
)
def test_numbers_are_as_they_are_dialled(digits, number):
    assert e164(digits) == number


def test_a_customer_without_a_number_goes_by_their_name_there():
    (found,) = parse("whatsapp", message(**{"from": "US.ab12cd"}))
    assert (found.customer.phone, found.customer.others) == ("", (("whatsapp_user", "US.ab12cd"),))


def test_the_challenge_is_told_to_who_knows_the_token():
    told = PROVIDERS["whatsapp"].challenge
    asked = {"hub.mode": "subscribe", "hub.verify_token": "t0ken", "hub.challenge": "1158201444"}
    assert told(asked, "t0ken") == "1158201444"
    for wrong in (
        {"hub.verify_token": "other"},
        {"hub.verify_token": ""},
        {"hub.mode": "unsubscribe"},
        {"hub.challenge": "<script>"},
        {"hub.challenge": ""},
    ):
        assert told(asked | wrong, "t0ken") == ""
    assert told(asked | {"hub.verify_token": ""}, "") == ""

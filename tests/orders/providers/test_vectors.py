"""Every recorded signature three times: as it is, with one byte changed, with another secret."""

import base64
import copy
import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.messages import Delivery, Ignored, Message, Unusable
from orders.providers import PROVIDERS
from orders.providers.contract import Provider
from tests.deliveries import KINDS, PAYLOADS, SALES, delivery, document, sale, signed

KIND_OF = {"standard-webhooks": "api"}
TIMES = {"stripe": 1_789_986_420, "standard-webhooks": 1_794_580_004, "etsy": 1_793_880_216, "chatwoot": 1_794_470_413}
VECTORS = [
    vector
    for vector in json.loads((PAYLOADS / "signature-vectors.json").read_bytes())["vectors"]
    if KIND_OF.get(vector["provider"], vector["provider"]) in PROVIDERS and (PAYLOADS / vector["body_file"]).exists()
]


def check(vector: dict, body: bytes, *secrets: str) -> bool:
    headers = {name.lower(): value for name, value in vector["headers"].items()}
    provider = PROVIDERS[KIND_OF.get(vector["provider"], vector["provider"])]
    if provider.SIGNS_ADDRESS:
        body = vector["note"].removeprefix("notification_url=").encode() + body
    return provider.verify(body, headers, secrets, now=TIMES.get(vector["provider"], 0))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["provider"])
def test_a_recorded_signature_is_right_for_its_bytes_and_secret_alone(vector):
    body = (PAYLOADS / vector["body_file"]).read_bytes()
    assert check(vector, body, vector["secret"])
    assert check(vector, body, "another", vector["secret"])
    assert not check(vector, body[:50] + bytes([body[50] ^ 1]) + body[51:], vector["secret"])
    other = "whsec_" + base64.b64encode(b"another secret of 24 byte").decode()
    assert not check(vector, body, other)


def test_the_vectors_of_all_our_channels_are_there():
    shops = {"stripe", "shopify", "woocommerce", "standard-webhooks", "shopier", "etsy", "square"}
    wanted = shops | {"chatwoot", "intercom", "whatsapp"}
    assert wanted <= {vector["provider"] for vector in VECTORS}


@pytest.mark.parametrize("kind", KINDS)
def test_the_list_of_providers_is_a_plain_dict_by_kind(kind):
    provider = PROVIDERS[kind]
    assert isinstance(provider, Provider) and provider.kind == kind
    assert provider.SIGNATURE_HEADERS <= provider.KEPT_HEADERS
    assert all(name == name.lower() for name in provider.KEPT_HEADERS)


@pytest.mark.parametrize("kind", KINDS)
@given(body=st.binary(max_size=200), text=st.text(max_size=200), now=st.floats(0, 2e9))
def test_no_header_and_no_body_makes_a_check_raise(kind, body, text, now):
    provider = PROVIDERS[kind]
    for headers in ({}, dict.fromkeys(provider.KEPT_HEADERS, text)):
        assert provider.verify(body, headers, ["whsec_c2VjcmV0", text], now=now) in (True, False)
        delivery_id, topic = provider.identify(body, headers)
        assert len(delivery_id) <= 255 and (delivery_id + topic).isprintable()
        provider.is_ping(body, headers)
        assert provider.source_domain(headers).isascii()


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_any_damage_to_a_sale_is_read_or_refused_by_name(kind, data):
    body = document(SALES[kind])
    junk = st.sampled_from(
        [None, True, -1, 0, 10**30, 1.5, "", "x", "\0", "\ud800", "1e9", [], {}, [[]], [None], {"id": 0}]
    )
    for _ in range(data.draw(st.integers(1, 3))):
        _damage(body, data, junk)
    try:
        messages = PROVIDERS[kind].parse(delivery(kind, body))
    except (Unusable, Ignored) as refusal:
        str(refusal).encode("utf-8")
        return
    assert messages
    for message in messages:
        assert isinstance(message, Message)
        for text in _texts(dataclasses.asdict(message)):
            assert "\0" not in text and len(text.encode("utf-8")) <= 2000


def _texts(value):
    """Every text of a message, however deep."""
    if isinstance(value, str):
        yield str(value)
    elif isinstance(value, dict):
        yield from (text for pair in value.items() for part in pair for text in _texts(part))
    elif isinstance(value, list | tuple):
        yield from (text for item in value for text in _texts(item))


TALKS = {
    "chatwoot": "chatwoot/message_created.json",
    "intercom": "intercom/conversation.user.created.json",
    "whatsapp": "whatsapp/messages.text.json",
}


@pytest.mark.parametrize("kind", TALKS)
@given(body=st.binary(max_size=200), text=st.text(max_size=200), now=st.floats(0, 2e9))
def test_no_header_and_no_body_of_a_conversation_makes_a_check_raise(kind, body, text, now):
    provider = PROVIDERS[kind]
    assert provider.SIGNATURE_HEADERS <= provider.KEPT_HEADERS and provider.kind == kind
    for headers in ({}, dict.fromkeys(provider.KEPT_HEADERS, text)):
        assert provider.verify(body, headers, ["a secret", text], now=now) in (True, False)
        delivery_id, topic = provider.identify(body, headers)
        assert len(delivery_id) <= 255 and (delivery_id + topic).isprintable()
        assert provider.is_ping(body, headers) is False
    assert provider.challenge({"hub.mode": "subscribe", "hub.verify_token": text, "hub.challenge": text}, "") == ""


@pytest.mark.parametrize("kind", TALKS)
@given(data=st.data())
def test_any_damage_to_a_conversation_is_read_or_refused_by_name(kind, data):
    body = document(TALKS[kind])
    junk = st.sampled_from([None, True, -1, 0, 10**30, 1.5, "", "x", "\0", "\ud800", "1e9", [], {}, [[]], {"id": 0}])
    for _ in range(data.draw(st.integers(1, 3))):
        _damage(body, data, junk)
    try:
        messages = PROVIDERS[kind].parse(delivery(kind, body))
    except (Unusable, Ignored) as refusal:
        str(refusal).encode("utf-8")
        return
    for message in messages:
        for text in _texts(dataclasses.asdict(message)):
            assert "\0" not in text and len(text.encode("utf-8")) <= 8000


def _damage(body, data, junk):
    """Put junk at some place of the document."""
    place = body
    while True:
        steps = sorted(place) if isinstance(place, dict) else list(range(len(place)))
        if not steps:
            return
        step = data.draw(st.sampled_from(steps))
        inner = place[step]
        if isinstance(inner, dict | list) and inner and data.draw(st.booleans()):
            place = inner
            continue
        place[step] = copy.deepcopy(data.draw(junk))
        return


@pytest.mark.parametrize("kind", KINDS)
def test_a_delivery_read_twice_says_the_same(kind):
    body = sale(kind)
    one, other = delivery(kind, body), delivery(kind, body)
    assert PROVIDERS[kind].parse(one) == PROVIDERS[kind].parse(other)
    assert isinstance(one, Delivery) and signed(kind, one.body)

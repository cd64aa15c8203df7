"""Standard Webhooks: what we sign can be checked, by us and by the specification's own example."""

import base64

import pytest

from orders.providers import standard
from orders.providers.standard import BadSecret

# The example of the specification, spec/standard-webhooks.md.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE, STAMP = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_specifications_own_example():
    assert standard.sign(SECRET, message_id=MESSAGE, timestamp=STAMP, body=BODY) == SIGNATURE


def test_every_living_secret_signs():
    other = standard.secret(b"x" * 32)
    headers = standard.headers([SECRET, other], message_id=MESSAGE, timestamp=STAMP, body=BODY)
    for secret in (SECRET, other):
        assert standard.verify(BODY, headers, [secret], now=STAMP)
    assert not standard.verify(BODY, headers, [standard.secret(b"y" * 32)], now=STAMP)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "msg_other"}, {"webhook-id": ""}, {"webhook-timestamp": "1614265331"}, {"webhook-timestamp": ""},
        {"webhook-timestamp": " 1614265330"}, {"webhook-timestamp": "\u0661614265330"}, {"webhook-signature": ""},
        {"webhook-signature": SIGNATURE.replace("v1,", "v1a,")}, {"webhook-signature": SIGNATURE[3:]},
    ],
)  # fmt: skip
def test_id_time_and_scheme_are_part_of_the_signature(change):
    headers = standard.headers([SECRET], message_id=MESSAGE, timestamp=STAMP, body=BODY)
    assert not standard.verify(BODY, headers | change, [SECRET], now=STAMP)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64!", "whsec_é", "whsec_A"])
def test_what_is_no_secret_signs_and_verifies_nothing(secret):
    with pytest.raises(BadSecret):
        standard.key(secret)
    headers = standard.headers([SECRET], message_id=MESSAGE, timestamp=STAMP, body=BODY)
    assert not standard.verify(BODY, headers, [secret], now=STAMP)


def test_padding_and_prefix_may_be_left_out():
    raw = b"z" * 25
    text = base64.b64encode(raw).decode()
    assert standard.key(text) == standard.key("whsec_" + text.rstrip("=")) == raw
    assert standard.key(standard.secret(raw)) == raw

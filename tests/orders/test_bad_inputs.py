"""RELIABILITY section 3, rows 1 to 41, as far as signatures and parsing decide them; a test bears its row's number."""

import base64
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from orders.messages import Ignored, OrderMessage, RefundMessage, Unusable
from orders.providers import PROVIDERS
from profiles import identifiers
from tests.deliveries import (
    FIELDS,
    KINDS,
    MISSING,
    NOW,
    SECRETS,
    delivery,
    document,
    edited,
    literal,
    order,
    parse,
    recorded,
    sale,
    signed,
    verify,
)

SIGNATURE = {
    "stripe": "stripe-signature",
    "shopify": "x-shopify-hmac-sha256",
    "woocommerce": "x-wc-webhook-signature",
    "api": "webhook-signature",
    "pos": "webhook-signature",
    "shopier": "shopier-signature",
    "square": "x-square-hmacsha256-signature",
}
SHOPS = ("shopify", "woocommerce")
DECIMAL = ("shopify", "woocommerce", "api", "pos")
NAMED = ("stripe", "shopify", "woocommerce", "api")
every_kind = pytest.mark.parametrize("kind", KINDS)
every_decimal = pytest.mark.parametrize("kind", DECIMAL)
every_named = pytest.mark.parametrize("kind", NAMED)


def unusable(kind: str, body: Any, **options: Any) -> str:
    with pytest.raises(Unusable) as caught:
        parse(kind, body, **options)
    str(caught.value).encode("utf-8")
    return str(caught.value)


def as_hex(kind: str, body: bytes) -> str:
    """The right signature in the other spelling."""
    text = signed(kind, body)[SIGNATURE[kind]]
    return text.swapcase() if kind == "stripe" else text.encode().hex()


@every_kind
def test_row_1_without_the_right_signature_nothing_is_authentic(kind):
    body = json.dumps(sale(kind)).encode()
    headers = signed(kind, body)
    assert verify(kind, body, headers)
    assert not verify(kind, body, {})
    for wrong in ("", " ", "x", "t=,v1=", f"t={NOW}", f"t={NOW},v1=", "v1,", "=", as_hex(kind, body)):
        assert not verify(kind, body, headers | {SIGNATURE[kind]: wrong})


@pytest.mark.parametrize("empty", ["", " "])
@every_kind
def test_row_1_an_empty_secret_never_verifies(kind, empty):
    body = json.dumps(sale(kind)).encode()
    # Signed with the very key an empty secret would be.
    prefix = {"api": b"msg_1.%d." % NOW, "pos": b"msg_1.%d." % NOW, "stripe": b"%d." % NOW}.get(kind, b"")
    digest = hmac.digest(empty.encode(), prefix + body, "sha256")
    text = f"t={NOW},v1={digest.hex()}" if kind == "stripe" else base64.b64encode(digest).decode()
    headers = signed(kind, body) | {SIGNATURE[kind]: f"v1,{text}" if kind in ("api", "pos") else text}
    assert not verify(kind, body, headers, empty)
    assert not verify(kind, body, headers, "whsec_" if kind in ("api", "pos") else empty)


@every_kind
def test_row_1_without_a_secret_nothing_verifies(kind):
    body = json.dumps(sale(kind)).encode()
    assert not PROVIDERS[kind].verify(body, signed(kind, body), [], now=NOW)


@every_kind
@pytest.mark.parametrize("letter", ["é", "€", "\udcff", "\0", "\uff11"])
def test_row_2_signatures_outside_of_ascii_are_refused_not_raised(kind, letter):
    body = json.dumps(sale(kind)).encode()
    right = signed(kind, body)
    for name in right:
        assert not verify(kind, body, right | {name: right[name] + letter})
        assert not verify(kind, body, right | {name: letter})


@every_kind
def test_row_3_another_organizations_secret_is_refused(kind):
    body = json.dumps(sale(kind)).encode()
    other = SECRETS["pos" if kind == "api" else "api"] if kind in ("api", "pos") else "another secret"
    assert not verify(kind, body, signed(kind, body, secret=other))


@every_kind
def test_row_4_the_former_secret_verifies_as_long_as_it_lives(kind):
    body = json.dumps(sale(kind)).encode()
    new = "whsec_dGhlIG5ld2VyIHNlY3JldCBvZiBhIHRlc3QhIQ=="
    headers = signed(kind, body)
    assert verify(kind, body, headers, new, SECRETS[kind])
    assert not verify(kind, body, headers, new)


def test_row_5_stripe_signatures_too_old_or_of_no_use():
    body = recorded("stripe/checkout.session.completed.json")
    right = signed("stripe", body)["stripe-signature"]
    stamp, signature = right.split(",")
    assert not verify("stripe", body, {"stripe-signature": right}, now=NOW + 600)
    assert verify("stripe", body, {"stripe-signature": right}, now=NOW + 300)
    assert verify("stripe", body, {"stripe-signature": right}, now=NOW - 600)
    assert not verify("stripe", body, {"stripe-signature": right.replace("v1=", "v0=")})
    many = ",".join([stamp, *["v1=" + "0" * 64] * 499, signature])
    assert not verify("stripe", body, {"stripe-signature": many})
    assert not verify("stripe", body, {"stripe-signature": f"t={NOW - 10},{right}"})


@pytest.mark.parametrize("kind", ["api", "pos"])
def test_row_5_standard_webhooks_are_refused_too_old_and_too_new(kind):
    body = json.dumps(sale(kind)).encode()
    headers = signed(kind, body)
    assert verify(kind, body, headers, now=NOW + 299) and verify(kind, body, headers, now=NOW - 299)
    assert not verify(kind, body, headers, now=NOW + 301)
    assert not verify(kind, body, headers, now=NOW - 301)
    many = " ".join(["v1,AAAA"] * 500 + [headers["webhook-signature"]])
    assert not verify(kind, body, headers | {"webhook-signature": many})


def test_row_6_the_second_of_two_signatures_may_be_the_right_one():
    body = recorded("stripe/checkout.session.completed.json")
    stamp, signature = signed("stripe", body)["stripe-signature"].split(",")
    assert verify("stripe", body, {"stripe-signature": f"{stamp},v1={'0' * 64},{signature},v0=abc"})
    headers = signed("api", body)
    assert verify("api", body, headers | {"webhook-signature": f"v1,AAAA v1a,BBBB {headers['webhook-signature']}"})


@every_kind
def test_row_7_one_space_after_signing_is_enough(kind):
    body = json.dumps(sale(kind)).encode()
    assert not verify(kind, body + b" ", signed(kind, body))


@every_kind
@pytest.mark.parametrize(
    "body", [b"", b" ", b"null", b'"text"', b"[{}]", b"5", b'{"id": 1', b'{"id": 1}<br><!-- x -->']
)
def test_row_14_what_is_no_object_is_unusable(kind, body):
    unusable(kind, body)


@every_kind
@pytest.mark.parametrize("raw", [b'"\xff"', b'"\xc0\x80"'])
def test_row_15_what_is_not_utf8_is_unusable(kind, raw):
    assert "UTF-8" in unusable(kind, literal(kind, "id", "@").replace(b"@", raw))


@every_named
def test_row_16_a_null_character_is_taken_out_of_a_name_and_refused_in_an_address(kind):
    assert "\0" not in order(kind, literal(kind, "name", '"A\\u0000da"'), test=False).customer.name
    unusable(kind, literal(kind, "email", '"a\\u0000@b.example"'))
    unusable(kind, literal(kind, "id", '"a\\u0000b"'))


@every_named
def test_row_17_a_lone_surrogate_is_repaired_in_a_name_and_refused_in_an_address(kind):
    assert "A\ufffdda" in order(kind, literal(kind, "name", '"A\\ud800da"')).customer.name
    unusable(kind, literal(kind, "email", '"a\\ud800@b.example"'))


@every_kind
@pytest.mark.parametrize("text", ["[" * 100_000 + "]" * 100_000, "9" * 5_000])
def test_row_18_endless_nesting_and_numbers_are_unusable(kind, text):
    unusable(kind, literal(kind, "id", text))


@every_kind
def test_row_19_a_name_that_stands_twice_is_unusable(kind):
    name = FIELDS[kind]["total"][-1]
    assert "stands twice" in unusable(kind, literal(kind, "total", f'29.99, "{name}": 0.01'))


@every_kind
@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999", '"NaN"', '"Infinity"', '"1e999"'])
def test_row_20_what_is_no_number_is_unusable(kind, text):
    unusable(kind, literal(kind, "total", text))


@every_named
@pytest.mark.parametrize("text", ['"-5.00"', "-5"])
def test_row_21_a_total_below_zero_is_unusable(kind, text):
    assert FIELDS[kind]["total"][-1] in unusable(kind, literal(kind, "total", text))


@every_kind
@pytest.mark.parametrize(
    "text",
    ['"29,99"', '"1_000.00"', '"\uff12\uff19.\uff19\uff19"', '""', "null", "true", "{}", "[29]", '" 5"'],
)
def test_row_21_what_is_no_total_is_unusable(kind, text):
    assert FIELDS[kind]["total"][-1] in unusable(kind, literal(kind, "total", text))


@every_kind
def test_row_21_a_total_has_to_be_there(kind):
    unusable(kind, sale(kind, total=MISSING))


@every_decimal
@pytest.mark.parametrize("text", ['"29.999"', '"0.001"', "29.999", "0.001"])
def test_row_22_nothing_is_rounded_in_silence(kind, text):
    body = literal(kind, "total", text)
    assert "more decimals" in unusable(kind, body.replace(b'"EUR"', b'"USD"'))


@every_decimal
def test_row_23_a_number_is_exactly_what_was_sent(kind):
    assert order(kind, literal(kind, "total", "29.99")).total_minor == 2999


@pytest.mark.parametrize("kind", ["shopify", "woocommerce", "api"])
def test_row_24_a_yen_has_no_fraction(kind):
    assert "more decimals" in unusable(kind, sale(kind, currency="JPY", total="100.50"))


@pytest.mark.parametrize(("currency", "amount", "minor"), [("jpy", 500, 500), ("kwd", 5000, 5000), ("isk", 50000, 500)])
def test_row_24_stripe_counts_in_the_currencys_own_units(currency, amount, minor):
    body = edited(
        sale("stripe", currency=currency, total=amount),
        (("data", "object", "total_details"), {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0}),
    )
    assert order("stripe", body).total_minor == minor


@every_named
@pytest.mark.parametrize("currency", ["XXX", "", None, MISSING, 978, True, "EURO", ["EUR"]])
def test_row_25_a_currency_has_to_be_one(kind, currency):
    assert "currency" in unusable(kind, sale(kind, currency=currency))


def test_row_25_a_till_takes_its_currency_from_the_channel():
    assert order("pos", sale("pos"), currency="EUR").currency == "EUR"
    assert "currency" in unusable("pos", sale("pos"), currency="")


# A payment at Square's till may be for no order: then it stands for itself.
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "square"])
@pytest.mark.parametrize("value", [MISSING, None, True, False, -1, 0, "0", "", " ", {}, {"id": 5}, [], 1.5])
def test_row_26_an_id_has_to_be_one(kind, value):
    unusable(kind, sale(kind, id=value))


@every_kind
@pytest.mark.parametrize("value", [2**63, 2**64 + 1, 10**60])
def test_row_27_an_id_is_never_cut_and_the_same_as_text_and_number(kind, value):
    as_number, as_text = order(kind, sale(kind, id=value)), order(kind, sale(kind, id=str(value)))
    assert as_number.external_id == as_text.external_id == str(value)


@every_decimal
@pytest.mark.parametrize("text", ["-1", "0", "1.5", "1e9", "1000000000", '"1.5"', "true", '""', "{}"])
def test_row_28_a_quantity_is_a_sensible_whole_number(kind, text):
    assert "quantity" in unusable(kind, literal(kind, "quantity", text))


def test_row_29_a_sale_of_something_unknown_is_still_a_sale():
    bare = edited(sale("stripe"), (("data", "object", "metadata"), {}))
    line = order("stripe", bare).lines[0]
    assert (line.title, line.sku, line.total_minor) == ("Stripe checkout", "", 3120)
    assert order("shopify", edited(sale("shopify"), (("line_items", 0, "sku"), None))).lines[0].sku == ""


def test_row_30_a_sale_to_nobody_is_still_a_sale():
    bodies = {
        "shopify": document("shopify/orders-create.pos-no-customer.json"),
        "woocommerce": edited(sale("woocommerce", email=""), (("billing", "phone"), "")),
        "stripe": edited(
            sale("stripe"), (("data", "object", "customer_details"), None), (("data", "object", "customer_email"), None)
        ),
        "api": edited(sale("api"), (("customer",), None)),
    }
    for kind, body in bodies.items():
        customer = order(kind, body).customer
        assert (customer.email, customer.phone) == ("", "")


@every_named
@pytest.mark.parametrize(
    "email", ["a@b.example\r\nBcc: evil@c.example", "a@b.example, evil@c.example", "a@b.example\n"]
)
def test_row_31_no_second_address_gets_mail(kind, email):
    kept = order(kind, sale(kind, email=email)).customer.email
    assert kept == email
    assert identifiers.mailable(kept) is None
    assert identifiers.gather({"email": kept}) == ()


@every_named
@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "{{7*7}}{0.__class__}", "=HYPERLINK('x')", "R\u00fa\u202en"]
)
def test_row_32_a_name_is_kept_as_it_was_written(kind, name):
    assert name in order(kind, sale(kind, name=name)).customer.name


@every_kind
@pytest.mark.parametrize("text", ["2026-02-30T00:00:00Z", "2026-11-12T23:59:60Z", "9999-12-31T23:59:59-12:00", "soon"])
def test_row_33_a_time_has_to_be_real(kind, text):
    unusable(kind, sale(kind, placed_at=text))


def test_row_33_a_time_without_offset_is_utc_where_the_provider_says_so():
    assert order("woocommerce", sale("woocommerce")).placed_at == datetime(2026, 11, 13, 19, 5, 41, tzinfo=UTC)
    for kind in ("shopify", "api", "pos"):
        assert "time zone" in unusable(kind, sale(kind, placed_at="2026-11-12T09:14:07"))


@every_decimal
@pytest.mark.parametrize("lines", [MISSING, None, {}, "none", 5, [None], [5], ["line"]])
def test_row_34a_lines_have_to_be_a_list(kind, lines):
    topic = {"shopify": "orders/create", "woocommerce": "order.created"}.get(kind, "")
    unusable(kind, sale(kind, lines=lines), topic=topic)


@pytest.mark.parametrize("kind", ["stripe", "shopify", "woocommerce", "pos"])
@pytest.mark.parametrize("value", [MISSING, None])
def test_row_34a_the_time_of_sale_has_to_be_there(kind, value):
    unusable(kind, sale(kind, placed_at=value))


@pytest.mark.parametrize(
    ("kind", "topic"),
    [
        ("shopify", "orders/delete"),
        ("shopify", "customers/redact"),
        ("shopify", "shop/redact"),
        ("shopify", "products/update"),
        ("woocommerce", "order.deleted"),
        ("woocommerce", "customer.deleted"),
        ("woocommerce", "product.updated"),
    ],
)
def test_row_34_an_order_under_a_topic_it_does_not_fit_is_unusable(kind, topic):
    assert "does not fit" in unusable(kind, sale(kind), topic=topic)


@pytest.mark.parametrize(("kind", "topic"), [("shopify", "orders/delete"), ("woocommerce", "order.deleted")])
def test_row_34_a_deletion_itself_takes_nothing_away(kind, topic):
    with pytest.raises(Ignored):
        parse(kind, {"id": 5}, topic=topic)


@pytest.mark.parametrize("kind", SHOPS)
def test_row_35_a_captured_body_says_the_same_whatever_its_headers(kind):
    provider, body = PROVIDERS[kind], sale(kind)
    first, second = delivery(kind, body), delivery(kind, body)
    fresh = dict(second.headers) | {"x-shopify-webhook-id": "new", "x-wc-webhook-delivery-id": "new"}
    again = type(second)(body=second.body, headers=fresh, channel=second.channel, delivery_id="new")
    assert provider.parse(first) == provider.parse(again)


def test_row_36_a_ping_is_a_ping_only_unsigned_and_alone():
    woo = PROVIDERS["woocommerce"]
    assert woo.is_ping(recorded("woocommerce/ping.form.txt"), {})
    assert woo.is_ping(b"webhook_id=7", {})
    assert not woo.is_ping(b"webhook_id=7", {"x-wc-webhook-signature": "x"})
    for body in (b"", b"webhook_id=", b"webhook_id=7&total=1", b"webhook_id=x", b'{"webhook_id": 7}', b"webhook_id=-7"):
        assert not woo.is_ping(body, {})
    assert not any(PROVIDERS[kind].is_ping(b"webhook_id=7", {}) for kind in KINDS if kind != "woocommerce")


def test_row_37_a_stores_own_refusal_is_a_broken_connection():
    body = {"code": "woocommerce_rest_cannot_view", "message": "Sorry", "data": {"status": 401}}
    assert "connection broken" in unusable("woocommerce", body, topic="order.updated")


def test_row_38_a_refund_below_zero_is_normal():
    body = edited(sale("woocommerce"), (("refunds",), [{"id": 9, "reason": "", "total": "-19.90"}]))
    (refund,) = order("woocommerce", body).refunds
    assert isinstance(refund, RefundMessage) and refund.amount_minor == 1990


@pytest.mark.parametrize("kind", SHOPS)
def test_row_39_bad_bodies_leave_no_mark_on_a_good_one(kind):
    for _ in range(7):
        unusable(kind, b'{"id": ')
    assert isinstance(order(kind, sale(kind)), OrderMessage)


@pytest.mark.parametrize(
    "change", [(("livemode",), False), (("account",), "acct_1Other")], ids=["test event", "connected account"]
)
def test_row_40_events_for_others_are_ignored(change):
    with pytest.raises(Ignored):
        parse("stripe", edited(sale("stripe"), change))


def test_row_40_a_live_event_is_ignored_on_a_test_channel():
    with pytest.raises(Ignored):
        parse("stripe", sale("stripe"), test=True)


def test_row_41_an_unpaid_checkout_is_an_unpaid_order():
    body = recorded("stripe/checkout.session.completed.unpaid.json")
    unpaid = order("stripe", body)
    assert (unpaid.paid, unpaid.payment_failed, unpaid.paid_at) == (False, False, None)
    assert parse("stripe", body) == (unpaid,)

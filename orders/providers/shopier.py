"""Shopier: signed webhooks, the panel's OSB notice and the payment form's callback, three generations side by side.

The callback's signature covers neither its status nor its amount, so that it only says which order to ask for.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qs

from orders import parsing
from orders.messages import Delivery, Ignored, LookupMessage, Message, Unusable
from orders.providers import shopier_orders, signatures
from orders.providers.contract import JSON_ANSWER, Headers, Provider, label, printable
from orders.records import Record

ORDER_EVENTS = frozenset({"order.created", "order.addressupdated", "order.fulfilled"})
REFUND_EVENTS = frozenset({"refund.requested", "refund.updated"})
OSB, CALLBACK = "osb", "callback"
ORDER = "order"
_MAX_FIELDS = 50


class Shopier(Provider):
    kind = "shopier"
    SIGNATURE_HEADERS = frozenset({"shopier-signature"})
    KEPT_HEADERS = SIGNATURE_HEADERS | {
        "content-type",
        "shopier-account-id",
        "shopier-api-version",
        "shopier-event",
        "shopier-timestamp",
        "shopier-webhook-id",
    }

    def verify(self, body: bytes, headers: Headers, secrets: Sequence[str], *, now: float) -> bool:
        """By the webhook's token; without its header by the OSB `username:password` or the form's API secret.

        Shopier knows several secrets for one shop: they stand in one text with blanks between.
        """
        each = [part for secret in secrets for part in secret.split()]
        if "shopier-signature" in headers:
            return _signed(headers["shopier-signature"], body, each)
        form = _form(body, headers)
        if "res" in form:
            return _notified(form, each)
        if "random_nr" in form:
            text = f"{form['random_nr']}{form.get('platform_order_id', '')}"
            return signatures.any_base64(form.get("signature", ""), text.encode("utf-8", "surrogatepass"), each)
        return False

    def identify(self, body: bytes, headers: Headers) -> tuple[str, str]:
        if "shopier-signature" in headers:
            return label(headers, "shopier-webhook-id"), label(headers, "shopier-event").lower()
        form = _form(body, headers)
        if "res" in form:
            return "", OSB
        return (printable(form["random_nr"]), CALLBACK) if "random_nr" in form else ("", "")

    def answer(self, headers: Headers) -> tuple[bytes, str]:
        """OSB is repeated until it reads exactly this."""
        return JSON_ANSWER if "shopier-signature" in headers else (b"success", "text/plain; charset=utf-8")

    def parse(self, delivery: Delivery) -> tuple[Message, ...]:
        if not delivery.looked_up and "shopier-signature" not in delivery.headers:
            return _of_form(delivery)
        body = Record.of(delivery.body)
        event = label(delivery.headers, "shopier-event").lower()
        order_like = "lineItems" in body and "totals" in body
        refund_like = "orderId" in body and "lineItems" not in body
        if event and event not in ORDER_EVENTS | REFUND_EVENTS:
            if order_like or refund_like:
                raise Unusable(f"The event {event} does not fit the body, which is an order or a refund.")
            raise Ignored(f"Nothing is done about {event}.")
        if refund_like:
            return (shopier_orders.of_refund(body, test=delivery.channel.test),)
        return (shopier_orders.of_order(body, test=delivery.channel.test),)


def _signed(given: str, body: bytes, secrets: Sequence[str]) -> bool:
    """Hexadecimal as seen in production, or base64 as some libraries have it."""
    claimed = signatures.ascii_bytes(given.strip())
    digests = [signatures.sha256(key, body) for key in signatures.keys(secrets)]
    expected = [digest.hex().encode() for digest in digests] + [base64.b64encode(digest) for digest in digests]
    return bool(claimed) and signatures.any_equal([claimed], expected)


def _notified(form: Mapping[str, str], secrets: Sequence[str]) -> bool:
    expected = []
    for secret in secrets:
        name, _, password = secret.partition(":")
        if name and password:
            signed = f"{form['res']}{name}".encode("utf-8", "surrogatepass")
            expected.append(signatures.sha256(password.encode("utf-8", "surrogatepass"), signed).hex().encode())
    claimed = signatures.ascii_bytes(form.get("hash", "").strip().lower())
    return bool(claimed) and signatures.any_equal([claimed], expected)


def _form(body: bytes, headers: Headers) -> dict[str, str]:
    """The fields of a form, however it is encoded; none where it is no form. Never raises."""
    kind = headers.get("content-type", "")
    try:
        if kind.lower().startswith("multipart/form-data") and kind.isascii() and "\n" not in kind:
            whole = BytesParser(policy=HTTP).parsebytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + body)
            parts = list(whole.iter_parts())[:_MAX_FIELDS] if whole.is_multipart() else []
            return {str(part.get_param("name", header="content-disposition")): _content(part) for part in parts}
        if kind.lower().startswith("application/x-www-form-urlencoded"):
            fields = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
            return {name: values[0] for name, values in fields.items()}
    except (ValueError, LookupError, TypeError, AttributeError, KeyError, RecursionError):
        pass
    return {}


def _content(part: object) -> str:
    raw = part.get_payload(decode=True)  # type: ignore[attr-defined]
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else ""


def _of_form(delivery: Delivery) -> tuple[Message, ...]:
    form = _form(delivery.body, delivery.headers)
    if "res" in form:
        try:
            raw = base64.b64decode(form["res"], validate=True)
        except (binascii.Error, ValueError):
            raise Unusable("The notice's res is not base64.") from None
        return (shopier_orders.of_notice(Record.of(raw), at=delivery.received_at, test=delivery.channel.test),)
    if form.get("status", "").lower() != "success":
        raise Ignored("The payment was not made, as far as the buyer's browser says.")
    if not delivery.channel.can_read:
        raise Ignored(
            "The buyer's browser says that it is paid, which proves nothing: the order comes by webhook or OSB."
        )
    try:
        return (LookupMessage(thing=ORDER, external_id=parsing.external_id(form.get("payment_id", ""))),)
    except parsing.Unreadable as error:
        raise Unusable(f"payment_id: {error}") from None

"""Clover: webhooks with a fixed code and no signature, which only name what changed: everything is asked for again."""

import re
from collections.abc import Sequence

from orders.messages import Delivery, Ignored, LookupMessage, Message
from orders.parsing import Unreadable, external_id, glance
from orders.providers import clover_orders, signatures
from orders.providers.contract import Headers, Provider
from orders.records import Record

PAYMENT, ORDER = "payment", "order"
_THINGS = {"P": PAYMENT, "O": ORDER}
_CODE = re.compile(r"[0-9A-Za-z-]{8,64}", re.ASCII)
_MOST_NAMED = 1000


class Clover(Provider):
    kind = "clover"
    SIGNATURE_HEADERS = frozenset({"x-clover-auth"})
    KEPT_HEADERS = frozenset({"content-type", "user-agent"})  # the code is the secret itself

    def verify(self, body: bytes, headers: Headers, secrets: Sequence[str], *, now: float) -> bool:
        """By the code that Clover shows in the app's dashboard, the same on every delivery."""
        claimed = signatures.ascii_bytes(headers.get("x-clover-auth", ""))
        return bool(claimed) and signatures.any_equal([claimed], signatures.keys(secrets))

    def identify(self, body: bytes, headers: Headers) -> tuple[str, str]:
        """There is no id of an event: the same body is the same delivery."""
        return "", "changes"

    def handshake(self, body: bytes, headers: Headers) -> str:
        if "x-clover-auth" in headers or len(body) > 500:
            return ""
        told = glance(body)
        code = told.get("verificationCode") if len(told) == 1 else None
        return code if isinstance(code, str) and _CODE.fullmatch(code) else ""

    def parse(self, delivery: Delivery) -> tuple[Message, ...]:
        body = Record.of(delivery.body)
        if delivery.looked_up:
            return clover_orders.of_answer(body, channel=delivery.channel)
        merchants = body.record("merchants")
        found: dict[tuple[str, str, str], LookupMessage] = {}
        for merchant in merchants.data:
            for change in merchants.records(merchant):
                sort, _, name = change.exact("objectId").partition(":")
                if sort not in _THINGS:
                    continue
                try:
                    thing = LookupMessage(
                        thing=_THINGS[sort], external_id=external_id(name), account=str(merchant)[:64]
                    )
                except Unreadable as error:
                    change.refuse("objectId", str(error))
                found[thing.thing, thing.external_id, thing.account] = thing
        if not found:
            raise Ignored("No payment and no order is named.")
        if len(found) > _MOST_NAMED:
            body.refuse("merchants", f"{len(found)} things are named, more than {_MOST_NAMED}.")
        return tuple(found.values())

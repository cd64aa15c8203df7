"""The autumn whose figures were counted by hand: its orders and conversations, each told through its own real door.

The tables are `tests/payloads/analytics/`; what they come to stands in `tests/support/test_hand_counted.py`.
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.http import HttpResponse

from orders import money
from orders.models import Channel
from profiles.actions import organizations
from tests import talks
from tests.stage import BY, PAYLOADS, Stage, sample, stripe_event

PRODUCTS = {"T": ("EBOOK-TIDE-EN", "Tide Atlas"), "H": ("EBOOK-HARB-EN", "Harbour Sketches")}
Row = Mapping[str, str]


def table(name: str) -> list[dict[str, str]]:
    with (PAYLOADS / "analytics" / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True, slots=True)
class Sold:
    """One line of an order: "T 39.00", "H*2 21.00" or "A-1 One 3.33"."""

    sku: str
    title: str
    quantity: int
    total: str

    @classmethod
    def read(cls, text: str) -> "Sold":
        name, *title, total = text.split()
        name, _, quantity = name.partition("*")
        sku, known = PRODUCTS.get(name, (name, " ".join(title)))
        return cls(sku, known, int(quantity or 1), total)

    @property
    def told(self) -> dict[str, Any]:
        return {"sku": self.sku, "title": self.title, "quantity": self.quantity, "total": self.total}


@dataclass
class Autumn:
    """The stage with a chat beside its shops, and everything that was bought and said on it."""

    stage: Stage = field(default_factory=Stage)
    chatwoot: Channel = field(init=False)

    def __post_init__(self) -> None:
        self.chatwoot = talks.connect(self.stage, "chatwoot")
        with self.stage.inside():
            self.secret = organizations.issue_token(self.stage.organization, name="hand", scopes=["*"], by=BY)

    def play(self, *, backwards: bool = False, times: int = 1) -> None:
        """Everything arrives, then the workers work; `backwards` the last comes first, and what undoes before."""
        steps = [*self._deliveries()]
        for _ in range(times):
            for kind, body, topic in reversed(steps) if backwards else steps:
                self._send(kind, body, topic)
        self.stage.work()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """What the API answers, which has to be a success."""
        headers = {"Authorization": f"Bearer {self.secret}"}
        data = "" if body is None else json.dumps(body)
        answer = self.stage.client.generic(method, path, data, content_type="application/json", headers=headers)
        assert answer.status_code in (200, 201), answer.content
        return json.loads(answer.content)

    def refund(self, order: str, amount: str) -> None:
        """The WooCommerce shop takes this much back; it tells so in the order itself."""
        row = next(row for row in table("orders") if row["id"] == order)
        self._send("woocommerce", _woocommerce(row, back=[amount]), "order.updated")
        self.stage.work()

    def _send(self, kind: str, body: dict[str, Any], topic: str) -> None:
        if kind == "chatwoot":
            answer: HttpResponse = talks.deliver(self.stage, self.chatwoot, body)
        elif kind in ("manual", "conversation"):
            self.call("POST", "/api/orders" if kind == "manual" else "/api/conversations", body)
            return
        else:
            answer = self.stage.post(kind, body, topic=topic)
        assert answer.status_code == 200, answer.content

    def _deliveries(self) -> Iterator[tuple[str, dict[str, Any], str]]:
        """Kind of door, body and topic, the conversations after the orders they led to."""
        for row in table("orders"):
            yield from _TOLD[row["shop"]](row)
        for row in table("conversations"):
            if row["source"] == "chatwoot":
                yield "chatwoot", _chatwoot(row), ""
            else:
                address = {"email": f"{row['customer']}@example.com"} if row["customer"] else {}
                source = {"channel": row["source"]} if row["source"] else {}
                told = {"external_id": row["id"], "started_at": row["started_at"]}
                yield "conversation", {**told, **source, **address}, ""


def _lines(row: Row) -> list[Sold]:
    return [Sold.read(text) for text in row["lines"].split(" + ")]


def _total(row: Row, lines: Sequence[Sold] | None = None) -> str:
    places = money.exponent(row["currency"])
    total = sum((Decimal(line.total) for line in (_lines(row) if lines is None else lines)), Decimal(0))
    return f"{total:.{places}f}"


def _number(row: Row) -> int:
    return 26_000_000 + 1000 * ord(row["id"][0]) + int(row["id"][1:])


def _backs(row: Row) -> list[str]:
    return row["back"].removeprefix("refund ").split(" + ") if row["back"].startswith("refund") else []


def _later(row: Row, minutes: int) -> str:
    at = datetime.fromisoformat(row["placed_at"]) + timedelta(minutes=minutes)
    return at.isoformat().replace("+00:00", "Z")


def _epoch(row: Row, minutes: int = 0) -> int:
    return int(datetime.fromisoformat(_later(row, minutes)).timestamp())


def _address(row: Row) -> str | None:
    return f"{row['customer']}@example.com" if row["customer"] else None


def _told_by_program(row: Row) -> Iterator[tuple[str, dict[str, Any], str]]:
    """An order in our own schema, by webhook from the till or by POST /api/orders."""
    state = row["state"]
    body = {
        "external_id": row["id"],
        "currency": row["currency"],
        "total": _total(row),
        "placed_at": row["placed_at"],
        "test": state == "test",
        "status": "cancelled" if state == "cancelled" else "pending",
        "payment_status": state if state in ("unpaid", "failed") else "paid",
        "customer": {"email": _address(row)} if row["customer"] else {},
        "lines": [line.told for line in _lines(row)],
    }
    yield row["shop"], body, ""


def _told_by_shopify(row: Row) -> Iterator[tuple[str, dict[str, Any], str]]:
    body = sample("shopify/orders-paid.json")
    for name in [name for name in body if name.endswith(("_set", "_address"))]:
        del body[name]
    plain = {"discount_allocations": [], "total_discount": "0.00"}
    item = body["line_items"][0]
    body.update(
        id=_number(row),
        admin_graphql_api_id=f"gid://shopify/Order/{_number(row)}",
        name=row["id"],
        created_at=row["placed_at"],
        processed_at=row["placed_at"],
        updated_at=_later(row, 1),
        currency=row["currency"],
        total_price=_total(row),
        total_tax="0.00",
        total_discounts="0.00",
        test=row["state"] == "test",
        email=_address(row),
        contact_email=_address(row),
        customer=None,
        note_attributes=[],
        line_items=[
            item | plain | {"id": _number(row) * 10 + n, "sku": line.sku, "title": line.title, "price": line.total}
            for n, line in enumerate(_lines(row))
        ],
    )
    yield "shopify", body, "orders/paid"
    for n, amount in enumerate(_backs(row)):
        refund = sample("shopify/refunds-create.json")
        moved = refund["transactions"][0] | {"amount": amount, "currency": row["currency"]}
        refund.update(
            id=_number(row) * 10 + n,
            order_id=_number(row),
            created_at=_later(row, 60),
            processed_at=_later(row, 60),
            refund_line_items=[],
            transactions=[moved],
        )
        yield "shopify", refund, "refunds/create"


def _told_by_woocommerce(row: Row) -> Iterator[tuple[str, dict[str, Any], str]]:
    yield "woocommerce", _woocommerce(row), "order.created"
    if row["back"]:
        yield "woocommerce", _woocommerce(row, back=_backs(row)), "order.updated"


def _woocommerce(row: Row, back: Sequence[str] | None = None) -> dict[str, Any]:
    """The order as it was made, or with `back` as it is a day later, when a line may have gone."""
    body = sample("woocommerce/order.created.json")
    gone = row["back"].removeprefix("without ") if back is not None and row["back"].startswith("without") else ""
    lines = [line for line in _lines(row) if line.sku != PRODUCTS.get(gone, ("", ""))[0]]
    at = re.sub("Z$", "", row["placed_at"])
    item = body["line_items"][0]
    body.update(
        id=_number(row),
        number=row["id"],
        status="cancelled" if row["state"] == "cancelled" else "processing",
        currency=row["currency"],
        total=_total(row, lines),
        total_tax="0.00",
        discount_total="0.00",
        discount_tax="0.00",
        date_created_gmt=at,
        date_paid_gmt=at,
        date_modified_gmt=re.sub("Z$", "", _later(row, 0 if back is None else 1440)),
        transaction_id="",
        meta_data=[],
        coupon_lines=[],
        customer_id=0,
        billing={"email": _address(row) or ""},
        shipping={},
        line_items=[
            item
            | {"id": _number(row) * 10 + n, "sku": line.sku, "name": line.title, "quantity": line.quantity}
            | {"total": line.total, "total_tax": "0.00", "product_id": 0, "variation_id": 0}
            for n, line in enumerate(lines)
        ],
        refunds=[{"id": _number(row) * 10 + n, "reason": "", "total": f"-{each}"} for n, each in enumerate(back or ())],
    )
    return body


def _told_by_stripe(row: Row) -> Iterator[tuple[str, dict[str, Any], str]]:
    (line,) = _lines(row)
    currency = row["currency"]
    minor = money.to_stripe(money.to_minor(line.total, currency), currency)
    paid = row["state"] == "paid"
    session = sample("stripe/checkout.session.completed.json")["data"]["object"]
    session.update(
        id=f"cs_live_{row['id']}",
        amount_subtotal=minor,
        amount_total=minor,
        currency=currency.lower(),
        client_reference_id=row["id"],
        created=_epoch(row),
        customer_email=None,
        customer_details={**session["customer_details"], "email": _address(row), "name": None},
        metadata={"sku": line.sku, "title": line.title},
        payment_intent=f"pi_{row['id']}",
        payment_status="paid" if paid else "unpaid",
        total_details={"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    )
    yield "stripe", _event("checkout.session.completed", session, row, 1), ""
    for n, amount in enumerate(_backs(row), start=1):
        refund = sample("stripe/refund.created.json")["data"]["object"]
        refund.update(id=f"re_{row['id']}_{n}", created=_epoch(row, 60 + n), **_moved(row, amount))
        yield "stripe", _event("refund.created", refund, row, 60 + n), ""
    word, _, amount = row["back"].partition(" ")
    if word in ("lost", "open"):
        dispute = sample("stripe/charge.dispute.closed.json")["data"]["object"]
        state = "lost" if word == "lost" else "needs_response"
        dispute.update(id=f"du_{row['id']}", created=_epoch(row, 120), status=state, **_moved(row, amount))
        yield "stripe", _event(f"charge.dispute.{'closed' if word == 'lost' else 'created'}", dispute, row, 180), ""


def _moved(row: Row, amount: str) -> dict[str, Any]:
    minor = money.to_stripe(money.to_minor(amount, row["currency"]), row["currency"])
    names = {"charge": f"ch_{row['id']}", "payment_intent": f"pi_{row['id']}"}
    return {"amount": minor, "currency": row["currency"].lower(), **names}


def _event(kind: str, thing: dict[str, Any], row: Row, minutes: int) -> dict[str, Any]:
    return stripe_event(kind, thing, created=_epoch(row, minutes), event_id=f"evt_{row['id']}_{minutes}")


def _chatwoot(row: Row) -> dict[str, Any]:
    body = sample("chatwoot/message_created.json")
    at = int(datetime.fromisoformat(row["started_at"]).timestamp())
    sender = body["sender"] | {"email": f"{row['customer']}@example.com", "phone_number": None, "name": ""}
    talk = body["conversation"]
    talk.update(messages=[], created_at=at, timestamp=at, last_activity_at=at, updated_at=float(at), waiting_since=at)
    talk["meta"]["sender"] = sender
    body.update(created_at=row["started_at"], sender=sender)
    return body


_TOLD = {
    "api": _told_by_program,
    "manual": _told_by_program,
    "shopify": _told_by_shopify,
    "woocommerce": _told_by_woocommerce,
    "stripe": _told_by_stripe,
}

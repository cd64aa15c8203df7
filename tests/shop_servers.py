"""A Shopify and a WooCommerce of our own for the tests: as much of each as giving money back needs, and no more.

What they are asked is checked as the real ones check it: fields, sums, parents, keys; faults are played by `plan`.
"""

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from tests.servers import free_port

Answer = tuple[int, Any, dict[str, str]]
CLOSED = object()


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    body: Any
    headers: dict[str, str]


class ShopServer:
    """Listens on a port of its own. `plan` names faults for the next calls that move money."""

    def __init__(self) -> None:
        self.port = free_port()
        self.calls: list[Call] = []
        self.plan: list[str] = []
        self.retry_after = 5
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None

    @property
    def domain(self) -> str:
        return f"127.0.0.1:{self.port}"

    def answer(self, call: Call) -> Answer:
        raise NotImplementedError

    def moves_money(self, call: Call) -> bool:
        raise NotImplementedError

    def play(self, call: Call) -> Answer:
        with self._lock:
            self.calls.append(call)
            fault = self.plan.pop(0) if self.plan and self.moves_money(call) else ""
            match fault:
                case "429":
                    return 429, {"errors": "Exceeded"}, {"Retry-After": str(self.retry_after)}
                case "500":
                    return 500, "<html>Internal error</html>", {}
                case "html":
                    return 200, "<html>Just a moment…</html>", {}
                case "drop before":
                    return 0, CLOSED, {}
            told = self.answer(call)
            return (0, CLOSED, {}) if fault == "drop after" else told

    def start(self) -> None:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._serve()

            def do_POST(self) -> None:
                self._serve()

            def _serve(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length") or 0))
                try:
                    body = json.loads(raw) if raw else None
                except ValueError:
                    body = raw.decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, told, more = server.play(Call(self.command, self.path, body, headers))
                if told is CLOSED:
                    self.close_connection = True
                    self.connection.close()
                    return
                page = (told if isinstance(told, str) else json.dumps(told)).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(page)), **more}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


# Shopify --------------------------------------------------------------------------------------------------------

REFUND_INPUT = {
    "allowOverRefunding", "currency", "discrepancyReason", "note", "notify", "orderId", "processedAt",
    "refundAdditionalFees", "refundDuties", "refundLineItems", "refundMethods", "shipping", "transactions",
}  # fmt: skip
TRANSACTION_INPUT = {"amount", "gateway", "kind", "orderId", "parentId"}
LINE_INPUT = {"lineItemId", "quantity", "restockType", "locationId"}


@dataclass
class ShopifyServer(ShopServer):
    """One order that was paid once: in the shop's currency, and in the buyer's where that is another."""

    order_id: str = "6200407310273"
    lines: tuple[str, ...] = ("15518907901137", "15518907933905")
    shop: tuple[str, str] = ("49.60", "EUR")
    buyer: tuple[str, str] = ("53.57", "USD")
    token: str = "shpat_not_real"
    status: str = "SUCCESS"
    refunds: list[dict[str, Any]] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)
    tokens: int = 0
    listed: list[dict[str, Any]] = field(default_factory=list)
    """What the list of orders holds, as GraphQL tells them, in the order of their last change."""

    def __post_init__(self) -> None:
        super().__init__()

    def moves_money(self, call: Call) -> bool:
        return isinstance(call.body, dict) and "refundCreate" in call.body.get("query", "")

    def answer(self, call: Call) -> Answer:
        if call.path == "/admin/oauth/access_token":
            self.tokens += 1
            known = "grant_type=client_credentials" in str(call.body) and "client_secret=right" in str(call.body)
            return (200, {"access_token": self.token, "expires_in": 86399}, {}) if known else (400, {}, {})
        if not call.path.endswith("/graphql.json") or call.headers.get("x-shopify-access-token") != self.token:
            return 401, {"errors": "[API] Invalid API key or access token"}, {}
        variables = call.body["variables"]
        if "sortKey: UPDATED_AT" in call.body["query"]:
            return self._list(variables)
        if not self.moves_money(call):
            known = variables["id"] == f"gid://shopify/Order/{self.order_id}"
            return 200, {"data": {"order": self._order() if known else None}}, {}
        if "@idempotent(key: $key)" not in call.body["query"]:
            return 200, {"errors": [{"message": "The @idempotent directive is required for this mutation"}]}, {}
        key = variables["key"]
        if key not in self.kept:
            self.kept[key] = self._create(variables["input"])
        return 200, {"data": {"refundCreate": self.kept[key]}}, {}

    def _list(self, variables: dict[str, Any]) -> Answer:
        """A page of what was changed since; a fault of the plan is told as GraphQL tells it, with 200."""
        if self.plan and self.plan[0] == "THROTTLED":
            self.plan.pop(0)
            return 200, {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]}, {}
        since = variables["query"].removeprefix("updated_at:>='").removesuffix("'")
        rows = [row for row in self.listed if row["updatedAt"] >= since]
        begin = int(variables["after"] or 0)
        end = begin + variables["first"]
        place = {"hasNextPage": end < len(rows), "endCursor": str(end)}
        return 200, {"data": {"orders": {"nodes": rows[begin:end], "pageInfo": place}}}, {}

    def _order(self) -> dict[str, Any]:
        paid = {
            "id": "gid://shopify/OrderTransaction/1",
            "kind": "SALE",
            "status": "SUCCESS",
            "gateway": "shopify_payments",
            "amountSet": self._both(self.buyer[0]),
            "parentTransaction": None,
        }
        moved = [
            {**node, "gateway": "shopify_payments", "parentTransaction": {"id": paid["id"]}}
            for refund in self.refunds
            for node in refund["transactions"]["nodes"]
        ]
        return {
            "id": f"gid://shopify/Order/{self.order_id}",
            "currencyCode": self.shop[1],
            "presentmentCurrencyCode": self.buyer[1],
            "transactions": [paid, *moved],
            "refunds": self.refunds,
        }

    def _both(self, amount: str) -> dict[str, Any]:
        ours = (Decimal(amount) * Decimal(self.shop[0]) / Decimal(self.buyer[0])).quantize(Decimal("0.01"))
        return {
            "shopMoney": {"amount": str(ours), "currencyCode": self.shop[1]},
            "presentmentMoney": {"amount": amount, "currencyCode": self.buyer[1]},
        }

    def _create(self, given: dict[str, Any]) -> dict[str, Any]:
        def refused(field_: str, message: str) -> dict[str, Any]:
            return {"refund": None, "userErrors": [{"field": [field_], "message": message}]}

        for names, known in (
            ([given], REFUND_INPUT),
            (given["transactions"], TRANSACTION_INPUT),
            (given["refundLineItems"], LINE_INPUT),
        ):
            if unknown := {name for one in names for name in one} - known:
                return refused("input", f"Field is not defined: {sorted(unknown)}")
        if self.buyer[1] != self.shop[1] and given.get("currency") != self.buyer[1]:
            return refused("currency", "Currency must be the presentment currency")
        if any(f.rsplit("/", 1)[1] not in self.lines for f in (one["lineItemId"] for one in given["refundLineItems"])):
            return refused("refundLineItems", "Line item does not belong to the order")
        left = Decimal(self.buyer[0]) - sum(
            Decimal(node["amountSet"]["presentmentMoney"]["amount"])
            for refund in self.refunds
            for node in refund["transactions"]["nodes"]
        )
        wanted = sum(Decimal(one["amount"]) for one in given["transactions"])
        if wanted > left:
            return refused("transactions", f"Refund amount exceeds the maximum refundable amount of {left}")
        if any(one["parentId"] != "gid://shopify/OrderTransaction/1" for one in given["transactions"]):
            return refused("transactions", "Parent transaction not found")
        number = 1002961310000 + len(self.refunds)
        refund = {
            "id": f"gid://shopify/Refund/{number}",
            "note": given["note"],
            "createdAt": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "totalRefundedSet": self._both(str(wanted)),
            "transactions": {
                "nodes": [
                    {
                        "id": f"gid://shopify/OrderTransaction/{number}",
                        "kind": "REFUND",
                        "status": self.status,
                        "amountSet": self._both(str(wanted)),
                    }
                ]
            },
            "refundLineItems": {
                "nodes": [
                    {"quantity": one["quantity"], "lineItem": {"id": one["lineItemId"]}}
                    for one in given["refundLineItems"]
                ]
            },
        }
        self.refunds.append(refund)
        return {"refund": refund, "userErrors": []}


# WooCommerce ----------------------------------------------------------------------------------------------------


@dataclass
class WooServer(ShopServer):
    """The order of the recorded body. It knows no idempotency: each POST that passes is one more refund."""

    order: dict[str, Any] = field(default_factory=dict)
    key: str = "ck_not_real"
    secret: str = "cs_not_real"
    keeps_marks: bool = True
    refunds: list[dict[str, Any]] = field(default_factory=list)
    listed: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def moves_money(self, call: Call) -> bool:
        return call.method == "POST" or self.lists(call)

    @staticmethod
    def lists(call: Call) -> bool:
        return call.method == "GET" and urlsplit(call.path).path == "/wp-json/wc/v3/orders"

    def answer(self, call: Call) -> Answer:
        pair = base64.b64encode(f"{self.key}:{self.secret}".encode()).decode()
        if call.headers.get("authorization") != f"Basic {pair}":
            return 401, {"code": "woocommerce_rest_cannot_view", "message": "Sorry, you cannot list resources."}, {}
        if self.lists(call):
            return self._list(dict(parse_qsl(urlsplit(call.path).query)))
        base = f"/wp-json/wc/v3/orders/{self.order['id']}"
        path = urlsplit(call.path).path
        routes: dict[tuple[str, str], Callable[[Any], Answer]] = {
            ("GET", base): lambda body: (200, self.order, {}),
            ("GET", f"{base}/refunds"): lambda body: (200, list(reversed(self.refunds)), {}),
            ("POST", f"{base}/refunds"): self._create,
        }
        if (call.method, path) not in routes:
            return 404, {"code": "woocommerce_rest_shop_order_invalid_id", "message": "Invalid ID."}, {}
        return routes[call.method, path](call.body)

    def _list(self, asked: dict[str, str]) -> Answer:
        """A page of what was changed after, by id; what the real one refuses is refused."""
        known = {"modified_after", "dates_are_gmt", "orderby", "order", "status", "per_page", "page"}
        size = int(asked.get("per_page", "10"))
        if set(asked) - known or not 1 <= size <= 100 or asked.get("dates_are_gmt") != "true":
            return 400, {"code": "rest_invalid_param", "message": f"Invalid parameter(s): {sorted(asked)}"}, {}
        rows = sorted(
            (row for row in self.listed if row["date_modified_gmt"] > asked["modified_after"]),
            key=lambda row: int(row["id"]),
        )
        begin = size * (int(asked.get("page", "1")) - 1)
        return 200, rows[begin : begin + size], {"X-WP-Total": str(len(rows))}

    def _create(self, body: Any) -> Answer:
        if not isinstance(body.get("amount"), str):
            return 400, {"code": "rest_invalid_param", "message": "Invalid parameter(s): amount"}, {}
        amount = Decimal(body["amount"])
        left = Decimal(self.order["total"]) - sum(Decimal(one["amount"]) for one in self.refunds)
        if not 0 < amount <= left:
            return 500, {"code": "woocommerce_rest_cannot_create_order_refund", "message": "Invalid refund amount."}, {}
        ids = {item["id"] for item in self.order["line_items"]}
        if any(line["id"] not in ids for line in body.get("line_items", [])):
            return 400, {"code": "rest_invalid_param", "message": "Invalid line item."}, {}
        refund = {
            "id": 2859 + len(self.refunds),
            "parent_id": self.order["id"],
            "date_created_gmt": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "amount": body["amount"],
            "reason": body.get("reason", ""),
            "refunded_payment": bool(body.get("api_refund", True)),
            "meta_data": body.get("meta_data", []) if self.keeps_marks else [],
            "line_items": body.get("line_items", []),
        }
        self.refunds.append(refund)
        return 201, refund, {}

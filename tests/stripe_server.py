"""A Stripe of our own for the tests: it takes no parameter that the official library does not know.

Refunds of payments it was told of, with idempotency keys as Stripe keeps them, Stripe's own shape of errors, and the
faults that a network plays: an answer that never comes, too many calls, a page of HTML, another refund's body.
"""

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from stripe.params import (
    BalanceTransactionListParams,
    ChargeListParams,
    DisputeListParams,
    EventListParams,
    PaymentIntentListParams,
    PayoutListParams,
    RefundCreateParams,
    RefundListParams,
)
from stripe.params.checkout import SessionListParams

from orders.actions import channels
from orders.models import Order
from tests.servers import free_port
from tests.stage import BY, Stage, sample

KNOWN = {
    "create": frozenset(RefundCreateParams.__annotations__),
    "list": frozenset(RefundListParams.__annotations__),
}
# Every list by its address: what may be asked of it.
LISTS = {
    "/v1/events": frozenset(EventListParams.__annotations__),
    "/v1/checkout/sessions": frozenset(SessionListParams.__annotations__),
    "/v1/payment_intents": frozenset(PaymentIntentListParams.__annotations__),
    "/v1/charges": frozenset(ChargeListParams.__annotations__),
    "/v1/refunds": KNOWN["list"],
    "/v1/disputes": frozenset(DisputeListParams.__annotations__),
    "/v1/payouts": frozenset(PayoutListParams.__annotations__),
    "/v1/balance_transactions": frozenset(BalanceTransactionListParams.__annotations__),
}
REASONS = {"duplicate", "fraudulent", "requested_by_customer"}
CLOSED = object()


@dataclass
class Payment:
    """A payment that may be refunded; amounts as Stripe counts them."""

    id: str
    amount: int
    currency: str
    refunds: list[dict[str, Any]] = field(default_factory=list)

    @property
    def left(self) -> int:
        return self.amount - sum(one["amount"] for one in self.refunds if one["status"] not in ("failed", "canceled"))


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    parameters: dict[str, Any]
    key: str


class StripeServer:
    """Listens on a port of its own. `plan` names what is played for the next calls, one each: see `_play`."""

    def __init__(self) -> None:
        self.port = free_port()
        self.payments: dict[str, Payment] = {}
        self.kept: dict[str, tuple[str, int, Any]] = {}
        self.calls: list[Call] = []
        self.plan: list[str] = []
        self.things: dict[str, list[dict[str, Any]]] = {}
        """What each list holds, the newest first, as Stripe does; a list that is not here is unknown."""
        self.status = "succeeded"
        self.retry_after = 7
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def payment(self, payment_id: str, amount: int, currency: str) -> Payment:
        """Let a payment of so much be known."""
        self.payments[payment_id] = made = Payment(payment_id, amount, currency.lower())
        return made

    @property
    def refunds(self) -> list[dict[str, Any]]:
        return [refund for payment in self.payments.values() for refund in payment.refunds]

    def posts(self) -> list[Call]:
        return [call for call in self.calls if call.method == "POST"]

    # Stripe's own work ----------------------------------------------------------------------------------------

    def _create(self, call: Call) -> tuple[int, Any]:
        parameters = call.parameters
        payment = self.payments.get(parameters.get("payment_intent", ""))
        if payment is None:
            name = parameters.get("payment_intent")
            return 404, _error("resource_missing", f"No such payment_intent: '{name}'", param="payment_intent")
        if parameters.get("reason", "duplicate") not in REASONS:
            return 400, _error("", "Invalid reason: must be one of duplicate, fraudulent, or requested_by_customer")
        given = str(parameters.get("amount", payment.left))
        if not given.isdigit() or int(given) < 1:
            return 400, _error("parameter_invalid_integer", f"Invalid integer: {given}", param="amount")
        amount = int(given)
        if not payment.left:
            return 400, _error("charge_already_refunded", f"Charge {payment.id} has already been refunded.")
        if amount > payment.left:
            said = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({payment.left})"
            return 400, _error("amount_too_large", said, param="amount")
        refund = {
            "id": f"re_{payment.id}_{len(payment.refunds) + 1}",
            "object": "refund",
            "amount": amount,
            "charge": f"ch_{payment.id}",
            "created": int(time.time()),
            "currency": payment.currency,
            "metadata": parameters.get("metadata", {}),
            "payment_intent": payment.id,
            "reason": parameters.get("reason"),
            "status": self.status,
        }
        payment.refunds.append(refund)
        return 200, refund

    def _list(self, call: Call) -> tuple[int, Any]:
        payment = self.payments.get(call.parameters.get("payment_intent", ""))
        rows = list(reversed(payment.refunds)) if payment else self.refunds
        limit = int(call.parameters.get("limit", 10))
        after = call.parameters.get("starting_after")
        begin = next((n + 1 for n, row in enumerate(rows) if row["id"] == after), 0)
        page = rows[begin : begin + limit]
        more = begin + limit < len(rows)
        return 200, {"object": "list", "url": "/v1/refunds", "has_more": more, "data": page}

    def _things(self, call: Call) -> tuple[int, Any]:
        """A page of a list: newest first, from a time on, of one payout where one is named."""
        given = call.parameters
        for name in given:
            if name not in LISTS[call.path]:
                return 400, _error("parameter_unknown", f"Received unknown parameter: {name}", param=name)
        if not 1 <= int(given.get("limit", 10)) <= 100 or len(given.get("types", {})) > 20:
            return 400, _error("parameter_invalid_integer", "This value must be between 1 and 100.", param="limit")
        since = int(given.get("created", {}).get("gte", 0))
        rows = [row for row in self.things[call.path] if row["created"] >= since]
        if "payout" in given:
            rows = [row for row in rows if row.get("_payout") == given["payout"]]
        if "types" in given:
            rows = [row for row in rows if row["type"] in given["types"].values()]
        begin = next((n + 1 for n, row in enumerate(rows) if row["id"] == given.get("starting_after")), 0)
        if given.get("starting_after") and not begin:
            return 400, _error("resource_missing", f"No such object: {given['starting_after']}")
        end = begin + int(given.get("limit", 10))
        page = [{name: value for name, value in row.items() if name != "_payout"} for row in rows[begin:end]]
        return 200, {"object": "list", "url": call.path, "has_more": end < len(rows), "data": page}

    def _answer(self, call: Call) -> tuple[int, Any]:
        if call.method == "GET" and call.path in self.things:
            return self._things(call)
        if call.path != "/v1/refunds":
            return 404, _error("", f"Unrecognized request URL ({call.method}: {call.path}).")
        verb = "create" if call.method == "POST" else "list"
        for name in call.parameters:
            if name not in KNOWN[verb]:
                return 400, _error("parameter_unknown", f"Received unknown parameter: {name}", param=name)
        if verb == "list":
            return self._list(call)
        asked = json.dumps(call.parameters, sort_keys=True)
        if call.key in self.kept:
            former, status, told = self.kept[call.key]
            if former != asked:
                said = "Keys for idempotent requests can only be used with the same parameters as at first."
                return 400, _error("", said, kind="idempotency_error")
            return status, told
        status, told = self._create(call)
        if call.key:
            self.kept[call.key] = (asked, status, told)
        return status, told

    def play(self, call: Call) -> tuple[int, Any, dict[str, str]]:
        """What this call is answered with; CLOSED for a line that is cut without an answer."""
        with self._lock:
            self.calls.append(call)
            fault = self.plan.pop(0) if self.plan else ""
            match fault:
                case "429":
                    return 429, _error("rate_limit", "Too many requests"), {"Retry-After": str(self.retry_after)}
                case "500":
                    return 500, _error("", "An unknown error occurred", kind="api_error"), {}
                case "401":
                    return 401, _error("", "Invalid API Key provided"), {}
                case "drop before":
                    return 0, CLOSED, {}
                case "html":
                    return 200, "<html><body>Just a moment…</body></html>", {}
                case "other":
                    other = {"id": "re_other", "object": "refund", "amount": 1, "currency": "eur", "created": 1}
                    return 200, {**other, "status": "succeeded", "payment_intent": "pi_other", "metadata": {}}, {}
            status, told = self._answer(call)
            if fault == "drop after":
                return 0, CLOSED, {}
            return status, told, {}

    # The server -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._serve()

            def do_POST(self) -> None:
                self._serve()

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
                place = urlsplit(self.path)
                given = body if self.command == "POST" else place.query
                call = Call(self.command, place.path, nested(given), self.headers.get("Idempotency-Key") or "")
                status, told, headers = server.play(call)
                if told is CLOSED:
                    self.close_connection = True
                    self.connection.close()
                    return
                raw = (told if isinstance(told, str) else json.dumps(told)).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

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


def nested(form: str) -> dict[str, Any]:
    """`metadata[a]=b` and `expand[0]=c` as Stripe reads them."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(form, keep_blank_values=True):
        outer, _, inner = name.partition("[")
        if inner:
            found.setdefault(outer, {})[inner.rstrip("]")] = value
        else:
            found[outer] = value
    return found


def _error(code: str, message: str, *, kind: str = "invalid_request_error", **more: str) -> Any:
    return {"error": {"type": kind, **({"code": code} if code else {}), "message": message, **more}}


def connect(stage: Stage, server: StripeServer, settings: Any) -> None:
    """Give the stage's Stripe channel an api_key, and let the server know the payment of the recorded sale."""
    settings.STRIPE_API_BASE = server.base
    with stage.inside():
        stage.channels["stripe"] = channels.connect(
            stage.organization,
            kind="stripe",
            domain=stage.channels["stripe"].domain,
            credentials={"api_key": "sk_live_not_real"},
            calls_provider=False,
            by=BY,
        )


def bought(stage: Stage, server: StripeServer, **session: Any) -> Order:
    """One paid order of the stage's Stripe channel, whose payment the server knows; `session` changes the checkout."""
    event = sample("stripe/checkout.session.completed.json")
    sold = event["data"]["object"]
    sold.update(session)
    event["id"] = f"evt_{sold['id'][-20:]}"
    server.payment(sold["payment_intent"], sold["amount_total"], sold["currency"])
    assert stage.post("stripe", event).status_code == 200
    stage.work()
    with stage.inside():
        return Order.objects.select_related("channel", "organization").get(external_id=sold["id"])

"""Giving money back on an order: the desk's Refund button by the same action."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from orders.actions import refund_requests
from orders.models import Order, RefundRequest
from profiles.actors import Invalid
from support.actions import refunds
from support.api import rows
from support.api.endpoints import Endpoint
from support.api.profiles import reason
from support.queries import documents, lookups

LINES_AT_MOST = 500


class RefundOrder(Endpoint):
    """201 once the provider has made it, 202 as long as it has not said, 422 where it refused."""

    resource = "orders"
    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="orders_refund", request=rows.RefundBody, responses={201: rows.RefundRow, 202: rows.RefundRow}
    )
    def post(self, request: Request, pk: int) -> Response:
        body = self.body(request)

        def act(key: str) -> tuple[Any, int]:
            order = lookups.found(Order.objects.select_related("channel", "organization"), pk)
            amount = refund_requests.amount(body["amount"], order.currency) if "amount" in body else None
            row = refunds.ask(
                order,
                amount_minor=amount,
                lines=refund_requests.lines_of(_lines(body.get("lines", [])), order),
                by=self.actor(request),
                because=reason(request),
                key=f"api:{key}",
            ).request

            def tell() -> Any:
                return documents.refund_request(RefundRequest.objects.select_related("order").get(pk=row.pk))

            self.reread, self.status_of = tell, _status
            told = tell()
            return told, _status(told)

        return self.once(request, act)


def _status(told: Mapping[str, Any]) -> int:
    return {"done": 201, "failed": 422, "cancelled": 422}.get(told["state"], 202)


def _lines(given: object) -> list[tuple[str, int | None]]:
    """Lines as the body names them: a text, or an object with a quantity."""
    if not isinstance(given, list) or len(given) > LINES_AT_MOST:
        raise Invalid("lines: give a list of SKUs, or of objects with sku and quantity.")
    found = []
    for one in given:
        named: Any = one if isinstance(one, dict) else {"sku": one}
        name, quantity = named.get("external_id") or named.get("sku"), named.get("quantity")
        if not isinstance(name, str) or isinstance(quantity, bool) or not isinstance(quantity, int | None):
            raise Invalid("lines: each is a SKU, or an object with sku (or external_id) and a whole quantity.")
        found.append((name, quantity))
    return found

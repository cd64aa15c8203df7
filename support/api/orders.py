"""Orders: list, one, and a manual one."""

from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from orders.actions import manual
from orders.models import Order
from profiles import identifiers
from support.api import rows
from support.api.endpoints import Endpoint, instant, plain
from support.queries import documents, lookups

FILTERS = [
    OpenApiParameter(name, str, description=text)
    for name, text in {
        "external_id": "The channel's own id.",
        "email": "Of the customer, in any spelling.",
        "phone": "Of the customer, in any spelling.",
        "status": "Order status or payment status.",
        "since": "Placed at or after this instant.",
        "until": "Placed before this instant.",
        "cursor": "From `next`.",
        "page_size": "At most 200.",
    }.items()
]


def _tell(found: Any) -> list[Any]:
    return documents.orders(list(found))


class Orders(Endpoint):
    resource = "orders"

    @extend_schema(operation_id="orders_list", parameters=FILTERS, responses=rows.OrderRow(many=True))
    def get(self, request: Request) -> Response:
        found = Order.objects.select_related("channel")
        if external_id := plain(request, "external_id"):
            found = found.filter(external_id=external_id)
        if status := plain(request, "status"):
            found = found.filter(Q(status=status) | Q(payment_status=status))
        found = of_customer(request, found, region=self.organization.region)
        if since := instant(request, "since"):
            found = found.filter(placed_at__gte=since)
        if until := instant(request, "until"):
            found = found.filter(placed_at__lt=until)
        return self.page(request, found, _tell, order="-placed_at")

    @extend_schema(operation_id="orders_create", request=rows.OrderBody, responses={201: rows.OrderRow})
    def post(self, request: Request) -> Response:
        def act(key: str) -> tuple[Any, int]:
            order = manual.record(
                self.body(request),
                organization=self.organization,
                by=self.actor(request),
                body=self.told(request),
            )
            self.reread = lambda: documents.orders([Order.objects.select_related("channel").get(pk=order.pk)])[0]
            return documents.orders([order])[0], 201

        return self.once(request, act)


class OneOrder(Endpoint):
    resource = "orders"

    @extend_schema(operation_id="orders_read", responses=rows.OrderRow)
    def get(self, request: Request, pk: int) -> Response:
        order = lookups.found(Order.objects.select_related("channel"), pk)
        return Response(documents.orders([order])[0])


def of_customer(request: Request, found: QuerySet[Any], *, region: str, path: str = "") -> QuerySet[Any]:
    """Only rows whose e-mail or phone is the one asked for, in any spelling; an unreadable one matches nothing."""
    for kind in ("email", "phone"):
        if text := plain(request, kind):
            known = identifiers.normalise(kind, text, region=region)
            found = found.filter(**{f"{path}{kind}": known.value}) if known and not known.source else found.none()
    return found

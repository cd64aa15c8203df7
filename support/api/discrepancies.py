"""Discrepancies: what two records say differently, newest first."""

from django.db.models import Q
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from orders.models import Order
from support.api import rows
from support.api.endpoints import Endpoint, instant, plain
from support.api.orders import of_customer
from support.models import Discrepancy
from support.queries import documents

ROWS = Discrepancy.objects.select_related("channel", "order__channel", "other_order__channel")
FILTERS = [
    OpenApiParameter("kind", str, description="One kind.", enum=list(Discrepancy.Kind.values)),
    OpenApiParameter("status", str, description="One status.", enum=list(Discrepancy.Status.values)),
    *(
        OpenApiParameter(name, str, description=text)
        for name, text in {
            "external_id": "The provider's own id of the order, payment, payout or line.",
            "email": "Of the order's customer, in any spelling.",
            "phone": "Of the order's customer, in any spelling.",
            "since": "Found at or after this instant.",
            "until": "Found before this instant.",
            "cursor": "From `next`.",
            "page_size": "At most 200.",
        }.items()
    ),
]


class Discrepancies(Endpoint):
    resource = "discrepancies"

    @extend_schema(operation_id="discrepancies_list", parameters=FILTERS, responses=rows.DiscrepancyRow(many=True))
    def get(self, request: Request) -> Response:
        found = ROWS.all()
        for name in ("kind", "status"):
            if text := plain(request, name):
                found = found.filter(**{name: text})
        if external_id := plain(request, "external_id"):
            found = found.filter(Q(external_id=external_id) | Q(order__external_id=external_id))
        if plain(request, "email") or plain(request, "phone"):
            orders = of_customer(request, Order.objects.all(), region=self.organization.region)
            found = found.filter(order__in=orders.order_by().values("pk"))
        if since := instant(request, "since"):
            found = found.filter(found_at__gte=since)
        if until := instant(request, "until"):
            found = found.filter(found_at__lt=until)
        return self.page(request, found, lambda page: documents.discrepancies(list(page)), order="-found_at")

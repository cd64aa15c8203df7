"""What narrows the list of orders: chips, choices, and what a report's figures lead to."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest

from orders.models import Channel, Dispute, Line, Product
from support.admin.base import Period, moment
from support.queries import dashboards, unreached


class ByChannel(SimpleListFilter):
    title = "channel"
    parameter_name = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = Channel.objects.order_by("kind", "domain").only("kind", "domain")
        return [(str(row.pk), row.label) for row in rows]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        return queryset.filter(channel_id=int(value)) if value.isdigit() else queryset


class Linked(SimpleListFilter):
    """What a report's figure leads to: drawn only where it is chosen, with a way to take it off."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        value = request.GET.get(str(self.parameter_name), "")
        return [(value, self.words(value))] if value else []

    def words(self, value: str) -> str:
        return value


class InCurrency(Linked):
    title = "currency"
    parameter_name = "currency"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(currency=self.value()) if self.value() else queryset


class OfProduct(Linked):
    title = "product"
    parameter_name = "product"

    def words(self, value: str) -> str:
        product = Product.objects.filter(pk=int(value)).first() if value.isdigit() and len(value) < 19 else None
        return product.sku if product else "Not mapped"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        if not value:
            return queryset
        lines = Line.objects.filter(order=OuterRef("pk"), removed=False)
        if value.isdigit() and len(value) < 19:
            return queryset.filter(Exists(lines.filter(product=int(value))))
        return queryset.filter(Exists(lines.filter(product__isnull=True)))


class Counted(Linked):
    """The orders that revenue counts: paid or later, no tests, not cancelled; or those of them with a refund."""

    title = "counted"
    parameter_name = "counted"

    def words(self, value: str) -> str:
        return {"refunded": "Refunded", "disputed": "Disputed"}.get(value, "In revenue")

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        found = queryset.filter(payment_status__in=dashboards.PAID, test=False).exclude(status="cancelled")
        if value == "disputed":
            return found.filter(Exists(Dispute.objects.filter(order=OuterRef("pk"))))
        return found.filter(refunded_minor__gt=0) if value == "refunded" else found


class Attention(SimpleListFilter):
    """What the first page counts, as rows."""

    title = "needs"
    parameter_name = "needs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("person", "Needs a look"),
            ("delivery", "Paid, not delivered"),
            ("customer", "No customer"),
            ("dispute", "Dispute open"),
            ("mapping", "Unmapped product"),
            ("mail", "Buyer not reached"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "person":
                return queryset.exclude(needs_person="")
            case "delivery":
                return queryset.filter(pk__in=dashboards.undelivered().values("order_id"))
            case "customer":
                return queryset.filter(profile__isnull=True)
            case "dispute":
                return queryset.filter(pk__in=Dispute.objects.filter(status="opened").values("order_id"))
            case "mapping":
                return queryset.filter(pk__in=dashboards.unmapped().values("order_id"))
            case "mail":
                listed = unreached.rows().values("order_id")
                return queryset.filter(
                    Q(pk__in=listed) | Q(pk__in=dashboards.undelivered_mail(moment()).values("order_id"))
                )
        return queryset


class Placed(Period):
    title = "placed"
    column = "placed_at"

"""What narrows the list of orders: chips, choices, and what a report's figures lead to."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest

from attribution.models import Attribution
from orders.models import Channel, Dispute, Line, Order, Product
from support.admin.base import Period, calendar_month, moment
from support.admin.linked import Linked, Since, Until
from support.analytics import BANDS
from support.queries import channels, conversations, needs, unreached


def labels(request: Any) -> dict[int, str]:
    """The channels of the organization of this request, read once for it."""
    if not hasattr(request, "channel_labels"):
        request.channel_labels = channels.labels()
    found: dict[int, str] = request.channel_labels
    return found


class ByChannel(SimpleListFilter):
    title = "channel"
    parameter_name = "channel"
    column = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), label) for pk, label in labels(request).items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        known = value.isdigit() and len(value) < 19
        return queryset.filter(**{self.column: int(value)}) if known else queryset


class InCurrency(Linked):
    title = "currency"
    parameter_name = "currency"
    column = "currency"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.column: self.value()}) if self.value() else queryset


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
        found = queryset.filter(conversations.in_revenue())
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
                return queryset.filter(pk__in=needs.undelivered(needs.overdue(moment())).values("order_id"))
            case "customer":
                return queryset.filter(profile__isnull=True)
            case "dispute":
                return queryset.filter(pk__in=Dispute.objects.filter(status="opened").values("order_id"))
            case "mapping":
                return queryset.filter(pk__in=needs.unmapped().values("order_id"))
            case "mail":
                mails = needs.undelivered_mail(needs.lately(moment()))
                # Of either of two sorts of ids the database would look through all orders.
                return queryset.filter(
                    pk__in=unreached.rows().values("order_id").union(mails.values("order_id"), all=True)
                )
        return queryset


class Placed(Period):
    title = "placed"
    column = "placed_at"


class PlacedSince(Since):
    column = "placed_at"


class PlacedUntil(Until):
    column = "placed_at"


class OnPlatform(Linked):
    """Orders of all channels of one kind."""

    title = "platform"
    parameter_name = "platform"

    def words(self, value: str) -> str:
        return dict(Channel.Kind.choices).get(value, value)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(channel__in=Channel.objects.filter(kind=value).values("pk")) if value else queryset


class Sold(Linked):
    """Orders with a line that no product is mapped to, by the words it was sold with: SKU, then title."""

    title = "sold as"
    parameter_name = "sold"

    def words(self, value: str) -> str:
        return " ".join(part for part in value.split("\n", 1) if part) or "No words"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        sku, _, title = value.replace("\r", "").partition("\n")
        lines = Line.objects.filter(order=OuterRef("pk"), removed=False, product__isnull=True, sku=sku, title=title)
        return queryset.filter(Exists(lines))


class Again(Linked):
    """Orders of a customer who had bought before in the same currency, as the boards count them; or with a customer."""

    title = "customer"
    parameter_name = "buyer"

    def words(self, value: str) -> str:
        return "Bought before" if value == "again" else "Known"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        known = queryset.filter(profile__isnull=False)
        if self.value() != "again":
            return known
        earlier = Order.objects.filter(conversations.in_revenue(), profile=OuterRef("profile"))
        earlier = earlier.filter(
            Q(placed_at__lt=OuterRef("placed_at")) | Q(placed_at=OuterRef("placed_at"), pk__lt=OuterRef("pk")),
            currency=OuterRef("currency"),
        )
        return known.filter(Exists(earlier))


class OfCohort(Linked):
    """Orders of the customers who first bought in a month such as 2026-10, in the currency asked for beside it."""

    title = "first bought"
    parameter_name = "cohort"

    def words(self, value: str) -> str:
        return f"In {value}"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        zone = request.organization.timezone  # type: ignore[attr-defined]
        span = calendar_month(self.value() or "", zone)
        if span is None:
            return queryset
        first = Order.objects.filter(
            conversations.in_revenue(), profile=OuterRef("profile"), currency=OuterRef("currency")
        ).order_by("placed_at", "pk")
        return (
            queryset.filter(profile__isnull=False)
            .alias(first_at=Subquery(first.values("placed_at")[:1]))
            .filter(first_at__gte=span[0], first_at__lt=span[1])
        )


class Attributed(Linked):
    """Orders that came of a conversation, by what is attributed now; or those that did not."""

    title = "conversation"
    parameter_name = "attributed"

    def words(self, value: str) -> str:
        return "None" if value == "no" else "Led to it"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        return queryset.filter(~Exists(_attributed()) if value == "no" else Exists(_attributed()))


class InBand(Linked):
    title = "confidence"
    parameter_name = "band"

    def words(self, value: str) -> str:
        return value.capitalize() if value in BANDS else "Any"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        if value not in BANDS:
            return queryset
        above = min((least for least in BANDS.values() if least > BANDS[value]), default=1000)
        inside = _attributed().filter(confidence_cents__gte=BANDS[value], confidence_cents__lt=above)
        return queryset.filter(Exists(inside))


class ByMethod(Linked):
    title = "method"
    parameter_name = "method"

    def words(self, value: str) -> str:
        return dict(Attribution.Method.choices).get(value, "Any")

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value not in Attribution.Method.values:
            return queryset
        return queryset.filter(Exists(_attributed().filter(method=value)))


def _attributed() -> QuerySet[Attribution]:
    return Attribution.objects.filter(order=OuterRef("pk"), current=True, conversation__isnull=False)


BEHIND_FIGURES = (
    PlacedSince,
    PlacedUntil,
    Counted,
    InCurrency,
    OnPlatform,
    OfProduct,
    Sold,
    Attributed,
    InBand,
    ByMethod,
    Again,
    OfCohort,
)
"""What the figures of reports and boards lead to: none is drawn unless it is chosen."""

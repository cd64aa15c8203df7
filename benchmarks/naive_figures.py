"""The figures of the first board as one would ask for them without tallies: each by its own aggregate over the rows."""

from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, F, QuerySet, Sum
from django.db.models.functions import TruncDate

from attribution.models import Attribution, Conversation
from orders.models import Line, Order
from support.analytics import BANDS, Asked, Figures
from support.queries import conversations


def figures(asked: Asked) -> dict[str, Any]:
    """What `support.queries.analytics.figures` tells of all channels, in eleven statements.

    Products without the shares of what went back, which a plain aggregate cannot tell.
    """
    since, until = asked.span
    sold = Order.objects.filter(
        conversations.in_revenue(), currency=asked.currency, placed_at__gte=since, placed_at__lt=until
    )
    led = Attribution.objects.filter(current=True, conversation__isnull=False).filter(
        conversations.in_revenue("order__"),
        order__currency=asked.currency,
        order__placed_at__gte=since,
        order__placed_at__lt=until,
    )
    begun = Conversation.objects.filter(started_at__gte=since, started_at__lt=until)
    days = sold.annotate(day=TruncDate("placed_at", tzinfo=ZoneInfo(asked.zone))).values("day")
    products = Line.objects.filter(order__in=sold, removed=False).values("product").order_by()
    return {
        "total": sold.aggregate(**_sums()),
        "by_day": _by("day", days),
        "by_channel": _by("channel", sold.values("channel")),
        "attributed": led.aggregate(**_sums("order__")),
        "by_method": _by("method", led.values("method"), "order__"),
        "by_band": {
            name: led.filter(confidence_cents__gte=least).aggregate(orders=Count("pk"))["orders"]
            for name, least in BANDS.items()
        },
        "products": list(products.annotate(sold=Sum("quantity"), brought=Sum("total_minor"))),
        "conversations": begun.count(),
        "converted": begun.filter(conversations.converted(asked.currency)).count(),
    }


def check(found: dict[str, Any], told: Figures) -> None:
    """Both tell the same."""

    def plain(one: Any) -> dict[str, int]:
        return {"orders": one.orders, "gross": one.gross_minor, "back": one.refunded_minor}

    assert found["total"] == plain(told.total) and found["attributed"] == plain(told.attributed)
    assert found["by_day"] == {one.day: plain(one.total) for one in told.by_day}
    assert found["by_channel"] == {pk: plain(one) for pk, one in told.by_channel.items()}
    assert found["by_method"] == {name: plain(one) for name, one in told.by_method.items()}
    assert (found["conversations"], found["converted"]) == (told.conversations, told.converted)


def _sums(prefix: str = "") -> dict[str, Any]:
    back = F(f"{prefix}refunded_minor") + F(f"{prefix}disputed_minor")
    return {"orders": Count("pk"), "gross": Sum(f"{prefix}captured_minor"), "back": Sum(back)}


def _by(name: str, rows: QuerySet[Any, Any], prefix: str = "") -> dict[Any, dict[str, int]]:
    return {row.pop(name): row for row in rows.order_by().annotate(**_sums(prefix))}

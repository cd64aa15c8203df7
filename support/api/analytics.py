"""Analytics: the revenue of some days and what of it came of conversations, and one customer's lifetime value."""

import re
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from orders import money
from orders.models import Channel
from profiles import clock, zones
from support.analytics import Asked
from support.api import rows
from support.api.endpoints import Endpoint, plain
from support.queries import analytics, documents, lifetimes, lookups

USUAL_DAYS = 30
MOST_DAYS = 3660
ALL = "all"
METRICS = tuple(rows.REVENUE_ROW.get_fields())
# Whose midnight is an instant in every zone.
FIRST, LAST = date(2, 1, 1), date(9998, 12, 31)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

CURRENCY = OpenApiParameter("currency", str, description="ISO 4217; the base currency where it is left out.")
RANGE = [
    OpenApiParameter("domain", str, description="Only the channels of this domain."),
    OpenApiParameter("start", date, description="First day; 30 days before `end` where it is left out."),
    OpenApiParameter("end", date, description="The day after the last; tomorrow where it is left out."),
    OpenApiParameter("metric", str, description="One key of the answer, or all.", enum=[ALL, *METRICS]),
    CURRENCY,
    OpenApiParameter("tz", str, description="IANA zone whose days are meant; the organization's where it is left out."),
]


class Revenue(Endpoint):
    """What was bought in some days, what went back of it, and how much came of a conversation."""

    resource = "analytics"

    @extend_schema(operation_id="analytics_revenue", parameters=RANGE, responses=rows.REVENUE_ROW)
    def get(self, request: Request) -> Response:
        metric = plain(request, "metric") or ALL
        if metric not in (ALL, *METRICS):
            raise ParseError(f"metric: give {ALL} or one of {', '.join(METRICS)}.")
        zone = _zone(request, self.organization.timezone)
        start, end = _range(request, zone)
        asked = Asked(
            organization_id=self.organization.pk,
            zone=zone,
            start=start,
            end=end,
            currency=_currency(request, self.organization.currency),
            channels=_channels(request),
        )
        told = documents.revenue(analytics.figures(asked), asked.currency)
        if metric != ALL:
            told = {name: told[name] for name in (metric, "currency")}
        return Response(told)


class LifetimeValue(Endpoint):
    """What a customer brought so far in one currency; one who was merged into another answers as that one."""

    resource = "customers"

    @extend_schema(operation_id="customers_ltv", parameters=[CURRENCY], responses=rows.LIFETIME_ROW)
    def get(self, request: Request, pk: int) -> Response:
        currency = _currency(request, self.organization.currency)
        return Response(documents.lifetime(lifetimes.of_profile(lookups.profile(pk), currency)))


def _currency(request: Request, base: str) -> str:
    """Raises UnknownCurrency."""
    return money.currency_code(plain(request, "currency") or base)


def _zone(request: Request, own: str) -> str:
    name = plain(request, "tz") or own
    if name not in zones.known():
        raise ParseError("tz is no IANA time zone such as Europe/Berlin.")
    return name


def _range(request: Request, zone: str) -> tuple[date, date]:
    """From the first day to before the last; the last 30 days, today included, where nothing is asked."""
    end = _day(request, "end") or clock.now().astimezone(ZoneInfo(zone)).date() + timedelta(days=1)
    start = _day(request, "start") or max(end - timedelta(days=USUAL_DAYS), FIRST)
    if end <= start:
        raise ParseError("end has to be a later day than start: it is the day after the last one that counts.")
    if (end - start).days > MOST_DAYS:
        raise ParseError(f"start and end may lie at most {MOST_DAYS:,} days apart.")
    return start, end


def _day(request: Request, name: str) -> date | None:
    text = plain(request, name)
    if not text:
        return None
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or not FIRST <= day <= LAST:
        raise ParseError(f"{name} is no day such as 2026-11-21.")
    return day


def _channels(request: Request) -> tuple[int, ...] | None:
    """The channels of the domain asked for, whatever their kind; None for all."""
    domain = plain(request, "domain").lower().rstrip("/")
    if not domain:
        return None
    found = Channel.objects.filter(domain=domain).order_by("pk").values_list("pk", flat=True)
    if not found:
        raise ParseError("domain: none of your channels has this domain.")
    return tuple(found)

"""The first page: what needs me now, before any chart."""

import json
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from orders import money
from profiles.actors import Actor, NotPermitted
from support.admin.alerts import address_of
from support.admin.base import amount, grouped, moment, when
from support.admin.dialogs import button, url_of
from support.models import Alert
from support.queries import dashboards, needs


def today(request: HttpRequest, *, site: Any, extra_context: dict[str, Any] | None = None) -> HttpResponse:
    """Troubles with their count, age and rows; today's figures; thirty days; in the demo the stories to try."""
    here: Any = request
    here.current_app = site.name
    if not here.actor.may("view"):
        raise NotPermitted("Your role may not see this desk.")
    organization, now = here.organization, moment()
    counted = needs.counted(now, here.actor)
    figures = dashboards.today(organization, now)
    days = dashboards.days(organization, now)
    alerts = list(Alert.objects.filter(resolved_at__isnull=True).order_by("severity", "opened_at")[:ALERTS_SHOWN])
    net = money.to_text(sum(day.net_minor for day in days), organization.currency)
    context = {
        **site.each_context(request),
        "title": "What needs me now",
        "alerts": [_alert(alert, here.actor) for alert in alerts],
        "needs": [_need(need) for need in counted if need.count],
        "well": [need.title for need in counted if not need.count],
        "figures": figures,
        "orders_today": f"{figures.orders:,}",
        "revenue": [amount(minor, currency, strong=True) for currency, minor in figures.revenue],
        "days": [(day, amount(day.net_minor, organization.currency)) for day in reversed(days)],
        "days_total": f"{sum(day.orders for day in days):,}",
        "days_net": f"{grouped(net)} {organization.currency}",
        "chart": _chart(days, organization.currency),
        "chart_options": json.dumps(OPTIONS),
        "stories": [_story(story) for story in dashboards.stories(site.stories if organization.is_demo else ())],
        **(extra_context or {}),
    }
    return TemplateResponse(request, "admin/today.html", context)


ALERTS_SHOWN = 10
INK = "#8a9993"
OPTIONS = {
    "animation": False,
    "responsive": True,
    "maintainAspectRatio": False,
    "maxBarThickness": 22,
    "datasets": {"bar": {"borderRadius": 3}},
    "plugins": {"legend": {"display": False}},
    "scales": {
        "x": {"grid": {"display": False}, "ticks": {"color": INK, "maxRotation": 0, "maxTicksLimit": 10}},
        "y": {"beginAtZero": True, "border": {"display": False}, "ticks": {"color": INK, "maxTicksLimit": 5}},
    },
}


def _chart(days: list[dashboards.Day], currency: str) -> str:
    """Chart.js takes numbers; the exact figures stand in the table below it."""
    heights = [str(Decimal(day.net_minor).scaleb(-money.exponent(currency))) for day in days]
    return json.dumps(
        {
            "labels": [f"{day.on:%-d %b}" for day in days],
            "datasets": [
                {
                    "label": f"Revenue, {currency}",
                    "data": heights,
                    "backgroundColor": "var(--color-primary-500)",
                }
            ],
        }
    )


def _need(need: needs.Need) -> dict[str, Any]:
    url = url_of(f"{need.model}_changelist")
    if need.query:
        url = f"{url}?{need.query}"
    return {"need": need, "oldest": when(need.oldest) if need.oldest else "", "url": url}


def _alert(alert: Alert, actor: Actor) -> dict[str, Any]:
    return {
        "alert": alert,
        "since": when(alert.since),
        "url": address_of(alert) or url_of("support_alert_changelist"),
        "act": None if alert.acknowledged_at else button("acknowledge_alert", alert.pk, actor),
    }


def _story(story: dashboards.Story) -> dict[str, Any]:
    if story.page:
        return {"story": story, "url": url_of(story.page)}
    url = url_of(f"{story.model}_change", story.id) if story.id else ""
    if story.model == "orders_delivery" and (inbox := url_of("orders_delivery_changelist")):
        url = f"{inbox}?state__exact=quarantined"
    return {"story": story, "url": url or f"{url_of('search')}?{urlencode({'q': story.search})}"}

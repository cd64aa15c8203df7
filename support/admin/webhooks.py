"""Webhooks: the endpoints of other systems, how each does, and the log of what each was sent and answered."""

import json
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from unfold.decorators import display

from profiles.actors import Actor, NotPermitted
from profiles.models import WebhookDelivery, WebhookEndpoint
from support.admin import dialogs
from support.admin.acts_of_webhooks import OPEN
from support.admin.base import HIDDEN, Period, address_of, moment, when, word
from support.admin.lists import ActiveAdmin, ByState
from support.queries import outflow

State = WebhookDelivery.State
TONES = {State.QUEUED: "waiting", State.CLAIMED: "waiting", State.DELIVERED: "well", State.FAILED: "bad"}


class WebhookEndpointAdmin(ActiveAdmin):
    list_title = "Webhooks"
    list_one = "webhook"
    row_named = "endpoint"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise NotPermitted("Your role may not see the webhooks.")
        actor: Actor = request.actor  # type: ignore[attr-defined]
        organization = request.organization  # type: ignore[attr-defined]
        context = {
            **self.admin_site.each_context(request),
            "title": self.list_title,
            "rows": [_card(found, actor) for found in outflow.of_endpoints(moment())],
            "acts": dialogs.buttons(actor, ("add_webhook", organization.pk, True)),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/webhooks.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """An endpoint's page is its card."""
        self.found(request, object_id)
        return redirect(address_of(WebhookEndpoint))


def _card(found: outflow.Standing, actor: Actor) -> dict[str, Any]:
    row, (words, tone) = found.endpoint, found.state()
    on = row.state == WebhookEndpoint.State.ENABLED
    return {
        "endpoint": row,
        "state": word("", words, tone),
        "found": found,
        "oldest": when(found.oldest),
        "failing": when(row.failing_since),
        "off": when(row.disabled_at),
        "on": on,
        "rotating": when(row.former_secret_until)
        if row.former_secret_until and row.former_secret_until > moment()
        else "",
        "log": f"{address_of(WebhookDelivery)}?endpoint={row.pk}",
        "acts": dialogs.buttons(
            actor,
            ("enable_webhook", row.pk, not on),
            ("test_webhook", row.pk, on),
            ("replay_webhook", row.pk, True),
            ("webhook_topics", row.pk, True),
            ("rotate_webhook", row.pk, True),
            ("disable_webhook", row.pk, on),
        ),
    }


class InState(ByState):
    states = State


class ToEndpoint(SimpleListFilter):
    title = "endpoint"
    parameter_name = "endpoint"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in WebhookEndpoint.objects.order_by("name").values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        return queryset.filter(endpoint_id=int(value)) if value.isdigit() and len(value) < 19 else queryset


class Written(Period):
    title = "written"
    column = "created_at"


class WebhookDeliveryAdmin(ActiveAdmin):
    list_title = "Webhook deliveries"
    row_named = "webhook delivery"
    chips = "state__exact"
    list_display = ("what_shown", "state_shown", "endpoint_shown", "answer_shown", "attempts", "at_shown")
    list_filter = (InState, ToEndpoint, Written)
    list_select_related = ("endpoint", "entry")
    ordering = ("-created_at", "-id")
    bulk = ("replay_sendings",)
    explains = "Every event that was sent to an endpoint, each try and what was answered. Kept for 14 days."
    empty_title = "Nothing was sent yet"
    empty_text = "Add an endpoint under Webhooks and send it a test event, or take a filter away."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        secret = ("endpoint__secret", "endpoint__former_secret")
        return super().get_queryset(request).defer("entry__payload", *secret)

    @display(description="Event")
    def what_shown(self, row: WebhookDelivery) -> str:
        return format_html(
            '<span class="pair"><span class="strong cut">{}</span><span class="quiet cut" title="{}">{}</span></span>',
            row.entry.type,
            row.entry.event_id,
            row.entry.event_id,
        )

    @display(description="State")
    def state_shown(self, row: WebhookDelivery) -> str:
        return _state(row)

    @display(description="Endpoint")
    def endpoint_shown(self, row: WebhookDelivery) -> str:
        return format_html('<span class="quiet cut">{}</span>', row.endpoint.name)

    @display(description="Last answer")
    def answer_shown(self, row: WebhookDelivery) -> str:
        return format_html('<span class="cut" title="{0}">{0}</span>', _said(row.last))

    @display(description="Written")
    def at_shown(self, row: WebhookDelivery) -> str:
        return when(row.created_at)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row: WebhookDelivery = self.found(request, object_id, "endpoint", "entry")
        actor: Actor = request.actor  # type: ignore[attr-defined]
        sees = actor.may("view_pii")
        context = {
            **self.admin_site.each_context(request),
            "title": f"{row.entry.type} to {row.endpoint.name}",
            "row": row,
            "state": _state(row),
            "acts": dialogs.buttons(
                actor, ("replay_sending", row.pk, row.state not in OPEN and bool(row.entry.payload))
            ),
            "tries": [_try(one, sees=sees) for one in reversed(row.tries)],
            "facts": _facts(row),
            "body": _shown(row.entry.payload) if sees else None,
            "sees": sees,
            "list_url": address_of(WebhookDelivery),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/webhook_delivery.html", context)


def _state(row: WebhookDelivery) -> str:
    if row.state == State.QUEUED and row.endpoint.state == WebhookEndpoint.State.DISABLED:
        return word("", "Waits: switched off", "over")
    if row.state == State.QUEUED and row.attempts:
        return word("", "To be tried again", "look")
    return word(row.state, row.get_state_display(), TONES[State(row.state)])


def _said(last: Any) -> str:
    if not last:
        return "–"
    return str(last.get("error") or last.get("status") or "–")


def _try(one: dict[str, Any], *, sees: bool) -> dict[str, Any]:
    status = one.get("status")
    return {
        "at": when(parse_datetime(str(one.get("at")))),
        "word": word("", str(status) if status else "No answer", "well" if status and 200 <= status < 300 else "bad"),
        "ms": f"{one.get('ms', 0):,} ms",
        "error": one.get("error"),
        "answer": (one.get("answer") if sees else HIDDEN) if one.get("answer") else "",
    }


def _facts(row: WebhookDelivery) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [
        ("Endpoint", row.endpoint.name),
        ("Address", row.endpoint.url),
        ("Event id", str(row.entry.event_id)),
        ("Topic", row.entry.topic),
        ("Happened", when(row.entry.occurred_at)),
        ("Tries", str(row.attempts)),
    ]
    if row.state == State.QUEUED:
        found.append(("Next try", when(row.due_at)))
    if row.done_at:
        found.append(("Ended", when(row.done_at)))
    return found


def _shown(payload: str) -> str:
    return json.dumps(json.loads(payload), indent=2, ensure_ascii=False) if payload else ""

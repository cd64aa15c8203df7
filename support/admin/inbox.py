"""The inbox: every authentic delivery as it came, what became of it, and why."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from unfold.decorators import display

from orders.models import Channel, Delivery
from profiles.actions import audit
from profiles.actors import Actor
from support.admin import dialogs
from support.admin.acts_of_inbox import DISMISSED, REPLAYED
from support.admin.base import HIDDEN, Period, address_of, redacted, when, word
from support.admin.lists import ActiveAdmin, ByState
from support.admin.order_filters import ByChannel
from support.queries import bodies

State = Delivery.State
ADVICE = {
    State.QUEUED: "A worker reads it within seconds.",
    State.CLAIMED: "A worker reads it just now.",
    State.DONE: "Its facts are recorded. Reading it again changes nothing, unless we learnt to read more.",
    State.IGNORED: "It has nothing to say to us and is kept all the same. A replay reads it again.",
    State.QUARANTINED: "It could not be recorded. Put the cause right, then replay it; or dismiss it with a reason.",
    State.DISMISSED: "A person decided that it needs nothing. A replay reads it after all.",
}


class InState(ByState):
    states = Delivery.State


class Received(Period):
    title = "received"
    column = "received_at"


class DeliveryAdmin(ActiveAdmin):
    """Newest first. A body may be a megabyte, so that no list reads one."""

    list_title = "Deliveries"
    row_named = "delivery"
    chips = "state__exact"
    list_display = (
        "topic_shown",
        "state_shown",
        "channel_shown",
        "received_shown",
        "reason_shown",
    )
    list_filter = (InState, ByChannel, Received)
    list_select_related = ("channel",)
    ordering = ("-received_at", "-id")
    bulk = ("replay_many", "dismiss_many")
    search_fields = ("delivery_id",)
    search_help_text = "Delivery id, whole"
    explains = "Every authentic webhook is kept here before anything is done with it."
    empty_title = "No deliveries here"
    empty_text = "Nothing is quarantined, or no shop has sent anything yet: connect one under Settings, Channels."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("body", "headers")

    def find(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        """By the index that begins with the channel."""
        channels = list(Channel.objects.values_list("pk", flat=True))
        return queryset.filter(channel_id__in=channels, delivery_id=text)

    @display(description="Topic")
    def topic_shown(self, row: Delivery) -> str:
        return format_html(
            '<span class="pair"><span class="strong cut">{}</span><span class="quiet cut" title="{}">{}</span></span>',
            row.topic or "Delivery",
            row.delivery_id,
            row.delivery_id,
        )

    @display(description="State")
    def state_shown(self, row: Delivery) -> str:
        return word(row.state, row.get_state_display())

    @display(description="Channel")
    def channel_shown(self, row: Delivery) -> str:
        return format_html('<span class="quiet cut">{}</span>', row.channel.label)

    @display(description="Received")
    def received_shown(self, row: Delivery) -> str:
        return when(row.received_at)

    @display(description="Reason")
    def reason_shown(self, row: Delivery) -> str:
        return format_html('<span class="cut" title="{0}">{0}</span>', row.reason or "–")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row: Delivery = self.found(request, object_id, "channel")
        actor: Actor = request.actor  # type: ignore[attr-defined]
        sees = actor.may("view_pii")
        body = bodies.readable(bytes(row.body)) if sees else None
        if sees:
            audit.record("delivery.viewed", by=actor, subject=row)
        orders = bodies.told_of(row, organization=request.organization)  # type: ignore[attr-defined]
        context = {
            **self.admin_site.each_context(request),
            "title": f"{row.topic or 'Delivery'} of {row.channel.label}",
            "row": row,
            "state": word(row.state, row.get_state_display()),
            "advice": ADVICE[State(row.state)],
            "reason": redacted(row.reason, request),
            "tone": {State.QUARANTINED: "cannot", State.IGNORED: "look"}.get(State(row.state), "can"),
            "acts": dialogs.buttons(
                actor, ("replay", row.pk, row.state in REPLAYED), ("dismiss", row.pk, row.state in DISMISSED)
            ),
            "facts": _facts(row),
            "headers": [(name, value if sees else HIDDEN) for name, value in sorted(row.headers.items())],
            "body": body,
            "orders": [(order, address_of(order, order.pk)) for order in orders],
            "list_url": address_of(Delivery),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/delivery.html", context)


def _facts(row: Delivery) -> list[tuple[str, Any]]:
    found = [
        ("Channel", row.channel.label),
        ("Topic", row.topic or "–"),
        ("Received", when(row.received_at)),
        ("Read", when(row.done_at)),
        ("Tries", str(row.attempts)),
        ("Delivery id", row.delivery_id),
        ("SHA-256", bytes(row.body_hash).hex()),
    ]
    return found if row.done_at else [fact for fact in found if fact[0] != "Read"]

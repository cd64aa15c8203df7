"""What is written after purchases and gifts, and services bought or given: lists, and cards on other pages."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from fulfillment.models import Entitlement, Followup, Service
from orders.models import Order
from profiles.models import Organization, Profile
from support.admin import dialogs
from support.admin.base import address_of, masked, redacted, when, word
from support.admin.lists import ActiveAdmin

TONES = {
    Followup.State.WAITING: "waiting",
    Followup.State.SENT: "well",
    Followup.State.STOPPED: "look",
    Followup.State.SKIPPED: "over",
}
STEPS = {
    Service.State.INTAKE: "waiting",
    Service.State.READY: "look",
    Service.State.STARTED: "waiting",
    Service.State.DONE: "well",
    Service.State.ENDED: "over",
}


# How a product came to a customer whom no line of an order gave it.
GIVEN = {
    Entitlement.Source.MANUAL: "given by hand",
    Entitlement.Source.COUPON: "given for a coupon",
    Entitlement.Source.REWARD: "earned by a mission",
}


class InState(SimpleListFilter):
    title = "state"
    parameter_name = "state__exact"
    states: Any = Followup.State

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(value), str(words)) for value, words in self.states.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state=self.value()) if self.value() in self.states.values else queryset


class AtStep(InState):
    states = Service.State


class OfOrder(ActiveAdmin):
    """A list whose rows belong to orders, each with the acts that are legal."""

    list_select_related: Any = ("order",)
    of_title = "Order"

    def acts_of(self, row: Any) -> tuple[tuple[str, int, bool], ...]:
        """The buttons of a row: name, subject, whether it is legal."""
        return ()

    def about(self, row: Any) -> tuple[str, str]:
        """What a row is about, and the name of whose it is."""
        return str(row.order), row.order.customer_name

    def page_of(self, row: Any) -> str:
        """The address of the page on which a row stands."""
        return address_of(Order, row.order_id)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        @display(description=self.of_title)
        def order_shown(row: Any) -> str:
            what, who = self.about(row)
            return format_html(
                '<span class="pair"><span class="strong cut">{}</span><span class="quiet cut">{}</span></span>',
                what,
                masked(who, request) or "Nobody known",
            )

        @display(description="")
        def acts_shown(row: Any) -> str:
            made = dialogs.buttons(request.actor, *self.acts_of(row))  # type: ignore[attr-defined]
            links = format_html_join(
                "",
                '<a class="act act--small" href="{}" data-dialog>{}</a>',
                ((button.url, button.label) for button in made),
            )
            return format_html('<span class="acts acts--row">{}</span>', links)

        return [order_shown, *self.list_display, acts_shown]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect(self.page_of(self.found(request, object_id)))


class FollowupAdmin(OfOrder):
    list_title = "Follow-ups"
    row_named = "follow-up"
    chips = "state__exact"
    above = ("followup_terms",)
    list_display = ("kind_shown", "state_shown", "due_shown")
    list_filter = (InState, "kind")
    list_select_related = ("organization", "order", "profile", "entitlement__product", "service__product")
    list_only = (
        *("kind", "state", "why", "note", "due_at", "ended_at", "organization__timezone"),
        *("order__number", "order__external_id", "order__customer_name", "profile__name"),
        *("entitlement__source", "entitlement__created_at", "entitlement__product__sku", "entitlement__order"),
        *("service__created_at", "service__product__sku", "service__product__title", "service__order"),
    )
    of_title = "After"
    ordering = ("-due_at", "-id")
    explains = "What is written after a purchase or a gift, each at most once, and why what does not go out does not."
    empty_title = "No follow-ups here"
    empty_text = (
        "They are planned as orders are paid and as products are given. "
        "What is written, and when, is chosen by the button above."
    )

    def about(self, row: Followup) -> tuple[str, str]:
        given = row.given
        if given is None:
            return f"Order {row.order}", row.order.customer_name if row.order else ""
        return given.product.sku, row.profile.name if row.profile else ""

    def page_of(self, row: Followup) -> str:
        """That of its order, or of the customer who was given it."""
        order_id = row.order_id or (row.given.order_id if row.given else None)
        return address_of(Order, order_id) if order_id else address_of(Profile, row.profile_id)

    def acts_of(self, row: Followup) -> tuple[tuple[str, int, bool], ...]:
        return acts_of(row)

    @display(description="Mail")
    def kind_shown(self, row: Followup) -> str:
        whence = given(row) if row.given else row.service.product.title if row.service else ""
        if not whence:
            return row.get_kind_display()
        return format_html(
            '<span class="pair"><span>{}</span><span class="quiet cut">{}</span></span>',
            row.get_kind_display(),
            whence,
        )

    @display(description="State")
    def state_shown(self, row: Followup) -> SafeString:
        return format_html(
            '<span class="pair"><span>{}</span><span class="quiet cut" title="{}">{}</span></span>',
            word(row.state, row.get_state_display(), TONES[Followup.State(row.state)]),
            row.note,
            row.get_why_display() if row.why else "",
        )

    @display(description="When")
    def due_shown(self, row: Followup) -> SafeString:
        return when(row.ended_at or row.due_at)


class ServiceAdmin(OfOrder):
    list_title = "Services"
    row_named = "service"
    chips = "state__exact"
    list_display = ("product_shown", "state_shown", "answered_shown", "since_shown")
    list_filter = (AtStep,)
    list_select_related = ("organization", "order", "product", "line__product", "profile")
    ordering = ("-created_at", "-id")
    explains = "Work that was bought or given: from the customer's answers to done. Open one to read the answers."
    empty_title = "No services here"
    empty_text = (
        "One appears as soon as a product of the kind Service is paid for, by itself or in a bundle. "
        "To give one, open a customer or an order and choose Grant a product."
    )

    def about(self, row: Service) -> tuple[str, str]:
        if row.order is None:
            return "No order", row.profile.name if row.profile else ""
        return str(row.order), row.order.customer_name

    def page_of(self, row: Service) -> str:
        """That of its order, or of the customer who was given it."""
        return address_of(Order, row.order_id) if row.order_id else address_of(Profile, row.profile_id)

    def acts_of(self, row: Service) -> tuple[tuple[str, int, bool], ...]:
        return steps_of(row)

    @display(description="Service")
    def product_shown(self, row: Service) -> SafeString:
        return format_html(
            '<span class="pair"><span class="cut">{}</span><span class="quiet cut">{}</span></span>',
            row.product.title,
            origin(row),
        )

    @display(description="State")
    def state_shown(self, row: Service) -> SafeString:
        return word(row.state, standing(row), STEPS[Service.State(row.state)])

    @display(description="Answered")
    def answered_shown(self, row: Service) -> Any:
        return when(row.answered_at) if row.answered_at else "not yet"

    @display(description="Since")
    def since_shown(self, row: Service) -> SafeString:
        return when(row.created_at)


def after(row: Followup) -> str:
    """What a follow-up comes after: an order or a service in it, or what was given, how and on which day."""
    if row.given is not None:
        return f"{row.given.product.sku}, {given(row)}"
    return f"Order {row.order}{f', {row.service.product.title}' if row.service else ''}"


def given(row: Followup) -> str:
    """How what a follow-up comes after was given, and on which day of the organization's."""
    if (right := row.entitlement) is not None:
        how = GIVEN.get(Entitlement.Source(right.source), right.get_source_display().lower())
        return f"{how} on {_day(right.created_at, row.organization)}"
    return f"given by hand on {_day(row.service.created_at, row.organization)}" if row.service else ""


def origin(row: Service) -> str:
    """Where a service comes from, unless from a line of its own."""
    if row.source == Service.Source.BUNDLE:
        bundle = row.line.product if row.line else None
        return f"part of {bundle.title}" if bundle else "part of a bundle"
    if row.source == Service.Source.MANUAL:
        return f"given by hand on {_day(row.created_at, row.organization)}"
    return ""


def standing(row: Service) -> str:
    """How far a service is, in words."""
    if row.state != Service.State.ENDED:
        return row.get_state_display()
    return "Withdrawn" if row.source == Service.Source.MANUAL else "Refunded or cancelled"


def _day(at: datetime, organization: Organization) -> str:
    return f"{at.astimezone(ZoneInfo(organization.timezone)):%-d %b %Y}"


def acts_of(row: Followup) -> tuple[tuple[str, int, bool], ...]:
    """The buttons of a follow-up: name, subject, whether it is legal."""
    waiting = row.state == Followup.State.WAITING
    return (
        ("followup_now", row.pk, waiting or (row.why == "staff" and row.state == Followup.State.STOPPED)),
        ("followup_stop", row.pk, waiting),
    )


def steps_of(row: Service) -> tuple[tuple[str, int, bool], ...]:
    """The buttons of a service."""
    state, by_hand = row.state, row.source == Service.Source.MANUAL
    return (
        ("service_start", row.pk, state in (Service.State.INTAKE, Service.State.READY)),
        ("service_finish", row.pk, state == Service.State.STARTED),
        ("service_reopen", row.pk, state in (Service.State.STARTED, Service.State.DONE)),
        ("service_withdraw", row.pk, by_hand and state != Service.State.ENDED),
        ("service_restore", row.pk, by_hand and state == Service.State.ENDED),
    )


def card(request: HttpRequest, rows: Iterable[Followup], services: Iterable[Service]) -> dict[str, Any]:
    """Both as a page shows them, with their buttons."""
    actor = request.actor  # type: ignore[attr-defined]
    return {
        "followups": [
            {
                "name": row.get_kind_display(),
                "state": word(row.state, row.get_state_display(), TONES[Followup.State(row.state)]),
                "at": when(row.ended_at or row.due_at),
                "why": row.get_why_display() if row.why else "",
                "after": after(row),
                "buttons": dialogs.buttons(actor, *acts_of(row)),
            }
            for row in rows
        ],
        "services": [
            {
                "name": row.product.title,
                "state": word(row.state, standing(row), STEPS[Service.State(row.state)]),
                "origin": origin(row),
                "because": redacted(row.because, request),
                "answers": [
                    {"label": one.get("label", ""), "answer": redacted(str(one.get("answer", "")), request)}
                    for one in row.answers
                ],
                "buttons": dialogs.buttons(actor, *steps_of(row)),
            }
            for row in services
        ],
    }

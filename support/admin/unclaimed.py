"""Customers who bought as guests over a week ago and never opened their library: oldest first, to be reminded."""

from datetime import timedelta
from typing import Any

from django.db.models import Exists, Min, OuterRef, Prefetch, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from unfold.decorators import display

from fulfillment.models import Email, Entitlement
from profiles.models import Identifier, Profile
from support.admin import dialogs
from support.admin.base import address_of, masked, moment, when, word
from support.admin.lists import ActiveAdmin, counted

WAITED = timedelta(days=7)


class UnclaimedAdmin(ActiveAdmin):
    list_title = "Unclaimed"
    row_named = "customer"
    search_kind = "profile"
    bulk = ("remind_many",)
    list_display = ("waiting_shown", "since_shown", "reminders_shown")
    ordering = ("created_at", "id")
    explains = (
        "Bought as guests more than 7 days ago and never opened their library. Reminders go out by themselves after"
        " 7 and 21 days; choose customers to send one now. The longest known stand first."
    )
    empty_title = "Nobody waits"
    empty_text = "Who buys as a guest and does not open their library within 7 days stands here."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """In the order of the index of customers; two queries more for the page's mails and addresses."""
        waiting = Entitlement.objects.filter(profile=OuterRef("pk"), status=Entitlement.Status.PENDING_CLAIM)
        since = waiting.order_by().values("profile").annotate(first=Min("order__placed_at")).values("first")
        reminders = Email.objects.filter(template=Email.Template.REMINDER).only("profile", "created_at", "bounced_at")
        mine = Identifier.objects.filter(kind=Identifier.Kind.EMAIL, status=Identifier.Status.ACTIVE)
        return (
            super()
            .get_queryset(request)
            .filter(Exists(waiting.filter(order__placed_at__lt=moment() - WAITED)))
            .filter(merged_into__isnull=True, claimed_at__isnull=True)
            .annotate(since=Subquery(since))
            .prefetch_related(
                Prefetch("emails", reminders.order_by("created_at"), to_attr="reminded"),
                Prefetch("identifiers", mine.order_by("-pk"), to_attr="addresses"),
                Prefetch(
                    "entitlements",
                    Entitlement.objects.filter(status=Entitlement.Status.PENDING_CLAIM).select_related("product"),
                    to_attr="waiting",
                ),
            )
        )

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        @display(description="Customer")
        def name_shown(row: Any) -> str:
            address = row.addresses[0].value if row.addresses else ""
            return format_html(
                '<span class="pair"><span class="strong cut">{}</span><span class="quiet cut">{}</span></span>',
                masked(str(row), request),
                masked(address, request) or "no address",
            )

        @display(description="")
        def act_shown(row: Any) -> str:
            found = dialogs.button("send_claim_link", row.pk, request.actor)  # type: ignore[attr-defined]
            if found is None:
                return ""
            return format_html('<a class="act act--small" href="{}" data-dialog>{}</a>', found.url, found.label)

        return [name_shown, *self.list_display, act_shown]

    @display(description="Waits for them")
    def waiting_shown(self, row: Any) -> str:
        titles = [one.product.title for one in row.waiting]
        more = f" and {len(titles) - 1} more" if len(titles) > 1 else ""
        return format_html('<span class="cut">{}{}</span>', titles[0] if titles else "", more)

    @display(description="Since")
    def since_shown(self, row: Any) -> str:
        return when(row.since)

    @display(description="Reminders")
    def reminders_shown(self, row: Any) -> str:
        if any(one.bounced_at for one in row.reminded):
            return word("bounced", "Came back")
        if not row.reminded:
            return format_html('<span class="quiet">{}</span>', "None yet")
        last = when(row.reminded[-1].created_at)
        return format_html("{} <span class='quiet'>last {}</span>", counted(len(row.reminded), "reminder"), last)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Told on the customer's own page."""
        row: Profile = self.found(request, object_id)
        return redirect(address_of(Profile, row.pk))

"""Fulfilment jobs: what is being delivered, what is stuck, and why."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from fulfillment.models import Job
from orders.models import Order
from profiles.models import Profile
from support.admin.base import address_of, moment, when, word
from support.admin.linked import Linked, Since, Until
from support.admin.lists import ActiveAdmin
from support.admin.order_filters import ByChannel, InCurrency
from support.queries import conversations, needs


class Stuck(SimpleListFilter):
    title = "needs"
    parameter_name = "needs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("stuck", "Stuck")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "stuck":
            return queryset.filter(pk__in=needs.stuck(needs.overdue(moment())).values("pk"))
        return queryset


class OrderedSince(Since):
    column = "entitlement__order__placed_at"


class OrderedUntil(Until):
    column = "entitlement__order__placed_at"


class OrderedIn(InCurrency):
    column = "entitlement__order__currency"


class OrderedAt(ByChannel):
    column = "entitlement__order__channel"


class OfRevenue(Linked):
    """Deliveries of orders in revenue that were not called off, or those of them that are done."""

    title = "deliveries"
    parameter_name = "orders"

    def words(self, value: str) -> str:
        return "Done, of orders in revenue" if value == "done" else "Of orders in revenue"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        found = queryset.filter(conversations.in_revenue("entitlement__order__")).exclude(state=Job.State.CANCELLED)
        return found.filter(state=Job.State.COMPLETED) if self.value() == "done" else found


class JobAdmin(ActiveAdmin):
    row_named = "job"
    bulk = ("retry_many",)
    list_display = ("product_shown", "state_shown", "error_shown", "attempts", "order_shown", "changed_shown")
    list_filter = (Stuck, "state", OrderedAt, OrderedSince, OrderedUntil, OrderedIn, OfRevenue)
    list_select_related = ("entitlement__product", "entitlement__order")
    list_only = (
        *("state", "last_error", "attempts", "changed_at"),
        *("entitlement__product__sku", "entitlement__order__number", "entitlement__order__external_id"),
    )
    ordering = ("-id",)
    list_title = "Jobs"
    chips = "needs"
    explains = "Each entitlement has one job: from paid to delivered. Choose what is stuck and retry it."
    empty_title = "No jobs here"
    empty_text = "Nothing is stuck, or nothing was sold yet."

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A job's page is that of its order, or of its customer."""
        job: Job = self.found(request, object_id, "entitlement")
        entitlement = job.entitlement
        if entitlement.order_id:
            return redirect(address_of(Order, entitlement.order_id))
        return redirect(address_of(Profile, entitlement.profile_id))

    @display(description="Product")
    def product_shown(self, job: Job) -> SafeString:
        return format_html('<span class="strong">{}</span>', job.entitlement.product.sku)

    @display(description="State")
    def state_shown(self, job: Job) -> SafeString:
        return word(job.state, job.get_state_display())

    @display(description="Last error")
    def error_shown(self, job: Job) -> SafeString:
        return format_html('<span class="cut" title="{0}">{0}</span>', job.last_error or "–")

    @display(description="Order")
    def order_shown(self, job: Job) -> str:
        return str(job.entitlement.order or "by hand")

    @display(description="Since")
    def changed_shown(self, job: Job) -> SafeString:
        return when(job.changed_at)

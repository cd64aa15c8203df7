"""What customers hold and what was written to them: the entitlements and the e-mails."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from unfold.decorators import display

from fulfillment.models import Email, Entitlement
from orders.models import Order, Product
from profiles.models import Profile
from support.admin import dialogs, stories
from support.admin.base import Period, address_of, masked, moment, redacted, when, word
from support.admin.followups import GIVEN
from support.admin.lists import ActiveAdmin
from support.queries import needs, whose

PRODUCTS_LISTED = 200


class Written(Period):
    title = "written"
    column = "created_at"


class Given(Written):
    title = "given"


class ByProduct(SimpleListFilter):
    title = "product"
    parameter_name = "product"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            (str(pk), sku) for pk, sku in Product.objects.order_by("sku").values_list("pk", "sku")[:PRODUCTS_LISTED]
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        return queryset.filter(product_id=int(value)) if value.isdigit() and len(value) < 19 else queryset


class InStatus(SimpleListFilter):
    title = "status"
    parameter_name = "status__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(value), str(words)) for value, words in Entitlement.Status.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(status=self.value()) if self.value() in Entitlement.Status.values else queryset


class EntitlementAdmin(ActiveAdmin):
    list_title = "Entitlements"
    row_named = "entitlement"
    chips = "status__exact"
    list_display = ("status_shown", "because_shown", "order_shown", "given_shown")
    list_filter = (InStatus, ByProduct, "source", Given)
    list_select_related = ("product", "order", "profile")
    list_only = (
        *("status", "because", "source", "created_at"),
        *("product__sku", "product__title", "order__number", "order__external_id", "profile__name"),
    )
    ordering = ("-created_at", "-id")
    search_fields = ("pk",)
    search_help_text = "Order, e-mail or customer id"
    explains = "The right to a product. What can be done with one stands on its order's page."
    empty_title = "No entitlements here"
    empty_text = "One appears as soon as something digital is paid for, or is granted by hand on a customer's page."

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        @display(description="Product")
        def product_shown(row: Entitlement) -> str:
            return format_html(
                '<span class="pair"><span class="strong cut">{}</span><span class="quiet cut">{}</span></span>',
                row.product.sku,
                row.product.title,
            )

        @display(description="Customer")
        def customer_shown(row: Entitlement) -> str:
            return format_html('<span class="cut">{}</span>', masked(str(row.profile), request))

        return [product_shown, customer_shown, *self.list_display]

    def find(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        return queryset.filter(whose.of(text))

    @display(description="Status")
    def status_shown(self, row: Entitlement) -> str:
        return word(row.status, row.get_status_display())

    @display(description="Because")
    def because_shown(self, row: Entitlement) -> str:
        return format_html('<span class="quiet cut" title="{0}">{0}</span>', row.because or row.get_source_display())

    @display(description="Order")
    def order_shown(self, row: Entitlement) -> str:
        return str(row.order or GIVEN.get(Entitlement.Source(row.source), "–"))

    @display(description="Given")
    def given_shown(self, row: Entitlement) -> str:
        return when(row.created_at)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """An entitlement's page is that of its order, or of its customer."""
        row: Entitlement = self.found(request, object_id)
        if row.order_id:
            return redirect(address_of(Order, row.order_id))
        return redirect(address_of(Profile, row.profile_id))


class InState(SimpleListFilter):
    """Bounced is no state of ours: the provider accepted it and said so later."""

    title = "state"
    parameter_name = "state__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("bounced", "Did not arrive this month"),
            *((str(value), str(words)) for value, words in Email.State.choices),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "bounced":
            return queryset.filter(pk__in=needs.undelivered_mail(needs.lately(moment())).values("pk"))
        return queryset.filter(state=self.value()) if self.value() in Email.State.values else queryset


class EmailAdmin(ActiveAdmin):
    list_title = "E-mails"
    row_named = "message"
    chips = "state__exact"
    list_display = ("template_shown", "state_shown", "order_shown", "written_shown")
    list_filter = (InState, "template", Written)
    list_select_related = ("order",)
    ordering = ("-created_at", "-id")
    search_fields = ("pk",)
    search_help_text = "Order, e-mail or customer id"
    explains = "Every message as it was sent, its links masked. Mail that was only kept shows its links."
    empty_title = "No e-mails here"
    empty_text = "The first one goes out with the first order. Take a filter away to see the others."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("text", "html", "secrets")

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        @display(description="Message")
        def subject_shown(row: Email) -> str:
            to = masked(row.to, request)
            return format_html(
                '<span class="pair"><span class="strong cut">{}</span><span class="quiet cut">{}</span></span>',
                redacted(row.subject, request),
                to,
            )

        @display(description="Trouble")
        def trouble_shown(row: Email) -> str:
            said = redacted(row.bounce if row.bounced_at else row.last_error, request)
            return format_html('<span class="cut" title="{0}">{0}</span>', said or "–")

        return [subject_shown, *self.list_display, trouble_shown]

    def find(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        return queryset.filter(whose.of(text))

    @display(description="Sort")
    def template_shown(self, row: Email) -> str:
        return row.get_template_display()

    @display(description="State")
    def state_shown(self, row: Email) -> str:
        return stories.standing(row)

    @display(description="Order")
    def order_shown(self, row: Email) -> str:
        return str(row.order or "–")

    @display(description="Written")
    def written_shown(self, row: Email) -> str:
        return when(row.created_at)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A message's page is the message as it was sent."""
        row: Email = self.found(request, object_id)
        return redirect(dialogs.url_of("letter", row.pk))

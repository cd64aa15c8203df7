"""The catalogue: what is sold, its files, and what each kind of channel calls it."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Count, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from fulfillment.models import Asset, Entitlement
from orders.models import BundleItem, Listing, Product
from support.admin import acts_of_offers, dialogs
from support.admin.base import address_of, amount, when, word
from support.admin.lists import ActiveAdmin

PICKED_AT_MOST = 12
SHOWN_AT_MOST = 200
DELIVERED = (Product.Kind.EBOOK, Product.Kind.DIGITAL, Product.Kind.TRAINING)


class Files(SimpleListFilter):
    title = "files"
    parameter_name = "files"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("none", "Digital without a file")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() != "none":
            return queryset
        return queryset.filter(~Exists(_of(Asset).filter(current=True)), kind__in=DELIVERED)


def _of(model: Any) -> QuerySet[Any]:
    """The rows of a listed product."""
    return model._base_manager.filter(product=OuterRef("pk"))


def _number(rows: QuerySet[Any]) -> Coalesce:
    """How many, in a query below the row's own: the list itself cannot be grouped by its key of two columns."""
    counted = rows.order_by().values("product_id").annotate(number=Count("id")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), Value(0))


def matching(text: str) -> Q:
    """A catalogue is small: every product of it is looked at."""
    return Q(sku__icontains=text) | Q(title__icontains=text)


class ProductAdmin(ActiveAdmin):
    list_title = "Products"
    row_named = "product"
    list_display = ("title_shown", "kind_shown", "files_shown", "listings_shown", "added_shown", "total_shown")
    list_filter = (Files, "kind")
    chips = "files"
    ordering = ("sku", "id")
    above = ("add_product",)
    search_fields = ("sku",)
    search_help_text = "SKU or title"
    explains = "What is sold. A line maps by a listing of its channel, else by its SKU."
    empty_title = "No products here"
    empty_text = "Add the first product, then upload its file: what was paid for is delivered at once."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        files, listed = _of(Asset).filter(current=True), _of(Listing)
        return super().get_queryset(request).annotate(files=_number(files), listed=_number(listed))

    def find(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        return queryset.filter(matching(text))

    @display(description="Product")
    def title_shown(self, row: Product) -> str:
        return format_html(
            '<span class="pair"><span class="strong cut">{}</span><span class="quiet cut">{}</span></span>',
            row.sku,
            row.title,
        )

    @display(description="Kind")
    def kind_shown(self, row: Product) -> str:
        return row.get_kind_display()

    @display(description="Files")
    def files_shown(self, row: Any) -> str:
        if row.files:
            return word("active", f"{row.files} {'file' if row.files == 1 else 'files'}")
        return word("failed", "No file") if row.kind in DELIVERED else format_html('<span class="quiet">{}</span>', "–")

    @display(description="Listings")
    def listings_shown(self, row: Any) -> str:
        return str(row.listed) if row.listed else "–"

    @display(description="Added")
    def added_shown(self, row: Product) -> str:
        return when(row.created_at)

    @display(description="Price")
    def total_shown(self, row: Product) -> str:
        return amount(row.price_minor, row.currency)

    # One product.

    def get_urls(self) -> list[Any]:
        pick = self.admin_site.admin_view(self.pick_view)
        return [path("pick/", pick, name="orders_product_pick"), *super().get_urls()]

    def pick_view(self, request: HttpRequest) -> HttpResponse:
        """The products a dialog may choose from."""
        text = request.GET.get("q", "").strip()
        may = self.has_view_permission(request) and text
        found = Product.objects.filter(matching(text)).order_by("sku")[:PICKED_AT_MOST] if may else []
        context = {"results": found, "to": dialogs.own_path(request.GET.get("pick", ""), request), "asked": True}
        return TemplateResponse(request, "admin/dialogs/products.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        product: Product = self.found(request, object_id)
        files = list(Asset.objects.filter(product=product).order_by("-current", "-created_at", "-pk")[:SHOWN_AT_MOST])
        actor = request.actor  # type: ignore[attr-defined]
        superseded = {row.format for row in files if not row.current and not row.withdrawn}
        is_bundle = product.kind == Product.Kind.BUNDLE
        context = {
            **self.admin_site.each_context(request),
            "title": product.title,
            "product": product,
            "wants_file": product.kind in DELIVERED and not any(row.current for row in files),
            "files": [
                {
                    "row": row,
                    "size": filesizeformat(row.size),
                    "state": _standing(row),
                    "at": when(row.created_at),
                    "acts": dialogs.buttons(
                        actor,
                        ("offer_version", row.pk, row.current and row.format in superseded),
                        ("withdraw_file", row.pk, row.current and row.format in superseded),
                    ),
                }
                for row in files
            ],
            "is_bundle": is_bundle,
            "components": _components(product, actor) if is_bundle else [],
            "part_of": [
                {"row": item.bundle, "url": address_of(Product, item.bundle_id)}
                for item in BundleItem.objects.filter(component=product).select_related("bundle").order_by("pk")
            ],
            "listings": list(Listing.objects.filter(product=product).order_by("kind", "external_id")[:SHOWN_AT_MOST]),
            "offers": acts_of_offers.card(product, actor),
            "price": amount(product.price_minor, product.currency, strong=True),
            "added": when(product.created_at),
            "owned": Entitlement.objects.filter(product=product, status__in=Entitlement.DOWNLOADABLE).count(),
            "owned_url": f"{address_of(Entitlement)}?product={product.pk}" if address_of(Entitlement) else "",
            "acts": dialogs.buttons(
                actor,
                ("add_component", product.pk, is_bundle),
                ("add_file", product.pk, not is_bundle),
                ("add_listing", product.pk, True),
                ("choose_offer", product.pk, product.kind in Product.DIGITAL),
                ("change_intake", product.pk, product.kind == Product.Kind.SERVICE),
            ),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/product.html", context)


def _standing(row: Asset) -> SafeString:
    if row.fault:
        return format_html('<span title="{}">{}</span>', row.fault, word("failed", "Look at it"))
    if row.current:
        return word("active", "Current")
    return word("expired", "Withdrawn" if row.withdrawn else "Superseded")


def _components(bundle: Product, actor: Any) -> list[dict[str, Any]]:
    """What is in the bundle, and whether it can be delivered."""
    items = BundleItem.objects.filter(bundle=bundle).select_related("component").order_by("component__sku")
    found = list(items[:SHOWN_AT_MOST])
    ids = [item.component_id for item in found]
    filed = set(Asset.objects.filter(product__in=ids, current=True).values_list("product_id", flat=True))
    return [
        {
            "row": item.component,
            "url": address_of(Product, item.component_id),
            "state": word("failed", "No file")
            if item.component.kind in DELIVERED and item.component_id not in filed
            else word("active", item.component.get_kind_display()),
            "button": dialogs.button("remove_component", item.pk, actor),
        }
        for item in found
    ]

"""Dialogs about what is sold: a new product, its file, another name a shop has for it, what is in a bundle."""

from typing import Any

from django import forms
from django.http import HttpRequest

from fulfillment.actions import assets, bundles, jobs
from fulfillment.models import Asset, Job
from fulfillment.storages import StoreFailed
from orders.actions import products
from orders.models import BundleItem, Channel, Line, Product
from orders.money import UnknownCurrency, currency_code
from profiles.actors import Invalid
from profiles.models import Organization
from support.admin.base import address_of
from support.admin.dialogs import Ask, Dialog, Done, Press, registered
from support.admin.lists import counted


class AskProduct(Ask):
    sku = forms.CharField(
        label="SKU", max_length=100, help_text="As the shops write it; a line of this SKU maps alone."
    )
    title = forms.CharField(label="Title", max_length=300)
    kind = forms.ChoiceField(label="Kind", choices=Product.Kind.choices)
    price = forms.RegexField(
        r"^\d{1,12}(\.\d{1,4})?$",
        label="Price",
        required=False,
        max_length=20,
        help_text="Such as 39.00; may stay empty.",
        error_messages={"invalid": "Give a plain decimal amount such as 39.00."},
    )
    currency = forms.CharField(label="Currency", max_length=3, min_length=3)


@registered
class AddProduct(Dialog):
    name, permission, model = "add_product", "map_product", Organization
    title, button = "Add a product", "Add product"
    form = AskProduct

    def about(self, subject: Organization) -> str:
        return ""

    def prepare(self, form: AskProduct, subject: Organization, request: HttpRequest) -> None:
        if not form.is_bound:
            form.initial["currency"] = subject.currency
            form.initial["sku"] = request.GET.get("sku", "")[:100]

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        return ["1 product is added.", "Paid orders that wait for its SKU are delivered as soon as it has a file."]

    def do(self, subject: Organization, press: Press) -> Done:
        data = press.data
        if Product.objects.filter(sku=data["sku"].strip()).exists():
            raise Invalid(f"There is a product {data['sku'].strip()} already.")
        try:
            currency = currency_code(data["currency"])
        except UnknownCurrency as error:
            raise Invalid(str(error)) from error
        product = products.add(
            organization=subject,
            sku=data["sku"],
            title=data["title"],
            kind=data["kind"],
            price=data["price"] or None,
            currency=currency,
            by=press.by,
            because=press.because,
        )
        waiting = Line.objects.filter(product__isnull=True, removed=False, sku=product.sku)
        orders = waiting.values("order_id").distinct().count()
        also = f" {counted(orders, 'order waits', 'orders wait')} for it." if orders else ""
        then = "Say what is in it next." if product.kind == Product.Kind.BUNDLE else "Add its file next."
        return Done(f"1 product added: {product.sku}.{also} {then}", url=address_of(Product, product.pk))


class AskFile(Ask):
    file = forms.FileField(label="File", max_length=255, help_text="Its ending says the format: .pdf, .epub, .zip.")
    version = forms.RegexField(
        r"^[\w.-]+$", label="Version", required=False, max_length=40, help_text="Empty: the next number."
    )


@registered
class AddFile(Dialog):
    name, permission, model, related = "add_file", "map_product", Product, ("organization",)
    title, button = "Upload a file", "Upload file"
    form = AskFile
    inverse = "Upload the former file again: every version is kept."

    def about(self, subject: Product) -> str:
        return f"{subject.sku} · {subject.title}"

    def will(self, subject: Product, request: HttpRequest) -> list[str]:
        current = Asset.objects.filter(product=subject, current=True).count()
        waiting = Job.objects.filter(entitlement__product=subject, state=Job.State.FAILED, last_error=jobs.NO_FILE)
        return [
            f"1 file is stored; links give it out from now on. So far {counted(current, 'current file')}.",
            "A file of the same ending is superseded, and kept.",
            *(
                [f"{counted(count, 'delivery', 'deliveries')} waiting for it go on."]
                if (count := waiting.count())
                else []
            ),
        ]

    def do(self, subject: Product, press: Press) -> Done:
        upload: Any = press.data["file"]
        known = Asset.objects.filter(product=subject)
        before = set(known.values_list("pk", flat=True))
        version = press.data["version"]
        if version and known.filter(version=version, format=upload.name.rpartition(".")[2].lower()).exists():
            raise Invalid(f"There is a version {version} already; versions are never overwritten.")
        try:
            asset = assets.add(
                subject, upload, filename=upload.name, by=press.by, version=version, because=press.because
            )
        except StoreFailed as error:
            raise Invalid(f"{error} Nothing was stored: try again in a minute.") from error
        if asset.pk in before:
            return Done(f"Nothing to do: {asset.filename} is the current file already, byte for byte.")
        return Done(f"1 file stored: {asset.filename}, version {asset.version}.")


class AskListing(Ask):
    kind = forms.ChoiceField(label="Kind of channel", choices=Channel.Kind.choices)
    external_id = forms.CharField(
        label="The channel's own id", max_length=255, help_text="Of the variant, else of the product or price."
    )


@registered
class AddListing(Dialog):
    name, permission, model, related = "add_listing", "map_product", Product, ("organization",)
    title, button = "Add a listing", "Add listing"
    form = AskListing

    def about(self, subject: Product) -> str:
        return f"{subject.sku} · {subject.title}"

    def will(self, subject: Product, request: HttpRequest) -> list[str]:
        return ["Lines with this id map to the product; a listing wins over a SKU.", "Lines that waited are settled."]

    def do(self, subject: Product, press: Press) -> Done:
        data = press.data
        listing = products.add_listing(
            subject, kind=data["kind"], external_id=data["external_id"], by=press.by, because=press.because
        )
        return Done(f"1 listing added: {listing}.")


class AskComponent(Ask):
    component = forms.ModelChoiceField(Product.objects.none(), label="Product", empty_label="Choose a product")
    to_owners = forms.BooleanField(
        label="Give it to everybody who owns the bundle already",
        required=False,
        help_text="Left empty, only who buys the bundle from now on gets it.",
    )


@registered
class AddComponent(Dialog):
    name, permission, model, related = "add_component", "map_product", Product, ("organization",)
    title, button = "Put a product into the bundle", "Add component"
    form = AskComponent
    inverse = "Take it out again; who was given it keeps it."

    def about(self, subject: Product) -> str:
        return f"{subject.sku} · {subject.title}"

    def cannot(self, subject: Product) -> str:
        return "" if subject.kind == Product.Kind.BUNDLE else f"{subject.sku} is no bundle."

    def prepare(self, form: AskComponent, subject: Product, request: HttpRequest) -> None:
        field: Any = form.fields["component"]
        field.queryset = bundles.choosable(subject).order_by("sku")
        field.label_from_instance = lambda row: f"{row.sku} · {row.title}"

    def will(self, subject: Product, request: HttpRequest) -> list[str]:
        owners = counted(bundles.owners(subject), "paid line holds", "paid lines hold")
        return [
            "Whoever buys the bundle from now on gets 1 product more.",
            f"{owners} the bundle: nothing changes for them unless you choose so.",
            "Then each gets 1 e-mail: with a link, or of a service with its form.",
        ]

    def do(self, subject: Product, press: Press) -> Done:
        component, to_owners = press.data["component"], press.data["to_owners"]
        given = bundles.add(subject, component, to_owners=to_owners, by=press.by, because=press.because)
        return Done(
            f"1 component added: {component.sku}."
            + (
                f" {counted(given, 'right or service was', 'rights and services were')} given to owners."
                if to_owners
                else ""
            )
        )


@registered
class RemoveComponent(Dialog):
    name, permission, model, related = "remove_component", "map_product", BundleItem, ("bundle", "component")
    title, button, danger = "Take the product out of the bundle", "Take out", True
    inverse = "Put it in again."

    def about(self, subject: BundleItem) -> str:
        return f"{subject.component.sku} · {subject.component.title}, in {subject.bundle.sku}"

    def will(self, subject: BundleItem, request: HttpRequest) -> list[str]:
        return ["Whoever buys the bundle from now on does not get it.", "Whoever has it already keeps it."]

    def do(self, subject: BundleItem, press: Press) -> Done:
        bundles.remove(subject.bundle, subject.component, by=press.by, because=press.because)
        return Done(
            f"1 component taken out: {subject.component.sku}. 0 customers lose anything.",
            url=address_of(Product, subject.bundle_id),
        )

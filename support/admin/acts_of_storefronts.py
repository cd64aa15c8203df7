"""Dialogs about the pages of shops: look at one more, look at all of them now, look at one no more."""

from typing import Any

from django import forms
from django.http import HttpRequest

from orders.actions import storefronts
from orders.models import Channel, Product, StorefrontPage
from profiles.actors import Invalid
from profiles.models import Organization
from support.admin.dialogs import Ask, Dialog, Done, Press, registered
from support.admin.lists import counted


class AskPage(Ask):
    channel = forms.ChoiceField(label="Channel")
    url = forms.CharField(label="Address", max_length=1000, help_text="As a buyer opens it, with https://.")
    sku = forms.CharField(
        label="Product (SKU)", max_length=100, required=False, help_text="Empty for a checkout, which shows no product."
    )


@registered
class WatchPage(Dialog):
    name, permission, model = "watch_page", "connect", Organization
    title, button = "Look at a page of a shop", "Add a page"
    form = AskPage
    inverse = "Forget the page."

    def about(self, subject: Organization) -> str:
        return subject.name

    def prepare(self, form: Any, subject: Organization, request: HttpRequest) -> None:
        rows = Channel.objects.filter(built_in=False).order_by("kind", "domain")
        form.fields["channel"].choices = [(row.pk, row.label) for row in rows]

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        return ["The page is looked at every night, and whenever somebody asks: title, price, and whether it answers."]

    def do(self, subject: Organization, press: Press) -> Done:
        sku = press.data["sku"].strip()
        product = Product.objects.filter(sku=sku).first() if sku else None
        if sku and product is None:
            raise Invalid(f"There is no product {sku}.")
        channel = Channel.objects.get(pk=press.data["channel"])
        storefronts.watch(
            channel, press.data["url"], product=product, checkout=not sku, by=press.by, because=press.because
        )
        return Done("1 page is looked at from now on. Press “Look now” to see what it says.")


@registered
class CheckPages(Dialog):
    name, permission, model = "check_pages", "connect", Organization
    title, button = "Look at all pages now", "Look now"

    def about(self, subject: Organization) -> str:
        return subject.name

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        count = StorefrontPage.objects.count()
        return [f"{counted(count, 'page')} of the shops will be opened once, as a visitor would."]

    def do(self, subject: Organization, press: Press) -> Done:
        count = storefronts.ask(subject, by=press.by, because=press.because)
        return Done(f"{counted(count, 'page is', 'pages are')} being looked at. Come back in a minute.")


@registered
class ForgetPage(Dialog):
    name, permission, model, related = "forget_page", "connect", StorefrontPage, ("channel",)
    title, button, danger = "Look at this page no more", "Forget", True
    inverse = "Add the page again."

    def about(self, subject: StorefrontPage) -> str:
        return subject.url

    def cannot(self, subject: StorefrontPage) -> str:
        return "It follows from a listing of the catalogue: take the listing away instead." if subject.derived else ""

    def will(self, subject: StorefrontPage, request: HttpRequest) -> list[str]:
        return ["1 page is looked at no more. The shop itself is not touched."]

    def do(self, subject: StorefrontPage, press: Press) -> Done:
        storefronts.forget(subject, by=press.by, because=press.because)
        return Done("1 page is looked at no more.")

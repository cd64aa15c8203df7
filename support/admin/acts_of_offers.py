"""Dialogs about what buyers of a product are offered weeks later: choosing it, and offering it no more."""

from typing import Any

from django import forms
from django.http import HttpRequest

from fulfillment import followups as rules
from fulfillment.actions import offers
from fulfillment.followups import Kind
from fulfillment.models import Offer
from orders.models import Product
from profiles.actors import Invalid
from support.admin import dialogs
from support.admin.base import address_of
from support.admin.dialogs import Ask, Dialog, Done, Press, registered
from support.admin.lists import counted


class AskOffer(Ask):
    kind = forms.ChoiceField(label="Kind", choices=[(str(kind), words) for kind, words in offers.OFFERING.items()])
    offered = forms.CharField(label="What is offered", max_length=100, help_text="Its SKU.")
    url = forms.CharField(
        label="Where it is sold",
        max_length=offers.LONGEST_ADDRESS,
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
        help_text="The mail's button leads there.",
    )


@registered
class ChooseOffer(Dialog):
    name, permission, model, related = "choose_offer", offers.PERMISSION, Product, ("organization",)
    title, button = "Offer another product later", "Offer to buyers"
    form = AskOffer
    inverse = "Offer it no more, on the product's page."

    def about(self, subject: Product) -> str:
        return f"To whoever buys {subject.sku} · {subject.title}"

    def will(self, subject: Product, request: HttpRequest) -> list[str]:
        told = []
        for kind, words in offers.OFFERING.items():
            terms = rules.read(subject.organization.policies).of(kind)
            when = f"{terms.hours // 24} days after the purchase" if terms.on else "switched off under Follow-ups"
            told.append(f"{words}: {when}; {counted(offers.planned(subject, kind), 'planned mail')}.")
        return [
            "1 mail to each buyer from now on names it, unless they own it, unsubscribed or wrote to you.",
            *told,
            "What was chosen for the kind before is replaced; mails that were sent stay as they are.",
        ]

    def do(self, subject: Product, press: Press) -> Done:
        sku = press.data["offered"].strip()
        offered = Product.objects.filter(sku=sku).first()
        if offered is None:
            raise Invalid(f"There is no product {sku} in the catalogue.")
        kind = press.data["kind"]
        offers.choose(subject, kind, offered, press.data["url"], by=press.by, because=press.because)
        off = "" if rules.read(subject.organization.policies).of(Kind(kind)).on else " Switch the mail on: Follow-ups."
        return Done(f"{offered.sku} is offered to buyers of {subject.sku}.{off}", url=address_of(Product, subject.pk))


@registered
class WithdrawOffer(Dialog):
    name, permission, model, danger = "withdraw_offer", offers.PERMISSION, Offer, True
    related = ("product", "offered")
    title, button = "Offer it no more", "Offer no more"
    inverse = "Choose it again."

    def about(self, subject: Offer) -> str:
        return f"{subject.offered.sku} to buyers of {subject.product.sku} ({subject.get_kind_display().lower()})"

    def will(self, subject: Offer, request: HttpRequest) -> list[str]:
        number = offers.planned(subject.product, subject.kind)
        return [f"{counted(number, 'planned mail')} not sent. What was sent stays."]

    def do(self, subject: Offer, press: Press) -> Done:
        offers.withdraw(subject, by=press.by, because=press.because)
        return Done("1 offer taken back.", url=address_of(Product, subject.product_id))


def card(product: Product, actor: Any) -> list[dict[str, Any]]:
    """What the product's page shows of them."""
    rows = Offer.objects.filter(product=product).select_related("offered", "organization").order_by("kind")
    return [
        {
            "kind": row.get_kind_display(),
            "sku": row.offered.sku,
            "url": address_of(Product, row.offered_id),
            "sold_at": row.url,
            "on": rules.read(row.organization.policies).of(Kind(row.kind)).on,
            "button": dialogs.button("withdraw_offer", row.pk, actor),
        }
        for row in rows
    ]

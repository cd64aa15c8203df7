"""Dialogs about an order itself: which conversation led to it, and which product a line is."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import Q
from django.http import HttpRequest

from attribution.actions import attributions
from attribution.models import Attribution, Conversation
from orders import money
from orders.actions import products
from orders.models import Line, Order, Product
from profiles.actors import Invalid
from support.admin.base import grouped
from support.admin.dialogs import Ask, Dialog, Done, Press, registered
from support.admin.lists import counted
from support.queries import conversations, unmapped, verdicts

NONE, FACTS = "none", "facts"
LOOK_BACK, LOOK_AHEAD = timedelta(days=60), timedelta(days=1)


class AskConversation(Ask):
    conversation = forms.ChoiceField(label="What led to this order", widget=forms.RadioSelect)


@registered
class OverrideAttribution(Dialog):
    name, permission, model = "override_attribution", "override_attribution", Order
    related = ("channel", "organization")
    title, button = "Decide the attribution", "Attribution…"
    form = AskConversation
    inverse = "“Let the facts decide” lifts it."

    def about(self, subject: Order) -> str:
        return f"Order {subject}"

    def prepare(self, form: AskConversation, subject: Order, request: HttpRequest) -> None:
        field: Any = form.fields["conversation"]
        field.choices = self._choices(subject, Attribution.objects.filter(order=subject, current=True).first())

    def _choices(self, order: Order, current: Attribution | None) -> list[tuple[str, str]]:
        theirs = Q(profile_id=order.profile_id) if order.profile_id else Q(pk__in=[])
        if order.email:
            theirs |= Q(email=order.email)
        near = Conversation.objects.filter(
            theirs,
            started_at__lte=order.placed_at + LOOK_AHEAD,
            last_activity_at__gte=order.placed_at - LOOK_BACK,
        )
        found = [(str(row.pk), _described(row, order)) for row in near.order_by("-last_activity_at")[:20]]
        lift = [(FACTS, "Let the facts decide")] if current is not None and current.overridden_by else []
        return [*found, (NONE, "No conversation"), *lift]

    def will(self, subject: Order, request: HttpRequest) -> list[str]:
        current = Attribution.objects.filter(order=subject, current=True).first()
        so_far = current.factors.get("sentence", "") if current is not None else "Nothing yet."
        return [
            f"So far: {so_far}",
            self._counts(subject),
            "Your decision stands until a person lifts it; the former result is kept.",
        ]

    def _counts(self, order: Order) -> str:
        """What of the figures depends on it."""
        if not Order.objects.filter(conversations.in_revenue(), pk=order.pk).exists():
            return "0 orders and no revenue move: it is not in revenue (unpaid, cancelled or a test)."
        day = order.placed_at.astimezone(ZoneInfo(order.organization.timezone))
        net = grouped(money.to_text(order.net_minor, order.currency))
        return (
            f"1 order and {net} {order.currency} count for what you choose, "
            f"with confidence 95 % for a conversation, in the figures of {day:%-d %b %Y}."
        )

    def do(self, subject: Order, press: Press) -> Done:
        chosen = press.data["conversation"]
        if chosen == FACTS:
            attributions.lift(subject, by=press.by, because=press.because)
            return Done("Lifted. The facts decide again about 1 order.")
        conversation = None if chosen == NONE else Conversation.objects.filter(pk=int(chosen)).first()
        attributions.override(subject, conversation, by=press.by, because=press.because)
        named = f"conversation {conversation.external_id}" if conversation else "no conversation"
        return Done(f"Decided. 1 order is attributed to {named}.")


def _described(row: Conversation, order: Order) -> str:
    apart = order.placed_at - row.last_activity_at
    when = f"{verdicts.ago(abs(apart))} {'before' if apart >= timedelta() else 'after'} the order"
    return f"{row.external_id} · {row.source}, last written {when}, {counted(row.message_count, 'message')}"


class AskMapping(Ask):
    product = forms.IntegerField(widget=forms.HiddenInput)


@registered
class MapLine(Dialog):
    name, permission, model, related = "map", "map_product", Line, ("order__channel", "organization")
    title, button = "Map to a product", "Map to product"
    form = AskMapping
    template = "admin/dialogs/map.html"

    def about(self, subject: Line) -> str:
        return f"{subject.title or 'Untitled'} · SKU {subject.sku or 'none'}"

    def cannot(self, subject: Line) -> str:
        return f"It is {subject.product} already." if subject.product_id else ""

    def prepare(self, form: AskMapping, subject: Line, request: HttpRequest) -> None:
        chosen = request.GET.get("product", "")
        if not form.is_bound and chosen.isdigit():
            form.initial["product"] = int(chosen)

    def more(self, subject: Line, request: HttpRequest) -> dict[str, Any]:
        chosen = request.POST.get("product") or request.GET.get("product", "")
        known = chosen.isdigit() and len(chosen) < 19
        product = Product.objects.filter(pk=int(chosen)).first() if known else None
        suggested = [] if product else unmapped.alike(subject)
        return {"product": product, "suggested": suggested, "pick": f"{request.path}?product="}

    def will(self, subject: Line, request: HttpRequest) -> list[str]:
        alike = Line.objects.filter(product__isnull=True, removed=False, sku=subject.sku, title=subject.title)
        count = alike.values("order_id").distinct().count()
        them = "order with this line is" if count == 1 else "orders with this line are"
        return [
            f"{count:,} {them} fulfilled, as far as paid.",
            "The channel's own id is remembered: the next order maps by itself.",
        ]

    def do(self, subject: Line, press: Press) -> Done:
        product = Product.objects.filter(pk=press.data["product"]).first()
        if product is None:
            raise Invalid("There is no such product.")
        count = products.map_lines(
            product=product, sku=subject.sku, title=subject.title, by=press.by, because=press.because
        )
        return Done(f"Mapped to {product.sku}. {count:,} {'order is' if count == 1 else 'orders are'} being fulfilled.")

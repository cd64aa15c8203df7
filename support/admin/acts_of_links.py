"""Dialogs that say whose an order, conversation or event is where no identifier does, and that take it back."""

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest

from attribution import intents
from attribution.actions import attributions, conversations
from attribution.models import Conversation
from fulfillment.models import DownloadLink, Entitlement
from orders.actions import orders
from orders.models import Line, Order
from profiles import events as telling
from profiles.actions import events
from profiles.actors import Invalid
from profiles.models import Event, Fact, Profile
from support.admin.base import address_of, masked
from support.admin.dialogs import Ask, Dialog, Done, Press, registered

# By what an unattached row is: the name of the dialog that links it, and of the one that takes it back.
LINKS = {"order": "link", "conversation": "link_conversation", "event": "link_event"}
UNLINKS = {"order": "unlink", "conversation": "unlink_conversation", "event": "unlink_event"}


class AskCustomer(Ask):
    other = forms.IntegerField(widget=forms.HiddenInput)


class LinkFact(Dialog):
    """Search a customer, see what will move, say why."""

    permission = "link"
    title, button = "Link to a customer", "Link to a customer"
    form = AskCustomer
    template = "admin/dialogs/link.html"
    noun: ClassVar[str]
    act: ClassVar[Callable[..., Fact]]

    def cannot(self, subject: Any) -> str:
        return "It has a customer already: merge the two customers instead." if subject.profile_id else ""

    def prepare(self, form: AskCustomer, subject: Any, request: HttpRequest) -> None:
        other = request.GET.get("other", "")
        if not form.is_bound and other.isdigit():
            form.initial["other"] = int(other)

    def more(self, subject: Any, request: HttpRequest) -> dict[str, Any]:
        chosen = request.POST.get("other") or request.GET.get("other", "")
        other = Profile.objects.filter(pk=int(chosen)).first() if chosen.isdigit() and len(chosen) < 19 else None
        named = masked(str(other), request) if other else ""
        ask = f"Whose {self.noun} is it?"
        return {"other": other, "other_name": named, "noun": self.noun, "ask": ask, "pick": f"{request.path}?other="}

    def do(self, subject: Any, press: Press) -> Done:
        profile = Profile.objects.filter(pk=press.data["other"]).first()
        if profile is None:
            raise Invalid("There is no such customer.")
        type(self).act(subject, profile, by=press.by, because=press.because)
        url = address_of(Order, subject.pk) if isinstance(subject, Order) else address_of(Profile, profile.pk)
        return Done(f"Linked. 1 {self.noun} belongs to {profile} now.", url=url)


class UnlinkFact(Dialog):
    """Take a link back; what identifiers say of the fact holds again."""

    permission = "link"
    title, button, danger = "Take the link back", "Unlink", True
    inverse = "Link it again."
    noun: ClassVar[str]
    act: ClassVar[Callable[..., Fact]]

    def cannot(self, subject: Any) -> str:
        if subject.linked_by_staff and subject.profile_id:
            return ""
        return f"No person linked this {self.noun}: its own identifiers say whose it is."

    def do(self, subject: Any, press: Press) -> Done:
        former = subject.profile
        type(self).act(subject, by=press.by, because=press.because)
        url = address_of(Order, subject.pk) if isinstance(subject, Order) else address_of(Profile, former.pk)
        return Done(f"Unlinked. 1 {self.noun} no longer belongs to {former}.", url=url)


@registered
class LinkOrder(LinkFact):
    name, model, related = "link", Order, ("channel", "organization")
    noun, act = "order", orders.link
    inverse = "Unlink on the order's page."

    def about(self, subject: Order) -> str:
        return f"Order {subject}"

    def will(self, subject: Order, request: HttpRequest) -> list[str]:
        lines = Line.objects.filter(order=subject, removed=False, product__isnull=False).count()
        return [
            "1 order joins the customer's history and totals.",
            f"{lines} {'line is' if lines == 1 else 'lines are'} granted and delivered, as far as paid and digital.",
        ]


@registered
class UnlinkOrder(UnlinkFact):
    name, model, related = "unlink", Order, ("channel", "organization", "profile")
    noun, act = "order", orders.unlink

    def about(self, subject: Order) -> str:
        return f"Order {subject}"

    def will(self, subject: Order, request: HttpRequest) -> list[str]:
        rights = Entitlement.objects.filter(order=subject, status__in=Entitlement.DOWNLOADABLE)
        links = DownloadLink.objects.filter(entitlement__in=rights, revoked_at__isnull=True).count()
        count = rights.count()
        withdrawn = f"{count} rights it granted are withdrawn" if count != 1 else "1 right it granted is withdrawn"
        dead = f"{links} links die" if links != 1 else "1 link dies"
        return [
            f"1 order leaves the history and totals of {masked(str(subject.profile), request)}.",
            f"{withdrawn} and {dead}. Linking it to somebody grants again.",
        ]


@registered
class LinkConversation(LinkFact):
    name, model, related = "link_conversation", Conversation, ("organization",)
    noun, act = "conversation", conversations.link
    inverse = "Unlink on the customer's page."

    def about(self, subject: Conversation) -> str:
        return f"Conversation {subject}"

    def will(self, subject: Conversation, request: HttpRequest) -> list[str]:
        return [
            "1 conversation joins the customer's timeline.",
            "Orders it may have led to are attributed again; what a person decided stays.",
        ]


@registered
class UnlinkConversation(UnlinkFact):
    name, model, related = "unlink_conversation", Conversation, ("organization", "profile")
    noun, act = "conversation", conversations.unlink

    def about(self, subject: Conversation) -> str:
        return f"Conversation {subject}"

    def will(self, subject: Conversation, request: HttpRequest) -> list[str]:
        count = len(attributions.rerun([subject]))
        return [
            f"1 conversation leaves the timeline of {masked(str(subject.profile), request)}.",
            f"{count} {'order is' if count == 1 else 'orders are'} attributed again.",
        ]


@registered
class LinkEvent(LinkFact):
    name, model, related = "link_event", Event, ("organization",)
    noun, act = "event", events.link
    inverse = "Unlink on the customer's page."

    def about(self, subject: Event) -> str:
        return f"{telling.title(subject.type, subject.products)}, {subject.occurred_at:%-d %b %Y, %H:%M} UTC"

    def will(self, subject: Event, request: HttpRequest) -> list[str]:
        wanted = len(subject.products) if subject.type in intents.WEIGHTS else 0
        about = f"It counts for what they want: {wanted} {'product' if wanted == 1 else 'products'}."
        return ["1 event joins the customer's timeline.", *([about] if wanted else [])]


@registered
class UnlinkEvent(UnlinkFact):
    name, model, related = "unlink_event", Event, ("organization", "profile")
    noun, act = "event", events.unlink

    def about(self, subject: Event) -> str:
        return f"{telling.title(subject.type, subject.products)}, {subject.occurred_at:%-d %b %Y, %H:%M} UTC"

    def will(self, subject: Event, request: HttpRequest) -> list[str]:
        return [f"1 event leaves the timeline of {masked(str(subject.profile), request)}."]

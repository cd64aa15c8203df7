"""Conversations: the list, newest first, and the page of one with what was written and which orders came of it."""

from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import SimpleListFilter
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from attribution import enquiries
from attribution.models import Attribution, Conversation, Message
from orders.models import Channel, Order
from profiles.actors import Actor
from profiles.models import Organization
from support.admin import dialogs, stories
from support.admin.acts_of_links import LINKS, UNLINKS
from support.admin.base import Period, address_of, amount, masked, redacted, when, word
from support.admin.linked import Linked, Since, Until
from support.admin.lists import ActiveAdmin, counted
from support.queries import conversations

ASKED = {enquiries.PRODUCT: "Product", enquiries.PRICE: "Price"}
WRITERS = {Message.By.CUSTOMER: "person", Message.By.AGENT: "support_agent", Message.By.BOT: "smart_toy"}


class Outcome(SimpleListFilter):
    """What became of it."""

    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("order", "Led to an order"), ("none", "No order"), ("nobody", "No customer")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "order":
                return queryset.filter(conversations.led())
            case "none":
                return queryset.filter(~conversations.led())
            case "nobody":
                return queryset.filter(profile__isnull=True)
        return queryset


class AskedFor(SimpleListFilter):
    title = "asked for"
    parameter_name = "asked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(enquiries.PRODUCT, "A product"), (enquiries.PRICE, "A price")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(tags__contains=[self.value()]) if self.value() in ASKED else queryset


class FromSource(SimpleListFilter):
    """The connected sources, and the programs that told of conversations themselves."""

    title = "source"
    parameter_name = "talks"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = Channel.objects.filter(kind__in=Channel.TALKS).order_by("kind", "domain").only("kind", "domain")
        return [*((str(row.pk), row.label) for row in rows), ("api", "By the API")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        if value == "api":
            return queryset.filter(channel__isnull=True)
        return queryset.filter(channel=int(value)) if value.isdigit() and len(value) < 19 else queryset


class NamedSource(Linked):
    title = "took place at"
    parameter_name = "source"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(source=self.value()) if self.value() else queryset


class OfShop(Linked):
    """Those that a board counts for one shop: they name no other."""

    title = "for the shop"
    parameter_name = "shop"

    def words(self, value: str) -> str:
        row = Channel.objects.filter(pk=int(value)).first() if value.isdigit() and len(value) < 19 else None
        return row.label if row else "Any"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        known = value.isdigit() and len(value) < 19
        return conversations.of_shops(queryset, [int(value)]) if known else queryset


class Converted(Linked):
    """Those that led to an order in revenue, by its currency; in the shop of the other filter, where it is chosen."""

    title = "brought revenue"
    parameter_name = "converted"

    def words(self, value: str) -> str:
        return f"In {value}"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value, shop = self.value(), request.GET.get("shop", "")
        channels = [int(shop)] if shop.isdigit() and len(shop) < 19 else None
        return queryset.filter(conversations.converted(value, channels)) if value else queryset


class Started(Period):
    title = "started"
    column = "started_at"


class StartedSince(Since):
    column = "started_at"


class StartedUntil(Until):
    column = "started_at"


class ConversationAdmin(ActiveAdmin):
    """Hundreds of thousands of conversations, newest first."""

    list_title = "Conversations"
    row_named = "conversation"
    chips = "outcome"
    above = ("conversation_terms",)
    list_display = ("source_shown", "started_shown", "asked_shown", "messages_shown", "led_shown")
    list_filter = (
        Outcome,
        FromSource,
        AskedFor,
        Started,
        NamedSource,
        StartedSince,
        StartedUntil,
        OfShop,
        Converted,
    )
    list_select_related = ("profile",)
    list_only = (
        *("name", "email_raw", "phone_raw", "profile__name"),
        *("source", "external_id", "started_at", "tags", "message_count"),
    )
    ordering = ("-started_at", "-id")
    search_fields = ("external_id",)
    search_help_text = "The conversation's id, or the customer's e-mail"
    explains = "What customers asked, and which orders came of it."
    empty_title = "No conversation here"
    empty_text = (
        "Take a filter away. If none was told at all, connect Chatwoot, Intercom or WhatsApp under Settings, Channels."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With how many orders are attributed to each now; counted for the rows shown alone."""
        led = Attribution.objects.filter(conversation=OuterRef("pk"), current=True).order_by()
        count = led.values("conversation").annotate(count=Count("pk")).values("count")
        return super().get_queryset(request).annotate(led=Subquery(count))

    def find(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        return queryset.filter(Q(external_id=text) | Q(email=text.lower()))

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """The customer's column hides what the role does not see."""

        @display(description="Customer")
        def customer_shown(row: Conversation) -> SafeString:
            known = masked(str(row.profile), request) if row.profile else ""
            said = known or masked(row.name or row.email_raw or row.phone_raw, request)
            note = "" if row.profile else "no customer"
            return _pair(said or "Nobody known", note)

        return [customer_shown, *self.list_display]

    @display(description="Where")
    def source_shown(self, row: Conversation) -> SafeString:
        return _pair(row.source, row.external_id)

    @display(description="Started")
    def started_shown(self, row: Conversation) -> SafeString:
        return when(row.started_at)

    @display(description="Asked for")
    def asked_shown(self, row: Conversation) -> str:
        return ", ".join(ASKED[tag] for tag in row.tags if tag in ASKED) or "–"

    @display(description="Messages")
    def messages_shown(self, row: Conversation) -> str:
        return f"{row.message_count:,}"

    @display(description="Orders")
    def led_shown(self, row: Any) -> SafeString:
        return word("done", f"{counted(row.led, 'order')}") if row.led else format_html("{}", "–")

    # One conversation.

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row: Conversation = self.found(request, object_id, "profile", "channel")
        page = conversations.page(row)
        actor: Actor = request.actor  # type: ignore[attr-defined]
        organization: Organization = request.organization  # type: ignore[attr-defined]
        context = {
            **self.admin_site.each_context(request),
            "title": f"Conversation {redacted(row.external_id, request)}",
            "name": redacted(row.external_id, request),
            "row": row,
            "state": word(row.status, row.get_status_display(), "over" if row.ended_at else "waiting"),
            "acts": dialogs.buttons(
                actor,
                (LINKS["conversation"], row.pk, row.profile_id is None),
                (UNLINKS["conversation"], row.pk, row.profile_id is not None and row.linked_by_staff),
            ),
            "facts": _facts(row, request),
            "enquiries": [redacted(enquiries.told(one), request) for one in row.enquiries],
            "said": [_message(one, request) for one in page.messages],
            "more": max(row.message_count - len(page.messages), 0),
            "keeps": enquiries.read(organization.policies).keep_days,
            "led": [_order(one) for one in page.led],
            "assisted": [_order(one) for one in page.assisted],
        }
        return TemplateResponse(request, "admin/conversation.html", context)


def _pair(first: str, second: str) -> SafeString:
    return format_html(
        '<span class="pair"><span class="cut" title="{0}">{0}</span>'
        '<span class="quiet cut" title="{1}">{1}</span></span>',
        first,
        second,
    )


def _facts(row: Conversation, request: HttpRequest) -> list[tuple[str, Any]]:
    known = [masked(value, request) for value in (row.name, row.email_raw, row.phone_raw) if value]
    found: list[tuple[str, Any]] = [
        ("Customer", stories.person(row.profile, request) if row.profile else "Nobody yet"),
        ("Known as", " · ".join(known)),
        ("Where", _source(row)),
        ("Started", when(row.started_at)),
        ("Last activity", when(row.last_activity_at)),
        ("Ended", when(row.ended_at) if row.ended_at else ""),
        ("Messages", f"{row.message_count:,}"),
        ("Tags of the source", ", ".join(row.labels)),
        ("Recognised", ", ".join(ASKED.get(tag, tag) for tag in row.tags)),
    ]
    return [(name, value) for name, value in found if value]


def _source(row: Conversation) -> SafeString:
    url = f"{address_of(Conversation)}?{urlencode({'source': row.source})}"
    told = f" by {row.channel.label}" if row.channel else ""
    return format_html('<a class="link" href="{}">{}</a>{}', url, row.source, told)


def _message(row: Message, request: HttpRequest) -> dict[str, Any]:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    hidden = bool(row.text) and not actor.may("view_pii")
    return {
        "by": row.get_by_display(),
        "icon": WRITERS.get(Message.By(row.by), "chat"),
        "at": when(row.at),
        "text": "" if hidden else row.text,
        "hidden": hidden,
        "asked": [ASKED.get(str(one.get("tag")), "") for one in row.enquiries],
    }


def _order(row: Attribution) -> dict[str, Any]:
    order = row.order
    return {
        "name": str(order),
        "url": address_of(Order, order.pk),
        "at": when(order.placed_at),
        "how": f"{row.get_method_display()}, {row.confidence_cents} %",
        "sentence": row.factors.get("sentence", "") if isinstance(row.factors, dict) else "",
        "channel": order.channel.label,
        "net": amount(order.net_minor, order.currency),
        "test": order.test,
    }

"""Conversations as boards count them and as their own page shows them: what was said, and which orders came of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from attribution.models import Attribution, Conversation, Message
from orders.models import Channel, Order
from support.queries import elsewhere
from support.queries.dashboards import PAID

AT_MOST = 200


def of_shops(rows: QuerySet[Conversation], channels: Sequence[int]) -> QuerySet[Conversation]:
    """Those that may have led to an order in these channels: the ones that name another shop are left out."""
    others = elsewhere.than(channels, list(Channel.objects.only("kind", "domain")))
    return rows.exclude(source__in=others.sources).exclude(channel__isnull=False, channel_id__in=others.channel_ids)


def converted(currency: str, channels: Sequence[int] | None = None) -> Exists:
    """Whether an order in revenue, of this currency, is attributed to the conversation now."""
    found = Attribution.objects.filter(conversation=OuterRef("pk"), current=True)
    found = found.filter(in_revenue("order__"), order__currency=currency)
    return Exists(found if channels is None else found.filter(order__channel__in=channels))


def led() -> Exists:
    """Whether any order is attributed to the conversation now."""
    return Exists(Attribution.objects.filter(conversation=OuterRef("pk"), current=True))


def in_revenue(prefix: str = "") -> Q:
    """What `orders.actions.statistics.COUNTED` says, for a queryset of orders or of what points at them."""
    given = {f"{prefix}payment_status__in": PAID, f"{prefix}test": False}
    return Q(**given) & ~Q(**{f"{prefix}status": "cancelled"})


@dataclass(frozen=True, slots=True)
class ConversationPage:
    """One conversation with what was written, oldest first, and the orders it led to or helped."""

    conversation: Conversation
    messages: list[Message]
    led: list[Attribution]
    assisted: list[Attribution]


def page(conversation: Conversation) -> ConversationPage:
    """Give it with channel and profile selected; three queries whatever its length."""
    current = Attribution.objects.filter(current=True).select_related("order__channel")
    orders = Q(order__profile=conversation.profile_id) if conversation.profile_id else Q(order__in=[])
    if conversation.email:
        orders |= Q(order__in=Order.objects.filter(email=conversation.email))
    assisted = current.filter(orders, assists__contains=[conversation.external_id]).order_by("-order__placed_at")
    messages = Message.objects.filter(conversation=conversation).order_by("-at", "-pk")[:AT_MOST]
    return ConversationPage(
        conversation=conversation,
        messages=list(messages)[::-1],
        led=list(current.filter(conversation=conversation).order_by("-order__placed_at")[:AT_MOST]),
        assisted=list(assisted[:AT_MOST]),
    )


def assists_of(attribution: Attribution | None, order: Order) -> list[Conversation]:
    """The conversations that also fitted this order, best first, as they are known now; none without attribution."""
    names = list(attribution.assists) if attribution is not None else []
    if not names:
        return []
    theirs = Q(profile=order.profile_id) if order.profile_id else Q(pk__in=[])
    if order.email:
        theirs |= Q(email=order.email)
    rows = {row.external_id: row for row in Conversation.objects.filter(theirs, external_id__in=names)}
    return [rows[name] for name in names if name in rows]

"""Conversations: list, and recording one as its source tells it."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from attribution.actions import conversations
from attribution.actions.conversations import ConversationMessage, Said
from attribution.models import Conversation
from orders.messages import Customer
from orders.records import Record
from profiles.actors import Invalid
from support.api import rows
from support.api.endpoints import Endpoint, instant, plain
from support.api.orders import FILTERS, of_customer
from support.queries import documents

TAGS = {"product_inquiry", "price_check"}
MOST_MESSAGES = 10_000


class Conversations(Endpoint):
    resource = "conversations"

    @extend_schema(operation_id="conversations_list", parameters=FILTERS, responses=rows.ConversationRow(many=True))
    def get(self, request: Request) -> Response:
        found = Conversation.objects.all()
        if external_id := plain(request, "external_id"):
            found = found.filter(external_id=external_id)
        found = of_customer(request, found, region=self.organization.region)
        if status := plain(request, "status"):
            found = found.filter(status=status)
        if since := instant(request, "since"):
            found = found.filter(started_at__gte=since)
        if until := instant(request, "until"):
            found = found.filter(started_at__lt=until)
        return self.page(request, found, lambda page: documents.conversations(list(page)), order="-started_at")

    @extend_schema(
        operation_id="conversations_record", request=rows.ConversationBody, responses={201: rows.ConversationRow}
    )
    def post(self, request: Request) -> Response:
        message = read(self.body(request))

        def act(key: str) -> tuple[Any, int]:
            row = conversations.record(message, organization=self.organization)
            self.reread = lambda: documents.conversations([Conversation.objects.get(pk=row.pk)])[0]
            return documents.conversations([row])[0], 201

        return self.once(request, act)


def read(data: Mapping[str, Any]) -> ConversationMessage:
    """The conversation in a body; raises Unusable or Invalid with the field's name."""
    body = Record(data)
    started_at = body.instant("started_at")
    last = body.instant_or_none("last_activity_at")
    ended = body.instant_or_none("ended_at")
    if last is not None and last < started_at:
        raise Invalid("last_activity_at: it lies before started_at.")
    if ended is not None and ended < started_at:
        raise Invalid("ended_at: it lies before started_at.")
    messages = _messages(body)
    count = data.get("message_count", 0)
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= 1_000_000:
        raise Invalid("message_count: give a whole number up to 1,000,000.")
    return ConversationMessage(
        external_id=body.external_id("external_id"),
        source=(body.text("channel") or "api")[:100],
        started_at=started_at,
        last_activity_at=last,
        ended_at=ended,
        customer=Customer(
            email=body.exact("email"), phone=body.exact("phone"), name=body.text("name"), region=body.region("region")
        ),
        message_count=count,
        tags=_tags(data.get("tags")),
        messages=messages,
    )


def _tags(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise Invalid("tags: give a list of texts.")
    if unknown := sorted(set(value) - TAGS):
        raise Invalid(f"tags: {', '.join(unknown)[:100]} is none of {', '.join(sorted(TAGS))}.")
    return tuple(sorted(set(value)))


def _messages(body: Record) -> tuple[Said, ...]:
    found = body.records_or_empty("messages")
    if len(found) > MOST_MESSAGES:
        raise Invalid(f"messages: at most {MOST_MESSAGES} in one call.")
    said = []
    for message in found:
        by = message.text("by")
        if by not in ("customer", "agent", "bot"):
            message.refuse("by", "It is none of customer, agent, bot.")
        said.append(Said(at=message.instant("at"), by=by, text=message.text("text")))
    return tuple(said)

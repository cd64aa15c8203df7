"""Conversations: list, and recording one as its source tells it."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from attribution.actions import conversations
from attribution.models import Conversation
from orders.providers import api_talks
from profiles import clock
from support.api import rows
from support.api.endpoints import Endpoint, instant, plain
from support.api.orders import FILTERS, of_customer
from support.queries import documents


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
        message = api_talks.parse_talk(self.body(request), at=clock.now())

        def act(key: str) -> tuple[Any, int]:
            row = conversations.tell(message, organization=self.organization, body=self.told(request))
            self.reread = lambda: documents.conversations([Conversation.objects.get(pk=row.pk)])[0]
            return documents.conversations([row])[0], 201

        return self.once(request, act)

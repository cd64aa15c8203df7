"""Customer events: whatever a customer did, as any program tells it, one or some hundreds in a call."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from orders import parsing
from orders.actions import customer_events
from orders.records import Record
from profiles import events
from profiles.actors import Invalid
from profiles.events import Told
from profiles.models import Event
from support.api import rows
from support.api.endpoints import Endpoint
from support.queries import documents

MOST_EVENTS = 500
BODIES = PolymorphicProxySerializer(
    component_name="EventOrEvents", serializers=[rows.EventBody, rows.EventsBody], resource_type_field_name=None
)
ANSWERS = PolymorphicProxySerializer(
    component_name="EventRowOrRows", serializers=[rows.EventRow, rows.EventRows], resource_type_field_name=None
)


class Events(Endpoint):
    resource = "events"

    @extend_schema(operation_id="events_record", request=BODIES, responses={200: ANSWERS, 201: ANSWERS})
    def post(self, request: Request) -> Response:
        body = self.body(request)
        many = "events" in body
        told = read_all(body) if many else [read(Record(body))]

        def act(key: str) -> tuple[Any, int]:
            recorded = customer_events.record(told, organization=self.organization)
            ids = [row.pk for row in recorded.rows]

            def tell() -> Any:
                found = Event.objects.in_bulk(ids)
                shown = documents.events([found[pk] for pk in ids])
                return {"results": shown} if many else shown[0]

            self.reread = tell
            return tell(), 201 if recorded.fresh else 200

        return self.once(request, act)


def read_all(body: Mapping[str, Any]) -> list[Told]:
    """The events of a list; raises Unusable or Invalid with the field's name."""
    items = Record(body).records("events")
    if not items:
        raise Invalid("events: give at least one event.")
    if len(items) > MOST_EVENTS:
        raise Invalid(f"events: at most {MOST_EVENTS} in one call.")
    return [read(item) for item in items]


def read(body: Record) -> Told:
    """One event; raises Unusable with the field's name."""
    type_ = body.data.get("type")
    if not isinstance(type_, str) or not events.TYPE.fullmatch(type_):
        body.refuse("type", "Give a name of at most 60 small letters, digits and underscores, such as product_view.")
    return Told(
        event_id=body.external_id("event_id"),
        type=type_,
        occurred_at=body.instant("occurred_at"),
        source="",
        identifiers=_identifiers(body),
        payload=_payload(body),
        name=_name(body),
    )


def _identifiers(body: Record) -> dict[str, str]:
    value = body.data.get("identifiers")
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        body.refuse("identifiers", f"{parsing.kind_of(value)} is not an object.")
    if len(value) > events.MOST_IDENTIFIERS:
        body.refuse("identifiers", f"At most {events.MOST_IDENTIFIERS} of one event.")
    inner = Record(value, body.where("identifiers"))
    return {name: text for name in value if (text := inner.exact(name))}


def _payload(body: Record) -> dict[str, Any]:
    value = body.data.get("payload")
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        body.refuse("payload", f"{parsing.kind_of(value)} is not an object.")
    plain: dict[str, Any] = _plain(value)
    if len(json.dumps(plain, ensure_ascii=False).encode()) > events.LARGEST_PAYLOAD:
        body.refuse("payload", f"It is larger than {events.LARGEST_PAYLOAD:,} bytes.")
    return plain


def _name(body: Record) -> str:
    """The customer's name, where the payload says one."""
    payload = body.record_or_empty("payload")
    customer = payload.data.get("customer")
    inner = Record(customer).text("name") if isinstance(customer, Mapping) else ""
    return inner or payload.text("customer_name")


def _plain(value: Any) -> Any:
    """JSON as it is kept: a number with a decimal point as its text, because a binary fraction is not what was sent."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value

"""An order told by a person or a program of the seller's own: the same facts, by the built-in channel api:manual."""

from collections.abc import Mapping
from typing import Any

from orders.actions import channels, deliveries, facts
from orders.actions.statements import Said
from orders.messages import ChannelFacts
from orders.models import Channel, Order
from orders.providers.api import parse_order
from profiles import clock
from profiles.actions import audit, settlement
from profiles.actors import Actor
from profiles.models import Organization


def record(
    data: Mapping[str, Any], *, organization: Organization, by: Actor, body: bytes, delivery_id: str = ""
) -> Order:
    """Record one order from its document (SURFACE.md); raises Unusable. The same document again changes nothing."""
    by.require("manual_order")
    channel = channels.built_in(organization)
    message = parse_order(data, channel=facts_of(channel, organization), at=clock.now())
    fresh = deliveries.keep(channel, delivery_id=delivery_id, topic="order", body=body)
    if fresh:
        recorded = facts.record([Said(channel, message)], organization=organization)
        settlement.request(organization.pk, orders=recorded.orders)
    order = Order.objects.select_related("channel").get(channel=channel, external_id=message.external_id)
    if fresh:
        audit.record("order.told", by=by, subject=order, order_id=order.pk)
    return order


def facts_of(channel: Channel, organization: Organization) -> ChannelFacts:
    """What a parser may know of the channel."""
    return ChannelFacts(
        kind=channel.kind,
        domain=channel.domain,
        test=channel.test,
        currency=channel.currency or organization.currency,
        region=channel.region or organization.region,
    )

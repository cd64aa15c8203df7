"""Customer events as a program of the seller's own tells them; a till's sale among them becomes an order as well.

The sale goes through the inbox of the built-in channel in the till's own JSON, so that it is kept, can be replayed, and
is one order however many events tell of it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from orders.actions import channels, facts, manual
from orders.actions.statements import Said
from orders.messages import Customer, OrderMessage, RefundMessage
from orders.models import Channel, Delivery
from orders.providers.pos import parse_transaction
from profiles import bulk, clock
from profiles.actions import events, settlement
from profiles.events import POS_TRANSACTION, Told
from profiles.models import Organization

ORDER, REFUND = "order", "refund"
# The customer's fields of a till's JSON, and the names under which an event may call them.
NAMES: Mapping[str, tuple[str, ...]] = {
    "email": ("email",),
    "phone": ("phone",),
    "loyalty_id": ("loyalty_id", "loyalty"),
    "device_id": ("device_id", "device"),
    "cookie_id": ("cookie_id", "cookie"),
}


@dataclass(frozen=True, slots=True)
class Sale:
    """A till's sale or reversal as told by an event: the JSON as it is kept, and what it says."""

    body: bytes
    message: OrderMessage | RefundMessage


def record(told: Sequence[Told], *, organization: Organization) -> events.Recorded:
    """Store these events, each once, and the orders of the sales among them. Raises EventKnown or Unusable."""
    channel = channels.built_in(organization)
    told = [one if one.source else replace(one, source=channel.label) for one in told]
    sales = {one.event_id: _sale(one, channel, organization) for one in told if one.type == POS_TRANSACTION}
    recorded = events.record(
        [_with_customer_of(sales.get(one.event_id), one) for one in told],
        organization=organization,
        became={event_id: _became(sale) for event_id, sale in sales.items()},
    )
    new = {row.event_id for row in recorded.rows if row.pk in recorded.fresh}
    _take_in({event_id: sale for event_id, sale in sales.items() if event_id in new}, channel, organization)
    return recorded


def _sale(told: Told, channel: Channel, organization: Organization) -> Sale:
    data = _with_identifiers(told.payload, told.identifiers)
    message = parse_transaction(data, channel=manual.facts_of(channel, organization))
    return Sale(json.dumps(data, sort_keys=True).encode(), message)


def _with_identifiers(payload: Mapping[str, Any], identifiers: Mapping[str, str]) -> dict[str, Any]:
    """The till's JSON, with the event's identifiers where the till itself names none of that kind."""
    customer = payload.get("customer")
    if customer not in (None, []) and not isinstance(customer, Mapping):
        return dict(payload)  # the parser says what is wrong with it
    inner = dict(customer or {})
    for name, called in NAMES.items():
        given = next((identifiers[one] for one in called if identifiers.get(one)), "")
        if given and not (inner.get(name) or payload.get(name)):
            inner[name] = given
    return {**payload, "customer": inner}


def _with_customer_of(sale: Sale | None, told: Told) -> Told:
    """The event bears the till's identifiers too, so that it and its order are always the same customer's."""
    if sale is None or not isinstance(sale.message, OrderMessage):
        return told
    customer: Customer = sale.message.customer
    found = {name: value for name in NAMES if (value := str(getattr(customer, name)))}
    others = {name: value for name, value in told.identifiers.items() if not _called(name) & set(found)}
    return replace(told, identifiers={**others, **found}, name=told.name or customer.name)


def _called(name: str) -> set[str]:
    return {field for field, called in NAMES.items() if name in called}


def _became(sale: Sale) -> str:
    return ORDER if isinstance(sale.message, OrderMessage) else REFUND


def _take_in(sales: Mapping[str, Sale], channel: Channel, organization: Organization) -> None:
    if not sales:
        return
    now = clock.now()
    rows = [
        Delivery(
            organization=organization,
            channel=channel,
            delivery_id=event_id,
            topic=POS_TRANSACTION,
            body=sale.body,
            body_hash=hashlib.sha256(sale.body).digest(),
            state=Delivery.State.DONE,
            done_at=now,
        )
        for event_id, sale in sorted(sales.items())
    ]
    bulk.insert(Delivery, rows, ignore_conflicts=True)
    recorded = facts.record([Said(channel, sale.message) for sale in sales.values()], organization=organization)
    settlement.request(organization.pk, orders=recorded.orders)

"""What happens when facts arrive: the one place that says who is called, in which order.

Deliveries only record facts; `settle` then makes every app agree with the facts known now, and may run any number of
times. Webhook, file, back-fill, replay, merge, override and the Requeue button all end in the same call.
"""

from collections.abc import Sequence

from attribution.actions import attributions, intents, talks
from fulfillment.actions import entitlements, followups, gift_followups, missions, redemptions, services
from orders.actions import deliveries, facts, ledger, lookups, products, statistics, statuses, visits
from orders.actions.statements import Said
from orders.messages import Message
from orders.models import Channel, Order
from orders.queries import events as order_events
from profiles.actions import events, likenesses, resolution, settlement, streams, turns
from profiles.models import Organization, Profile
from profiles.prepared_queries import PreparedQuery
from support.actions import comparisons

_LOCKED = PreparedQuery(
    lambda orders: (
        Order.objects.select_for_update(of=("self",), no_key=True)
        .select_related("channel")
        .filter(pk__in=orders)
        .order_by("pk")
    )
)
_PEOPLE = PreparedQuery(lambda profiles: Profile.objects.filter(pk__in=profiles))


def take_in(claimed: Sequence[int], organization: Organization) -> None:
    """Raw deliveries → frozen messages → facts, or quarantine with a reason."""
    turns.together(organization.pk)
    said, received = deliveries.read(claimed, organization=organization)
    recorded = facts.record(said, organization=organization)
    lookups.record(said, organization=organization)
    talks.record(said, organization=organization)
    settlement.request(organization.pk, orders=recorded.orders, wake_worker=False)
    deliveries.finish(claimed)
    streams.publish(order_events.raw(received), organization_id=organization.pk)


def record_listed(channel: Channel, listed: Sequence[Message], organization: Organization) -> int:
    """What a provider's own list says → facts; returns how many orders are settled for it."""
    turns.together(organization.pk)
    recorded = facts.record([Said(channel, message) for message in listed], organization=organization)
    settlement.request(organization.pk, orders=recorded.orders)
    return len(recorded.orders)


def settle(order_ids: Sequence[int], organization: Organization, *, profile_ids: Sequence[int] = ()) -> None:
    """Make everything that depends on these orders agree with the facts; every step is idempotent and takes a batch."""
    turns.together(organization.pk)
    orders = _LOCKED(order_ids)
    for order in orders:
        order.organization = organization
    former = {order.profile_id for order in orders if order.profile_id}
    touched = resolution.settle(orders, organization=organization, write=False)  # who
    money = statuses.settle(orders, organization=organization)  # what
    ledger.settle(orders, money, organization=organization)  # what was earned by it
    lines = products.settle(orders)
    people = {profile.pk: profile for profile in _PEOPLE({o.profile_id for o in orders if o.profile_id})}
    entitlements.settle(orders, lines, money, people)  # how
    services.settle(orders, lines, money)
    followups.settle(orders, lines)
    attributions.settle(orders)  # why
    concerned = touched | former | set(people) | set(profile_ids)
    redemptions.settle(concerned, orders)
    missions.settle(concerned, organization=organization)  # rewards
    gift_followups.settle(concerned)
    statistics.settle(concerned)
    visits.settle(order_ids)
    intents.settle(concerned, order_ids=order_ids)
    likenesses.request(organization.pk, concerned)
    comparisons.settle(order_ids)  # what agrees now
    streams.publish(order_events.normalized(orders, lines, money), organization_id=organization.pk)  # last: tell others


def settle_balances(payout_ids: Sequence[int], line_ids: Sequence[int], organization: Organization) -> None:
    """Make the ledger agree with these payouts and movements of a provider's balance; idempotent, takes a batch."""
    turns.together(organization.pk)
    ledger.settle_balances(payout_ids, line_ids, organization=organization)


def settle_events(event_ids: Sequence[int], organization: Organization) -> None:
    """Make everything that depends on these customer events agree with the facts; idempotent, takes a batch."""
    turns.together(organization.pk)
    rows, touched = events.settle(event_ids, organization=organization)  # who
    redemptions.settle(touched, ())
    missions.settle(touched, organization=organization)  # rewards
    gift_followups.settle(touched)
    intents.settle(touched)  # what they want
    likenesses.request(organization.pk, touched)
    streams.publish([*events.raw(rows), *events.normalized(rows)], organization_id=organization.pk)

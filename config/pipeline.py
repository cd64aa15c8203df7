"""What happens when facts arrive: the one place that says who is called, in which order.

Deliveries only record facts; `settle` then makes every app agree with the facts known now, and may run any number of
times. Webhook, file, back-fill, replay, merge, override and the Requeue button all end in the same call.
"""

from collections.abc import Sequence

from attribution.actions import attributions
from fulfillment.actions import entitlements
from orders.actions import deliveries, facts, products, statistics, statuses
from orders.models import Order
from profiles.actions import likenesses, resolution, settlement, turns
from profiles.models import Organization, Profile


def take_in(claimed: Sequence[int], organization: Organization) -> None:
    """Raw deliveries → frozen messages → facts, or quarantine with a reason."""
    turns.together(organization.pk)
    said = deliveries.read(claimed, organization=organization)
    recorded = facts.record(said, organization=organization)
    settlement.request(organization.pk, orders=recorded.orders, wake_worker=False)
    deliveries.finish(claimed)


def settle(order_ids: Sequence[int], organization: Organization, *, profile_ids: Sequence[int] = ()) -> None:
    """Make everything that depends on these orders agree with the facts; every step is idempotent and takes a batch."""
    turns.together(organization.pk)
    orders = list(
        Order.objects.select_for_update(of=("self",)).select_related("channel").filter(pk__in=order_ids).order_by("pk")
    )
    for order in orders:
        order.organization = organization
    former = {order.profile_id for order in orders if order.profile_id}
    touched = resolution.settle(orders, organization=organization, write=False)  # who
    money = statuses.settle(orders, organization=organization)  # what
    lines = products.settle(orders)
    people = Profile.objects.in_bulk({order.profile_id for order in orders if order.profile_id})
    entitlements.settle(orders, lines, money, people)  # how
    attributions.settle(orders)  # why
    concerned = touched | former | set(people) | set(profile_ids)
    statistics.settle(concerned)
    likenesses.request(organization.pk, concerned)

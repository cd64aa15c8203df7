"""What a person decides about an order itself."""

from orders.models import Order
from profiles.actions import linking, settlement
from profiles.actions.linking import AlreadyLinked
from profiles.actors import Actor
from profiles.models import Profile

__all__ = ["AlreadyLinked", "link", "unlink"]


def link(order: Order, profile: Profile, *, by: Actor, because: str) -> Order:
    """Say whose order this is where no identifier does; what waits for a customer is then granted by itself.

    Raises AlreadyLinked or Invalid. Inverse: unlink.
    """
    order = linking.link(order, profile, by=by, because=because)
    settlement.request(order.organization_id, orders=[order.pk], profiles=[profile.pk])
    return order


def unlink(order: Order, *, by: Actor, because: str) -> Order:
    """Take the link back: the order leaves the customer's totals, and what it granted is withdrawn. Raises NotLinked.

    Inverse: link, which grants again.
    """
    order, former = linking.unlink(order, by=by, because=because)
    settlement.request(order.organization_id, orders=[order.pk], profiles=[former])
    return order

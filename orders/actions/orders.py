"""What a person decides about an order itself."""

from orders.models import Order
from profiles.actions import audit, settlement
from profiles.actors import Actor, Invalid, Refusal
from profiles.models import Profile


class AlreadyLinked(Refusal):
    title = "Already linked"


def link(order: Order, profile: Profile, *, by: Actor, because: str) -> Order:
    """Say whose order this is where no identifier does; what waits for a customer is then granted by itself.

    Raises AlreadyLinked or Invalid. Inverse: none yet; merge the two customers instead.
    """
    by.require("link")
    reason = audit.require_reason(because)
    order = Order.objects.select_for_update(of=("self",)).get(pk=order.pk)
    if order.profile_id is not None:
        raise AlreadyLinked("This order has a customer already: merge the two customers instead.")
    if profile.merged_into_id is not None:
        raise Invalid("That customer was merged into another one; choose that one.")
    order.profile, order.linked_by_staff = profile, True
    order.save(update_fields=["profile", "linked_by_staff"])
    settlement.request(order.organization_id, orders=[order.pk], profiles=[profile.pk])
    audit.record("order.linked", by=by, subject=order, because=reason, order_id=order.pk, profile_id=profile.pk)
    return order

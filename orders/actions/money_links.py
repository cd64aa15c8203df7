"""A person says which order a payment or a payout line belongs to, where no name of the provider says it."""

from orders.models import Order, Payment, PayoutLine
from profiles.actions import audit, settlement
from profiles.actors import Actor, Invalid, Refusal


class AlreadyLinked(Refusal):
    """It belongs to an order already."""

    title = "Already linked"


def link(fact: Payment | PayoutLine, order: Order, *, by: Actor, because: str) -> None:
    """Give a payment or payout line its order and have that settled. Raises AlreadyLinked or Invalid."""
    by.require("reconcile")
    reason = audit.require_reason(because)
    model = type(fact)
    row: Payment | PayoutLine = model._base_manager.select_for_update(of=("self",), no_key=True).get(pk=fact.pk)
    noun = "payment" if isinstance(row, Payment) else "payout line"
    if row.order_id is not None:
        raise AlreadyLinked(f"This {noun} belongs to an order already.")
    if row.test != order.test:
        raise Invalid("One of them is a test and the other is not: they never belong together.")
    row.order = order
    row.save(update_fields=["order"])
    settlement.request(order.organization_id, orders=[order.pk])
    audit.record(
        f"{model._meta.model_name}.linked",
        by=by,
        subject=row,
        because=reason,
        order_id=order.pk,
        profile_id=order.profile_id,
    )

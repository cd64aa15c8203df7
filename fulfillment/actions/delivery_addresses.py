"""Where an order's mail goes: another address by a person's word, for that order alone."""

from fulfillment.models import Email
from orders.models import Order
from profiles import identifiers
from profiles.actions import audit, settlement
from profiles.actors import Actor, Invalid


def change(order: Order, to: str, *, by: Actor, because: str) -> Order:
    """Send this order's mail elsewhere; the facts and the customer's own address stay as they are."""
    by.require("change_delivery_email")
    reason = audit.require_reason(because)
    usable = identifiers.mailable(to)
    if not usable:
        raise Invalid("That is not one usable e-mail address.")
    order = Order.objects.select_for_update(of=("self",), no_key=True).get(pk=order.pk)
    order.delivery_email = usable
    order.save(update_fields=["delivery_email"])
    Email.objects.filter(order=order, state=Email.State.QUEUED).update(to=usable)
    settlement.request(order.organization_id, orders=[order.pk])
    audit.record(
        "order.delivery_email_changed",
        by=by,
        subject=order,
        because=reason,
        order_id=order.pk,
        profile_id=order.profile_id,
    )
    return order

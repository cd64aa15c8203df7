"""A receipt that is sent once more because a person asked for it (SPEC SUP-3)."""

from fulfillment.actions import emails, own_words, phrasing
from fulfillment.models import Email, Entitlement
from orders.models import Line, Order
from profiles import identifiers
from profiles.actions import audit, settlement
from profiles.actors import Actor, Refusal


class NoReceipt(Refusal):
    """There is no receipt to send for this order."""

    title = "No receipt"


def cannot(order: Order) -> str:
    """Why no receipt can be sent; '' if one can."""
    if order.payment_status not in emails.PAID or order.cancelled:
        return "Only a paid order has a receipt."
    return "" if identifiers.mailable(order.mail_to) else "There is no usable e-mail address on record."


def resend(order: Order, *, by: Actor, because: str, key: str) -> Email:
    """Mail the receipt again, with new links where there is something to download; `key` makes a double press one.

    Raises NoReceipt where the order is not paid or has no address.
    """
    by.require("resend")
    reason = audit.require_reason(because)
    effect = f"receipt:{order.pk}:{key}"[:160]
    if known := Email.objects.filter(effect_key=effect).first():
        return known
    if sentence := cannot(order):
        raise NoReceipt(sentence)
    lines = list(Line.objects.filter(order=order, removed=False).select_related("product").order_by("position"))
    rights = Entitlement.objects.filter(order=order, status__in=Entitlement.DOWNLOADABLE)
    group = list(rights.select_related("product", "profile", "organization", "order__channel").order_by("pk"))
    if group:
        return emails.resend_all(group, by=by, because=reason, effect=effect, lines=lines)
    letter = own_words.write(phrasing.of_order(Email.Template.RECEIPT, order.organization, order, lines=lines))
    row = emails.draft(
        effect,
        Email.Template.RECEIPT,
        identifiers.mailable(order.mail_to) or "",
        letter,
        about=f"{order.channel.label}/{order.external_id}",
        order=order,
        organization_id=order.organization_id,
    )
    row.by_person = by.is_person
    row.save(force_insert=True)
    settlement.wake(order.organization_id)
    audit.record("email.resent", by=by, subject=row, because=reason, profile_id=order.profile_id, order_id=order.pk)
    return row

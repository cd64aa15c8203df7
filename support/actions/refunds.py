"""Giving money back, within a person's limit at once, above it with a second person's yes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from fulfillment.models import Entitlement
from orders import money
from orders.actions import refund_requests
from orders.models import Order, RefundRequest
from profiles import identifiers
from profiles.actors import Actor
from support import limits
from support.actions import approvals
from support.models import Approval


@dataclass(frozen=True, slots=True)
class Asked:
    """The request, and the question it waits for, if it waits for one."""

    request: RefundRequest
    approval: Approval | None = None


def ask(
    order: Order,
    *,
    amount_minor: int | None,
    lines: Mapping[str, int] | None = None,
    by: Actor,
    because: str,
    key: str,
    will: Sequence[str] = (),
) -> Asked:
    """Refund this order; the same `key` again is the same request.

    Over the organization's limit it waits for a second person. Raises what `refund_requests.request` does.
    """
    by.require("refund")
    order = refund_requests.lock(order.pk)
    if known := RefundRequest.objects.filter(key=key).first():
        return Asked(known, Approval.objects.filter(key=f"refund:{key}").first())
    held = alone = False
    if by.role != "system":
        held = is_over(order, amount_minor, lines or {})
        alone = held and not approvals.others(Approval.Kind.REFUND, by)
    row = refund_requests.request(
        order, amount_minor=amount_minor, lines=lines, by=by, because=because, key=key, held=held and not alone
    )
    if alone:
        approvals.note_alone(row, by=by, order_id=order.pk)
    if row.state != RefundRequest.State.AWAITING:
        return Asked(row)
    sum_ = f"{money.to_text(row.amount_minor, row.currency)} {row.currency}"
    question = approvals.ask(
        Approval.Kind.REFUND,
        key=f"refund:{key}",
        title=f"Refund {sum_} of order {order}",
        will=[f"{sum_} go back to the customer.", *will],
        arguments={"request": row.pk, "order": order.pk, "amount": sum_},
        by=by,
        because=because,
        organization_id=order.organization_id,
        order=order,
    )
    return Asked(row, question)


def effects(order: Order, amount_minor: int | None, lines: Mapping[str, int]) -> list[str]:
    """What this refund would do, in numbers. Raises what asking for it would."""
    room = refund_requests.room(order)
    sum_ = refund_requests.derived(order, lines, amount_minor)
    shown = f"{money.to_text(sum_, order.currency)} of {money.to_text(room.left, order.currency)} {order.currency}"
    if refund_requests.by_hand(order.channel):
        found = [f"{shown} are recorded as paid back by hand: nobody is called, you have paid it yourself."]
    else:
        name = order.channel.get_kind_display()
        found = [f"{shown} go back to the customer by {name}, once, whatever the network does."]
    everything = sum_ == room.captured - room.refunded - room.lost
    told = identifiers.mailable(order.mail_to)
    found.append(_access(order, lines, everything=everything))
    found.append("1 mail tells the customer, once it is made." if told else "No mail goes out: there is no address.")
    return found


def _access(order: Order, lines: Mapping[str, int], *, everything: bool) -> str:
    """What becomes of the customer's access."""
    rights = Entitlement.objects.filter(order=order, status__in=Entitlement.DOWNLOADABLE).select_related(
        "product", "line"
    )
    held = [right for right in rights if right.line is not None]
    if everything:
        ending = [right.product.title for right in held]
    elif not lines:
        return "No line is named: access stays, and the order asks somebody to decide what the refund covers."
    else:
        whole = [right for right in held if right.line and lines.get(right.line.external_id, 0) >= right.line.quantity]
        ending = [right.product.title for right in whole]
    if not ending:
        return "No access ends: the customer holds none of what it covers."
    named = ", ".join(ending[:3]) + (f" and {len(ending) - 3} more" if len(ending) > 3 else "")
    count = order.lines.filter(removed=False).count()
    covered = "All lines are covered" if everything else f"{len(lines)} of {count} lines covered"
    return f"{covered}: access to {named} ends, and its links die."


def is_over(order: Order, amount_minor: int | None, lines: Mapping[str, int]) -> bool:
    """Whether this sum needs a second person; what was asked for the order before counts, so that slices do too."""
    terms = approvals.limits_of(order.organization)
    if amount_minor is None:
        amount_minor = refund_requests.derived(order, lines)
    before = RefundRequest.objects.filter(order=order).exclude(
        state__in=[RefundRequest.State.FAILED, RefundRequest.State.CANCELLED]
    )
    total = amount_minor + sum(before.values_list("amount_minor", flat=True))
    base = order.organization.currency
    rate = Decimal(1) if order.currency == base else order.base_rate
    return limits.refund_is_over(terms, total, rate=rate, places=money.exponent(base))

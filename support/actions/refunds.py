"""Giving money back, within a person's limit at once, above it with a second person's yes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from orders import money
from orders.actions import refund_requests
from orders.models import Order, RefundRequest
from profiles.actions import audit
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
        audit.record("approval.nobody_else", by=by, subject=row, because=approvals.ALONE, order_id=order.pk)
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

"""Bought services: opened by the facts, filled in by the customer, moved on by a person."""

from collections.abc import Mapping, Sequence
from typing import Any

from fulfillment import intakes, tokens
from fulfillment.actions import entitlements
from fulfillment.actions.unsubscribes import Issued
from fulfillment.models import IntakeForm, PageRoute, Service
from orders.actions.statuses import Money
from orders.messages import DisputeStatus, RefundStatus
from orders.models import Line, Order, Product
from profiles import bulk, clock
from profiles.actions import audit
from profiles.actors import Actor, Invalid, Refusal

State = Service.State
PAID = (Order.PaymentStatus.PAID, Order.PaymentStatus.PARTIALLY_REFUNDED)


class NotNow(Refusal):
    """The service is not at the point at which this can be done."""

    title = "Not possible now"


def settle(orders: Sequence[Order], lines: Sequence[Line], facts: Mapping[int, Money]) -> None:
    """Open a service for each paid line of one, end those that were refunded, and open those again whose money stands.

    A service on which a person worked is ended by its order's end too, and comes back as ready.
    """
    by_id = {order.pk: order for order in orders}
    known = {row.source_key: row for row in Service.objects.filter(order__in=list(by_id))}
    now, fresh, changed = clock.now(), [], []
    for line in lines:
        order = by_id[line.order_id]
        row = known.get(key_of(line))
        stands = line.product is not None and line.product.kind == Product.Kind.SERVICE and _stands(line, order, facts)
        if row is None and stands and line.product is not None and order.profile_id:
            fresh.append(
                Service(
                    organization_id=order.organization_id,
                    source_key=key_of(line),
                    profile_id=order.profile_id,
                    order=order,
                    line=line,
                    product=line.product,
                    state=State.INTAKE,
                    created_at=now,
                    changed_at=now,
                )
            )
        elif row is not None:
            former = (row.state, row.profile_id)
            row.profile_id = order.profile_id or row.profile_id
            if not stands:
                row.state = State.ENDED
            elif row.state == State.ENDED:
                row.state = State.READY if row.answered_at else State.INTAKE
            if former != (row.state, row.profile_id):
                row.changed_at = now
                changed.append(row)
    bulk.insert(Service, fresh)
    bulk.update(Service, changed, ["state", "profile", "changed_at"])


def key_of(line: Line) -> str:
    """By what a line's service is known."""
    return f"line:{line.pk}"


def _stands(line: Line, order: Order, facts: Mapping[int, Money]) -> bool:
    known = facts[order.pk]
    if order.payment_status not in PAID or order.cancelled or line.removed:
        return False
    if any(one.status == DisputeStatus.OPENED for one in known.disputes):
        return False
    return not entitlements.covered(line, known, RefundStatus.SUCCEEDED)


# The customer's form ----------------------------------------------------------------------------------------------


def issue(services: Sequence[Service]) -> dict[int, Issued]:
    """A new address of the form for each of these, by its id: one statement. Former ones stay good."""
    made = {row.pk: Issued(tokens.make(), "intake") for row in services}
    rows = [
        PageRoute(digest=tokens.digest(made[row.pk].secret), organization_id=row.organization_id, service_id=row.pk)
        for row in services
    ]
    bulk.insert(PageRoute, rows)
    return made


def questions_of(product_id: int) -> tuple[intakes.Question, ...]:
    """What is asked for a product: its own form's questions, else the usual ones."""
    kept = IntakeForm.objects.filter(product=product_id).values_list("questions", flat=True).first()
    return intakes.read(kept or ())


def answer(service: Service, given: Sequence[str], *, by: Actor) -> Service:
    """Take the customer's answers, which may be changed until the work starts. Raises NotNow or intakes.Unusable."""
    row = Service.objects.select_for_update(no_key=True).get(pk=service.pk)
    if row.state not in (State.INTAKE, State.READY):
        raise NotNow("The work has begun, so that the answers stay as they are. Write to us if something changed.")
    kept = intakes.check(questions_of(row.product_id), given)
    if row.answers == kept:
        return row
    now = clock.now()
    row.answers, row.answered_at, row.changed_at, row.state = kept, now, now, State.READY
    row.save(update_fields=["answers", "answered_at", "changed_at", "state"])
    audit.record("service.answered", by=by, subject=row, profile_id=row.profile_id, order_id=row.order_id)
    return row


# What a person does -----------------------------------------------------------------------------------------------


def move(service: Service, to: str, *, by: Actor, because: str) -> Service:
    """Start the work, finish it, or take either back. Raises NotNow. Its inverse is the move back."""
    by.require("retry")
    reason = audit.require_reason(because)
    row = Service.objects.select_for_update(no_key=True).get(pk=service.pk)
    former = State(row.state)
    if to == State.ENDED or State(to) not in Service.TRANSITIONS[former] or former == State.ENDED:
        raise NotNow(f"It is {former.label.lower()}: it cannot become {State(to).label.lower()} from there.")
    row.state, row.changed_at = to, clock.now()
    row.save(update_fields=["state", "changed_at"])
    audit.record(
        "service.moved",
        by=by,
        subject=row,
        because=reason,
        profile_id=row.profile_id,
        order_id=row.order_id,
        details={"before": str(former), "after": str(to)},
    )
    return row


def ask(product: Product, text: str, *, by: Actor, because: str) -> int:
    """Say what is asked for a product, one question a line (`intakes.parse`); none brings the usual ones back.

    Returns how many questions are asked now.
    """
    by.require("manage_policies")
    reason = audit.require_reason(because)
    try:
        questions = intakes.parse(text)
    except intakes.Unusable as fault:
        raise Invalid(str(fault)) from None
    kept: list[dict[str, Any]] = [one.as_kept() for one in questions]
    IntakeForm.objects.update_or_create(
        organization_id=product.organization_id, product=product, defaults={"questions": kept}
    )
    audit.record("intake_form.changed", by=by, subject=product, because=reason, details={"questions": len(kept)})
    return len(intakes.read(kept))

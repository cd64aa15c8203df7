"""Services: those bought are opened by the facts; the customer fills in the form, a person moves them on."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from fulfillment import intakes, tokens
from fulfillment.actions import entitlements
from fulfillment.actions.unsubscribes import Issued
from fulfillment.models import IntakeForm, PageRoute, Service
from fulfillment.queries import grants
from orders.actions.statuses import Money
from orders.messages import DisputeStatus, RefundStatus
from orders.models import Line, Order, Product
from orders.queries import bundles
from orders.queries.bundles import Part
from profiles import bulk, clock
from profiles.actions import audit
from profiles.actors import Actor, Invalid, NotFound, Refusal
from profiles.prepared_queries import PreparedQuery

State, Source = Service.State, Service.Source
PAID = (Order.PaymentStatus.PAID, Order.PaymentStatus.PARTIALLY_REFUNDED)

_OF_LINES = PreparedQuery(
    lambda orders: Service.objects.filter(order__in=orders, source__in=Service.OF_LINES).order_by("pk")
)


class NotNow(Refusal):
    """The service is not at the point at which this can be done."""

    title = "Not possible now"


def settle(orders: Sequence[Order], lines: Sequence[Line], facts: Mapping[int, Money]) -> None:
    """Open what paid lines are about, end what was refunded, and open that again whose money stands.

    A line of a service opens it, a line of a bundle each service in it (`_lacking`). A service on which a person worked
    is ended by its order's end too, and comes back as ready. What was given by hand is nobody's but theirs.
    """
    by_id = {order.pk: order for order in orders}
    known: dict[int, list[Service]] = {}
    for row in _OF_LINES(by_id):
        known.setdefault(row.line_id or 0, []).append(row)
    bundled = [line for line in lines if entitlements.is_bundle(line)]
    inside, since = bundles.parts(line.product_id or 0 for line in bundled), grants.since(bundled)
    now, fresh, changed = clock.now(), [], []
    for line in lines:
        order, held = by_id[line.order_id], known.pop(line.pk, [])
        stands = _stands(line, order, facts)
        if stands and order.profile_id:
            lacking = _lacking(line, held, inside, since.get(line.pk))
            fresh += [of_line(line, product, order.profile_id, State.INTAKE, now) for product in lacking]
        changed += [row for row in held if _agree(row, order, stands and _fits(row, line), now)]
    for held in known.values():
        changed += [row for row in held if _agree(row, by_id[row.order_id or 0], False, now)]
    bulk.insert(Service, fresh)
    bulk.update(Service, changed, ["state", "profile", "changed_at"])


def _lacking(
    line: Line, held: Sequence[Service], inside: Mapping[int, Sequence[Part]], since: datetime | None
) -> list[Product]:
    """The services this line is about and did not open yet: its own, or those in its bundle.

    Of a bundle that gave anything before, those that were in it then.
    """
    if line.product is None:
        return []
    if not entitlements.is_bundle(line):
        owed = line.product.kind == Product.Kind.SERVICE and all(row.source != Source.ORDER for row in held)
        return [line.product] if owed else []
    known = {row.product_id for row in held if row.source == Source.BUNDLE}
    return [
        part.product
        for part in inside.get(line.product.pk, ())
        if part.product.kind == Product.Kind.SERVICE
        and part.product.pk not in known
        and (since is None or part.since <= since)
    ]


def of_line(line: Line, product: Product, profile_id: int, state: str, now: datetime) -> Service:
    """One that is not kept yet: of a line's own product, or of a part of its bundle."""
    bundled = entitlements.is_bundle(line)
    return Service(
        organization_id=line.organization_id,
        source=Source.BUNDLE if bundled else Source.ORDER,
        source_key=f"line:{line.pk}:{product.pk}" if bundled else f"line:{line.pk}",
        profile_id=profile_id,
        order_id=line.order_id,
        line=line,
        product=product,
        state=state,
        changed_at=now,
    )


def _fits(row: Service, line: Line) -> bool:
    """Whether the line is still about what this came from: its kind may have been mapped anew."""
    kind = Product.Kind.BUNDLE if row.source == Source.BUNDLE else Product.Kind.SERVICE
    return line.product is not None and line.product.kind == kind


def _agree(row: Service, order: Order, stands: bool, now: datetime) -> bool:
    """Make a service agree with its line; true if anything changed."""
    former = (row.state, row.profile_id)
    row.profile_id = order.profile_id or row.profile_id
    if not stands:
        row.state = State.ENDED
    elif row.state == State.ENDED:
        row.state = again(row)
    if former == (row.state, row.profile_id):
        return False
    row.changed_at = now
    return True


def again(row: Service) -> str:
    """At which point a service that was ended goes on."""
    return State.READY if row.answered_at else State.INTAKE


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


def open_form(profile_id: int, service_id: int) -> Issued:
    """An address of the form of one of this customer's services, for themselves. Raises NotFound."""
    row = Service.objects.filter(pk=service_id, profile=profile_id).first()
    if row is None:
        raise NotFound("There is no such service in this library.")
    return issue([row])[row.pk]


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

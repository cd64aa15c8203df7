"""Asking for money back: what may be refunded, the request that is kept, and what a person decides about it later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orders import money
from orders.actions import facts, statuses
from orders.actions.statements import Said
from orders.messages import DisputeStatus, RefundMessage, RefundStatus
from orders.models import Channel, Line, Order, RefundRequest
from orders.providers import REFUNDERS
from orders.queries import refunding
from profiles import clock
from profiles.actions import audit, settlement
from profiles.actors import Actor, Invalid, Refusal

State = RefundRequest.State
GIVEN_BACK = (RefundStatus.SUCCEEDED, RefundStatus.PENDING)


class NotPaid(Refusal):
    title = "Nothing to give back"


class TooMuch(Invalid):
    """More than is left of what was paid."""

    status = 422
    title = "More than is left"


class NotConnected(Refusal):
    title = "The provider cannot be called"


class NotAllowed(Refusal):
    """The request's state does not allow this."""


@dataclass(frozen=True, slots=True)
class Room:
    """What can still be given back of an order, in its currency's minor units."""

    captured: int
    refunded: int
    pending: int
    lost: int
    asked: int
    covered: Mapping[str, int]
    """How many of each line (by its external id) are refunded already, or asked for."""

    @property
    def left(self) -> int:
        return max(0, self.captured - self.refunded - self.pending - self.lost - self.asked)


def room(order: Order) -> Room:
    """What is left, by the facts known now, settled or not, and by the requests that are open."""
    known = statuses.read_money([order])[order.pk]
    statuses.convert(order, known.refunds)
    asked = list(RefundRequest.objects.filter(order=order, state__in=RefundRequest.OPEN))
    covered: dict[str, int] = {}
    named = [row.covered_lines for row in known.refunds if row.status in GIVEN_BACK]
    for line in refunding.lines([one for lines in [*named, *(row.covered_lines for row in asked)] for one in lines]):
        covered[line.line_external_id] = covered.get(line.line_external_id, 0) + line.quantity
    return Room(
        captured=statuses.captured(order, known),
        refunded=sum(r.order_minor or 0 for r in known.refunds if r.status == RefundStatus.SUCCEEDED),
        pending=sum(r.order_minor or 0 for r in known.refunds if r.status == RefundStatus.PENDING),
        lost=sum(d.amount_minor for d in known.disputes if d.status == DisputeStatus.LOST),
        asked=sum(row.amount_minor for row in asked),
        covered=covered,
    )


def by_hand(channel: Channel) -> bool:
    """Whether nobody is called: what was paid back by hand is only told."""
    return channel.kind not in REFUNDERS


def obstacle(channel: Channel) -> str:
    """Why the channel's provider cannot be called for a refund, and what to do; "" if it can.

    A channel that makes no calls by itself makes the one a person asked for, where it has credentials.
    """
    if by_hand(channel):
        return ""
    refunder = REFUNDERS[channel.kind]
    if lacking := refunder.lacking(refunding.credentials(channel)):
        return (
            f"{channel.label} has no credential {lacking}: an engineer connects the channel again with it."
            f" Or refund in {refunder.name}'s own desk; it is recorded here by itself."
        )
    return ""


def amount(text: object, currency: str) -> int:
    """Minor units of an amount as somebody typed it: plain digits, above zero. Raises Invalid."""
    if not isinstance(text, str):
        raise Invalid('amount: give it as text, such as "10.00"; leave it out for the rest.')
    try:
        minor = money.to_minor(text.strip(), currency)
    except money.MoneyError as error:
        raise Invalid(f"amount: {error}") from error
    if minor <= 0:
        raise Invalid("amount: it must be above zero.")
    return minor


def request(
    order: Order,
    *,
    amount_minor: int | None,
    lines: Mapping[str, int] | None = None,
    by: Actor,
    because: str,
    key: str,
    held: bool = False,
) -> RefundRequest:
    """Ask for one refund; the same `key` again is the same request.

    `lines` are external ids of the order's lines with how many of each. Without an amount it is that of the lines, or
    all that is left. `held`: it waits for a second person. Raises Invalid, NotPaid, TooMuch, NotConnected.
    """
    by.require("refund")
    reason = audit.require_reason(because)
    if known := RefundRequest.objects.filter(key=key).first():
        return known
    order = lock(order.pk)
    row = RefundRequest(organization_id=order.organization_id, order=order, key=key, currency=order.currency)
    if known := RefundRequest.objects.filter(key=key).first():
        return known
    left = room(order)
    row.amount_minor, row.covered_lines = _wanted(order, left, amount_minor, lines or {})
    row.reason, row.by, row.by_user_id = reason, by.label[:200], by.user_id
    row.created_at = row.due_at = clock.now()
    row.state = State.AWAITING if held else State.QUEUED
    _check(row, order)
    row.save(force_insert=True)
    _audit("refund.requested", row, by, reason, held=held)
    if not held:
        _send(row, order)
    return row


def release(row: RefundRequest, *, by: Actor, because: str) -> RefundRequest:
    """A second person said yes: send it. Raises NotAllowed, TooMuch, NotConnected."""
    reason = audit.require_reason(because)
    row, order = _locked(row)
    change(row, State.QUEUED)
    known = room(order)
    if row.amount_minor > known.captured - known.refunded - known.pending - known.lost:
        raise TooMuch("Meanwhile less is left of the order than this refund: decline it.")
    _check(row, order)
    row.due_at = clock.now()
    row.save(update_fields=["state", "due_at"])
    _audit("refund.released", row, by, reason)
    _send(row, order)
    return row


def again(row: RefundRequest, *, by: Actor, because: str) -> RefundRequest:
    """Try a refused or silent one now. Raises NotAllowed, TooMuch, NotConnected."""
    by.require("refund")
    reason = audit.require_reason(because)
    row, order = _locked(row)
    former = row.state
    if former not in (State.FAILED, State.UNKNOWN, State.QUEUED):
        raise NotAllowed(f"It is {row.get_state_display().lower()}: there is nothing to try again.")
    if former == State.FAILED:
        if row.amount_minor > room(order).left:
            raise TooMuch("Meanwhile less is left of the order than this refund.")
        if not row.doubtful:
            # Providers repeat a refusal for a key they know; nothing was made under this one.
            row.reference = RefundRequest._meta.get_field("reference").get_default()
    _check(row, order)
    if former != State.QUEUED:
        change(row, State.QUEUED)
    row.attempts, row.due_at, row.last_error, row.done_at = 0, clock.now(), "", None
    row.save(update_fields=["state", "attempts", "due_at", "last_error", "done_at", "reference"])
    settlement.wake(row.organization_id)
    _audit("refund.tried_again", row, by, reason)
    return row


def cancel(row: RefundRequest, *, by: Actor, because: str) -> RefundRequest:
    """Give it up: nothing more is sent. Raises NotAllowed where it is on its way or made."""
    by.require("refund")
    return withdraw(row, by=by, because=because)


def withdraw(row: RefundRequest, *, by: Actor, because: str) -> RefundRequest:
    """As `cancel`, where another right than to refund decides. Raises NotAllowed."""
    reason = audit.require_reason(because)
    row, _ = _locked(row)
    change(row, State.CANCELLED)
    row.done_at, row.last_error = clock.now(), row.last_error or reason[:500]
    row.save(update_fields=["state", "done_at", "last_error"])
    _audit("refund.given_up", row, by, reason)
    return row


def change(row: RefundRequest, state: str) -> None:
    """The one way through the transition table; raises NotAllowed. The caller saves."""
    if state not in RefundRequest.TRANSITIONS[State(row.state)]:
        words = f"{row.get_state_display().lower()} cannot become {State(state).label.lower()}"
        raise NotAllowed(f"A refund that is {words}.")
    row.state = state


def derived(order: Order, lines: Mapping[str, int], amount_minor: int | None = None) -> int:
    """What a request asks for: this amount, else the sum of these lines, else all that is left. Raises as `request`."""
    return _wanted(order, room(order), amount_minor, lines)[0]


def _wanted(order: Order, left: Room, amount_minor: int | None, lines: Mapping[str, int]) -> tuple[int, list[str]]:
    """The sum and the lines of a request, checked against what is left."""
    if order.payment_status in (Order.PaymentStatus.UNPAID, Order.PaymentStatus.FAILED) and not left.captured:
        raise NotPaid("Nothing was paid for this order, as far as is known.")
    if not left.left:
        raise NotPaid("Nothing is left to give back: all of it is refunded, disputed or asked for already.")
    rows = {line.external_id: line for line in Line.objects.filter(order=order, removed=False)}
    of_lines = 0
    for external_id, quantity in lines.items():
        line = rows.get(external_id)
        if line is None:
            raise Invalid(f"lines: {external_id[:60]!r} is no line of this order.")
        free = line.quantity - left.covered.get(external_id, 0)
        if not 0 < quantity <= line.quantity:
            raise Invalid(f"lines: of {line} there are 1 to {line.quantity}, not {quantity}.")
        if quantity > free:
            raise TooMuch(f"{line}: {'it is' if line.quantity == 1 else 'so many are'} refunded or asked for already.")
        of_lines += share(order, list(rows.values()), line, quantity)
    if amount_minor is None:
        amount_minor = min(of_lines, left.left) if lines else left.left
    if amount_minor <= 0:
        raise Invalid("amount: it must be above zero.")
    if amount_minor > left.left:
        rest = f"{money.to_text(left.left, order.currency)} {order.currency}"
        raise TooMuch(f"Only {rest} {'are' if left.left != 1 else 'is'} left to give back.")
    return amount_minor, [f"{external_id}×{quantity}" for external_id, quantity in lines.items()]


def share(order: Order, lines: Sequence[Line], line: Line, quantity: int) -> int:
    """What so many of a line cost the customer, its share of the tax included where the prices are without tax."""
    of_line = money.convert(quantity, of=line.quantity, into=line.total_minor)
    everything = sum(one.total_minor for one in lines)
    outside = order.total_minor - order.shipping_minor - everything
    if everything and order.tax_minor > 0 and outside == order.tax_minor:
        of_line += money.convert(of_line, of=everything, into=order.tax_minor)
    return of_line


def _check(row: RefundRequest, order: Order) -> None:
    if sentence := obstacle(order.channel):
        raise NotConnected(sentence)
    if not by_hand(order.channel):
        try:
            row.order = order
            REFUNDERS[order.channel.kind].check(*refunding.wanted([row]))
        except ValueError as error:
            raise Invalid(str(error)) from error


def _send(row: RefundRequest, order: Order) -> None:
    """Have the provider called soon; where nobody is called, the fact is told now."""
    if not by_hand(order.channel):
        settlement.wake(row.organization_id)
        return
    message = _told(row, order)
    recorded = facts.record([Said(order.channel, message)], organization=order.organization)
    settlement.request(row.organization_id, orders=recorded.orders | {order.pk})
    row.state, row.provider_refund_id, row.done_at = State.DONE, message.external_id, clock.now()
    row.save(update_fields=["state", "provider_refund_id", "done_at"])


def _told(row: RefundRequest, order: Order) -> RefundMessage:
    """The fact that money was paid back by hand."""
    now = row.created_at or clock.now()
    return RefundMessage(
        external_id=f"by-hand-{row.reference}",
        order_external_id=order.external_id,
        amount_minor=row.amount_minor or 0,
        currency=order.currency,
        status=RefundStatus.SUCCEEDED,
        rank=1,
        refunded_at=now,
        version=now,
        reason=row.reason[:500],
        lines=tuple(refunding.lines(row.covered_lines)),
        test=order.test,
    )


def lines_of(given: Sequence[tuple[str, int | None]], order: Order) -> dict[str, int]:
    """Lines named by SKU or by the channel's own id, with how many (None: all of it). Raises Invalid."""
    rows = list(Line.objects.filter(order=order, removed=False).order_by("position", "pk"))
    found: dict[str, int] = {}
    for name, quantity in given:
        named = [line for line in rows if name and name in (line.external_id, line.sku)]
        named = [line for line in named if line.external_id not in found] or named
        if not named or named[0].external_id in found:
            raise Invalid(f"lines: {name[:60]!r} is no line of this order, or stands there twice.")
        found[named[0].external_id] = named[0].quantity if quantity is None else quantity
    return found


def _locked(row: RefundRequest) -> tuple[RefundRequest, Order]:
    order = lock(row.order_id)
    return RefundRequest.objects.select_for_update(no_key=True).get(pk=row.pk), order


def lock(order_id: int) -> Order:
    """The order, held: whatever is asked for one order at once is decided one after the other."""
    orders = Order.objects.select_related("channel", "organization")
    order = orders.get(pk=order_id)
    if by_hand(order.channel):
        # In the order in which everybody takes them: the names of facts before the rows of orders.
        facts.lock([Said(order.channel, _told(RefundRequest(order=order), order))])
    # No key: what is written beside it about the order (a mail, say) need not wait for us, nor we for it.
    return orders.select_for_update(of=("self",), no_key=True).get(pk=order_id)


def _audit(action: str, row: RefundRequest, by: Actor, because: str, **details: object) -> None:
    audit.record(
        action,
        by=by,
        subject=row,
        because=because,
        order_id=row.order_id,
        profile_id=row.order.profile_id,
        details={"amount": money.to_text(row.amount_minor, row.currency), "currency": row.currency, **details},
    )

"""What staff alter of who a customer is, with a second person's yes: a merge of two who paid, a new address."""

from collections.abc import Sequence

from fulfillment.actions import email_changes
from fulfillment.models import EmailChange
from orders.models import Order
from profiles import clock
from profiles.actions import audit, merges
from profiles.actors import Actor, Invalid
from profiles.models import Merge, Profile
from support.actions import approvals
from support.models import Approval

PAID = (Order.PaymentStatus.PAID, Order.PaymentStatus.PARTIALLY_REFUNDED, Order.PaymentStatus.DISPUTED)


def merge(one: int, other: int, *, by: Actor, because: str, verified: Sequence[str], key: str) -> Merge | Approval:
    """Merge at once, or ask a second person: what waits for one is not asked again, whoever presses.

    `key` is the press. Raises what merging does.
    """
    by.require("merge")
    reason = audit.require_reason(because)
    found = list(Profile.objects.select_related("organization").filter(pk__in=[one, other]))
    over = len(found) == 2 and approvals.limits_of(found[0].organization).merge and both_paid(one, other)
    if over and approvals.others(Approval.Kind.MERGE, by):
        if len({point.strip() for point in verified if point.strip()}) < merges.VERIFIED_AT_LEAST:
            raise Invalid("Name at least two different data points you verified.")
        low, high = (profile.pk for profile in merges.both(one, other))
        return asked(low, high) or approvals.ask(
            Approval.Kind.MERGE,
            key=f"merge:{key}",
            title=f"Merge customer {high} into customer {low}",
            will=[f"Both have paid orders: {_orders(low)} and {_orders(high)}.", "Undo puts every row back."],
            arguments={"one": low, "other": high, "verified": [str(point)[:200] for point in verified]},
            by=by,
            because=reason,
            organization_id=found[0].organization_id,
        )
    made = merges.merge_by_staff(one, other, by=by, because=reason, verified=verified)
    if over:
        approvals.note_alone(made, by=by)
    return made


def asked(one: int, other: int) -> Approval | None:
    """The question whether these two are merged, where it waits for a second person."""
    low, high = sorted((one, other))
    waiting = Approval.objects.filter(state=Approval.State.WAITING, expires_at__gt=clock.now())
    pair = waiting.filter(kind=Approval.Kind.MERGE, arguments__one=low, arguments__other=high)
    return pair.order_by("asked_at", "pk").first()


def change_email(
    profile: Profile,
    to: str,
    *,
    by: Actor,
    because: str,
    points: Sequence[str],
    moves_orders: bool,
    key: str,
) -> EmailChange | Approval:
    """Begin a change of a customer's own address, or ask a second person first. Raises what beginning does."""
    by.require("change_email")
    reason = audit.require_reason(because)
    over = approvals.limits_of(profile.organization).email_change
    if over and approvals.others(Approval.Kind.EMAIL_CHANGE, by):
        email_changes.check(profile, to, points=points)
        return approvals.ask(
            Approval.Kind.EMAIL_CHANGE,
            key=f"email_change:{key}",
            title=f"Change the address of customer {profile.pk}",
            will=[
                "1 code goes to the new address, 1 notice to the former one.",
                "The customer finishes it, or stops it.",
            ],
            arguments={"profile": profile.pk, "moves_orders": moves_orders},
            held={"to": to, "points": [str(point)[:200] for point in points]},
            by=by,
            because=reason,
            organization_id=profile.organization_id,
        )
    made = email_changes.start_by_staff(profile, to, by=by, because=reason, points=points, moves_orders=moves_orders)
    if over:
        approvals.note_alone(made, by=by)
    return made


def both_paid(one: int, other: int) -> bool:
    """Whether each of these customers has an order that was paid, tests left out."""
    rows = Order.objects.filter(profile__in=[one, other], payment_status__in=PAID, test=False)
    return rows.order_by().values("profile").distinct().count() == 2


def _orders(profile_id: int) -> str:
    count = Order.objects.filter(profile=profile_id, payment_status__in=PAID).count()
    return f"{count} of customer {profile_id}"

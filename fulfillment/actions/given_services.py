"""Services a person gives without payment: opened, followed like bought ones, withdrawn, and given again."""

from django.db.models import QuerySet

from fulfillment import followups as rules
from fulfillment.actions import emails, followups, services
from fulfillment.followups import Why
from fulfillment.models import Followup, Service
from orders.models import Order, Product
from profiles import bulk, clock
from profiles.actions import audit
from profiles.actors import Actor, Invalid, Refusal
from profiles.models import Profile

State, Source = Service.State, Service.Source


class NotGiven(Refusal):
    """It came with a purchase, which only its money ends."""

    title = "It was bought"


class NotStanding(Refusal):
    """It was withdrawn already, or was never withdrawn."""

    title = "Nothing to change"


def give(
    profile: Profile, product: Product, *, by: Actor, because: str, key: str, order: Order | None = None
) -> Service:
    """Open a service for a customer, with its kick-off and form; `key` makes a repeated press give once.

    Given on an order it is still no part of it: its money neither opens nor ends it, but mail goes where the order's
    goes. Raises Invalid for any other kind of product. Inverse: withdraw.
    """
    by.require("grant")
    reason = audit.require_reason(because)
    if product.kind != Product.Kind.SERVICE:
        raise Invalid(f"{product.sku} is no service: grant it as a product.")
    row, created = Service.objects.get_or_create(
        organization_id=profile.organization_id,
        source_key=f"manual:{key}"[:80],
        defaults={
            "source": Source.MANUAL,
            "profile": profile,
            "order": order,
            "product": product,
            "state": State.INTAKE,
            "because": f"Given by {by.label}: {reason}"[:300],
            "changed_at": clock.now(),
        },
    )
    if created:
        bulk.insert(Followup, _plan(row, profile))
        _audit("service.given", row, by, reason)
    return row


def withdraw(service: Service, *, by: Actor, because: str) -> Service:
    """End what was given, and the mails planned for it. Raises NotGiven or NotStanding. Inverse: restore."""
    by.require("revoke")
    reason = audit.require_reason(because)
    row = _locked(service)
    if row.state == State.ENDED:
        raise NotStanding("It is withdrawn already.")
    row.state, row.because, row.changed_at = State.ENDED, f"Withdrawn by {by.label}: {reason}"[:300], clock.now()
    row.save(update_fields=["state", "because", "changed_at"])
    planned = list(_followups(row))
    changed = [one for one in planned if followups.agree(one, row.profile_id, False, Why.WITHDRAWN, row.changed_at)]
    bulk.update(Followup, changed, followups.AGREEING)
    _audit("service.withdrawn", row, by, reason)
    return row


def restore(service: Service, *, by: Actor, because: str) -> Service:
    """Give it again: answers are kept, and what was not sent before is planned anew. Raises NotGiven or NotStanding."""
    by.require("restore")
    reason = audit.require_reason(because)
    row = _locked(service)
    if row.state != State.ENDED:
        raise NotStanding(f"It was not withdrawn: {row.get_state_display().lower()}.")
    row.state, row.because, row.changed_at = services.again(row), f"Given by {by.label}: {reason}"[:300], clock.now()
    row.save(update_fields=["state", "because", "changed_at"])
    policy = rules.read(row.organization.policies)
    stopped = list(_followups(row).filter(state=Followup.State.STOPPED, why=Why.WITHDRAWN))
    for one in stopped:
        one.due_at = row.changed_at + policy.of(rules.Kind(one.kind)).span
    changed = [one for one in stopped if followups.agree(one, row.profile_id, True, Why.WITHDRAWN, row.changed_at)]
    bulk.update(Followup, changed, [*followups.AGREEING, "due_at"])
    _audit("service.restored", row, by, reason)
    return row


def _plan(row: Service, profile: Profile) -> list[Followup]:
    """What is written about it; nothing to customers of made-up shops."""
    made_up = row.order.channel.made_up if row.order else bool(emails.unreal([row]))
    if made_up:
        return []
    now, policy = row.changed_at, rules.read(profile.organization.policies)
    kinds = rules.planned(digital=False, offered=frozenset(), policy=policy)
    of = {"organization_id": row.organization_id, "profile_id": profile.pk, "service": row}
    return [followups.plan(f"{row.given_key}:{kind}", kind, policy, now, **of) for kind in kinds]


def _followups(row: Service) -> QuerySet[Followup]:
    return Followup.objects.filter(service=row).select_for_update(no_key=True).order_by("pk")


def _locked(service: Service) -> Service:
    rows = Service.objects.select_for_update(of=("self",), no_key=True).select_related("organization")
    row = rows.get(pk=service.pk)
    if row.source != Source.MANUAL:
        raise NotGiven("It came with an order: refund or cancel that, and it ends by itself.")
    return row


def _audit(action: str, row: Service, by: Actor, because: str) -> None:
    audit.record(
        action,
        by=by,
        subject=row,
        because=because,
        profile_id=row.profile_id,
        order_id=row.order_id,
        details={"sku": row.product.sku},
    )

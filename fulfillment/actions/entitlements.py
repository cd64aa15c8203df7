"""The right to a product: derived from the money facts of its order, unless a person decided otherwise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fulfillment.actions import emails, jobs, links, mission_logs
from fulfillment.models import Entitlement, MissionEntry
from fulfillment.queries import grants
from orders.actions.statuses import Money, fully
from orders.messages import DisputeStatus, RefundStatus
from orders.models import Line, Order, Product
from orders.queries import bundles
from orders.queries.bundles import Part
from profiles import bulk, clock
from profiles.actions import audit, settlement
from profiles.actors import Actor, Invalid, Refusal
from profiles.models import Profile
from profiles.prepared_queries import PreparedQuery

Status, Source, Decision = Entitlement.Status, Entitlement.Source, Entitlement.Decision
PAID = {
    Order.PaymentStatus.PAID,
    Order.PaymentStatus.PARTIALLY_REFUNDED,
    Order.PaymentStatus.REFUNDED,
    Order.PaymentStatus.DISPUTED,
}
DIGITAL = Product.DIGITAL

_OF_ORDERS = PreparedQuery(lambda orders: Entitlement.objects.filter(order__in=orders).select_related("product"))


class AlreadyRevoked(Refusal):
    title = "Already revoked"


class NotRevoked(Refusal):
    title = "Nothing to restore"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the facts say about one line: a status, and the sentence why."""

    status: str
    because: str


_TAKEN_OFF = Verdict(Status.REVOKED, "The line was taken off the order")


def settle(
    orders: Sequence[Order], lines: Sequence[Line], facts: Mapping[int, Money], profiles: Mapping[int, Profile]
) -> None:
    """Grant, suspend, revoke and restore as the facts of these orders say; open or cancel the jobs that follow."""
    by_order: dict[int, list[Line]] = {}
    for line in lines:
        by_order.setdefault(line.order_id, []).append(line)
    known = {entitlement.source_key: entitlement for entitlement in _OF_ORDERS([order.pk for order in orders])}
    # What was in a bundle when its line was granted counts: a later change of it takes nothing away and gives nothing.
    bundled: dict[int, list[Entitlement]] = {}
    of_lines: dict[int, list[Entitlement]] = {}
    for entitlement in known.values():
        if entitlement.source in Entitlement.OF_LINES and entitlement.order_id:
            of_lines.setdefault(entitlement.order_id, []).append(entitlement)
        if entitlement.source == Source.BUNDLE and entitlement.line_id:
            bundled.setdefault(entitlement.line_id, []).append(entitlement)
    of_bundles = [line for line in lines if is_bundle(line)]
    inside, since = bundles.parts(line.product_id or 0 for line in of_bundles), grants.since(of_bundles)
    fresh: list[Entitlement] = []
    changed: list[Entitlement] = []
    for order in orders:
        current: set[str] = set()
        for line in by_order.get(order.pk, ()):
            held = [known[key]] if (key := f"line:{line.pk}") in known else bundled.get(line.pk, [])
            wanted = _lacking(line, held, inside, since.get(line.pk)) if _grants(order) else []
            if not held and not wanted:
                continue
            verdict = _judge(order, line, facts[order.pk], profiles.get(order.profile_id or 0))
            current.update(entitlement.source_key for entitlement in held)
            fresh += [_new(order, line, product, verdict) for product in wanted]
            changed += [entitlement for entitlement in held if apply(entitlement, verdict, order.profile_id)]
        gone = (entitlement for entitlement in of_lines.get(order.pk, ()) if entitlement.source_key not in current)
        changed += [entitlement for entitlement in gone if apply(entitlement, _TAKEN_OFF, order.profile_id)]
    bulk.insert(Entitlement, fresh)
    bulk.update(Entitlement, changed, ["status", "because", "profile"])
    dead = [e.pk for e in changed if not e.downloadable]
    if dead:
        links.revoke_all(dead, because="The entitlement was withdrawn")
    jobs.settle([*fresh, *changed])
    emails.settle(orders, facts, by_order)


def _grants(order: Order) -> bool:
    return order.profile_id is not None and order.payment_status in PAID


def is_bundle(line: Line) -> bool:
    """Whether what this line is about holds other products."""
    return (product := line.product) is not None and product.kind == Product.Kind.BUNDLE


def _lacking(
    line: Line, held: Sequence[Entitlement], inside: Mapping[int, Sequence[Part]], since: datetime | None
) -> list[Product]:
    """The digital products this line is about and gives no right to yet: its own, or parts of its bundle.

    Of a bundle that gave anything before, those that were in it then.
    """
    if line.product is None or any(entitlement.source != Source.BUNDLE for entitlement in held):
        return []
    if not is_bundle(line):
        return [line.product] if line.product.kind in DIGITAL and not held else []
    known = {entitlement.product_id for entitlement in held}
    return [
        part.product
        for part in inside.get(line.product.pk, ())
        if part.product.kind in DIGITAL and part.product.pk not in known and (since is None or part.since <= since)
    ]


def _new(order: Order, line: Line, product: Product, verdict: Verdict) -> Entitlement:
    assert order.profile_id is not None
    bundle = is_bundle(line)
    return Entitlement(
        organization_id=order.organization_id,
        profile_id=order.profile_id,
        order=order,
        line=line,
        product=product,
        source=Source.BUNDLE if bundle else Source.ORDER,
        source_key=f"line:{line.pk}:{product.pk}" if bundle else f"line:{line.pk}",
        status=verdict.status,
        because=verdict.because[:300],
    )


def _judge(order: Order, line: Line, known: Money, profile: Profile | None) -> Verdict:
    if order.payment_status not in PAID:
        return Verdict(Status.REVOKED, "The order is not paid")
    if profile is None:
        return Verdict(Status.REVOKED, "The order belongs to no customer")
    if fully(order):
        return Verdict(Status.REVOKED, "The order was refunded in full")
    if any(d.status == DisputeStatus.LOST for d in known.disputes):
        return Verdict(Status.REVOKED, "The dispute was lost")
    if order.cancelled:
        return Verdict(Status.REVOKED, "The order was cancelled")
    if covered(line, known, RefundStatus.SUCCEEDED):
        return Verdict(Status.REVOKED, "A partial refund covers this line")
    if any(d.status == DisputeStatus.OPENED for d in known.disputes):
        return Verdict(Status.SUSPENDED, "A dispute is open")
    pending = [r for r in known.refunds if r.status == RefundStatus.PENDING]
    if covered(line, known, RefundStatus.PENDING) or any(not r.covered_lines for r in pending):
        return Verdict(Status.SUSPENDED, "A refund is under way at the provider")
    if order.verified_account or (profile is not None and profile.claimed_at):
        return Verdict(Status.ACTIVE, f"Paid on {order.paid_at or order.placed_at:%-d %b %Y}")
    return Verdict(Status.PENDING_CLAIM, "Paid as a guest: works by its link, not yet claimed")


def covered(line: Line, known: Money, status: RefundStatus) -> bool:
    """Whether refunds of this status cover the whole line. Part of a quantity leaves the right to the file."""
    count = 0
    for refund in known.refunds:
        if refund.status in (status, RefundStatus.SUCCEEDED):
            for covered in refund.covered_lines:
                external_id, _, quantity = covered.rpartition("×")
                if external_id == line.external_id:
                    count += int(quantity)
    return count >= line.quantity


def apply(entitlement: Entitlement, verdict: Verdict, profile_id: int | None) -> bool:
    """Write the verdict unless a person decided; true if anything changed."""
    former = (entitlement.status, entitlement.because, entitlement.profile_id)
    status, because = verdict.status, verdict.because
    if entitlement.decision == Decision.REVOKED:
        status, because = Status.REVOKED, f"Revoked by a person: {entitlement.decision_reason}"
    elif entitlement.decision == Decision.GRANTED and status in (Status.REVOKED, Status.SUSPENDED):
        status, because = Status.ACTIVE, f"Kept by a person: {entitlement.decision_reason}"
    entitlement.status, entitlement.because = status, because[:300]
    if profile_id is not None:
        entitlement.profile_id = profile_id
    return former != (entitlement.status, entitlement.because, entitlement.profile_id)


# What a person decides ------------------------------------------------------------------------------------------


def revoke(entitlement: Entitlement, *, by: Actor, because: str) -> int:
    """Take the right away now; returns how many links died. Raises AlreadyRevoked. Inverse: restore."""
    by.require("revoke")
    reason = audit.require_reason(because)
    entitlement = _locked(entitlement)
    if entitlement.decision == Decision.REVOKED or entitlement.status == Status.REVOKED:
        raise AlreadyRevoked(f"Already revoked: {entitlement.because}.")
    entitlement.decision, entitlement.decision_reason = Decision.REVOKED, reason
    entitlement.status, entitlement.because = Status.REVOKED, f"Revoked by a person: {reason}"[:300]
    entitlement.save(update_fields=["decision", "decision_reason", "status", "because"])
    dead = links.revoke_all([entitlement.pk], because=f"Revoked by {by.label}")
    jobs.settle([entitlement])
    _follow(entitlement)
    mission_logs.note_reward(entitlement, MissionEntry.Kind.REVOKED, by=by, because=reason)
    _audit("entitlement.revoked", entitlement, by, reason, links=dead)
    return dead


def restore(entitlement: Entitlement, *, by: Actor, because: str) -> Entitlement:
    """Give the right back: lift a person's revocation, or keep it against the facts. Raises NotRevoked."""
    by.require("restore")
    reason = audit.require_reason(because)
    entitlement = _locked(entitlement)
    if entitlement.status not in (Status.REVOKED, Status.SUSPENDED, Status.EXPIRED):
        raise NotRevoked(f"It is {entitlement.get_status_display().lower()} already.")
    former = entitlement.decision
    entitlement.decision = Decision.NONE if former == Decision.REVOKED else Decision.GRANTED
    entitlement.decision_reason = reason
    entitlement.status = Status.ACTIVE
    entitlement.because = f"Restored by a person: {reason}"[:300]
    if entitlement.expires_at and entitlement.expires_at <= clock.now():
        entitlement.expires_at = None
    entitlement.save(update_fields=["decision", "decision_reason", "status", "because", "expires_at"])
    jobs.settle([entitlement])
    if entitlement.order_id:
        settlement.request(entitlement.organization_id, orders=[entitlement.order_id])
    _follow(entitlement)
    mission_logs.note_reward(entitlement, MissionEntry.Kind.RESTORED, by=by, because=reason)
    _audit("entitlement.restored", entitlement, by, reason)
    return entitlement


def grant(
    profile: Profile, product: Product, *, by: Actor, because: str, key: str, order: Order | None = None
) -> Entitlement:
    """Give a product by hand; `key` makes a repeated press grant once."""
    by.require("grant")
    reason = audit.require_reason(because)
    if product.kind == Product.Kind.SERVICE:
        raise Invalid(f"{product.sku} is a service: there is nothing to download, give it as a service.")
    if product.kind not in DIGITAL:
        raise Invalid(f"{product.sku} is no digital product: there is nothing to grant.")
    entitlement, created = Entitlement.objects.get_or_create(
        organization_id=profile.organization_id,
        source_key=f"manual:{key}"[:80],
        defaults={
            "profile": profile,
            "order": order,
            "product": product,
            "source": Source.MANUAL,
            "status": Status.ACTIVE,
            "because": f"Granted by {by.label}: {reason}"[:300],
        },
    )
    if created:
        jobs.settle([entitlement])
        settlement.request(profile.organization_id, profiles=[profile.pk])
        _audit("entitlement.granted", entitlement, by, reason, sku=product.sku)
    return entitlement


def _follow(entitlement: Entitlement) -> None:
    """What is written after a gift follows its rights: the customer is settled again."""
    if entitlement.line_id is None:
        settlement.request(entitlement.organization_id, profiles=[entitlement.profile_id])


def _locked(entitlement: Entitlement) -> Entitlement:
    return (
        Entitlement.objects.select_for_update(of=("self",), no_key=True)
        .select_related("product", "order")
        .get(pk=entitlement.pk)
    )


def _audit(action: str, entitlement: Entitlement, by: Actor, because: str, **details: object) -> None:
    audit.record(
        action,
        by=by,
        subject=entitlement,
        because=because,
        profile_id=entitlement.profile_id,
        order_id=entitlement.order_id,
        details=details,
    )

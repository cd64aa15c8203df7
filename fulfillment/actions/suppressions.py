"""Addresses that get nothing they did not buy: no follow-ups, reminders or offers. What was bought always goes out."""

from collections.abc import Collection, Iterable

from fulfillment.models import Email, EmailEvent, Suppression
from fulfillment.tracking import Kind
from profiles import bulk, clock, identifiers
from profiles.actions import audit
from profiles.actors import Actor, Invalid, Refusal

Reason = Suppression.Reason
REASONS = {Kind.COMPLAINED: Reason.COMPLAINED, Kind.UNSUBSCRIBED: Reason.UNSUBSCRIBED}


class LiftedBefore(Refusal):
    """This suppression was lifted already."""


def silenced(addresses: Iterable[str]) -> set[str]:
    """Those of these addresses, as they were given, that get only what they bought. One query for any number.

    For whoever writes follow-ups, reminders, requests for reviews and offers, in the organization's context. A bounce
    silences nobody: the address may be corrected, and what was bought has to arrive.
    """
    spelled = {given: _normal(given) for given in addresses}
    if not spelled:
        return set()
    rows = Suppression.objects.filter(address__in=set(spelled.values()), lifted_at__isnull=True)
    found = set(rows.values_list("address", flat=True))
    return {given for given, address in spelled.items() if address in found}


def learn(told: Iterable[tuple[Email, EmailEvent]]) -> None:
    """Complaints and withdrawals among new reports; what a person lifted since stays lifted."""
    wanted = [(email, event) for email, event in told if event.sort in REASONS]
    if not wanted:
        return
    addresses = {_normal(email.to) for email, _ in wanted}
    lifted = Suppression.objects.filter(address__in=addresses, lifted_at__isnull=False)
    decided = {(row.address, row.reason, row.since) for row in lifted}
    rows = {
        (row.address, row.reason): row
        for email, event in wanted
        if (row := _row(email, event)) and (row.address, row.reason, row.since) not in decided
    }
    bulk.insert(Suppression, rows.values(), ignore_conflicts=True)


def add(address: str, *, organization_id: int, reason: str, by: Actor, because: str = "") -> bool:
    """Silence an address, at its own wish (one-click unsubscribe) or a person's word; false where it is already."""
    usable = identifiers.mailable(address)
    if not usable:
        raise Invalid("That is not one usable e-mail address.")
    row = Suppression(organization_id=organization_id, address=usable, reason=reason, since=clock.now())
    new = bool(bulk.insert(Suppression, [row], ignore_conflicts=True))
    if new:
        audit.record(
            "suppression.added",
            by=by,
            because=because,
            organization_id=organization_id,
            details={"reason": str(reason)},
        )
    return new


def lift(suppression: Suppression, *, by: Actor, because: str) -> Suppression:
    """This address may be written to again, because its owner asked for it."""
    by.require("lift_suppression")
    reason = audit.require_reason(because)
    row = Suppression.objects.select_for_update(no_key=True).get(pk=suppression.pk)
    if row.lifted_at is not None:
        raise LiftedBefore(f"{row.lifted_by} lifted it already.")
    row.lifted_at, row.lifted_by, row.lifted_because = clock.now(), by.label, reason
    row.save(update_fields=["lifted_at", "lifted_by", "lifted_because"])
    audit.record("suppression.lifted", by=by, subject=row, because=reason, details={"reason": row.reason})
    return row


def undeliverable(addresses: Collection[str]) -> set[str]:
    """Those of these addresses from which mail came back, for a warning before more is sent there. One query."""
    rows = Email.objects.filter(to__in=addresses, bounced_at__isnull=False)
    return set(rows.values_list("to", flat=True))


def _row(email: Email, event: EmailEvent) -> Suppression:
    return Suppression(
        organization_id=email.organization_id,
        address=_normal(email.to),
        reason=REASONS[event.sort],
        email_id=email.pk,
        since=event.at,
    )


def _normal(address: str) -> str:
    return identifiers.mailable(address) or address.strip().lower()

"""Acts over a limit: asked for by one person, decided by another, done once (SPEC SUP-13)."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Model

from fulfillment.actions import email_changes
from orders.actions import refund_requests
from orders.models import Order, RefundRequest
from profiles import clock
from profiles.actions import audit, merges, policies
from profiles.actors import PERMISSIONS, Actor, Invalid, NotPermitted, Refusal
from profiles.models import AuditEntry, Membership, Organization, Profile
from support import limits
from support.limits import Limits
from support.models import Approval

Kind, State = Approval.Kind, Approval.State
Execute = Callable[[Approval, Actor, str], str]
ALONE = "Nobody else here may approve it: done without a second person."


class AlreadyDecided(Refusal):
    title = "Already decided"


class OwnAct(NotPermitted):
    """Nobody confirms their own."""


def limits_of(organization: Organization) -> Limits:
    """The organization's limits."""
    return limits.read(organization.policies.get(limits.POLICY, {}))


def change_limits(organization: Organization, wanted: Limits, *, by: Actor, because: str) -> bool:
    """Set the limits; false where they stood so already. Raises Invalid."""
    try:
        checked = limits.read({**wanted.document()})
    except ValueError as error:
        raise Invalid(str(error)) from error
    return policies.change(organization, limits.POLICY, checked.document(), by=by, because=because)


def asker(by: Actor) -> int | None:
    """The person who answers for an act: of a token, whoever issued it."""
    if by.user_id is not None or by.token_id is None:
        return by.user_id
    issued = AuditEntry.objects.filter(action="token.issued", subject_id=by.token_id).order_by("at")
    return issued.values_list("actor_id", flat=True).first()


def others(kind: str, by: Actor) -> bool:
    """Whether anybody else here could approve it."""
    roles = [role for role, held in PERMISSIONS.items() if limits.PERMISSIONS[kind] in held]
    members = Membership.objects.filter(role__in=roles).exclude(user_id=asker(by) or 0)
    return User.objects.filter(pk__in=list(members.values_list("user_id", flat=True)), is_active=True).exists()


def note_alone(subject: Model, *, by: Actor, order_id: int | None = None) -> None:
    """Record that an act over its limit was done without a second person, because there is none."""
    audit.record(
        "approval.nobody_else",
        by=by,
        subject=subject,
        because=ALONE,
        order_id=order_id,
        organization_id=getattr(subject, "organization_id", subject.pk),
    )


def ask(
    kind: str,
    *,
    key: str,
    title: str,
    will: Sequence[str],
    arguments: Mapping[str, Any],
    by: Actor,
    because: str,
    organization_id: int,
    order: Order | None = None,
    held: Mapping[str, Any] | None = None,
) -> Approval:
    """Keep an act for a second person, for seven days; the same `key` again is the same question.

    `held` is the personal data the act needs.
    """
    reason = audit.require_reason(because)
    now = clock.now()
    row, created = Approval.objects.get_or_create(
        organization_id=organization_id,
        key=key,
        defaults={
            "kind": kind,
            "title": title[:300],
            "will": list(will),
            "arguments": dict(arguments),
            "held": json.dumps(dict(held)) if held else "",
            "order": order,
            "asked_by": by.label[:200],
            "asked_by_id": asker(by),
            "because": reason,
            "asked_at": now,
            "expires_at": now + limits.EXPIRES_AFTER,
        },
    )
    if created:
        _audit("approval.asked", row, by, reason)
    return row


def approve(row: Approval, *, by: Actor, because: str, also: Mapping[str, Execute] | None = None) -> Approval:
    """A second person's yes: the act is done now, once. Raises AlreadyDecided, OwnAct or whatever the act refuses by.

    `also` says how kinds are done that are no action of ours alone.
    """
    reason = audit.require_reason(because)
    row = _decidable(row, by)
    execute = {**EXECUTES, **(also or {})}.get(row.kind)
    if execute is None:
        raise Invalid(f"Nothing here knows how to do this: {row.get_kind_display().lower()}.")
    row.result = execute(row, by, f"{row.because} (asked for by {row.asked_by}; approved: {reason})")
    _decide(row, State.APPROVED, by, reason)
    _audit("approval.approved", row, by, reason, result=row.result)
    return row


def decline(row: Approval, *, by: Actor, because: str) -> Approval:
    """A second person's no: nothing is done. Raises AlreadyDecided, OwnAct."""
    reason = audit.require_reason(because)
    row = _decidable(row, by)
    _let_go(row, by, f"Declined by {by.label}: {reason}")
    _decide(row, State.DECLINED, by, reason)
    _audit("approval.declined", row, by, reason)
    return row


def withdraw(row: Approval, *, by: Actor, because: str) -> Approval:
    """Whoever asked takes it back. Raises AlreadyDecided, NotPermitted."""
    reason = audit.require_reason(because)
    row = _waiting(row)
    if by.user_id is None or by.user_id != row.asked_by_id:
        raise NotPermitted("Only whoever asked for it takes it back; anybody else declines it.")
    _let_go(row, by, f"Taken back by {by.label}: {reason}")
    _decide(row, State.DECLINED, by, reason)
    _audit("approval.withdrawn", row, by, reason)
    return row


def expire(organization_id: int) -> int:
    """Let go of what nobody decided within seven days; returns how many. Safe to run twice."""
    by = Actor.system("approvals")
    rows = Approval.objects.select_for_update(no_key=True).filter(state=State.WAITING, expires_at__lte=clock.now())
    count = 0
    for row in rows.order_by("pk"):
        _let_go(row, by, "Nobody approved it within seven days.")
        _decide(row, State.EXPIRED, by, "Nobody decided within seven days.")
        _audit("approval.expired", row, by, "Nobody decided within seven days.")
        count += 1
    return count


def _waiting(row: Approval) -> Approval:
    row = Approval.objects.select_for_update(no_key=True).get(pk=row.pk)
    if row.state != State.WAITING:
        who = f" by {row.decided_by}" if row.decided_by else ""
        raise AlreadyDecided(f"It was {row.get_state_display().lower()}{who} before.")
    if row.expires_at <= clock.now():
        raise AlreadyDecided("Nobody decided it within seven days: ask for it again.")
    return row


def _decidable(row: Approval, by: Actor) -> Approval:
    """The row, locked, if this person may decide it now."""
    if by.user_id is None:
        raise NotPermitted("A person decides this, never a token.")
    by.require(limits.PERMISSIONS[row.kind])
    row = _waiting(row)
    if by.user_id == row.asked_by_id:
        raise OwnAct("You asked for it yourself: a second person decides.")
    return row


def _decide(row: Approval, state: str, by: Actor, because: str) -> None:
    row.state, row.decided_by, row.decided_by_id = state, by.label[:200], by.user_id
    row.decided_at, row.decision_reason, row.held = clock.now(), because, ""
    row.save(update_fields=["state", "decided_by", "decided_by_id", "decided_at", "decision_reason", "result", "held"])


def _let_go(row: Approval, by: Actor, because: str) -> None:
    """What was held for it is held no longer."""
    if row.kind == Kind.REFUND:
        held = RefundRequest.objects.filter(pk=row.arguments["request"], state=RefundRequest.State.AWAITING).first()
        if held is not None:
            refund_requests.withdraw(held, by=by, because=because)


def _refund(row: Approval, by: Actor, because: str) -> str:
    held = RefundRequest.objects.get(pk=row.arguments["request"])
    refund_requests.release(held, by=by, because=because)
    return "The refund is on its way."


def _merge(row: Approval, by: Actor, because: str) -> str:
    made = merges.merge_by_staff(
        row.arguments["one"], row.arguments["other"], by=by, because=because, verified=row.arguments["verified"]
    )
    moved = merges.moved(made)
    return f"Merged. {moved} {'row' if moved == 1 else 'rows'} moved to customer {made.survivor_id}."


def _change_email(row: Approval, by: Actor, because: str) -> str:
    held = json.loads(row.held)
    email_changes.start_by_staff(
        Profile.objects.get(pk=row.arguments["profile"]),
        held["to"],
        by=by,
        because=because,
        points=held["points"],
        moves_orders=row.arguments["moves_orders"],
    )
    return "Begun: 1 code and 1 notice are on their way."


EXECUTES: Mapping[str, Execute] = {Kind.REFUND: _refund, Kind.MERGE: _merge, Kind.EMAIL_CHANGE: _change_email}


def _audit(action: str, row: Approval, by: Actor, because: str, **details: object) -> None:
    audit.record(
        action,
        by=by,
        subject=row,
        because=because,
        order_id=row.order_id,
        details={"kind": row.kind, "asked_by": row.asked_by_id, **details},
    )

"""Putting discrepancies right: the safe repairs by themselves, each single one by a person, writing off and reopening.

A safe repair only lets our records follow the facts, so that it may be done any number of times: nothing is decided.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import connection

from fulfillment.actions import receipts
from fulfillment.models import Email, Job
from orders.actions import money_links
from orders.models import Order, Payment, PayoutLine
from profiles import clock
from profiles.actions import audit, settlement
from profiles.actors import Actor, Refusal
from support import differences
from support.actions import comparisons
from support.models import Discrepancy, DiscrepancyEntry, ReconcileRun

Status = Discrepancy.Status
RECEIPTS_AT_ONCE = 500
SETTLED_AGAIN = "Settled again by the facts"

_SETTLE = """
WITH tried AS (
  UPDATE support_discrepancy SET repaired_at = %(now)s
   WHERE status = 'open' AND repair = ANY(%(repairs)s) AND at >= %(since)s AND at < %(until)s AND order_id IS NOT NULL
  RETURNING organization_id, id, kind, order_id, recorded_at
), told AS (
  INSERT INTO support_discrepancyentry (organization_id, discrepancy_id, at, by, words, because)
  SELECT organization_id, id, %(now)s, %(by)s, %(words)s, %(because)s FROM tried t
   WHERE NOT EXISTS (SELECT FROM support_discrepancyentry e WHERE e.discrepancy_id = t.id AND e.words = %(words)s)
)
SELECT kind, array_agg(order_id) FROM tried GROUP BY kind
"""


class NotOpen(Refusal):
    """It is closed or written off."""

    title = "Not open"


class NothingToDo(Refusal):
    """There is no repair that a machine could do."""

    title = "A person has to decide"


def all_safe(run: ReconcileRun) -> dict[str, int]:
    """Do every safe repair of what is open in the run's window; returns how many of each kind were tried.

    What was fetched from the providers was recorded when they were asked.
    """
    by, because = Actor.system("reconciliation"), f"Repaired by the reconciliation of {run}"
    values: dict[str, Any] = {
        "now": clock.now(),
        "since": run.since,
        "until": run.until,
        "repairs": [differences.REQUEUE, differences.REVOKE],
        "by": comparisons.BY,
        "words": SETTLED_AGAIN,
        "because": because,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE, values)
        tried: dict[str, list[int]] = dict(cursor.fetchall())
    orders = {order_id for ids in tried.values() for order_id in ids}
    if orders:
        settlement.request(run.organization_id, orders=orders)
    done = {kind: len(ids) for kind, ids in tried.items()}
    if sent := _receipts(run, by=by, because=because):
        done[Discrepancy.Kind.MISSING_RECEIPT] = sent
    if arrived := comparisons.close_arrived():
        done[Discrepancy.Kind.PAID_WITHOUT_ORDER] = arrived
    return done


def _receipts(run: ReconcileRun, *, by: Actor, because: str) -> int:
    """Send the receipts that nobody will send otherwise; one whose buyer had it long ago is left to a person."""
    rows = Discrepancy.objects.filter(
        kind=Discrepancy.Kind.MISSING_RECEIPT,
        status=Status.OPEN,
        at__gte=run.since,
        at__lt=run.until,
        order__quiet=False,
        repaired_at__isnull=True,
    )
    found = list(rows.select_related("order__channel", "order__organization").order_by("due_at")[:RECEIPTS_AT_ONCE])
    under_way = _under_way([row.order_id for row in found if row.order_id])
    sent = 0
    for row in found:
        if row.order is None or row.order_id in under_way or receipts.cannot(row.order):
            continue
        _send_receipt(row, row.order, by=by, because=because)
        sent += 1
    return sent


def _under_way(order_ids: Sequence[int]) -> set[int]:
    """Orders whose receipt waits in the outbox, or is written by a job that is under way."""
    waiting = [Email.State.QUEUED, Email.State.CLAIMED, Email.State.UNKNOWN]
    mails = Email.objects.filter(order__in=order_ids, template=Email.Template.RECEIPT, state__in=waiting)
    jobs = Job.objects.filter(entitlement__order__in=order_ids, state__in=Job.DUE)
    return {
        *mails.values_list("order_id", flat=True),
        *jobs.values_list("entitlement__order_id", flat=True),
    }


def _send_receipt(row: Discrepancy, order: Order, *, by: Actor, because: str) -> None:
    # Who may reconcile may send a receipt that is found missing, and none else.
    sender = replace(Actor.system(f"{by.label}, reconciliation"), act=by.act)
    receipts.resend(order, by=sender, because=because, key=f"discrepancy:{row.pk}")
    row.repaired_at = clock.now()
    row.save(update_fields=["repaired_at"])
    _note(row, "Receipt sent", by=by, because=because)


# What a person presses ---------------------------------------------------------------------------------------------


def repair(row: Discrepancy, *, by: Actor, because: str) -> str:
    """Do the suggested repair of one open discrepancy; returns what was done. Raises NotOpen or NothingToDo.

    Asking the provider is a run of its own: `reconciliation.request`. Safe to press twice.
    """
    by.require("reconcile")
    reason = audit.require_reason(because)
    row = _locked(row)
    if row.repair == differences.RECEIPT and row.order is not None:
        _send_receipt(row, row.order, by=by, because=reason)
        said = "1 receipt is on its way."
    elif row.repair in (differences.REQUEUE, differences.REVOKE) and row.order_id is not None:
        settlement.request(row.organization_id, orders=[row.order_id])
        row.repaired_at = clock.now()
        row.save(update_fields=["repaired_at"])
        _note(row, SETTLED_AGAIN, by=by, because=reason)
        said = "1 order is settled again now; this closes by itself once the records agree."
    else:
        raise NothingToDo("Compare both sides and decide: there is no repair that could do it by itself.")
    _audit("discrepancy.repaired", row, by, reason, repair=row.repair)
    return said


def write_off(row: Discrepancy, *, by: Actor, because: str) -> Discrepancy:
    """Accept the difference as it is; it stays so while it is the same sum. Raises NotOpen. Inverse: reopen."""
    by.require("write_off")
    reason = audit.require_reason(because)
    row = _locked(row)
    now = clock.now()
    row.status, row.closed_at, row.closed_because, row.closed_by = Status.WRITTEN_OFF, now, reason, by.label[:200]
    row.save(update_fields=["status", "closed_at", "closed_because", "closed_by"])
    _note(row, "Written off", by=by, because=reason)
    _audit("discrepancy.written_off", row, by, reason, amount_minor=row.amount_minor, currency=row.currency)
    return row


def reopen(row: Discrepancy, *, by: Actor, because: str) -> Discrepancy:
    """Take a write-off back; it is due anew. Raises NotOpen where it was not written off."""
    by.require("write_off")
    reason = audit.require_reason(because)
    row = (
        Discrepancy.objects.select_for_update(of=("self",), no_key=True).select_related("order__channel").get(pk=row.pk)
    )
    if row.status != Status.WRITTEN_OFF:
        raise NotOpen(f"It is {row.get_status_display().lower()}: there is no write-off to take back.")
    row.status, row.closed_at, row.closed_because, row.closed_by = Status.OPEN, None, "", ""
    row.due_at = clock.now() + differences.DUE_AFTER
    row.save(update_fields=["status", "closed_at", "closed_because", "closed_by", "due_at"])
    _note(row, "Opened again", by=by, because=reason)
    _audit("discrepancy.reopened", row, by, reason)
    return row


def link(row: Discrepancy, order: Order, *, by: Actor, because: str) -> Order:
    """Say which order a payment or a payout line belongs to; the order is settled with it. Raises NotOpen."""
    by.require("reconcile")
    reason = audit.require_reason(because)
    row = _locked(row)
    fact: Payment | PayoutLine | None = row.payment if row.payment_id else row.payout_line
    if fact is None or row.kind not in LINKABLE:
        raise NothingToDo("There is no payment or payout line here that could be linked to an order.")
    money_links.link(fact, order, by=by, because=reason)
    _note(row, f"Linked to order {order}"[:300], by=by, because=reason)
    comparisons.look_again(row)
    return order


LINKABLE = (Discrepancy.Kind.PAID_WITHOUT_ORDER, Discrepancy.Kind.UNKNOWN_PAYOUT_LINE)


def _locked(row: Discrepancy) -> Discrepancy:
    found = (
        Discrepancy.objects.select_for_update(of=("self",), no_key=True)
        .select_related("order__channel", "order__organization", "payment__channel", "payout_line__channel")
        .get(pk=row.pk)
    )
    if found.status != Status.OPEN:
        raise NotOpen(f"It is {found.get_status_display().lower()} already.")
    return found


def _note(row: Discrepancy, words: str, *, by: Actor, because: str) -> None:
    DiscrepancyEntry.objects.create(
        organization_id=row.organization_id,
        discrepancy=row,
        at=clock.now(),
        by=by.label[:200],
        words=words,
        because=because,
    )


def _audit(action: str, row: Discrepancy, by: Actor, because: str, **details: object) -> None:
    audit.record(
        action, by=by, subject=row, because=because, order_id=row.order_id, details={"kind": row.kind, **details}
    )

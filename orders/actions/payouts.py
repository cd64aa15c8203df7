"""What finance says of a payout: what the bank statement shows of it."""

from datetime import date

from orders import money
from orders.models import Payout
from profiles import clock
from profiles.actions import audit
from profiles.actors import Actor, Invalid


def confirm_bank(payout: Payout, bank_minor: int, *, on: date, by: Actor, because: str) -> Payout:
    """Keep what the bank shows of this payout, in minor units of its currency; saying it again replaces it.

    A sum that differs is kept as it is, as the difference it makes. Raises `Invalid` for a day to come.
    """
    by.require("manage_finance")
    reason = audit.require_reason(because)
    if on > clock.now().date():
        raise Invalid("The bank cannot have shown it on a day to come.")
    if abs(bank_minor) > money.MAX_MINOR:
        raise Invalid("That is more than any amount taken here.")
    row = Payout.objects.select_for_update(no_key=True).get(pk=payout.pk)
    former = None if row.bank_minor is None else money.to_text(row.bank_minor, row.currency)
    row.bank_minor, row.bank_on = bank_minor, on
    row.save(update_fields=["bank_minor", "bank_on"])
    audit.record(
        "payout.confirmed",
        by=by,
        subject=row,
        because=reason,
        details={"bank": money.to_text(bank_minor, row.currency), "before": former, "on": str(on)},
    )
    return row


def forget_bank(payout: Payout, *, by: Actor, because: str) -> Payout:
    """Take back what was said of the bank."""
    by.require("manage_finance")
    reason = audit.require_reason(because)
    row = Payout.objects.select_for_update(no_key=True).get(pk=payout.pk)
    if row.bank_minor is None:
        raise Invalid("Nobody has said what the bank shows of this payout.")
    former = money.to_text(row.bank_minor, row.currency)
    row.bank_minor = row.bank_on = None
    row.save(update_fields=["bank_minor", "bank_on"])
    audit.record("payout.unconfirmed", by=by, subject=row, because=reason, details={"before": former})
    return row

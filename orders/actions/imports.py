"""Imports of files as durable work: checking, taking, undoing; each step a state, each piece of work a claim.

What a file says is worked on by `import_rows`; here it is only decided that it is, and how far it has come.
"""

from collections.abc import Mapping
from datetime import timedelta

from django.db.models import F, Q

from orders.models import Import, ImportPart, ImportRow
from profiles import clock
from profiles.actions import audit, settlement
from profiles.actors import Actor, Refusal

State = Import.State
LEASE = timedelta(seconds=90)
AGAIN = timedelta(seconds=10)
ATTEMPTS = 3
COUNTS = ("rows", "fresh", "updated", "same", "conflicts", "rejected")


class NotPossible(Refusal):
    """The import's state does not allow this."""


def change(row: Import, state: str) -> None:
    """The one way through the transition table; raises NotPossible. The caller saves."""
    if state not in Import.TRANSITIONS[State(row.state)]:
        words = f"{row.get_state_display().lower()} cannot become {State(state).label.lower()}"
        raise NotPossible(f"An import that is {words}.")
    row.state = state


# Going on ---------------------------------------------------------------------------------------------------------


def check(row: Import, *, by: Actor) -> Import:
    """Have every row looked at, and nothing taken yet."""
    by.require("import_files")
    return _set_going(row, State.READING)


def take(row: Import, *, by: Actor, because: str = "") -> Import:
    """Have the rows imported. Inverse: undo."""
    by.require("import_files")
    row = _set_going(row, State.TAKING)
    audit.record("import.taken", by=by, subject=row, because=because, details={"mail": row.mail})
    return row


def _set_going(row: Import, state: str) -> Import:
    row = locked(row)
    if not row.recipe:
        raise NotPossible(row.refusal or "Nobody has said yet what its columns mean.")
    change(row, state)
    begin_again(row)
    row.due_at = clock.real()
    if state == State.TAKING:
        row.version = clock.now()
    row.save()
    settlement.wake(row.organization_id)
    return row


def begin_again(row: Import) -> None:
    """Nothing of it was looked at yet; the caller saves."""
    ImportRow.objects.filter(imported=row).delete()
    for name in COUNTS:
        setattr(row, name, 0)
    row.position, row.attempts, row.due_at, row.lease_until, row.last_error = 0, 0, None, None, ""


def discard(row: Import, *, by: Actor, because: str) -> Import:
    """Forget a file that was not imported, its content with it."""
    by.require("import_files")
    reason = audit.require_reason(because)
    row = locked(row)
    change(row, State.DISCARDED)
    row.due_at = row.lease_until = None
    row.preview = []
    row.save()
    ImportPart.objects.filter(imported=row).delete()
    ImportRow.objects.filter(imported=row).delete()
    audit.record("import.discarded", by=by, subject=row, because=reason)
    return row


def forget(row: Import) -> None:
    """Leave no trace of a file that was only looked at by a command."""
    row.delete()


def go_on(row: Import, *, by: Actor, because: str) -> Import:
    """Try again what was given up after several tries."""
    by.require("import_files")
    reason = audit.require_reason(because)
    row = locked(row)
    if row.state not in Import.DUE or row.due_at is not None:
        raise NotPossible("It is not waiting for anybody.")
    row.due_at, row.attempts = clock.real(), 0
    row.save()
    settlement.wake(row.organization_id)
    audit.record("import.resumed", by=by, subject=row, because=reason)
    return row


def locked(row: Import) -> Import:
    """The import, for this transaction alone."""
    found = Import.objects.select_for_update(of=("self",), no_key=True).select_related(
        "channel", "organization", "mapping"
    )
    return found.get(pk=row.pk)


# Worked on --------------------------------------------------------------------------------------------------------


def claim() -> Import | None:
    """Take the import that waits longest for 90 s; commit before working, so that the attempt counts."""
    now = clock.real()
    rows = Import.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now), due_at__lte=now)
    found = rows.select_for_update(skip_locked=True, no_key=True).order_by("due_at", "pk").first()
    if found is None:
        return None
    if found.attempts >= ATTEMPTS:
        found.due_at, found.lease_until = None, None
        found.last_error = found.last_error or "Working on it stopped the worker three times; a person has to look."
        found.save(update_fields=["due_at", "lease_until", "last_error"])
        return None
    found.attempts, found.lease_until = found.attempts + 1, now + LEASE
    found.save(update_fields=["attempts", "lease_until"])
    return Import.objects.select_related("channel", "organization").get(pk=found.pk)


def advance(row: Import, *, position: int, counted: Mapping[str, int]) -> None:
    """So much further, in the transaction of the rows it counts; the lease begins anew."""
    changes = {name: F(name) + count for name, count in counted.items()}
    Import.objects.filter(pk=row.pk).update(
        position=position, attempts=0, lease_until=clock.real() + LEASE, last_error="", **changes
    )
    row.position = position


def rest(row: Import) -> None:
    """Let others at it for a moment: it goes on when it is its turn again."""
    Import.objects.filter(pk=row.pk).update(lease_until=None, attempts=0, due_at=clock.real())
    settlement.wake(row.organization_id)


def finish(row: Import) -> None:
    """All rows are worked."""
    row = locked(row)
    change(row, {State.READING: State.CHECKED, State.TAKING: State.DONE, State.UNDOING: State.UNDONE}[State(row.state)])
    row.due_at = row.lease_until = None
    if row.state == State.DONE:
        row.done_at = clock.now()
        ImportPart.objects.filter(imported=row).delete()
    elif row.state == State.UNDONE:
        row.undone_at = clock.now()
    row.save()
    # What it brought has to be settled, and whoever does that may have been sleeping meanwhile.
    settlement.wake(row.organization_id)


def refuse(row: Import, sentence: str) -> None:
    """It cannot be read to its end: nothing of it stays where nothing was taken yet."""
    row = locked(row)
    row.refusal, row.due_at, row.lease_until = sentence[:2000], None, None
    if not row.position or row.state == State.READING:
        ImportRow.objects.filter(imported=row).delete()
    change(row, State.REFUSED)
    row.save()


def postpone(row: Import, *, error: str) -> None:
    """Something of ours failed: again soon, and after three tries without progress a person has to look."""
    row = locked(row)
    given_up = row.attempts >= ATTEMPTS
    row.last_error, row.lease_until = error[:2000], None
    row.due_at = None if given_up else clock.real() + AGAIN
    row.save(update_fields=["last_error", "lease_until", "due_at"])

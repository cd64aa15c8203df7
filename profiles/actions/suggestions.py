"""What becomes of a suggestion: different people, looked at again, or merged. The search is `likenesses`."""

from profiles import clock
from profiles.actions import audit, likenesses
from profiles.actors import Actor, Refusal
from profiles.models import Merge, Profile, Separation, Suggestion


class AlreadyDecided(Refusal):
    """Somebody decided about this pair before."""

    title = "Already decided"


class NotDecided(Refusal):
    """There is no decision to take back."""

    title = "Nothing to take back"


def dismiss(suggestion: Suggestion, *, by: Actor, because: str, separate: bool = False) -> Suggestion:
    """Different people: it comes back only if the evidence grows; with `separate` no rule will ever link them.

    Raises AlreadyDecided.
    """
    by.require("merge")
    reason = audit.require_reason(because)
    row = Suggestion.objects.select_for_update(no_key=True).get(pk=suggestion.pk)
    if row.state != Suggestion.State.OPEN:
        raise AlreadyDecided(f"Already decided by {row.decided_by}.")
    if separate:
        _, row.separated = Separation.objects.get_or_create(
            organization_id=row.organization_id, low_id=row.low_id, high_id=row.high_id, defaults={"at": clock.now()}
        )
    _decide(row, Suggestion.State.DISMISSED, by=by.label, because=reason)
    audit.record(
        "suggestion.dismissed",
        by=by,
        subject=row,
        because=reason,
        profile_id=row.low_id,
        details={"customers": [row.low_id, row.high_id], "score": row.score, "do_not_link": separate},
    )
    return row


def reopen(suggestion: Suggestion, *, by: Actor, because: str) -> Suggestion:
    """Take the word back that they are different people, and the do-not-link that came with it. Raises NotDecided."""
    by.require("merge")
    reason = audit.require_reason(because)
    row = Suggestion.objects.select_for_update(no_key=True).get(pk=suggestion.pk)
    if row.state != Suggestion.State.DISMISSED:
        raise NotDecided("Nobody said that these are different people.")
    if row.separated:
        Separation.objects.filter(low=row.low_id, high=row.high_id, merge__isnull=True).delete()
    row.separated = False
    _decide(row, Suggestion.State.OPEN, by="", because="")
    # Their data may have changed while nobody looked: compare them afresh.
    likenesses.request(row.organization_id, [row.low_id, row.high_id])
    audit.record(
        "suggestion.reopened",
        by=by,
        subject=row,
        because=reason,
        profile_id=row.low_id,
        details={"customers": [row.low_id, row.high_id]},
    )
    return row


def _decide(row: Suggestion, state: Suggestion.State, *, by: str, because: str) -> None:
    row.state, row.decided_by, row.because = state, by[:200], because
    row.decided_at = None if state == Suggestion.State.OPEN else clock.now()
    row.save(update_fields=["state", "decided_at", "decided_by", "because", "separated"])


def merged(merge: Merge) -> None:
    """The pair of this merge is decided, and the absorbed customer is nobody's likeness any more."""
    open_ones = Suggestion.objects.filter(state=Suggestion.State.OPEN)
    open_ones.filter(low=merge.survivor_id, high=merge.absorbed_id).update(
        state=Suggestion.State.MERGED, decided_at=merge.at, decided_by=merge.actor_label, because=merge.reason
    )
    open_ones.filter(low=merge.absorbed_id).delete()
    open_ones.filter(high=merge.absorbed_id).delete()
    # If they are parted again they may be as they were before, and yet have to be compared.
    likenesses.forget([merge.absorbed_id])


def parted(merge: Merge) -> None:
    """The merge was taken back: whoever took it back said that these are different people."""
    Suggestion.objects.filter(state=Suggestion.State.MERGED, low=merge.survivor_id, high=merge.absorbed_id).update(
        state=Suggestion.State.DISMISSED,
        decided_at=merge.undone_at,
        decided_by=merge.undone_by,
        because=merge.undo_reason,
    )


def standing(suggestion: Suggestion) -> bool:
    """Whether both are still customers of their own."""
    return Profile.objects.filter(pk__in=[suggestion.low_id, suggestion.high_id], merged_into=None).count() == 2

"""Deciding the cases of identity that no rule may decide."""

from profiles import clock
from profiles.actions import audit
from profiles.actors import Actor, Invalid, Refusal
from profiles.models import Profile, Review

MERGED, DISMISSED = "merged", "dismissed"
DECISIONS = {MERGED: "They are one customer", DISMISSED: "Leave it as it is"}


class AlreadyDecided(Refusal):
    title = "Already decided"


def decide(review: Review, *, decision: str, by: Actor, because: str) -> Review:
    """Close a review: its customers were merged, or it needs nothing. Raises AlreadyDecided or Invalid.

    It changes no customer itself: merging is an act of its own, with two data points verified.
    """
    by.require("merge")
    reason = audit.require_reason(because)
    if decision not in DECISIONS:
        raise Invalid(f"{decision} is no decision; choose one of {', '.join(DECISIONS)}.")
    review = Review.objects.select_for_update(no_key=True).get(pk=review.pk)
    if review.decided_at:
        raise AlreadyDecided(f"Already decided by {review.decided_by}.")
    if decision == MERGED and (still := len(standing(review))) > 1:
        raise Invalid(f"These are still {still} customers: merge them first, then close the review.")
    review.decided_at, review.decided_by = clock.now(), by.label[:200]
    review.decision = f"{DECISIONS[decision]}: {reason}"
    review.save(update_fields=["decided_at", "decided_by", "decision"])
    audit.record(
        "review.decided",
        by=by,
        subject=review,
        because=reason,
        profile_id=review.profile_id,
        details={"decision": decision, "kind": review.kind},
    )
    return review


def standing(review: Review) -> list[Profile]:
    """The customers in question as they stand now, merged ones as their survivor, oldest first."""
    named = {int(pk) for pk in review.candidates} | ({review.profile_id} if review.profile_id else set())
    found = Profile.objects.filter(pk__in=named)
    roots = {profile.merged_into_id or profile.pk for profile in found}
    return list(Profile.objects.filter(pk__in=roots).order_by("pk"))

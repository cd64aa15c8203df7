"""A person says whose fact it is where no identifier does, or takes that back (SPEC SUP-3).

What a person linked stays linked through any settle, merge and undo, until a person unlinks it.
"""

from typing import TypeVar

from profiles.actions import audit
from profiles.actors import Actor, Invalid, Refusal
from profiles.models import Fact, Profile

AnyFact = TypeVar("AnyFact", bound=Fact)


class AlreadyLinked(Refusal):
    title = "Already linked"


class NotLinked(Refusal):
    title = "Not linked"


def link(fact: AnyFact, profile: Profile, *, by: Actor, because: str) -> AnyFact:
    """Give a fact without a customer to this one; the caller has it settled. Raises AlreadyLinked or Invalid."""
    by.require("link")
    reason = audit.require_reason(because)
    fact = _locked(fact)
    if fact.profile_id is not None:
        raise AlreadyLinked(f"This {_noun(fact)} has a customer already: merge the two customers instead.")
    profile = Profile.objects.select_for_update(no_key=True).get(pk=profile.pk)
    if profile.merged_into_id is not None:
        raise Invalid("That customer was merged into another one; choose that one.")
    fact.profile, fact.linked_by_staff = profile, True
    fact.save(update_fields=["profile", "linked_by_staff"])
    _audit("linked", fact, profile.pk, by, reason)
    return fact


def unlink(fact: AnyFact, *, by: Actor, because: str) -> tuple[AnyFact, int]:
    """Let the fact's own identifiers decide again; gives it back with the customer it leaves. Raises NotLinked."""
    by.require("link")
    reason = audit.require_reason(because)
    fact = _locked(fact)
    former = fact.profile_id
    if not fact.linked_by_staff or former is None:
        raise NotLinked(f"No person linked this {_noun(fact)}: its own identifiers say whose it is.")
    fact.profile, fact.linked_by_staff, fact.settled_identifiers = None, False, None
    fact.save(update_fields=["profile", "linked_by_staff", "settled_identifiers"])
    _audit("unlinked", fact, former, by, reason)
    return fact, former


def _locked(fact: AnyFact) -> AnyFact:
    found: AnyFact = type(fact)._base_manager.select_for_update(of=("self",), no_key=True).get(pk=fact.pk)
    return found


def _noun(fact: Fact) -> str:
    return str(fact._meta.model_name)


def _audit(verb: str, fact: Fact, profile_id: int, by: Actor, reason: str) -> None:
    order_id = fact.pk if _noun(fact) == "order" else None
    audit.record(f"{_noun(fact)}.{verb}", by=by, subject=fact, because=reason, profile_id=profile_id, order_id=order_id)

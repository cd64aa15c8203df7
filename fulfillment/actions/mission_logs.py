"""Each mission's own log: what happened to a completion and its rewards, by whom and why."""

from fulfillment.models import Entitlement, MissionCompletion, MissionEntry
from profiles import clock
from profiles.actors import Actor

SOURCE = "reward"


def key(completion: MissionCompletion, product_id: int) -> str:
    """What names a reward's entitlement: the completion, which issue of its reward, and the product."""
    return f"{SOURCE}:{completion.pk}:{completion.issue}:{product_id}"


def completion_of(entitlement: Entitlement) -> int | None:
    """The completion that gave this, by its source key; None for what is no reward."""
    source, _, rest = entitlement.source_key.partition(":")
    number = rest.partition(":")[0]
    return int(number) if source == SOURCE and number.isdigit() else None


def entry(completion: MissionCompletion, kind: str, *, by: Actor, because: str, product_id: int | None) -> MissionEntry:
    """A line of the log, not written yet; whoever writes many gives all of them their moment."""
    return MissionEntry(
        organization_id=completion.organization_id,
        mission_id=completion.mission_id,
        completion=completion,
        profile_id=completion.profile_id,
        product_id=product_id,
        kind=kind,
        who=by.label[:200],
        because=because[:500],
        act=by.act,
    )


def note_reward(entitlement: Entitlement, kind: str, *, by: Actor, because: str) -> None:
    """A person revoked or restored this entitlement: where it is a reward, its mission's log says so."""
    number = completion_of(entitlement)
    completion = MissionCompletion.objects.filter(pk=number).first() if number is not None else None
    if completion is not None:
        line = entry(completion, kind, by=by, because=because, product_id=entitlement.product_id)
        line.at = clock.now()
        line.save(force_insert=True)

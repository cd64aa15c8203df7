"""Follow-ups of what no line of an order gave: planned once it is given, stopped and resumed as its rights stand."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from fulfillment import followups as rules
from fulfillment.actions import emails, followups, jobs
from fulfillment.followups import Why
from fulfillment.models import Entitlement, Followup
from fulfillment.queries import followups as known_of
from profiles import bulk, clock
from profiles.prepared_queries import PreparedQuery

_GIVEN = PreparedQuery(lambda profiles: known_of.gifts(profiles).select_for_update(of=("self",), no_key=True))


def settle(profile_ids: Collection[int]) -> None:
    """Plan what the gifts of these customers ask for, and make what is planned agree with their rights.

    Grants by hand, free coupons and rewards of missions. Idempotent; one query where nothing was given, else a fixed
    number. The gifts are held, so that of two who settle them at once the second sees what the first planned.
    """
    if not profile_ids:
        return
    given = _GIVEN(profile_ids)
    if not given:
        return
    now = clock.now()
    gifts = known_of.occasions(given)
    group_of = {right.pk: group for group in gifts.values() for right in group}
    known = list(Followup.objects.filter(entitlement__in=list(group_of)))
    changed = [row for row in known if _agree(row, group_of[row.entitlement_id or 0], now)]
    bulk.insert(Followup, _plan(gifts, {row.source_key for row in known}, now))
    bulk.update(Followup, changed, followups.AGREEING)


def _plan(gifts: Mapping[int, Sequence[Entitlement]], known: Collection[str], now: datetime) -> list[Followup]:
    new = [group[0] for group in gifts.values() if _is_new(group, now)]
    if not new:
        return []
    silent = _silent(new)
    policy = rules.read(new[0].organization.policies)
    return [
        followups.plan(
            key,
            kind,
            policy,
            now,
            organization_id=lead.organization_id,
            profile_id=lead.profile_id,
            entitlement=lead,
        )
        for lead in new
        if lead.pk not in silent
        for kind in rules.planned_for_gift(policy)
        if (key := f"gift:{lead.pk}:{kind}") not in known
    ]


def _is_new(group: Sequence[Entitlement], now: datetime) -> bool:
    given_at = group[0].created_at
    return _stands(group) and not rules.is_historic(bought_at=given_at, arrived_at=given_at, now=now)


def _silent(leads: Sequence[Entitlement]) -> set[int]:
    """Those of whom nobody is told: their owners are made up, or known by old purchases alone. Two queries at most."""
    unreal, hushed = emails.unreal(leads), jobs.hushed(leads)
    return {
        lead.pk
        for lead in leads
        if (
            lead.profile_id in unreal | hushed if lead.order is None else lead.order.quiet or lead.order.channel.made_up
        )
    }


def _agree(row: Followup, group: Sequence[Entitlement], now: datetime) -> bool:
    return followups.agree(row, group[0].profile_id, _stands(group), Why.WITHDRAWN, now)


def _stands(group: Sequence[Entitlement]) -> bool:
    """A gift of several products stands while any of them may be downloaded."""
    return any(right.downloadable for right in group)

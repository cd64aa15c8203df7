"""Who completed which mission, derived from what customers did; the rewards that follow, and taking them back."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from django.db import transaction

from fulfillment import missions
from fulfillment.actions import entitlements, gifts, mission_logs
from fulfillment.actions.entitlements import Verdict
from fulfillment.actions.gifts import Gift
from fulfillment.missions import Deed
from fulfillment.models import Entitlement, FormerTerms, Mission, MissionCompletion, MissionEntry
from fulfillment.queries import missions as looking
from orders.models import Product
from profiles import bulk, clock
from profiles.actions import audit, settlement
from profiles.actors import Actor, Refusal
from profiles.models import Organization
from profiles.prepared_queries import PreparedQuery

State, Kind, Status = MissionCompletion.State, MissionEntry.Kind, Entitlement.Status
HOLDS = (State.COMPLETED, State.DOUBLED, State.KEPT)
BY = Actor.system("the mission's rule")

_ACTIVE = PreparedQuery(lambda: Mission.objects.filter(active=True).order_by("pk"))


class NothingToReissue(Refusal):
    title = "Nothing to issue again"


def settle(profile_ids: Collection[int], *, organization: Organization) -> None:
    """Make the completions and rewards of these customers agree with what they did; one query without a mission.

    Idempotent; late facts, any order of them, merges and their undo end in the same completions.
    """
    if not profile_ids:
        return
    active = _ACTIVE()
    if not active:
        return
    former = looking.former(active)
    terms = [one for mission in active for one in (mission.terms, *(row.terms(mission) for row in former[mission.pk]))]
    deeds = looking.deeds(profile_ids, terms)
    known = _known(profile_ids, active)
    wanted: dict[tuple[int, int], dict[str, Deed]] = {
        (mission.pk, profile_id): missions.completed(mission.terms, done)
        for mission in active
        for profile_id, done in deeds.items()
        if profile_id in profile_ids
    }
    fresh = [
        MissionCompletion(
            organization_id=organization.pk,
            mission=mission,
            profile_id=profile_id,
            holder=profile_id,
            period=period,
            fact=deed.name,
            completed_at=deed.at,
        )
        for mission in active
        for profile_id in deeds
        for period, deed in wanted.get((mission.pk, profile_id), {}).items()
        if (mission.pk, profile_id, period) not in known
    ]
    fresh = _insert(fresh)
    before = {row.pk: row.state for rows in known.values() for row in rows}
    kept = _kept(known, active, former, deeds)
    changed = _changed(known, {mission.pk: mission for mission in active}, wanted, kept)
    bulk.update(MissionCompletion, changed, ["state", "fact", "completed_at"])
    if fresh or changed:
        _reward(fresh, [row for row in changed if before[row.pk] != row.state], organization)


def _known(
    profile_ids: Collection[int], active: Sequence[Mission]
) -> dict[tuple[int, int, str], list[MissionCompletion]]:
    rows = (
        MissionCompletion.objects.select_for_update(of=("self",), no_key=True)
        .filter(profile__in=profile_ids, mission__in=active)
        .order_by("pk")
    )
    found: dict[tuple[int, int, str], list[MissionCompletion]] = defaultdict(list)
    for row in rows:
        found[row.mission_id, row.profile_id, row.period].append(row)
    return dict(found)


def _insert(fresh: Sequence[MissionCompletion]) -> list[MissionCompletion]:
    """Another customer may hold the period under this one's number since a merge was undone; then theirs stays."""
    if not fresh:
        return []
    bulk.insert(MissionCompletion, fresh, ignore_conflicts=True)
    keys = {(row.mission_id, row.holder, row.period) for row in fresh}
    rows = MissionCompletion.objects.filter(
        mission__in={row.mission_id for row in fresh}, holder__in={row.holder for row in fresh}
    )
    already = set(MissionEntry.objects.filter(completion__in=rows).values_list("completion_id", flat=True))
    return [row for row in rows if (row.mission_id, row.holder, row.period) in keys and row.pk not in already]


def _kept(
    known: Mapping[tuple[int, int, str], Sequence[MissionCompletion]],
    active: Sequence[Mission],
    former: Mapping[int, Sequence[FormerTerms]],
    deeds: Mapping[int, Sequence[Deed]],
) -> dict[int, Deed]:
    """By completion, the deed that still earns it by terms that held when it was earned."""
    by_pk = {mission.pk: mission for mission in active}
    found = {}
    for (mission_id, profile_id, period), rows in known.items():
        for terms in former[mission_id]:
            earned = missions.completed(terms.terms(by_pk[mission_id]), deeds.get(profile_id, ()))
            if (deed := earned.get(period)) is not None:
                found.update({row.pk: deed for row in rows if row.created_at <= terms.replaced_at})
    return found


def _changed(
    known: Mapping[tuple[int, int, str], Sequence[MissionCompletion]],
    active: Mapping[int, Mission],
    wanted: Mapping[tuple[int, int], Mapping[str, Deed]],
    kept: Mapping[int, Deed],
) -> list[MissionCompletion]:
    """The rows whose state, or whose completing fact, is another now."""
    changed = []
    for (mission_id, profile_id, period), rows in known.items():
        now = wanted.get((mission_id, profile_id), {}).get(period)
        first = min(rows, key=lambda row: row.pk)
        for row in rows:
            deed = now or kept.get(row.pk)
            before = (row.state, row.fact, row.completed_at)
            if deed is None:
                row.state = State.KEPT if active[mission_id].keeps else State.WITHDRAWN
            else:
                row.state = State.COMPLETED if row is first else State.DOUBLED
                row.fact, row.completed_at = deed.name, deed.at
            if before != (row.state, row.fact, row.completed_at):
                changed.append(row)
    return changed


def _reward(
    fresh: Sequence[MissionCompletion], turned: Sequence[MissionCompletion], organization: Organization
) -> None:
    """Grant what is new, revoke and restore what changed, and log each."""
    log = [mission_logs.entry(row, Kind.COMPLETED, by=BY, because=f"By {row.fact}", product_id=None) for row in fresh]
    log += _grant(fresh, organization.pk)
    log += _judge(turned)
    log += [
        mission_logs.entry(row, Kind.KEPT, by=BY, because="What earned it was taken back", product_id=None)
        for row in turned
        if row.state == State.KEPT
    ]
    _log(log)


def _grant(
    rows: Sequence[MissionCompletion], organization_id: int, promised: Sequence[looking.Reward] | None = None
) -> list[MissionEntry]:
    """Grant these completions the rewards of their missions, or those that were `promised`."""
    if not rows:
        return []
    if promised is None:
        promised = looking.rewards({row.mission_id for row in rows})
    by_mission: dict[int, list[looking.Reward]] = defaultdict(list)
    for reward in promised:
        by_mission[reward.mission_id].append(reward)
    held = gifts.contents({r.product.pk: r.product for f in by_mission.values() for r in f if r.product}.values())
    titles = dict(Mission.objects.filter(pk__in=by_mission).values_list("pk", "title"))
    made: list[Gift] = []
    log: list[MissionEntry] = []
    for row in rows:
        for reward in by_mission[row.mission_id]:
            products = held.get(reward.product.pk, []) if reward.product else []
            if not products:
                because = f"{reward.sku}: {reward.wrong}"
                log.append(mission_logs.entry(row, Kind.UNGRANTABLE, by=BY, because=because, product_id=None))
            for product in products:
                made.append(_gift(row, product, titles[row.mission_id]))
                log.append(mission_logs.entry(row, Kind.GRANTED, by=BY, because="", product_id=product.pk))
    gifts.give(made, organization_id=organization_id)
    return log


def _gift(row: MissionCompletion, product: Product, title: str) -> Gift:
    return Gift(
        profile_id=row.profile_id,
        product=product,
        source=Entitlement.Source.REWARD,
        key=mission_logs.key(row, product.pk),
        because=f"Reward of {title}",
    )


def _judge(turned: Sequence[MissionCompletion]) -> list[MissionEntry]:
    """Revoke the rewards of what was withdrawn, restore those of what stands again."""
    by_pk = {row.pk: row for row in turned}
    verdicts = []
    for entitlement in granted(turned):
        row = by_pk[mission_logs.completion_of(entitlement) or 0]
        stands = row.state in HOLDS
        verdict = (
            Verdict(Status.ACTIVE, "Reward of a mission")
            if stands
            else Verdict(Status.REVOKED, "What earned this reward was taken back")
        )
        verdicts.append((entitlement, verdict, stands))
    before = {entitlement.pk: entitlement.downloadable for entitlement, _, _ in verdicts}
    changed = gifts.judge([(entitlement, verdict) for entitlement, verdict, _ in verdicts])
    return [
        mission_logs.entry(
            by_pk[mission_logs.completion_of(entitlement) or 0],
            Kind.RESTORED if entitlement.downloadable else Kind.REVOKED,
            by=BY,
            because=entitlement.because,
            product_id=entitlement.product_id,
        )
        for entitlement in changed
        if before[entitlement.pk] != entitlement.downloadable
    ]


def granted(rows: Iterable[MissionCompletion]) -> list[Entitlement]:
    """The rewards of the good issue of these completions. Two queries."""
    found = {row.pk: row for row in rows}
    if not found:
        return []
    pairs = set(
        MissionEntry.objects.filter(completion__in=found, product__isnull=False).values_list(
            "completion_id", "product_id"
        )
    )
    keys = [mission_logs.key(found[completion], product) for completion, product in pairs]
    return list(Entitlement.objects.filter(source_key__in=keys).select_related("product").order_by("pk"))


def reissue(completion: MissionCompletion, *, by: Actor, because: str) -> int:
    """Revoke the reward and give what was promised when it was earned anew, with new links; returns how many products.

    Raises NothingToReissue where the completion does not stand, or nothing of its reward can be delivered.
    """
    by.require("manage_coupons")
    reason = audit.require_reason(because)
    with transaction.atomic():
        row = (
            MissionCompletion.objects.select_for_update(of=("self",), no_key=True)
            .select_related("mission")
            .get(pk=completion.pk)
        )
        if row.state not in HOLDS:
            raise NothingToReissue(f"It does not stand: {row.get_state_display().lower()}.")
        for entitlement in granted([row]):
            if entitlement.status != Status.REVOKED:
                entitlements.revoke(entitlement, by=by, because=reason)
        row.issue += 1
        row.save(update_fields=["issue"])
        log = [line for line in _grant([row], row.organization_id, looking.promised(row)) if line.kind == Kind.GRANTED]
        if not log:
            raise NothingToReissue("None of its rewards can be delivered: look at the mission's page.")
        for line in log:
            line.kind, line.who, line.because, line.act = Kind.REISSUED, by.label[:200], reason[:500], by.act
        _log(log)
        settlement.request(row.organization_id, profiles=[row.profile_id])
        audit.record(
            "mission.reward_reissued",
            by=by,
            subject=row,
            because=reason,
            profile_id=row.profile_id,
            details={"mission": row.mission_id, "issue": row.issue},
        )
    return len(log)


def _log(lines: Sequence[MissionEntry]) -> None:
    if lines:
        at = clock.now()
        for line in lines:
            line.at = at
        bulk.insert(MissionEntry, lines)

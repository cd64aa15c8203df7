"""Making, changing, starting and stopping missions, and saying what they give."""

import re
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q

from fulfillment import missions
from fulfillment.models import FormerTerms, Mission, MissionReward
from orders.models import Order
from profiles import clock
from profiles.actions import audit, settlement, turns
from profiles.actors import Actor, Invalid, Refusal
from profiles.models import Event, Organization

MOST_TIMES = 1000
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,59}", re.ASCII)


class SlugTaken(Refusal):
    title = "Name taken"


class AlreadySo(Refusal):
    title = "Nothing to change"


def add(
    *,
    organization: Organization,
    slug: str,
    title: str,
    rule: str,
    rewards: Sequence[str],
    by: Actor,
    because: str,
    event_type: str = "",
    times: int = 1,
    skus: Sequence[str] = (),
    period: str = Mission.Period.ONCE,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    keeps: bool = False,
) -> Mission:
    """A new mission; what customers did since it starts counts at once. Raises Invalid or SlugTaken."""
    by.require("manage_coupons")
    reason = audit.require_reason(because)
    if not SLUG.fullmatch(slug):
        raise Invalid("A mission's name in addresses: small letters, digits and hyphens, at most 60.")
    if rule not in Mission.Rule.values or period not in Mission.Period.values:
        raise Invalid("That is no rule or period of missions.")
    if rule == Mission.Rule.EVENTS and not event_type.strip():
        raise Invalid("Say which kind of event counts, such as review.")
    starts = starts_at or clock.now()
    wanted = _checked(title, times, starts, ends_at, rewards)
    if Mission.objects.filter(slug=slug).exists():
        raise SlugTaken(f"There is a mission {slug} already.")
    mission = Mission.objects.create(
        organization=organization,
        slug=slug,
        title=title.strip()[:200],
        rule=rule,
        event_type=event_type.strip()[:60],
        times=times,
        skus=sorted({sku.strip() for sku in skus if sku.strip()}),
        period=period,
        starts_at=starts,
        ends_at=ends_at,
        keeps=keeps,
    )
    MissionReward.objects.bulk_create(
        MissionReward(organization=organization, mission=mission, sku=sku[:100]) for sku in wanted
    )
    audit.record("mission.added", by=by, subject=mission, because=reason, details={"slug": slug, "rewards": wanted})
    look_again(mission)
    return mission


def change(
    mission: Mission,
    *,
    title: str,
    times: int,
    starts_at: datetime,
    ends_at: datetime | None,
    rewards: Sequence[str],
    by: Actor,
    because: str,
) -> int:
    """Other terms from now on; who completed it keeps what they earned. Returns how many customers are looked at again.

    What completes it, and how often, stay: they make another mission. Raises Invalid or AlreadySo.
    """
    by.require("manage_coupons")
    reason = audit.require_reason(because)
    wanted = _checked(title, times, starts_at, ends_at, rewards)
    # Nothing settles meanwhile, so that each completion was earned before the change or after it.
    turns.alone(mission.organization_id)
    row = Mission.objects.select_for_update(no_key=True).get(pk=mission.pk)
    had = sorted(MissionReward.objects.filter(mission=row).values_list("sku", flat=True))
    former = {"title": row.title, "times": row.times, "starts_at": row.starts_at, "ends_at": row.ends_at}
    new = {"title": title.strip()[:200], "times": times, "starts_at": starts_at, "ends_at": ends_at}
    told = {name: [_told(former[name]), _told(new[name])] for name in new if former[name] != new[name]}
    if had != sorted(wanted):
        told["rewards"] = [", ".join(had), ", ".join(wanted)]
    if not told:
        raise AlreadySo("These are its terms already.")
    if told.keys() - {"title"}:
        FormerTerms.objects.create(
            organization_id=row.organization_id,
            mission=row,
            times=row.times,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            rewards=had,
        )
    for name, value in new.items():
        setattr(row, name, value)
    row.save(update_fields=list(new))
    MissionReward.objects.filter(mission=row).exclude(sku__in=wanted).delete()
    MissionReward.objects.bulk_create(
        MissionReward(organization_id=row.organization_id, mission=row, sku=sku) for sku in wanted if sku not in had
    )
    audit.record("mission.changed", by=by, subject=row, because=reason, details=told)
    return look_again(row) if row.active and told.keys() - {"title"} else 0


def stop(mission: Mission, *, by: Actor, because: str) -> None:
    """Nobody completes it from now on; who has keeps what they got. Raises AlreadySo. Inverse: start."""
    _turn(mission, False, by=by, because=because)


def start(mission: Mission, *, by: Actor, because: str) -> None:
    """It counts again, also what was done meanwhile. Raises AlreadySo. Inverse: stop."""
    _turn(mission, True, by=by, because=because)
    look_again(mission)


def look_again(mission: Mission) -> int:
    """Have everybody settled who did something it may count; returns how many customers."""
    found = concerned(mission, since=mission.starts_at)
    settlement.request(mission.organization_id, profiles=found)
    return len(found)


def concerned(mission: Mission, *, since: datetime) -> set[int]:
    """The customers who did something since then that this mission may count."""
    names = missions.types([mission.terms])
    did = Event.objects.filter(type__in=names, occurred_at__gte=since, profile__isnull=False)
    found = set(did.values_list("profile_id", flat=True))
    if mission.rule == Mission.Rule.PURCHASES:
        bought = Order.objects.filter(Q(profile__isnull=False), placed_at__gte=since)
        found |= set(bought.values_list("profile_id", flat=True))
    return {pk for pk in found if pk is not None}


def _checked(
    title: str, times: int, starts_at: datetime, ends_at: datetime | None, rewards: Sequence[str]
) -> list[str]:
    """The rewards, tidied. Raises Invalid for terms that no mission can have."""
    if not title.strip() or not 1 <= times <= MOST_TIMES:
        raise Invalid(f"A mission needs a title, and counts from one to {MOST_TIMES:,}.")
    if ends_at is not None and ends_at <= starts_at:
        raise Invalid("It ends before it begins.")
    wanted = list(dict.fromkeys(sku.strip()[:100] for sku in rewards if sku.strip()))
    if not wanted:
        raise Invalid("A mission gives at least one product.")
    return wanted


def _told(value: object) -> str:
    """A value as the audit log has it."""
    return value.isoformat() if isinstance(value, datetime) else "" if value is None else str(value)


def _turn(mission: Mission, active: bool, *, by: Actor, because: str) -> None:
    by.require("manage_coupons")
    reason = audit.require_reason(because)
    if not Mission.objects.filter(pk=mission.pk, active=not active).update(active=active):
        raise AlreadySo(f"It is {'running' if active else 'stopped'} already.")
    audit.record("mission.started" if active else "mission.stopped", by=by, subject=mission, because=reason)
